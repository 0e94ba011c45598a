"""From a skeleton file of NTU RGB+D to an annotation as mmaction2 and pyskl read it.

Shapes: P persons, T frames, K = 25 joints, C coordinates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ocec.functional.ntu import NUM_CLASSES_60, is_training_clip, parse_ntu_name
from ocec.preparation.ntu_bodies import Person, choose_persons
from ocec.preparation.ntu_skeleton_file import (
    NUM_JOINTS,
    NtuBody,
    SkeletonFileError,
    read_skeleton_file,
)

COORDS = ('3d', 'color')
FRAMES = ('found', 'all')
DTYPES = ('float16', 'float32')
COLOUR_HW = (1080, 1920)
"""Height and width of the colour frames in pixels."""

STATE_SCORES = np.array([0.0, 0.5, 1.0])
"""Score of a joint that is not tracked, inferred, tracked: a Kinect gives no other."""

# no picture reaches so far, and float16 holds it
_MAX_PX = 2.0**15
_NAME_LENGTH = 20  # S001C001P001R001A001


@dataclass(frozen=True)
class NtuSettings:
    """How annotations are made.

    Args:
        coords: ``3d``: x, y, z in metres; ``color``: x, y in pixels of the colour
            frames, with scores.
        frames: ``all`` of the video; ``found``: those in which the Kinect followed any
            body, from the first to the last with a person that was chosen. None is
            ``found`` of ``3d``, as of pyskl, and ``all`` of ``color``, since frames of
            the video must have the same numbers.
        dtype: ``float32`` or ``float16``, whose steps are 2 mm from 2 to 4 metres, and
            1 pixel above 1024.

    Raises:
        ValueError: a setting is another.
    """

    coords: str = '3d'
    frames: str | None = None
    dtype: str = 'float32'

    def __post_init__(self) -> None:
        """Check the settings."""
        for name, allowed in (
            ('coords', COORDS),
            ('frames', (None, *FRAMES)),
            ('dtype', DTYPES),
        ):
            if getattr(self, name) not in allowed:
                raise ValueError(
                    f'{name} must be one of {allowed}, got {getattr(self, name)!r}'
                )

    @property
    def has_all_frames(self) -> bool:
        """Whether the frames are those of the video."""
        return (self.frames or FRAMES[self.coords == 'color']) == 'all'


def annotate_skeleton(path: Path, settings: NtuSettings) -> tuple[dict, Counter]:
    """Make the annotation of a file.

    Args:
        path: ``S001C001P001R001A001.skeleton``.
        settings: how.

    Returns:
        ``frame_dir``, ``label``, ``total_frames`` and ``keypoint`` (P, T, 25, 3), or
        (P, T, 25, 2) with ``keypoint_score`` (P, T, 25), ``img_shape`` and
        ``original_shape``, persons and joints that are not there being 0; and the
        counts of :func:`ocec.preparation.ntu_bodies.choose_persons`.

    Raises:
        SkeletonFileError: its name is no clip's, it is damaged, or no body is in it.
    """
    name = path.name[:_NAME_LENGTH]
    parsed = parse_ntu_name(name)
    if parsed is None or parsed.action < 1 or path.name != f'{name}{path.suffix}':
        raise SkeletonFileError(
            'it is not named like S001C001P001R001A001.skeleton: no label'
        )
    file = read_skeleton_file(path)
    if not file.bodies:
        raise SkeletonFileError(f'no body in any of its {file.num_frames:,} frames')
    persons, dropped = choose_persons(file.bodies)
    number_T = _numbers_of_frames(file.bodies, persons, file.num_frames, settings)
    annotation = {'frame_dir': name, 'label': parsed.action - 1}
    annotation['total_frames'] = len(number_T)
    if settings.coords == '3d':
        keypoint = _lay_out(persons, file.num_frames, lambda body: body.xyz_FK3)
        annotation['keypoint'] = keypoint[:, number_T].astype(settings.dtype)
    else:
        keypoint = _lay_out(persons, file.num_frames, _pixels_and_scores)[:, number_T]
        annotation['img_shape'] = annotation['original_shape'] = COLOUR_HW
        annotation['keypoint'] = keypoint[..., :2].astype(settings.dtype)
        annotation['keypoint_score'] = keypoint[..., 2].astype(settings.dtype)
    return annotation, dropped


def protocols_of(num_classes: int) -> tuple[str, ...]:
    """Name the protocols of NTU RGB+D 60, or of 120.

    Args:
        num_classes: of the data set.

    Returns:
        Two of :data:`ocec.functional.ntu.PROTOCOLS`.

    Example:
        >>> protocols_of(120)
        ('xsub', 'xset')
    """
    return ('xsub', 'xset' if num_classes > NUM_CLASSES_60 else 'xview')


def split_by_names(names: Sequence[str], num_classes: int) -> dict[str, list[str]]:
    """Split clips by the protocols of their data set.

    Args:
        names: of NTU clips.
        num_classes: of the data set: more than 60 takes those of NTU 120.

    Returns:
        ``xsub_train``, ``xsub_val`` and the two of the other protocol: their clips, in
        the order of the names.
    """
    parsed = {name: parse_ntu_name(name) for name in names}
    return {
        f'{protocol}_{side}': [
            name
            for name in names
            if is_training_clip(parsed[name], protocol, num_classes=num_classes)
            == (side == 'train')
        ]
        for protocol in protocols_of(num_classes)
        for side in ('train', 'val')
    }


def _numbers_of_frames(
    bodies: Sequence[NtuBody],
    persons: list[Person],
    num_frames: int,
    settings: NtuSettings,
) -> np.ndarray:
    if settings.has_all_frames:
        return np.arange(num_frames)
    found = np.unique(np.concatenate([body.frame_F for body in bodies]))
    chosen = np.concatenate([body.frame_F for person in persons for body in person])
    return found[(found >= chosen.min()) & (found <= chosen.max())]


def _lay_out(persons: list[Person], num_frames: int, values_of) -> np.ndarray:
    """Put the values of each body, (F, K, 3), into its own frames: (P, T, K, 3)."""
    values = np.zeros((len(persons), num_frames, NUM_JOINTS, 3))
    for number, person in enumerate(persons):
        for body in person:
            values[number, body.frame_F] = values_of(body)
    return values


def _pixels_and_scores(body: NtuBody) -> np.ndarray:
    x_FK, y_FK = np.moveaxis(body.colour_FK2, -1, 0)
    score_FK = STATE_SCORES[body.state_FK]
    # NaN is not below anything: joints that were not found in the colour frame
    found_FK = (np.abs(body.colour_FK2) < _MAX_PX).all(-1) & (score_FK > 0)
    return np.where(found_FK[..., None], np.stack([x_FK, y_FK, score_FK], -1), 0.0)
