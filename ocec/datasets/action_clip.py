"""One clip of an annotation file: what its fields must hold.

Shapes: P persons, F frames, K joints.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from ocec.functional.ntu import parse_ntu_name

MAX_TEXT = 255
"""Characters of a name; one longer than any file's would fill the table."""

MAX_SCORE = 2
"""Peaks of heatmaps, which some call scores, reach a little above 1."""


class ClipError(ValueError):
    """A field of a clip cannot be used; the message names the field."""


@dataclass(frozen=True)
class ActionClip:
    """A clip as the file holds it, checked.

    Args:
        name: ``frame_dir``.
        label: >= 0.
        frame_hw: height and width of the frames that the coordinates count in, pixels.
        keypoint_PFKC: (P, F, K, 2) x and y in pixels, or (P, F, K, 3) with scores.
        score_PFK: (P, F, K); None where there are none.
        filename: of the video, relative to its folder; empty where the clip names none.
        group: subject or recording; empty where it is not known.
    """

    name: str
    label: int
    frame_hw: tuple[int, int]
    keypoint_PFKC: np.ndarray
    score_PFK: np.ndarray | None
    filename: str
    group: str


def check_clip(
    annotation: Any, *, num_joints: int, group_by: str | None = None
) -> ActionClip:
    """Check the fields of a clip.

    Args:
        annotation: dict with ``frame_dir``, ``label``, ``img_shape``,
            ``total_frames``, ``keypoint`` (P, F, K, 2 or 3) and ``keypoint_score``
            (P, F, K). Where ``keypoint_score`` is missing, a third channel is the
            score.
        num_joints: K that is expected.
        group_by: field that names the subject or recording; None takes the subject
            out of an NTU name.

    Returns:
        The clip; its arrays are those of the annotation.

    Raises:
        ClipError: a field is missing or wrong.

    Source:
        The layout of mmaction2 and pyskl:
        https://github.com/open-mmlab/mmaction2/blob/main/tools/data/skeleton/README.md
    """
    if not isinstance(annotation, Mapping):
        raise ClipError(f'it must be a dict, got {type(annotation).__name__}')
    keypoint_PFKC = _keypoint(annotation, num_joints)
    name = _relative_path(annotation, 'frame_dir')
    if not name:
        raise ClipError('frame_dir: it is empty')
    _check_total_frames(annotation, keypoint_PFKC.shape[1])
    filename = ''
    if annotation.get('filename') is not None:
        filename = _relative_path(annotation, 'filename')
    return ActionClip(
        name=name,
        label=_whole(annotation, 'label', minimum=0),
        frame_hw=_frame_hw(annotation),
        keypoint_PFKC=keypoint_PFKC,
        score_PFK=_score(annotation, keypoint_PFKC),
        filename=filename,
        group=_group(annotation, name, group_by),
    )


def describe_clip(annotation: Any, number: int) -> str:
    """Name a clip in a message, even one that has no name.

    Args:
        annotation: whatever the file holds in its place.
        number: its place in the file, from 0.

    Returns:
        ``clip "S001C001P001R001A001"`` or ``clip number 7``.

    Example:
        >>> describe_clip({'label': 0}, 7)
        'clip number 7'
    """
    name = annotation.get('frame_dir') if isinstance(annotation, Mapping) else None
    if isinstance(name, str) and 0 < len(name) <= MAX_TEXT:
        return f'clip "{name}"'
    return f'clip number {number:,}'


def _field(annotation: Mapping, field: str) -> Any:
    if field not in annotation:
        found = ', '.join(sorted(str(key)[:30] for key in annotation)[:12])
        raise ClipError(f'{field}: it is missing; found {found or "no field"}')
    return annotation[field]


def _shown(value: Any) -> str:
    """Show a short value, and of others only the type: a list may nest without end."""
    is_short = isinstance(value, str | int | float | np.number) or value is None
    return repr(value)[:60] if is_short else type(value).__name__


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _whole(annotation: Mapping, field: str, *, minimum: int) -> int:
    value = _field(annotation, field)
    if not _is_whole(value) or not minimum <= value < 2**31:
        raise ClipError(
            f'{field}: it must be a whole number >= {minimum}, got {_shown(value)}'
        )
    return int(value)


def _relative_path(annotation: Mapping, field: str) -> str:
    value = _field(annotation, field)
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise ClipError(
            f'{field}: it must be a text of at most {MAX_TEXT} characters, got '
            f'{_shown(value)}'
        )
    # videos are looked for under this name: it must not lead out of their folder
    path = PurePosixPath(value.replace('\\', '/'))
    if path.is_absolute() or '..' in path.parts or '\0' in value:
        raise ClipError(f'{field}: it leads out of the folder of videos: {value!r}')
    return value


def _frame_hw(annotation: Mapping) -> tuple[int, int]:
    value = _field(annotation, 'img_shape')
    is_pair = isinstance(value, tuple | list | np.ndarray) and len(value) >= 2
    sides = tuple(value[:2]) if is_pair else ()
    if not sides or not all(_is_whole(side) and 0 < side < 2**16 for side in sides):
        shown = f'({", ".join(map(_shown, sides))})' if sides else _shown(value)
        raise ClipError(
            f'img_shape: it must be (height, width) of the frames in pixels, got '
            f'{shown}'
        )
    return int(sides[0]), int(sides[1])


def _keypoint(annotation: Mapping, num_joints: int) -> np.ndarray:
    keypoint = _field(annotation, 'keypoint')
    if not isinstance(keypoint, np.ndarray) or keypoint.dtype.kind not in 'fiu':
        raise ClipError(
            f'keypoint: it must be an array of numbers, got {_type_of(keypoint)}'
        )
    if keypoint.ndim != 4 or keypoint.shape[3] not in (2, 3):
        raise ClipError(
            'keypoint: it must have the shape (persons, frames, joints, 2 or 3), got '
            f'{keypoint.shape}'
        )
    if keypoint.shape[2] != num_joints:
        raise ClipError(
            f'keypoint: it has {keypoint.shape[2]} joints, {num_joints} are expected '
            '(num_joints)'
        )
    if 0 in keypoint.shape[:2]:
        raise ClipError(
            f'keypoint: it holds no person or no frame, its shape is {keypoint.shape}'
        )
    return keypoint


def _type_of(value: Any) -> str:
    is_array = isinstance(value, np.ndarray)
    return f'an array of {value.dtype}' if is_array else type(value).__name__


def _score(annotation: Mapping, keypoint_PFKC: np.ndarray) -> np.ndarray | None:
    score = annotation.get('keypoint_score')
    expected = keypoint_PFKC.shape[:3]
    if score is None:
        return _third_channel(keypoint_PFKC) if keypoint_PFKC.shape[3] == 3 else None
    if not isinstance(score, np.ndarray) or score.dtype.kind not in 'fiu':
        raise ClipError(
            f'keypoint_score: it must be an array of numbers, got {_type_of(score)}'
        )
    if score.shape == (*expected, 1):
        score = score[..., 0]
    if score.shape != expected:
        raise ClipError(
            f'keypoint_score: its shape {score.shape} does not belong to keypoint, '
            f'which asks for {expected}'
        )
    return score


def _third_channel(keypoint_PFK3: np.ndarray) -> np.ndarray:
    score_PFK = keypoint_PFK3[..., 2]
    if ((score_PFK < 0) | (score_PFK > MAX_SCORE)).any():
        raise ClipError(
            'keypoint: without keypoint_score its third channel must be a score in '
            f'[0, {MAX_SCORE}]; skeletons in three dimensions are not read'
        )
    return score_PFK


def _check_total_frames(annotation: Mapping, num_frames: int) -> None:
    if 'total_frames' not in annotation:
        return
    declared = _whole(annotation, 'total_frames', minimum=1)
    if declared != num_frames:
        raise ClipError(
            f'total_frames: it says {declared}, keypoint holds {num_frames} frames'
        )


def _group(annotation: Mapping, name: str, group_by: str | None) -> str:
    if group_by is None:
        parsed = parse_ntu_name(name)
        return '' if parsed is None else f'P{parsed.subject:03d}'
    value = annotation.get(group_by)
    if value is None:
        return ''
    if not isinstance(value, str) and not _is_whole(value):
        raise ClipError(f'{group_by}: it must be text or a number, got {_shown(value)}')
    return str(value)[:MAX_TEXT]
