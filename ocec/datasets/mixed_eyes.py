"""Eye crops of several sources as one dataset: a camera at home and a new one.

Shapes: N images of all sources, B in a batch, H x W pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch.utils.data import Dataset

from ocec.datasets.eye_parquet import EyeParquet, parse_image_size
from ocec.datasets.joined_table import first_rows_of, join_tables
from ocec.datasets.resident_split import DeviceBatch
from ocec.functional.probability import CLASS_NAMES, CLOSED, OPEN
from ocec.registry import DATASETS
from ocec.structures import BatchTargets

# characters of a name that is put before a metric, as in mrl/f1
_FORBIDDEN = '/ \t\n'


@DATASETS.register_module()
class MixedEyes(Dataset):
    """The images of several :class:`EyeParquet`, one source after the other.

    The sample id of an image is its row number in its own source plus the rows of
    the files of all sources before it (``first_rows``): unique over the sources,
    and the same in every split, as long as the sources stand in one order. Groups of
    one name are one group. How often a source is drawn is a matter of the sampler::

        dataset=dict(
            type='MixedEyes',
            split='train',
            image_size=(32, 64),
            sources=dict(
                mrl=dict(data='mrl.parquet'),
                webeyes=dict(data='webeyes.parquet'),
            ),
        ),
        sampler=dict(type='SourceSampler', shares=dict(mrl=0.25, webeyes=0.75)),

    Args:
        sources: name to the arguments of an :class:`EyeParquet`, or one; at least one.
        split: ``train``, ``val`` or ``test``, of each source that names none.
        image_size: (H, W) in pixels, or a text such as ``32x64``; one for all.

    Raises:
        ValueError: there is no source, a name cannot stand before a metric, or the
            images of a source have another size.
    """

    METAINFO = {'classes': CLASS_NAMES}

    def __init__(
        self,
        sources: Mapping[str, dict | EyeParquet],
        split: str,
        *,
        image_size: Sequence[int] | str,
    ) -> None:
        super().__init__()
        if not sources:
            raise ValueError('sources must name at least one source, got none')
        for name in sources:
            if not name or set(name) & set(_FORBIDDEN):
                raise ValueError(
                    f'the source {name!r} must have a name without slashes and '
                    'spaces: it stands before its metrics, as in mrl/f1'
                )
        self.split = split
        self.image_size = parse_image_size(image_size)
        self.sources = {
            name: self._build(name, source) for name, source in sources.items()
        }
        tables = [source.table for source in self.sources.values()]
        self.table = join_tables(tables)
        #: (S + 1,) first sample id of each of S sources, then the number of all rows
        self.first_rows = first_rows_of(tables)
        self._starts = np.cumsum([0, *map(len, self.sources.values())])
        self.rows = np.concatenate(
            [
                first + source.rows.astype(np.int64)
                for first, source in zip(self.first_rows, self._sources, strict=False)
            ]
        )

    @property
    def metainfo(self) -> dict:
        """Names of the classes by label, and ``sources``: name to [first id, end)."""
        bounds = self.first_rows.tolist()
        ids = zip(self.sources, bounds[:-1], bounds[1:], strict=True)
        return {**self.METAINFO, 'sources': {name: [a, b] for name, a, b in ids}}

    @property
    def index_ranges(self) -> dict[str, range]:
        """Name of each source to the indices of its images in this dataset."""
        bounds = self._starts.tolist()
        ends = zip(self.sources, bounds[:-1], bounds[1:], strict=True)
        return {name: range(start, end) for name, start, end in ends}

    @property
    def labels(self) -> np.ndarray:
        """Label of each image: (N,) int8, 1 open, 0 closed."""
        return self.table.label_N[self.rows]

    @property
    def class_counts(self) -> tuple[int, int]:
        """Images of all sources: (closed, open); not what a sampler draws."""
        label_N = self.labels
        return int((label_N == CLOSED).sum()), int((label_N == OPEN).sum())

    @property
    def pipeline(self):
        """The per-image transforms of the first source that has some; else None."""
        pipelines = (source.pipeline for source in self._sources)
        return next((p for p in pipelines if p is not None), None)

    def pixel_digests(self) -> np.ndarray | None:
        """Hash the pixels of each image, see :meth:`EyeParquet.pixel_digests`.

        Returns:
            (N, 2) uint64; None where a source keeps no pixels.
        """
        digests = [source.pixel_digests() for source in self._sources]
        if any(digest is None for digest in digests):
            return None
        return np.concatenate(digests)

    def indices_of(self, sample_ids: Sequence[int]) -> np.ndarray:
        """Return which images of this dataset some samples are.

        Args:
            sample_ids: K ids, as in :class:`ocec.structures.BatchTargets`.

        Returns:
            (K,) int64 in [0, N).

        Raises:
            ValueError: some are of no source, or not in the split of theirs.
        """
        id_K = np.asarray(sample_ids, np.int64)
        foreign_K = (id_K < 0) | (id_K >= self.first_rows[-1])
        if foreign_K.any():
            raise ValueError(
                f'{foreign_K.sum():,} of {len(id_K):,} sample ids are of no source, '
                f'as {id_K[foreign_K][0]}; they are in [0, {self.first_rows[-1]:,})'
            )
        source_K = np.searchsorted(self.first_rows, id_K, side='right') - 1
        index_K = np.empty(len(id_K), np.int64)
        for number in np.unique(source_K).tolist():
            first, places = self.first_rows[number], source_K == number
            try:
                found = self._sources[number].indices_of(id_K[places] - first)
            except ValueError as error:
                name = list(self.sources)[number]
                raise ValueError(
                    f'source {name}, whose row 0 has the sample id {first}: rows: '
                    f'{error}'
                ) from error
            index_K[places] = self._starts[number] + found
        return index_K

    def image_paths(self, sample_ids: Sequence[int]) -> list[str]:
        """Return ``image_path`` of samples, or ``file#row`` where there is none."""
        rows = [int(row) for row in sample_ids]
        return [
            path if path else '{}#{}'.format(*self.table.locate(row))
            for row, path in zip(rows, self.table.image_paths(rows), strict=True)
        ]

    def fingerprint(self) -> dict:
        """Return what identifies these data in a run's provenance."""
        found = {name: source.fingerprint() for name, source in self.sources.items()}
        closed, opened = self.class_counts
        return {
            'split': self.split,
            'closed': closed,
            'open': opened,
            'image_size': list(self.image_size),
            'files': [file for source in found.values() for file in source['files']],
            'sources': found,
        }

    def __len__(self) -> int:
        """Return the number of images N of all sources."""
        return len(self.rows)

    def __str__(self) -> str:
        """Return one line for each source."""
        return '\n'.join(f'{name}: {source}' for name, source in self.sources.items())

    def __getitem__(self, index: int) -> dict:
        """Return a batch of one image."""
        return self.__getitems__([index])

    def __getitems__(self, indices: Sequence[int]) -> dict:
        """Return the finished batch of some images, in the order asked for.

        Args:
            indices: B numbers in [0, N).

        Returns:
            As :meth:`EyeParquet.__getitems__`.

        Raises:
            IndexError: a number is out of range.
        """
        index_B = np.asarray(indices, np.int64)
        index_B = np.where(index_B < 0, index_B + len(self), index_B)
        if ((index_B < 0) | (index_B >= len(self))).any():
            raise IndexError(f'indices must be in [0, {len(self):,})')
        number_B = np.searchsorted(self._starts, index_B, side='right') - 1
        batches = {
            number: self._sources[number].__getitems__(
                (index_B[number_B == number] - self._starts[number]).tolist()
            )
            for number in np.unique(number_B).tolist()
        }
        first = next(iter(batches.values()))['inputs']
        targets = self._targets(self.rows[index_B])
        inputs_BCHW = first if len(batches) == 1 else _interleave(batches, number_B)
        batch = {'inputs': inputs_BCHW, 'data_samples': targets.to(first.device)}
        return batch if first.device.type == 'cpu' else DeviceBatch(batch)

    @property
    def _sources(self) -> list[EyeParquet]:
        return list(self.sources.values())

    def _build(self, name: str, source: dict | EyeParquet) -> EyeParquet:
        if isinstance(source, Mapping):
            given = {'split': self.split, 'image_size': self.image_size, **source}
            source = DATASETS.build({'type': 'EyeParquet', **given})
        if source.image_size != self.image_size:
            raise ValueError(
                f'source {name}: its images are {source.image_size}, those of the '
                f'mix {self.image_size}; give image_size once, to the mix'
            )
        return source

    def _targets(self, rows_B: np.ndarray) -> BatchTargets:
        return BatchTargets(
            label_B=torch.from_numpy(self.table.label_N[rows_B]).long(),
            sample_id_B=torch.from_numpy(rows_B),
            group_id_B=torch.from_numpy(self.table.group_N[rows_B]).long(),
        )


def is_mix(dataset: Mapping) -> bool:
    """Whether a config is one of a :class:`MixedEyes`.

    Args:
        dataset: config of a dataset.

    Returns:
        True for a mix.
    """
    return str(dataset.get('type')).rsplit('.', 1)[-1] == 'MixedEyes'


def source_configs(dataset: Mapping) -> dict[str, dict]:
    """Return the config of each source of a dataset, with what the mix gives it.

    Args:
        dataset: config of a dataset.

    Returns:
        Name to config; a dataset that is no mix is its own source, without a name.
    """
    if not is_mix(dataset):
        return {'': dict(dataset)}
    shared = {key: dataset[key] for key in ('split', 'image_size') if key in dataset}
    sources = dataset.get('sources') or {}
    return {name: {**shared, **source} for name, source in sources.items()}


def _interleave(batches: Mapping[int, dict], number_B: np.ndarray) -> torch.Tensor:
    """Put the images of each source where they were asked for, in channels-last."""
    first = next(iter(batches.values()))['inputs']
    B, C, H, W = len(number_B), *first.shape[1:]
    images_BHWC = torch.empty((B, H, W, C), dtype=first.dtype, device=first.device)
    for number, batch in batches.items():
        places = torch.from_numpy(np.flatnonzero(number_B == number))
        part = batch['inputs'].to(first.device).permute(0, 2, 3, 1)
        images_BHWC.index_copy_(0, places.to(first.device), part)
    return images_BHWC.permute(0, 3, 1, 2)
