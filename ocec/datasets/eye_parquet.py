"""Eye crops from OCEC parquet files, read as whole batches.

Shapes: B images in a batch, H x W pixels.
"""

from __future__ import annotations

import logging
import operator
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from mmengine.dataset import Compose
from mmengine.logging import print_log
from torch import Tensor
from torch.utils.data import Dataset

from ocec.datasets.cache import footer_sha256, open_decoded_cache
from ocec.datasets.eye_split import assign_splits, warn_of_shared_groups
from ocec.datasets.eye_table import (
    NO_GROUP,
    SPLITS,
    BadRow,
    find_parquet_files,
    read_eye_table,
)
from ocec.datasets.image_file import ImageFile
from ocec.datasets.picture_reader import PictureReader
from ocec.datasets.pixel_digests import pixel_digests
from ocec.datasets.resident_split import PLACES, ResidentSplit
from ocec.functional.probability import CLASS_NAMES, CLOSED, OPEN
from ocec.registry import DATASETS
from ocec.structures import BatchTargets

BAD_ROW_POLICIES = ('error', 'skip')
# how many bad rows an error message shows; the rest is in the report file
SHOWN_BAD_ROWS = 5


@DATASETS.register_module()
class EyeParquet(Dataset):
    """Open and closed eyes from parquet files.

    The pictures are decoded and resized once (see ``ocec/datasets/cache.py``);
    after that a batch is one gather from a file. Memory holds at most 16 bytes per row
    of the files: labels, splits, groups and row numbers. ``DataLoader``
    calls ``__getitems__``, which returns the finished batch::

        dict(inputs=(B, 3, H, W) uint8 RGB, data_samples=BatchTargets)

    Args:
        data: a parquet file, a folder of them, a glob pattern, or a list of those.
        split: ``train``, ``val`` or ``test``.
        image_size: (H, W) in pixels, or a text such as ``32x64``.
        split_ratios: split anew by these shares instead of the column ``split``,
            e.g. ``dict(train=0.8, val=0.2)``; whole groups, stratified by label.
        split_seed: seed of that split; every split of one file must use the same.
        fold: (number, count): cross-validation over whole groups; of so many folds of
            train and val together this one is val. Numbers count from 1.
        group_by: column that keeps rows together, ``group``; None lets every row
            stand alone, which leaks when crops come from one face or video.
        bad_rows: ``error``: stop at rows that cannot be used; ``skip``: leave them
            out, say how many and list them in a file.
        interpolation: ``bilinear`` or ``area``, OpenCV's.
        cache_dir: folder of the decoded cache; ``$OCEC_CACHE_DIR``, else the user's
            cache folder.
        pipeline: per-image transforms (mmcv, mmpretrain) in place of the cached
            batch path: slower, for what cannot be done on a batch. They get
            ``img``, (h, w, 3) uint8 BGR of native size, and must end with
            ``image_size``.
        allow_outside: also read pictures that ``image_path`` names outside the folder
            of its parquet file; a file from elsewhere could name any file of yours.
        resident: keep the pictures of this split whole: ``memory`` of each process,
            or the ``device`` that trains, where batches then arise; it asks for
            ``num_workers=0`` and leaves nothing to pin. None: read from the cache.

    Raises:
        FileNotFoundError: no file matches ``data``.
        ValueError: an argument, a column or a row is wrong, or no row is left; the
            message names file and row. Or ``resident`` asks for more than half of
            the memory that is free.
    """

    METAINFO = {'classes': CLASS_NAMES}

    def __init__(
        self,
        data: str | Path | Sequence[str | Path],
        split: str,
        *,
        image_size: Sequence[int] | str,
        split_ratios: Mapping[str, float] | None = None,
        split_seed: int = 42,
        fold: Sequence[int] | None = None,
        group_by: str | None = 'group',
        bad_rows: str = 'error',
        interpolation: str = 'bilinear',
        cache_dir: str | Path | None = None,
        pipeline: Sequence[dict | Callable] | None = None,
        allow_outside: bool = False,
        resident: str | None = None,
    ) -> None:
        super().__init__()
        _check_choice('split', split, SPLITS)
        _check_choice('bad_rows', bad_rows, BAD_ROW_POLICIES)
        _check_choice('group_by', group_by, ('group', None))
        _check_choice('resident', resident, (*PLACES, None))
        if resident is not None and pipeline is not None:
            raise ValueError(
                f'resident={resident!r} keeps decoded pictures, which a pipeline does '
                'not use; leave one of the two out'
            )
        self.split = split
        self.image_size = parse_image_size(image_size)
        self.table = read_eye_table(find_parquet_files(data))
        split_N = assign_splits(
            self.table, split_ratios, seed=split_seed, group_by=group_by, fold=fold
        )
        unusable = dict(self.table.bad_rows)
        if split_ratios is None and fold is None:
            unusable |= self.table.bad_split_rows
        if bad_rows == 'error':  # before the pictures are decoded
            self._handle_bad_rows(unusable, bad_rows, None)
        report, of_pictures = self._open_pictures(
            pipeline, interpolation, cache_dir, allow_outside
        )
        unusable |= of_pictures
        self._handle_bad_rows(unusable, bad_rows, report)
        usable_N = np.ones(len(self.table), dtype=bool)
        usable_N[list(unusable)] = False
        self._split_N = np.where(usable_N, split_N, np.int8(-1))
        rows = np.flatnonzero(self._split_N == SPLITS.index(split))
        # four bytes each where they suffice; batches hold int64
        fits = len(self._split_N) <= np.iinfo(np.int32).max
        self._rows = rows.astype(np.int32 if fits else np.int64)
        self._check_not_empty(split_N[usable_N])
        warn_of_shared_groups(self.table, split, split_N, usable_N)
        _log(str(self))
        self._resident = None
        if resident is not None:
            targets = self._targets(self._rows.astype(np.int64))
            self._resident = ResidentSplit(self._images_NHWC.path, targets, resident)

    def _open_pictures(
        self,
        pipeline: Sequence[dict | Callable] | None,
        interpolation: str,
        cache_dir: str | Path | None,
        allow_outside: bool,
    ) -> tuple[Path | None, Mapping[int, BadRow]]:
        """Prepare what pictures are read from; returns a report and bad rows."""
        if pipeline is not None:
            self.pipeline = Compose(pipeline)
            self._pictures = PictureReader(self.table, allow_outside=allow_outside)
            return None, {}
        self.pipeline = None
        cache = open_decoded_cache(
            self.table,
            self.image_size,
            interpolation=interpolation,
            root=None if cache_dir is None else Path(cache_dir).expanduser(),
            allow_outside=allow_outside,
            log=_log,
        )
        self._images_NHWC = ImageFile(cache.folder / 'images.npy')
        self._cache_folder = cache.folder
        return cache.folder / 'bad_rows.csv', dict(cache.bad_rows)

    @property
    def metainfo(self) -> dict:
        """Names of the classes, by label."""
        return dict(self.METAINFO)

    @property
    def class_counts(self) -> tuple[int, int]:
        """Images of this split: (closed, open)."""
        label = self.labels
        return int((label == CLOSED).sum()), int((label == OPEN).sum())

    @property
    def labels(self) -> np.ndarray:
        """Label of each image of this split: int8, 1 open, 0 closed."""
        return self.table.label_N[self._rows]

    @property
    def rows(self) -> np.ndarray:
        """Number of each image of this split in ``table``: int32 or int64, rising."""
        return self._rows

    def pixel_digests(self) -> np.ndarray | None:
        """Hash the pixels of each image of this split.

        Returns:
            (len(self), 2) uint64, equal where the pixels after resizing are; 0 for a
            picture of one colour. None on the pipeline path, which keeps no pixels.
        """
        if self.pipeline is not None:
            return None
        return pixel_digests(self._images_NHWC, self._cache_folder)[self._rows]

    def indices_of(self, sample_ids: Sequence[int]) -> np.ndarray:
        """Return which images of this split some samples are.

        Args:
            sample_ids: K row numbers, as in :class:`ocec.structures.BatchTargets`.

        Returns:
            (K,) int64 in [0, len(self)).

        Raises:
            ValueError: some are not in this split; the message says where they are.
        """
        row_K = np.asarray(sample_ids, dtype=np.int64)
        index_K = np.searchsorted(self._rows, row_K).clip(max=len(self) - 1)
        foreign_K = self._rows[index_K] != row_K
        if foreign_K.any():
            raise ValueError(
                f'{foreign_K.sum():,} of {len(row_K):,} samples are not in split '
                f'"{self.split}": {self._whereabouts(row_K[foreign_K])}'
            )
        return index_K

    def fingerprint(self) -> dict:
        """Return what identifies these data in a run's provenance."""
        closed, opened = self.class_counts
        return {
            'split': self.split,
            'closed': closed,
            'open': opened,
            'image_size': list(self.image_size),
            'files': [
                {
                    'file': str(file),
                    'bytes': file.stat().st_size,
                    'footer_sha256': footer_sha256(file),
                }
                for file in self.table.files
            ],
        }

    def image_paths(self, sample_ids: Sequence[int]) -> list[str]:
        """Return ``image_path`` of samples, or ``file#row`` where there is none."""
        rows = [int(row) for row in sample_ids]
        return [
            path if path else '{}#{}'.format(*self.table.locate(row))
            for row, path in zip(rows, self.table.image_paths(rows), strict=True)
        ]

    def __len__(self) -> int:
        """Return the number of images of this split."""
        return len(self._rows)

    def __str__(self) -> str:
        """Return one line: split, images by class, groups and source."""
        closed, opened = self.class_counts
        groups = np.unique(self.table.group_N[self._rows])
        num_groups = int((groups != NO_GROUP).sum())
        known = f'{num_groups} groups' if num_groups else 'no groups known'
        files = ', '.join(str(file) for file in self.table.files[:3])
        num_more = len(self.table.files) - 3
        more = f' and {num_more} more' if num_more > 0 else ''
        return (
            f'{self.split}: {len(self):,} images ({closed:,} closed, {opened:,} open), '
            f'{known}, from {files}{more}'
        )

    def __getitem__(self, index: int) -> dict:
        """Return a batch of one image."""
        return self.__getitems__([index])

    def __getitems__(self, indices: Sequence[int]) -> dict:
        """Return the finished batch of some images.

        Args:
            indices: B numbers in [0, len(self)).

        Returns:
            ``inputs``: (B, 3, H, W) uint8 RGB in channels-last memory;
            ``data_samples``: :class:`ocec.structures.BatchTargets`.
        """
        index_B = np.asarray(indices, dtype=np.int64)
        rows_B = self._rows[index_B].astype(np.int64)
        if self._resident is not None:
            # counted from the front: kernels do not know numbers below 0
            return self._resident.batch(index_B % len(self))
        if self.pipeline is None:
            images_BHWC = self._images_NHWC[rows_B]
        else:
            images_BHWC = np.stack([self._transformed(int(row)) for row in rows_B])
        inputs_BCHW = torch.from_numpy(np.asarray(images_BHWC)).permute(0, 3, 1, 2)
        return {'inputs': inputs_BCHW, 'data_samples': self._targets(rows_B)}

    def _whereabouts(self, row_K: np.ndarray) -> str:
        """Count rows by the split they are in, and name the first few of each."""
        split_K = np.full(len(row_K), -1)
        known_K = (row_K >= 0) & (row_K < len(self.table))
        split_K[known_K] = self._split_N[row_K[known_K]]
        places = {SPLITS.index(name): f'in "{name}"' for name in SPLITS}
        places[-1] = 'no usable rows'
        texts = []
        for code, place in places.items():
            if rows := row_K[split_K == code].tolist():
                more = ', ...' if len(rows) > SHOWN_BAD_ROWS else ''
                shown = ', '.join(map(str, rows[:SHOWN_BAD_ROWS])) + more
                texts.append(f'{len(rows):,} {place} ({shown})')
        return ', '.join(texts)

    def _targets(self, rows_B: np.ndarray) -> BatchTargets:
        return BatchTargets(
            label_B=torch.from_numpy(self.table.label_N[rows_B]).long(),
            sample_id_B=torch.from_numpy(rows_B),
            group_id_B=torch.from_numpy(self.table.group_N[rows_B]).long(),
        )

    def _transformed(self, row: int) -> np.ndarray:
        """Run the per-image pipeline; returns (H, W, 3) uint8 RGB."""
        results = self.pipeline(
            {
                'img': (image := self._pictures.read(row)),
                'img_shape': image.shape[:2],
                'ori_shape': image.shape[:2],
                'gt_label': int(self.table.label_N[row]),
                'sample_idx': row,
            }
        )
        image = results['img'] if 'img' in results else results['inputs']
        if isinstance(image, Tensor):
            image = image.permute(1, 2, 0).numpy()
        if image.shape != (*self.image_size, 3) or image.dtype != np.uint8:
            raise ValueError(
                f'the pipeline must end with uint8 images of shape '
                f'{(*self.image_size, 3)}, got {image.dtype} {image.shape}; '
                "add dict(type='mmcv.Resize', scale=(W, H)) to it"
            )
        return image[..., ::-1]  # OpenMMLab transforms work on BGR

    def _handle_bad_rows(
        self, bad_rows: Mapping[int, BadRow], policy: str, report: Path | None
    ) -> None:
        if not bad_rows:
            return
        first_rows = sorted(bad_rows)[:SHOWN_BAD_ROWS]
        shown = '\n'.join(f'  {bad_rows[row]}' for row in first_rows)
        more = len(bad_rows) - SHOWN_BAD_ROWS
        shown += f'\n  and {more:,} more' if more > 0 else ''
        listed = f'\nAll are listed in {report}' if report else ''
        if policy == 'error':
            raise ValueError(
                f'{len(bad_rows):,} of {len(self.table):,} rows cannot be used:\n'
                f"{shown}{listed}\nMend them, or leave them out with bad_rows='skip'"
            )
        _log(f'{len(bad_rows):,} rows left out:\n{shown}{listed}', logging.WARNING)

    def _check_not_empty(self, split_N: np.ndarray) -> None:
        if len(self):
            return
        found = {
            name: int((split_N == index).sum())
            for index, name in enumerate(SPLITS)
            if (split_N == index).any()
        }
        raise ValueError(
            f'no usable row in split "{self.split}" of {self.table.files[0]}; rows by '
            f'split: {found or "none at all"}'
        )


def parse_image_size(image_size: Sequence[int] | str) -> tuple[int, int]:
    """Read a size as (H, W).

    Args:
        image_size: (H, W), or a text ``32x64`` or ``32,64``; one number is a square.

    Returns:
        (H, W) in pixels.

    Raises:
        ValueError: it is not two positive whole numbers.

    Example:
        >>> parse_image_size('24x40')
        (24, 40)
    """
    parts = image_size
    if isinstance(image_size, str):
        parts = image_size.lower().replace('×', 'x').replace(',', 'x').split('x')
    elif isinstance(image_size, int):
        parts = (image_size, image_size)
    try:
        # int() cuts fractions off, index() refuses them
        whole = int if isinstance(image_size, str) else operator.index
        size = tuple(whole(part) for part in parts)
    except (TypeError, ValueError):
        size = ()
    if len(size) == 1:
        size *= 2
    if len(size) != 2 or min(size) <= 0:
        raise ValueError(
            f'image_size must be (H, W) or a text such as "32x64", got {image_size!r}'
        )
    return size


def _check_choice(name: str, value, allowed: Sequence) -> None:
    if value not in allowed:
        raise ValueError(f'{name} must be one of {tuple(allowed)}, got {value!r}')


def _log(message: str, level: int = logging.INFO) -> None:
    print_log(message, logger='current', level=level)
