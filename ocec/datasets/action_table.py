"""The clips of an annotation file: columns, and one block of all skeletons.

Shapes: N clips of the file, R skeletons (of each person and frame) of all clips, K
joints; P persons and F frames of one clip.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import torch
from torch import Tensor

from ocec.datasets.action_clip import (
    MAX_TEXT,
    ActionClip,
    ClipError,
    check_clip,
    describe_clip,
)
from ocec.datasets.action_pickle import read_pickle

NO_GROUP = -1
# the splits of a file share one table as long as one of them is in use
_OPEN_TABLES: WeakValueDictionary = WeakValueDictionary()


@dataclass(frozen=True, eq=False)
class ActionTable:
    """The clips of an annotation file; a clip that cannot be used has no skeletons.

    The block is a torch tensor, not an array: processes that are spawned then share its
    memory instead of getting a copy.

    Args:
        file: where they come from.
        name_N: (N,) text, ``frame_dir``.
        filename_N: (N,) text, of the video; empty where the file names none.
        label_N: (N,) int64 >= 0; -1 for a bad clip.
        frame_hw_N2: (N, 2) int64, height and width in pixels.
        num_persons_N: (N,) int64.
        num_frames_N: (N,) int64.
        start_N: (N,) int64, first row of each clip in the block; its frames of the
            first person, then those of the second.
        keypoint_RK2: (R, K, 2) float16 or float32 as in the file, x and y in pixels;
            both 0 where a joint is missing.
        score_RK: (R, K) of the same type, confidence; 0 where a joint is missing.
        group_N: (N,) int64, index into ``group_names``; -1 is unknown.
        group_names: of the subjects or recordings.
        splits: name of each split of the file to the numbers of its clips, rising.
        absent: name of each split of the file to those names that no clip has.
        classes: names of the classes, by label; empty where the file has none.
        bad_clips: number of each clip that cannot be used to what is wrong with it.
        nan_clips: numbers of the clips with coordinates or scores that are no numbers;
            those joints count as missing.
        empty_clips: numbers of the clips without any joint.
    """

    file: Path
    name_N: np.ndarray
    filename_N: np.ndarray
    label_N: np.ndarray
    frame_hw_N2: np.ndarray
    num_persons_N: np.ndarray
    num_frames_N: np.ndarray
    start_N: np.ndarray
    keypoint_RK2: Tensor
    score_RK: Tensor
    group_N: np.ndarray
    group_names: tuple[str, ...]
    splits: dict[str, np.ndarray] = field(default_factory=dict)
    absent: dict[str, tuple[str, ...]] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    bad_clips: dict[int, str] = field(default_factory=dict)
    nan_clips: tuple[int, ...] = ()
    empty_clips: tuple[int, ...] = ()

    def __len__(self) -> int:
        """Return the number of clips N."""
        return len(self.name_N)

    def skeletons(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the skeletons of a clip.

        Args:
            row: its number in [0, N).

        Returns:
            (P, F, K, 2) coordinates and (P, F, K) scores, views of the block.
        """
        shape = int(self.num_persons_N[row]), int(self.num_frames_N[row])
        start = int(self.start_N[row])
        rows = slice(start, start + shape[0] * shape[1])
        keypoint_RK2 = self.keypoint_RK2[rows].numpy()
        score_RK = self.score_RK[rows].numpy()
        return (
            keypoint_RK2.reshape(*shape, *keypoint_RK2.shape[1:]),
            score_RK.reshape(*shape, score_RK.shape[1]),
        )


def read_action_table(
    path: str | Path, *, num_joints: int = 17, group_by: str | None = None
) -> ActionTable:
    """Read the clips of an annotation file.

    The file is a dict with ``annotations`` and ``split``, as of mmaction2 and pyskl, or
    the bare list of annotations, see :func:`ocec.datasets.action_clip.check_clip`. A
    table that is in use already is not read again.

    Args:
        path: pickle; nothing in it is executed, see
            :func:`ocec.datasets.action_pickle.read_pickle`.
        num_joints: K that every clip must have.
        group_by: field that names the subject or recording; None takes the subject
            out of an NTU name.

    Returns:
        The table; clips that cannot be used are listed in it.

    Raises:
        FileNotFoundError: there is no such file.
        PickleError: it is no pickle of plain data.
        ValueError: it holds no list of annotations, or its splits are no lists of
            names.
    """
    path = Path(path)
    stat = path.stat()
    key = (path.resolve(), stat.st_mtime_ns, stat.st_size, num_joints, group_by)
    table = _OPEN_TABLES.get(key)
    if table is None:
        table = _read(path, num_joints=num_joints, group_by=group_by)
        _OPEN_TABLES[key] = table
    return table


def _read(path: Path, *, num_joints: int, group_by: str | None) -> ActionTable:
    content = read_pickle(path)
    annotations = content.get('annotations') if isinstance(content, dict) else content
    if not isinstance(annotations, list):
        raise ValueError(
            f'{path}: it must hold a list of annotations, or a dict with "annotations" '
            f'and "split"; it holds {_describe(content)}'
        )
    clips, bad_clips = _check_clips(annotations, num_joints, group_by)
    more = content if isinstance(content, dict) else {}
    groups = sorted({clip.group for clip in clips if clip and clip.group})
    code_of = {name: code for code, name in enumerate(groups)} | {'': NO_GROUP}
    num_rows_N = [_num_rows(clip) for clip in clips]
    block = _Block(clips, sum(num_rows_N), num_joints)
    name_N = np.array([_name_of(annotation) for annotation in annotations], str)
    splits, absent = _read_splits(path, more.get('split'), name_N)
    return ActionTable(
        file=path,
        name_N=name_N,
        filename_N=np.array([clip.filename if clip else '' for clip in clips], str),
        label_N=np.array([clip.label if clip else -1 for clip in clips], np.int64),
        frame_hw_N2=np.array(
            [clip.frame_hw if clip else (0, 0) for clip in clips], np.int64
        ).reshape(-1, 2),
        num_persons_N=_lengths(clips, 0),
        num_frames_N=_lengths(clips, 1),
        start_N=np.cumsum([0, *num_rows_N])[:-1].astype(np.int64),
        keypoint_RK2=torch.from_numpy(block.keypoint_RK2),
        score_RK=torch.from_numpy(block.score_RK),
        group_N=np.array(
            [code_of[clip.group if clip else ''] for clip in clips], np.int64
        ),
        group_names=tuple(groups),
        splits=splits,
        absent=absent,
        classes=_read_classes(path, more.get('classes')),
        bad_clips=bad_clips,
        nan_clips=tuple(block.nan_clips),
        empty_clips=tuple(block.empty_clips),
    )


def _describe(content: Any) -> str:
    if isinstance(content, dict):
        return f'a dict with {sorted(map(str, content))[:8]}'
    return type(content).__name__


def _check_clips(
    annotations: Sequence, num_joints: int, group_by: str | None
) -> tuple[list[ActionClip | None], dict[int, str]]:
    clips, bad_clips, number_of = [], {}, {}
    for number, annotation in enumerate(annotations):
        try:
            clip = check_clip(annotation, num_joints=num_joints, group_by=group_by)
            if (first := number_of.setdefault(clip.name, number)) != number:
                raise ClipError(f'frame_dir: clip number {first:,} has the same')
        except ClipError as error:
            bad_clips[number] = f'{describe_clip(annotation, number)}: {error}'
            clip = None
        clips.append(clip)
    return clips, bad_clips


def _name_of(annotation: Any) -> str:
    name = annotation.get('frame_dir') if isinstance(annotation, Mapping) else None
    return name[:MAX_TEXT] if isinstance(name, str) else ''


def _num_rows(clip: ActionClip | None) -> int:
    return clip.keypoint_PFKC.shape[0] * clip.keypoint_PFKC.shape[1] if clip else 0


def _lengths(clips: Sequence[ActionClip | None], axis: int) -> np.ndarray:
    lengths = [clip.keypoint_PFKC.shape[axis] if clip else 0 for clip in clips]
    return np.array(lengths, np.int64)


class _Block:
    """All skeletons in one array each, and what was found while they were copied."""

    def __init__(
        self, clips: Sequence[ActionClip | None], num_rows: int, num_joints: int
    ) -> None:
        usable = [clip.keypoint_PFKC.dtype for clip in clips if clip]
        is_half = bool(usable) and all(dtype == np.float16 for dtype in usable)
        dtype = np.float16 if is_half else np.float32
        self.keypoint_RK2 = np.empty((num_rows, num_joints, 2), dtype)
        self.score_RK = np.empty((num_rows, num_joints), dtype)
        self.nan_clips: list[int] = []
        self.empty_clips: list[int] = []
        start = 0
        for number, clip in enumerate(clips):
            if clip is not None:
                end = start + _num_rows(clip)
                self._copy(number, clip, slice(start, end))
                start = end

    def _copy(self, number: int, clip: ActionClip, rows: slice) -> None:
        keypoint_RK2, score_RK = self.keypoint_RK2[rows], self.score_RK[rows]
        shape = (len(keypoint_RK2), keypoint_RK2.shape[1], -1)
        with np.errstate(over='ignore'):  # what does not fit becomes infinite: missing
            keypoint_RK2[:] = clip.keypoint_PFKC.reshape(shape)[..., :2]
            if clip.score_PFK is None:  # a joint that is there counts in full
                score_RK[:] = keypoint_RK2.any(2)
            else:
                score_RK[:] = clip.score_PFK.reshape(shape[:2])
        finite_RK = np.isfinite(keypoint_RK2).all(2) & np.isfinite(score_RK)
        if not finite_RK.all():
            self.nan_clips.append(number)
            keypoint_RK2[~finite_RK] = 0
            score_RK[~finite_RK] = 0
        if not keypoint_RK2.any():
            self.empty_clips.append(number)


def rows_of_names(
    name_N: np.ndarray, names: Sequence[str]
) -> tuple[np.ndarray, list[str]]:
    """Find clips by their names.

    Args:
        name_N: (N,) text, of all clips; of equal ones the first counts.
        names: those to find, in any order.

    Returns:
        (S,) int64 numbers of the clips, rising, each once; and the names not found.

    Example:
        >>> rows_of_names(np.array(['a', 'b', 'c']), ['c', 'a', 'd'])
        (array([0, 2]), ['d'])
    """
    row_of: dict[str, int] = {}
    for row, name in enumerate(name_N.tolist()):
        row_of.setdefault(name, row)
    rows = sorted({row_of[name] for name in names if name in row_of})
    return np.array(rows, np.int64), [name for name in names if name not in row_of]


def _read_splits(path: Path, splits: Any, name_N: np.ndarray) -> tuple[dict, dict]:
    if splits is not None and not isinstance(splits, dict):
        raise ValueError(
            f'{path}: "split" must be a dict of lists of names, got '
            f'{type(splits).__name__}'
        )
    rows, absent = {}, {}
    for split, names in (splits or {}).items():
        names = names.tolist() if isinstance(names, np.ndarray) else names
        is_list = isinstance(names, list | tuple)
        if not is_list or not all(isinstance(name, str) for name in names):
            raise ValueError(f'{path}: split "{split}" must be a list of names')
        rows[str(split)], missing = rows_of_names(name_N, names)
        absent[str(split)] = tuple(name[:MAX_TEXT] for name in missing)
    return rows, absent


def _read_classes(path: Path, classes: Any) -> tuple[str, ...]:
    if classes is None:
        return ()
    if not isinstance(classes, list | tuple) or not all(
        isinstance(name, str) for name in classes
    ):
        raise ValueError(f'{path}: "classes" must be a list of names')
    return tuple(classes)
