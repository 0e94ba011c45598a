"""All settings of a conversion, checked before anything is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ocec.functional.perceptual_hash import NEAR_DISTANCE
from ocec.preparation.list_sources import FORMATS
from ocec.preparation.name_patterns import compile_pattern
from ocec.preparation.row_filters import SizeFilter
from ocec.preparation.split_plan import METHODS, METHODS_OF_OPTION, SplitPlan

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
        near_distance: bits by which the hashes of near duplicates differ, in [0, 63];
            None takes the measured ``NEAR_DISTANCE``.
        split: one of ``METHODS``; None keeps a split that the sources have, else
            divides by groups.
        resplit: divide anew although the sources have splits.
        ratios: split name -> share, summing to 1. This and the following ones are None
            unless the user wants another value than ``SplitPlan`` has; the method must
            know them.
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
        ValueError: a setting is out of range or has no effect on the method; the
            message names it.
    """

    format: str = 'auto'
    data_root: str | None = None
    group_pattern: str | None = None
    group_by: str = 'names'
    near_distance: int | None = None
    split: str | None = None
    resplit: bool = False
    ratios: Mapping[str, float] | None = None
    seed: int | None = None
    fold: int | None = None
    num_folds: int | None = None
    lists: Mapping[str, str | Path] | None = None
    frame_pattern: str | None = None
    gap: int | None = None
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
        if self.near_distance is not None:
            if self.near_distance > 63:
                raise ValueError(
                    f'near_distance must be <= 63, got {self.near_distance}'
                )
            if self.group_by != 'near-duplicates':
                raise ValueError(
                    '--near-distance belongs to --group-by near-duplicates: add that, '
                    'or leave --near-distance out'
                )
        if self.resplit and self.split == 'keep':
            raise ValueError('resplit divides anew, split keep does not: choose one')
        self.check_options(self.split)
        self.split_plan(self.split or METHODS[0])
        for file in (self.lists or {}).values():
            if not Path(file).is_file():
                raise ValueError(f'lists: no such file: {file}')
        self.compiled('group_pattern', 'group')

    def check_options(self, method: str | None) -> None:
        """Refuse options that have no effect.

        Args:
            method: how to divide; None if the sources are still to decide between
                ``keep`` and ``grouped``.

        Raises:
            ValueError: an option belongs to other methods.
        """
        for name, methods in METHODS_OF_OPTION.items():
            is_given = getattr(self, name) is not None
            if not is_given or (method or 'grouped') in methods:
                continue
            flag = f'--{name.replace("_", "-")}'
            here = 'without --split' if method is None else f'with --split {method}'
            resplit = ' --resplit' if method == 'keep' else ''
            raise ValueError(
                f'{flag} belongs to --split {" or ".join(methods)} and does nothing '
                f'{here}: write --split {methods[0]}{resplit}, or leave {flag} out'
            )

    def compiled(self, name: str, group: str):
        """Return the compiled pattern of a setting; None if it is not set."""
        pattern = getattr(self, name)
        return None if pattern is None else compile_pattern(pattern, group)

    def split_plan(self, method: str) -> SplitPlan:
        """Return how to divide by a method."""
        options = {name: getattr(self, name) for name in METHODS_OF_OPTION}
        options['frame_pattern'] = self.compiled('frame_pattern', 'frame')
        given = {name: value for name, value in options.items() if value is not None}
        return SplitPlan(method, **given)

    @property
    def bits_of_near(self) -> int:
        """``near_distance`` as it counts."""
        return NEAR_DISTANCE if self.near_distance is None else self.near_distance

    def size_filter(self) -> SizeFilter:
        """Return the filters on size and shape."""
        return SizeFilter(
            self.min_size, self.max_size, self.min_aspect, self.max_aspect
        )

    def as_json(self) -> dict:
        """Return the settings as plain values, with the content of the lists."""
        plain = asdict(self)
        plain['ratios'] = self.ratios and dict(self.ratios)
        plain['lists'] = self.lists and {
            split: Path(file).read_text(encoding='utf-8')
            for split, file in self.lists.items()
        }
        for name in ('min_size', 'max_size'):
            plain[name] = plain[name] and list(plain[name])
        plain['data_root'] = self.data_root and str(self.data_root)
        return plain
