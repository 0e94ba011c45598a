"""Reads a pickle of skeletons, of any joints and in two or three dimensions.

Shapes: P persons, F frames, K joints, C = 2 or 3 coordinates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ocec.apis.progress import track
from ocec.datasets.action_clip import (
    MAX_SCORE,
    ActionClip,
    ClipError,
    check_clip,
    describe_clip,
)
from ocec.datasets.action_pickle import read_pickle
from ocec.functional.ntu import NUM_CLASSES_60, NtuName, parse_ntu_name
from ocec.preparation.ntu_annotation import split_by_names
from ocec.preparation.skeleton_facts import SkeletonFacts, describe_skeletons


@dataclass(frozen=True, eq=False)
class ScannedClip:
    """A clip that can be used.

    Args:
        name: ``frame_dir``.
        label: >= 0.
        frame_hw: height and width of its frames in pixels; None in three dimensions.
        facts: of its skeletons.
        ntu: what its name says; None where it is no NTU name.
    """

    name: str
    label: int
    frame_hw: tuple[int, int] | None
    facts: SkeletonFacts
    ntu: NtuName | None


@dataclass(frozen=True, eq=False)
class SkeletonSet:
    """What a pickle holds.

    Args:
        file: where it is.
        num_dimensions: 2 or 3.
        num_joints: K.
        clips: those that can be used, by name.
        bad_clips: what is wrong with the others.
        splits: names of the clips of each split, in their order.
        splits_by_names: the file has none, they are those of NTU RGB+D.
        classes: names of the classes; empty where the file has none.
    """

    file: Path
    num_dimensions: int
    num_joints: int
    clips: dict[str, ScannedClip]
    bad_clips: list[str] = field(default_factory=list)
    splits: dict[str, list[str]] = field(default_factory=dict)
    splits_by_names: bool = False
    classes: tuple[str, ...] = ()


def scan_skeletons(file: Path, *, num_joints: int | None = None) -> SkeletonSet:
    """Read all clips of a pickle; nothing in it is executed.

    Args:
        file: in the layout of mmaction2 and pyskl.
        num_joints: K that every clip must have; None is that of most clips.

    Returns:
        The set.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged or no list of annotations, or its splits are no lists
            of names.
    """
    content = read_pickle(file)
    more = content if isinstance(content, dict) else {}
    annotations = more.get('annotations', content if not more else None)
    if not isinstance(annotations, list) or not annotations:
        raise ValueError(
            f'{file}: it must hold a list of annotations, or a dict with "annotations" '
            'and "split"'
        )
    num_joints = num_joints or _most_common_joints(annotations)
    is_solid = _is_solid(annotations)
    clips: dict[str, ScannedClip] = {}
    bad_clips = []
    items = track(annotations, total=len(annotations), what='reading clips')
    for number, annotation in enumerate(items):
        try:
            clip = _scan(annotation, num_joints, is_solid=is_solid)
            if clip.name in clips:
                raise ClipError('frame_dir: another clip has the same')
            clips[clip.name] = clip
        except ClipError as error:
            bad_clips.append(f'{describe_clip(annotation, number)}: {error}')
    splits = _read_splits(file, more.get('split'))
    classes = more.get('classes') or ()
    return SkeletonSet(
        file=file,
        num_dimensions=3 if is_solid else 2,
        num_joints=num_joints,
        clips=clips,
        bad_clips=bad_clips,
        splits=splits or _splits_by_names(clips),
        splits_by_names=not splits,
        classes=tuple(map(str, classes)) if isinstance(classes, list | tuple) else (),
    )


def _keypoints(annotations: Sequence[Any]) -> list[np.ndarray]:
    found = [note.get('keypoint') for note in annotations if isinstance(note, Mapping)]
    return [
        array for array in found if isinstance(array, np.ndarray) and array.ndim == 4
    ]


def _most_common_joints(annotations: Sequence[Any]) -> int:
    counts = Counter(array.shape[2] for array in _keypoints(annotations))
    return counts.most_common(1)[0][0] if counts else 17


def _is_solid(annotations: Sequence[Any]) -> bool:
    """Whether the skeletons have three dimensions, and not two with a score."""
    for note in annotations:
        keypoints = _keypoints([note])
        if not keypoints or not keypoints[0].size:
            continue
        if keypoints[0].shape[3] != 3:
            return False
        third = np.nan_to_num(keypoints[0][..., 2].astype(np.float32))
        is_score = not ((third < 0) | (third > MAX_SCORE)).any()
        return not (is_score and 'img_shape' in note)
    return False


def _scan(annotation: Any, num_joints: int, *, is_solid: bool) -> ScannedClip:
    if not is_solid:
        clip = check_clip(annotation, num_joints=num_joints)
        keypoint, score = clip.keypoint_PFKC[..., :2], clip.score_PFK
    else:
        clip = _check_solid(annotation, num_joints)
        keypoint, score = clip.keypoint_PFKC, None
    return ScannedClip(
        name=clip.name,
        label=clip.label,
        frame_hw=None if is_solid else clip.frame_hw,
        facts=describe_skeletons(keypoint, score),
        ntu=parse_ntu_name(clip.name),
    )


def _check_solid(annotation: Any, num_joints: int) -> ActionClip:
    """Check a clip in metres, which has neither frames nor scores."""
    if isinstance(annotation, Mapping):
        keypoint = annotation.get('keypoint')
        shape = getattr(keypoint, 'shape', ())
        if len(shape) == 4 and shape[3] != 3:
            raise ClipError(f'keypoint: others have 3 coordinates, it has {shape[3]}')
        flat = np.zeros(shape[:3]) if len(shape) == 4 else None
        annotation = {**annotation, 'img_shape': (1, 1), 'keypoint_score': flat}
    return check_clip(annotation, num_joints=num_joints)


def _read_splits(file: Path, splits: Any) -> dict[str, list[str]]:
    if splits is None:
        return {}
    found = {}
    for split, names in splits.items() if isinstance(splits, dict) else [('', None)]:
        names = names.tolist() if isinstance(names, np.ndarray) else names
        is_list = isinstance(names, list | tuple)
        if not is_list or not all(isinstance(name, str) for name in names):
            raise ValueError(f'{file}: "split" must be a dict of lists of names')
        found[str(split)] = list(names)
    return found


def _splits_by_names(clips: dict[str, ScannedClip]) -> dict[str, list[str]]:
    if not clips or any(clip.ntu is None for clip in clips.values()):
        return {}
    highest = max(clip.ntu.action for clip in clips.values())
    return split_by_names(list(clips), max(highest, NUM_CLASSES_60))
