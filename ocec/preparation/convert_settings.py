"""All settings of a conversion, checked before anything is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ocec.functional.perceptual_hash import NEAR_DISTANCE
from ocec.preparation.list_sources import FORMATS
from ocec.preparation.name_patterns import compile_pattern
from ocec.preparation.row_filters import SizeFilter
from ocec.preparation.split_plan import METHODS, SplitPlan

STORES = ('bytes', 'paths')
POLICIES = ('error', 'skip')
DUPLICATES = ('first', 'error')
GROUP_BYS = ('names', 'near-duplicates')


@dataclass(frozen=True)
class ConvertSettings:
    """What the output depends on, apart from the sources.

    Args:
        format: ``auto``, ``folder``, ``csv``, ``mrl`` or ``parquet``.
        data_root: folder that paths in CSV files are relative to.
        group_pattern: regular expression with a named group ``group``.
        group_by: ``names`` (folders, columns, pattern), or ``near-duplicates`` for
            rows whose group is unknown.
        near_distance: bits by which the hashes of near duplicates differ, in [0, 63].
        split: one of ``METHODS``; None keeps a split that the sources have, else
            divides by groups.
        resplit: divide anew although the sources have splits.
        ratios: split name -> share, summing to 1.
        seed: of the split, >= 0.
        fold: which fold is val, from 1.
        num_folds: folds, >= 2.
        lists: split name -> file of groups or pictures.
        frame_pattern: regular expression with a named group ``frame``.
        gap: frames left out at a cut in time, >= 0.
        store: ``bytes`` embeds the pictures, ``paths`` names them.
        max_rows_per_file: rows of a shard, >= 1; None writes one file.
        min_size: least (height, width) in pixels.
        max_size: largest (height, width) in pixels.
        min_aspect: least width / height.
        max_aspect: largest width / height.
        bad_rows: ``error`` or ``skip``.
        duplicates: ``first`` or ``error``.
        allow_outside: accept files outside the folder of their source.

    Raises:
        ValueError: a setting is out of range; the message names it.
    """

    format: str = 'auto'
    data_root: str | None = None
    group_pattern: str | None = None
    group_by: str = 'names'
    near_distance: int = NEAR_DISTANCE
    split: str | None = None
    resplit: bool = False
    ratios: Mapping[str, float] = field(
        default_factory=lambda: {'train': 0.8, 'val': 0.2}
    )
    seed: int = 42
    fold: int = 1
    num_folds: int = 5
    lists: Mapping[str, str | Path] = field(default_factory=dict)
    frame_pattern: str | None = None
    gap: int = 0
    store: str = 'bytes'
    max_rows_per_file: int | None = None
    min_size: Sequence[int] | None = None
    max_size: Sequence[int] | None = None
    min_aspect: float | None = None
    max_aspect: float | None = None
    bad_rows: str = 'error'
    duplicates: str = 'first'
    allow_outside: bool = False

    def __post_init__(self) -> None:
        """Check every setting."""
        for name, value, allowed in (
            ('format', self.format, ('auto', *FORMATS)),
            ('group_by', self.group_by, GROUP_BYS),
            ('split', self.split or METHODS[0], METHODS),
            ('store', self.store, STORES),
            ('bad_rows', self.bad_rows, POLICIES),
            ('duplicates', self.duplicates, DUPLICATES),
        ):
            if value not in allowed:
                raise ValueError(f'{name} must be one of {allowed}, got {value!r}')
        for name, value, least in (
            ('max_rows_per_file', self.max_rows_per_file, 1),
            ('seed', self.seed, 0),
            ('gap', self.gap, 0),
            ('near_distance', self.near_distance, 0),
        ):
            if value is not None and value < least:
                raise ValueError(f'{name} must be >= {least}, got {value}')
        if self.near_distance > 63:
            raise ValueError(f'near_distance must be <= 63, got {self.near_distance}')
        if self.resplit and self.split == 'keep':
            raise ValueError('resplit divides anew, split keep does not: choose one')
        self.split_plan(self.split or METHODS[0])
        self.compiled('group_pattern', 'group')

    def compiled(self, name: str, group: str):
        """Return the compiled pattern of a setting; None if it is not set."""
        pattern = getattr(self, name)
        return None if pattern is None else compile_pattern(pattern, group)

    def split_plan(self, method: str) -> SplitPlan:
        """Return how to divide by a method."""
        return SplitPlan(
            method,
            ratios=self.ratios,
            seed=self.seed,
            fold=self.fold,
            num_folds=self.num_folds,
            lists=self.lists,
            frame_pattern=self.compiled('frame_pattern', 'frame'),
            gap=self.gap,
        )

    def size_filter(self) -> SizeFilter:
        """Return the filters on size and shape."""
        return SizeFilter(
            self.min_size, self.max_size, self.min_aspect, self.max_aspect
        )

    def as_json(self) -> dict:
        """Return the settings as plain values, with the content of the lists."""
        plain = asdict(self) | {'ratios': dict(self.ratios)}
        plain['lists'] = {
            split: Path(file).read_text(encoding='utf-8')
            for split, file in self.lists.items()
        }
        for name in ('min_size', 'max_size'):
            plain[name] = plain[name] and list(plain[name])
        plain['data_root'] = self.data_root and str(self.data_root)
        return plain
