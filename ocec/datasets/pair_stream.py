"""Pairs of digits drawn anew whenever they are asked for.

Shapes: B pairs in a batch, N pairs of an epoch, S source digits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from mmengine.logging import print_log
from torch.utils.data import Dataset

from ocec.datasets.pair_npz import SPLITS
from ocec.datasets.source_digits import read_source_digits
from ocec.functional.digit_degradation import degradation_at, degrade_digits
from ocec.functional.digit_pairs import (
    CLASS_NAMES,
    DEFAULT_ADJACENCY,
    draw_digits,
    draw_images,
    index_blocks,
)
from ocec.registry import DATASETS
from ocec.structures import PairTargets


@DATASETS.register_module()
class PairStream(Dataset):
    """Digits paired and spoilt on the fly: no pair comes twice.

    Every batch is drawn as a whole, from torch's global CPU generator. A training seeds
    it for each batch (see :class:`ocec.engine.train_batches.TrainBatches`), so that
    neither a resume nor the number of workers changes the pairs. Labels balance
    exactly: pair number i has the label i % 2. The batches are::

        dict(inputs=(B, 2, 28, 28) uint8, data_samples=PairTargets)

    Args:
        data: folder with ``digits.npz`` as ``make_digit_pairs.py`` writes it, or such
            a file: ``x`` (S, 28, 28) uint8, ``digit`` (S,), ``split`` (S,) and
            ``block`` (S,).
        split: whose source digits are used: ``train``, ``val``, ``stack`` or ``test``.
        length: pairs of an epoch N, >= 1.
        severity: in [0, 10], see
            :func:`ocec.functional.digit_degradation.degradation_at`.
        adjacency: share of neighbours, in [0, 1], see
            :func:`ocec.functional.digit_pairs.draw_digits`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: an argument or the content of the file is wrong.
    """

    METAINFO = {'classes': CLASS_NAMES}
    image_size = (28, 28)

    def __init__(
        self,
        data: str | Path,
        split: str = 'train',
        *,
        length: int = 50_000,
        severity: float = 6.0,
        adjacency: float = DEFAULT_ADJACENCY,
    ) -> None:
        super().__init__()
        if split not in SPLITS:
            raise ValueError(f'split must be one of {SPLITS}, got {split!r}')
        if length < 1:
            raise ValueError(f'length must be >= 1, got {length}')
        self.split = split
        self.length = length
        self.severity = severity
        self.adjacency = adjacency
        self.degradation = degradation_at(severity)
        self.source = read_source_digits(Path(data).expanduser(), split)
        self._sources_SHW = torch.from_numpy(self.source.x_SHW)
        self.blocks = index_blocks(self.source.digit_S, self.source.block_S)
        self._block_names = torch.from_numpy(np.unique(self.source.block_S)).long()
        draw_digits(torch.zeros(1), adjacency=adjacency, generator=torch.Generator())
        print_log(str(self), logger='current')

    @property
    def metainfo(self) -> dict:
        """Names of the classes, by label."""
        return dict(self.METAINFO)

    @property
    def class_counts(self) -> tuple[int, int]:
        """Pairs of an epoch: (left smaller, left larger)."""
        return (self.length + 1) // 2, self.length // 2

    @property
    def labels(self) -> np.ndarray:
        """Label of each pair of an epoch: (N,) int8, 1 left larger, 0 left smaller."""
        return (np.arange(self.length) % 2).astype(np.int8)

    @property
    def source_fingerprint(self) -> str | None:
        """What the numbers of ``source_digits`` count in; None if it is not known."""
        return self.source.source_fingerprint

    def source_digits(self) -> np.ndarray:
        """Return the numbers of the source digits of this split, sorted, each once."""
        return self.source.row_S

    def pixel_digests(self) -> None:
        """Return None: there are new pixels every time."""

    def indices_of(self, sample_ids: Sequence[int]) -> np.ndarray:
        """Return the numbers of some samples, which are what they are called by.

        Args:
            sample_ids: K numbers in [0, N).

        Returns:
            (K,) int64, the same.

        Raises:
            ValueError: always: a pair never comes again, so none can be listed.
        """
        raise ValueError(
            'PairStream draws new pairs every time: its samples cannot be listed'
        )

    def fingerprint(self) -> dict:
        """Return what identifies these data in a run's provenance."""
        with open(self.source.file, 'rb') as stream:
            sha256 = hashlib.file_digest(stream, 'sha256').hexdigest()
        return {
            'split': self.split,
            'length': self.length,
            'severity': self.severity,
            'adjacency': self.adjacency,
            'source_digits': len(self.source.row_S),
            'file': str(self.source.file),
            'bytes': self.source.file.stat().st_size,
            'sha256': sha256,
            'source_fingerprint': self.source_fingerprint,
        }

    def __len__(self) -> int:
        """Return the number of pairs of an epoch."""
        return self.length

    def __str__(self) -> str:
        """Return one line: split, pairs, source digits and how they are drawn."""
        return (
            f'{self.split}: {self.length:,} new pairs every epoch of '
            f'{len(self.source.row_S):,} digits in {len(self.blocks):,} blocks, '
            f'severity {self.severity:g}, adjacency {self.adjacency:g}, from '
            f'{self.source.file}'
        )

    def __getitem__(self, index: int) -> dict:
        """Return a batch of one new pair."""
        return self.__getitems__([index])

    def __getitems__(self, indices: Sequence[int]) -> dict:
        """Draw a batch of new pairs.

        Args:
            indices: B numbers in [0, len(self)); they give the labels and ids.

        Returns:
            ``inputs``: (B, 2, 28, 28) uint8, left and right; ``data_samples``:
            :class:`ocec.structures.PairTargets`.
        """
        index_B = torch.as_tensor(indices, dtype=torch.int64)
        label_B = index_B % 2
        digit_B2 = draw_digits(label_B, adjacency=self.adjacency)
        block_B = torch.randint(len(self.blocks), (len(index_B),))
        image_B2 = draw_images(digit_B2, block_B, self.blocks)
        clean_SHW = self._sources_SHW.index_select(0, image_B2.flatten())
        spoilt_SHW, _ = degrade_digits(clean_SHW, self.degradation)
        return {
            'inputs': spoilt_SHW.unflatten(0, (-1, 2)),
            'data_samples': PairTargets(
                label_B=label_B,
                sample_id_B=index_B,
                group_id_B=self._block_names[block_B],
                digit_B2=digit_B2,
            ),
        }
