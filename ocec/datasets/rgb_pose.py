"""Videos of actions: skeletons and RGB frames, read as whole batches.

Shapes: N videos in a batch, S of the split, M clips of a video, P persons, T frames, K
joints, h x w pixels.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from mmengine.logging import print_log
from torch.utils.data import Dataset

from ocec.datasets.action_selection import report_problems, select_clips
from ocec.datasets.action_split import shown_names
from ocec.datasets.action_table import NO_GROUP, ActionTable, read_action_table
from ocec.datasets.clip_batch import stack_samples
from ocec.datasets.clip_reader import ClipReader
from ocec.datasets.rgb_source import RgbSource, find_videos
from ocec.functional.ntu import ntu_classes, parse_ntu_name
from ocec.registry import DATASETS
from ocec.structures import ActionTargets


@DATASETS.register_module()
class RGBPose(Dataset):
    """Clips of actions with skeletons and, if there are videos, RGB frames.

    The RGB frames are every k-th of the pose frames, beginning with the first. One box
    around all persons of the whole video crops both. Skeletons stay in pixels of the
    frame, frames are cropped and resized: the rest is done in batches on the device.
    ``DataLoader`` calls ``__getitems__``, which returns the finished batch::

        dict(
            inputs=dict(
                frames=(N, M, T_rgb, h, w, 3) uint8 RGB,  # not without rgb
                keypoint=(N, M, P, T_pose, K, 2) float32,
                score=(N, M, P, T_pose, K) float32,
                box=(N, 4) float32,
                frame_hw=(N, 2) int64,
            ),
            data_samples=ActionTargets,
        )

    ``keypoint`` and ``box`` (x1, y1, x2, y2) are in pixels of the annotation's frame,
    whose height and width is ``frame_hw``. Persons that a video does not have are 0.

    Frames of training clips are drawn from a generator of this batch, seeded from
    torch's global CPU generator, which a training seeds for each batch; those of tests
    are always the same. Nothing touches NumPy's global generator.

    Args:
        annotations: pickle in the layout of mmaction2 and pyskl, see
            :func:`ocec.datasets.action_table.read_action_table`.
        split: see :func:`ocec.datasets.action_split.rows_of_split`; None is all clips.
        rgb: where the videos are, arguments of
            :func:`ocec.datasets.rgb_source.find_videos`: ``root``, ``layout`` and
            ``backend``. None leaves the frames out.
        num_pose_frames: T_pose >= 1, a multiple of T_rgb.
        num_rgb_frames: T_rgb >= 1.
        frame_size: (h, w) of the RGB frames in pixels.
        test_mode: the clips are always the same.
        num_clips: M >= 1 clips of a video; 1 in training.
        max_persons: P at most; those with the highest scores stay.
        num_joints: K that every clip must have.
        num_classes: labels must be below; None takes it from the file.
        box: arguments of :func:`ocec.functional.person_box.person_box`.
        left_out: text file of clips that are not used, such as NTU's list of missing
            skeletons, or their names.
        bad_clips: ``error``: stop at clips that cannot be used, at the start or when
            their video is read; ``skip``: leave them out and say how many.
        empty_clips: what to do with clips without any joint: ``keep``, ``skip`` or
            ``error``.
        group_by: field of the annotations that names the subject or recording; None
            takes the subject out of NTU names.

    Raises:
        FileNotFoundError: the annotations or the videos are not there.
        ValueError: an argument or a clip is wrong, or no clip is left; the message
            names the clip and the field.
    """

    def __init__(
        self,
        annotations: str | Path,
        split: str | None = None,
        *,
        rgb: Mapping | None = None,
        num_pose_frames: int = 48,
        num_rgb_frames: int = 16,
        frame_size: Sequence[int] = (224, 224),
        test_mode: bool = False,
        num_clips: int = 1,
        max_persons: int = 2,
        num_joints: int = 17,
        num_classes: int | None = None,
        box: Mapping | None = None,
        left_out: str | Path | Sequence[str] | None = None,
        bad_clips: str = 'error',
        empty_clips: str = 'keep',
        group_by: str | None = None,
    ) -> None:
        super().__init__()
        self.split = split
        self.reader = ClipReader(
            num_pose_frames=num_pose_frames,
            num_rgb_frames=num_rgb_frames,
            frame_size=frame_size,
            test_mode=test_mode,
            num_clips=num_clips,
            max_persons=max_persons,
            box=box,
            bad_clips=bad_clips,
        )
        self.table = _read_table(annotations, num_joints, group_by)
        self.num_classes = _num_classes(self.table, num_classes)
        rows, problems = select_clips(
            self.table,
            split,
            num_classes=self.num_classes,
            left_out=left_out,
            empty_clips=empty_clips,
        )
        self.rgb: RgbSource | None = None
        if rgb is not None:
            self.rgb, missing = find_videos(table=self.table, rows=rows, **rgb)
            problems += missing.values()
            rows = np.setdiff1d(rows, list(missing)).astype(np.int64)
        report_problems(problems, bad_clips)
        if not len(rows):
            raise ValueError(
                f'{self.table.file}: no usable clip in split "{split or "all"}"'
            )
        self._rows = rows
        print_log(str(self), logger='current', level=logging.INFO)

    @property
    def metainfo(self) -> dict:
        """Names of the classes, by label; the number where the file has no name."""
        names = self.table.classes
        is_ntu = parse_ntu_name(str(self.table.name_N[self._rows[0]])) is not None
        if not names and is_ntu:
            names = ntu_classes(self.num_classes) or ()
        rest = map(str, range(len(names), self.num_classes))
        return {'classes': (*names, *rest)[: self.num_classes]}

    @property
    def class_counts(self) -> tuple[int, ...]:
        """Clips of this split by label."""
        counts = np.bincount(self.labels, minlength=self.num_classes)
        return tuple(counts.tolist())

    @property
    def labels(self) -> np.ndarray:
        """Label of each clip: (S,) int64."""
        return self.table.label_N[self._rows]

    @property
    def rows(self) -> np.ndarray:
        """Number of each clip in ``table``: (S,) int64, rising."""
        return self._rows

    @property
    def ids(self) -> np.ndarray:
        """Name of each clip: (S,) text."""
        return self.table.name_N[self._rows]

    @property
    def group_ids(self) -> np.ndarray:
        """Subject or recording of each clip: (S,) int64; -1 where it is not known."""
        return self.table.group_N[self._rows]

    def indices_of(self, sample_ids: Sequence[int]) -> np.ndarray:
        """Return which clips of this split some samples are.

        Args:
            sample_ids: K row numbers, as in :class:`ocec.structures.ActionTargets`.

        Returns:
            (K,) int64 in [0, len(self)).

        Raises:
            ValueError: a number is not in this split.
        """
        row_K = np.asarray(sample_ids, dtype=np.int64)
        index_K = np.searchsorted(self._rows, row_K).clip(max=len(self) - 1)
        foreign_K = self._rows[index_K] != row_K
        if foreign_K.any():
            raise ValueError(
                f'{foreign_K.sum():,} of {len(row_K):,} samples are not in split '
                f'"{self.split}": {row_K[foreign_K][0]}'
            )
        return index_K

    def image_paths(self, sample_ids: Sequence[int]) -> list[str]:
        """Return the names of samples, which stand for the paths of pictures."""
        return self.ids[self.indices_of(sample_ids)].tolist()

    def fingerprint(self) -> dict:
        """Return what identifies these data in a run's provenance."""
        with open(self.table.file, 'rb') as stream:
            sha256 = hashlib.file_digest(stream, 'sha256').hexdigest()
        names = '\n'.join(self.ids.tolist()).encode()
        return {
            'split': self.split,
            'clips': len(self),
            'clips_sha256': hashlib.sha256(names).hexdigest(),
            'class_counts': list(self.class_counts),
            'file': str(self.table.file),
            'bytes': self.table.file.stat().st_size,
            'sha256': sha256,
            'videos': str(self.rgb.root) if self.rgb else None,
            'layout': self.rgb.layout if self.rgb else None,
        }

    def __len__(self) -> int:
        """Return the number of clips of this split S."""
        return len(self._rows)

    def __str__(self) -> str:
        """Return one line: split, clips, classes, groups and sources."""
        groups = np.unique(self.group_ids)
        num_groups = int((groups != NO_GROUP).sum())
        known = f'{num_groups:,} groups' if num_groups else 'no groups known'
        videos = f', {self.rgb.layout} videos in {self.rgb.root}' if self.rgb else ''
        return (
            f'{self.split or "all"}: {len(self):,} clips of '
            f'{np.count_nonzero(self.class_counts)} classes, {known}, from '
            f'{self.table.file}{videos}'
        )

    def __getitem__(self, index: int) -> dict:
        """Return a batch of one video."""
        return self.__getitems__([index])

    def __getitems__(self, indices: Sequence[int]) -> dict:
        """Return the finished batch of some videos.

        Args:
            indices: N numbers in [0, len(self)).

        Returns:
            As the class says; N is smaller by the videos that were left out because
            they cannot be read.

        Raises:
            ValueError: a video cannot be read and ``bad_clips`` is ``error``, or none
                of the batch can; the message names the clip.
        """
        # private: what another thread or library draws changes no clip
        random = np.random.RandomState(int(torch.randint(2**32, ())))
        row_N = self._rows[np.asarray(indices, dtype=np.int64)]
        read = self.reader.read
        videos = [read(self.table, row, self.rgb, random) for row in row_N.tolist()]
        samples = [sample for sample in videos if sample is not None]
        if not samples:
            names = shown_names(self.table.name_N[row_N].tolist())
            raise ValueError(f'no video of this batch can be read: {names}')
        row_N = np.array([sample.row for sample in samples])
        table = self.table
        return {
            'inputs': stack_samples(samples),
            'data_samples': ActionTargets(
                label_B=torch.from_numpy(table.label_N[row_N]),
                sample_id_B=torch.from_numpy(row_N),
                group_id_B=torch.from_numpy(table.group_N[row_N]),
            ),
        }


def _read_table(
    annotations: str | Path, num_joints: int, group_by: str | None
) -> ActionTable:
    path = Path(annotations).expanduser()
    if not path.is_file():
        raise FileNotFoundError(
            f'{path}: no such annotation file; docs/skeleton.md says how to get or '
            'make one'
        )
    return read_action_table(path, num_joints=num_joints, group_by=group_by)


def _num_classes(table: ActionTable, num_classes: int | None) -> int:
    if num_classes is not None:
        return num_classes
    return len(table.classes) or int(table.label_N.max(initial=-1)) + 1
