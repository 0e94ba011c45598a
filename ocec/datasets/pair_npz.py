"""Pairs of digits from npz files, read as whole batches.

Shapes: B pairs in a batch, N pairs of the split, 2 sides of 28 x 28 pixels.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from mmengine.logging import print_log
from torch.utils.data import Dataset

from ocec.datasets.pair_file import SIDE_PX, UNKNOWN, read_pairs
from ocec.datasets.pixel_digests import digest_images
from ocec.functional.digit_pairs import CLASS_NAMES, LEFT_LARGER, LEFT_SMALLER
from ocec.functional.json_text import read_json
from ocec.registry import DATASETS
from ocec.structures import PairTargets

SPLITS = ('train', 'val', 'stack', 'test')
META_FILE = 'meta.json'


@DATASETS.register_module()
class PairNpz(Dataset):
    """Pairs of digits; the label says whether the left one is larger.

    A split lies in memory whole (1,568 bytes a pair). ``DataLoader`` calls
    ``__getitems__``, which returns the finished batch::

        dict(inputs=(B, 2, 28, 28) uint8, data_samples=PairTargets)

    Args:
        data: folder with ``train.npz``, ``val.npz``, ``stack.npz`` and ``test.npz``, or
            one npz file, see :func:`ocec.datasets.pair_file.read_pairs`.
        split: ``train``, ``val``, ``stack`` or ``test``: which file of a folder; of one
            file only the name.
        labels: CSV with the columns ``id`` and ``label``, in place of ``y`` in the npz;
            joined by id.
        need_labels: refuse pairs without labels; else their label is -1.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: an argument or the content of a file is wrong; the message names
            the file.
    """

    METAINFO = {'classes': CLASS_NAMES}
    #: nothing is drawn while pairs are read
    pipeline = None
    image_size = (SIDE_PX, SIDE_PX)

    def __init__(
        self,
        data: str | Path,
        split: str,
        *,
        labels: str | Path | None = None,
        need_labels: bool = True,
    ) -> None:
        super().__init__()
        if split not in SPLITS:
            raise ValueError(f'split must be one of {SPLITS}, got {split!r}')
        self.split = split
        path = Path(data).expanduser()
        self.meta = {}
        if path.is_dir():
            meta = path / META_FILE
            self.meta = read_json(meta, dict) if meta.is_file() else {}
            path = path / f'{split}.npz'
        self.table = read_pairs(
            path,
            labels=None if labels is None else Path(labels).expanduser(),
            need_labels=need_labels,
        )
        self._labels_file = labels
        print_log(str(self), logger='current', level=logging.INFO)

    @property
    def metainfo(self) -> dict:
        """Names of the classes, by label."""
        return dict(self.METAINFO)

    @property
    def class_counts(self) -> tuple[int, int]:
        """Pairs of this split: (left smaller, left larger)."""
        label_N = self.labels
        return int((label_N == LEFT_SMALLER).sum()), int((label_N == LEFT_LARGER).sum())

    @property
    def labels(self) -> np.ndarray:
        """Label of each pair: (N,) int8, 1 left larger, 0 left smaller, -1 unknown."""
        return self.table.label_N

    @property
    def group_ids(self) -> np.ndarray:
        """Block of each pair: (N,) int32; -1 where it is not known."""
        return self.table.block_N

    @property
    def ids(self) -> np.ndarray:
        """Name of each pair: (N,) text, as in the npz."""
        return self.table.id_N

    @property
    def digits(self) -> np.ndarray:
        """Digits of each pair: (N, 2) int8 in [0, 9]; -1 where they are not known."""
        return self.table.digit_N2

    @property
    def occluded(self) -> np.ndarray:
        """Covered share of each side: (N, 2) float32 in [0, 1]; NaN where unknown."""
        return self.table.occluded_N2

    @property
    def source_fingerprint(self) -> str | None:
        """What the numbers of ``source_digits`` count in; None if it is not known."""
        return self.meta.get('source_fingerprint')

    def source_digits(self) -> np.ndarray:
        """Return the numbers of the source digits of this split, sorted, each once."""
        numbers = np.unique(self.table.source_N2)
        return numbers[numbers != UNKNOWN]

    def pixel_digests(self) -> np.ndarray:
        """Hash the pixels of each pair.

        Returns:
            (N, 2) uint64, equal where the pixels of both sides are; 0 for a pair of
            one colour.
        """
        return digest_images(self.table.x_N2HW.reshape(len(self), -1, SIDE_PX, 1))

    def indices_of(self, sample_ids: Sequence[int]) -> np.ndarray:
        """Return which pairs of this split some samples are.

        Args:
            sample_ids: K row numbers, as in :class:`ocec.structures.PairTargets`.

        Returns:
            (K,) int64 in [0, len(self)): the same numbers.

        Raises:
            ValueError: a number is not in this split.
        """
        row_K = np.asarray(sample_ids, dtype=np.int64)
        foreign_K = (row_K < 0) | (row_K >= len(self))
        if foreign_K.any():
            raise ValueError(
                f'{foreign_K.sum():,} of {len(row_K):,} samples are not in split '
                f'"{self.split}", whose rows are 0 to {len(self) - 1:,}: '
                f'{row_K[foreign_K][0]}'
            )
        return row_K

    def fingerprint(self) -> dict:
        """Return what identifies these data in a run's provenance."""
        smaller, larger = self.class_counts
        with open(self.table.file, 'rb') as stream:
            sha256 = hashlib.file_digest(stream, 'sha256').hexdigest()
        return {
            'split': self.split,
            'left_smaller': smaller,
            'left_larger': larger,
            'file': str(self.table.file),
            'bytes': self.table.file.stat().st_size,
            'sha256': sha256,
            'labels': None if self._labels_file is None else str(self._labels_file),
            'source_fingerprint': self.source_fingerprint,
        }

    def image_paths(self, sample_ids: Sequence[int]) -> list[str]:
        """Return the ids of samples, which stand for the paths of pictures."""
        return self.table.id_N[self.indices_of(sample_ids)].tolist()

    def __len__(self) -> int:
        """Return the number of pairs of this split."""
        return len(self.table.label_N)

    def __str__(self) -> str:
        """Return one line: split, pairs by class, blocks and source."""
        smaller, larger = self.class_counts
        blocks = np.unique(self.group_ids)
        num_blocks = int((blocks != UNKNOWN).sum())
        known = f'{num_blocks:,} blocks' if num_blocks else 'no blocks known'
        return (
            f'{self.split}: {len(self):,} pairs ({smaller:,} left smaller, {larger:,} '
            f'left larger), {known}, from {self.table.file}'
        )

    def __getitem__(self, index: int) -> dict:
        """Return a batch of one pair."""
        return self.__getitems__([index])

    def __getitems__(self, indices: Sequence[int]) -> dict:
        """Return the finished batch of some pairs.

        Args:
            indices: B numbers in [0, len(self)).

        Returns:
            ``inputs``: (B, 2, 28, 28) uint8, left and right; ``data_samples``:
            :class:`ocec.structures.PairTargets`.
        """
        rows_B = np.asarray(indices, dtype=np.int64)
        table = self.table
        return {
            'inputs': torch.from_numpy(table.x_N2HW[rows_B]),
            'data_samples': PairTargets(
                label_B=torch.from_numpy(table.label_N[rows_B]).long(),
                sample_id_B=torch.from_numpy(rows_B),
                group_id_B=torch.from_numpy(table.block_N[rows_B]).long(),
                digit_B2=torch.from_numpy(table.digit_N2[rows_B]).long(),
            ),
        }
