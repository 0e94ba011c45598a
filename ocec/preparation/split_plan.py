"""How the rows are divided into splits, as the user asked for it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ocec.functional.split_folds import split_by_fold
from ocec.functional.split_lists import split_by_lists
from ocec.functional.split_shares import groups_in_two_splits, realised_shares
from ocec.functional.split_times import split_by_time
from ocec.functional.splits import check_ratios, split_by_group, split_by_row
from ocec.preparation.eye_listing import EyeEntry
from ocec.preparation.eye_parquet_writer import SPLITS
from ocec.preparation.name_patterns import frame_of_name

METHODS = ('keep', 'grouped', 'time', 'folds', 'lists', 'random')
METHODS_OF_OPTION = {
    'ratios': ('grouped', 'time', 'random'),
    'seed': ('grouped', 'folds', 'random'),
    'fold': ('folds',),
    'num_folds': ('folds',),
    'lists': ('lists',),
    'frame_pattern': ('time',),
    'gap': ('time',),
}
"""Which methods an option has an effect on."""
_SHOWN = 3
# a split whose share of open eyes is so far from that of all is worth a word
_CLASS_DIFFERENCE = 0.1


@dataclass(frozen=True)
class SplitPlan:
    """How to divide.

    Args:
        method: ``keep`` what the source says; ``grouped`` by ratio, whole groups,
            stratified; ``time``: the end of each recording; ``folds``: one of k
            grouped folds; ``lists``: files with groups or pictures; ``random`` by
            row, which leaks.
        ratios: split name -> share, summing to 1; for grouped, time and random.
        seed: of grouped, folds and random.
        fold: number of the fold that is val, from 1.
        num_folds: number of folds.
        lists: split name -> file with one group or picture on a line.
        frame_pattern: with a named group ``frame``; see ``frame_of_name``.
        gap: frames left out at each cut in time.

    Raises:
        ValueError: a name is unknown, the ratios do not sum to 1, or there is no such
            fold.
    """

    method: str
    ratios: Mapping[str, float] = field(
        default_factory=lambda: {'train': 0.8, 'val': 0.2}
    )
    seed: int = 42
    fold: int = 1
    num_folds: int = 5
    lists: Mapping[str, str | Path] = field(default_factory=dict)
    frame_pattern: re.Pattern | None = None
    gap: int = 0

    def __post_init__(self) -> None:
        """Check the names and shares."""
        if self.method not in METHODS:
            raise ValueError(f'split must be one of {METHODS}, got {self.method!r}')
        for name in (*self.ratios, *self.lists):
            if name not in SPLITS:
                raise ValueError(f'the splits are {SPLITS}, got {name!r}')
        check_ratios(self.ratios)
        if self.method == 'lists' and not self.lists:
            raise ValueError('split lists needs a list, as val=val_groups.txt')
        if self.method == 'folds' and self.num_folds < 2:
            raise ValueError(f'num_folds must be >= 2, got {self.num_folds}')
        if self.method == 'folds' and not 1 <= self.fold <= self.num_folds:
            raise ValueError(f'fold must be in [1, {self.num_folds}], got {self.fold}')

    @property
    def asked(self) -> dict[str, float] | None:
        """Shares asked for; None where the method has none."""
        if self.method == 'folds':
            share = 1 / self.num_folds
            return {'train': 1 - share, 'val': share}
        if self.method in ('grouped', 'time', 'random'):
            return dict(self.ratios)
        return None

    def divide(self, entries: Sequence[EyeEntry]) -> tuple[np.ndarray, list[str]]:
        """Divide the rows.

        Args:
            entries: N usable rows.

        Returns:
            (N,) array of split names, ``''`` for rows left out, and warnings.

        Raises:
            ValueError: the rows cannot be divided so; the message says why.
        """
        warnings: list[str] = []
        label_N = np.array([entry.label for entry in entries])
        group_N = np.array([entry.group for entry in entries])
        if self.method == 'keep':
            split_N = np.array([entry.split for entry in entries])
        elif self.method == 'time':
            split_N = self._by_time(entries, group_N)
            warnings.append(
                'every recording is in several splits, by design: the '
                'result says nothing about new people'
            )
        elif self.method == 'lists':
            path_N = np.array([entry.path for entry in entries])
            lists = {split: _read_list(file) for split, file in self.lists.items()}
            rest = None if 'train' in lists else 'train'
            split_N = split_by_lists(group_N, path_N, lists=lists, rest=rest)
        elif self.method == 'random':
            split_N = split_by_row(label_N, ratios=self.ratios, seed=self.seed)
            warnings.append(
                'THIS SPLIT LEAKS: rows are drawn one by one, so a face or '
                'video is in train and in val, and what is measured on val '
                'is too good. Use it only to show how much'
            )
        else:
            split_N = self._by_group(entries, group_N, label_N, warnings)
        self._refuse_empty(split_N)
        warnings += self._warn_of_shared(split_N, group_N)
        return split_N, warnings + _warn_of_classes(split_N, label_N)

    def tell_shares(
        self, entries: Sequence[EyeEntry], split_N: np.ndarray
    ) -> list[str]:
        """Table of what the splits are beside what was asked for.

        Args:
            entries: N rows.
            split_N: (N,) their splits.

        Returns:
            Lines of the table.
        """
        label_N = np.array([entry.label for entry in entries])
        group_N = np.array([entry.group for entry in entries])
        shares = realised_shares(
            split_N, label_N, group_N, names=SPLITS, ratios=self.asked
        )
        lines = ['split    images   share   asked  groups    open']
        for share in shares:
            asked = '-' if share.asked is None else f'{share.asked:.1%}'
            is_open = f'{share.open_share:.1%}' if share.num_images else '-'
            lines.append(
                f'{share.name:5} {share.num_images:9,} {share.share:7.1%} {asked:>7} '
                f'{share.num_groups:7,} {is_open:>7}'
            )
        return lines

    def _by_group(self, entries, group_N, label_N, warnings: list[str]) -> np.ndarray:
        lone_N = group_N == ''
        if lone_N.any():
            warnings.append(
                f'{lone_N.sum():,} of {len(lone_N):,} rows have no known group and are '
                'divided one by one: faces may lie on both sides. Name the groups with '
                '--group-pattern, or find them with --group-by near-duplicates'
            )
        # a prefix keeps names of groups and of lone pictures apart
        unit_N = np.array(
            [f'group {e.group}' if e.group else f'picture {e.path}' for e in entries]
        )
        if self.method == 'folds':
            return split_by_fold(
                unit_N,
                label_N,
                fold=self.fold,
                num_folds=self.num_folds,
                seed=self.seed,
            )
        return split_by_group(unit_N, label_N, ratios=self.ratios, seed=self.seed)

    def _by_time(self, entries, group_N: np.ndarray) -> np.ndarray:
        frames = [frame_of_name(entry.path, self.frame_pattern) for entry in entries]
        missing = [e.path for e, f in zip(entries, frames, strict=True) if f is None]
        if missing:
            raise ValueError(
                f'{len(missing):,} names tell no frame, as {missing[0]}; say where it '
                "stands with --frame-pattern, as '_(?P<frame>[0-9]+)_'"
            )
        if (group_N == '').any():
            raise ValueError(
                f'{(group_N == "").sum():,} rows have no known group, so nobody knows '
                'the recording that they are part of; name it with --group-pattern'
            )
        return split_by_time(
            group_N, np.array(frames), ratios=self.ratios, gap=self.gap
        )

    def _refuse_empty(self, split_N: np.ndarray) -> None:
        """A model would be chosen or tested on nothing."""
        wanted = self.lists if self.method == 'lists' else self.asked or ()
        empty = [name for name in wanted if not (split_N == name).any()]
        if not empty:
            return
        if self.method == 'lists':
            way_out = f'{self.lists[empty[0]]} names nothing'
        elif self.method == 'time' and (num_gap := int((split_N == '').sum())):
            way_out = (
                f'{num_gap:,} of {len(split_N):,} rows lie in gaps of {self.gap} '
                'frames; make --gap smaller, or its share in --ratios larger'
            )
        else:
            way_out = 'make its share in --ratios larger, or leave it out'
        raise ValueError(f'split "{empty[0]}" was asked for and is empty: {way_out}')

    def _warn_of_shared(self, split_N: np.ndarray, group_N: np.ndarray) -> list[str]:
        shared = groups_in_two_splits(split_N[split_N != ''], group_N[split_N != ''])
        if not shared or self.method == 'time':
            return []
        names = ', '.join(shared[:_SHOWN]) + (', ...' if len(shared) > _SHOWN else '')
        return [f'{len(shared):,} groups are in more than one split: {names}']


def _warn_of_classes(split_N: np.ndarray, label_N: np.ndarray) -> list[str]:
    overall = label_N.mean()
    return [
        f'{label_N[split_N == name].mean():.0%} of {name} is open, {overall:.0%} of all'
        for name in SPLITS
        if (split_N == name).any()
        and abs(label_N[split_N == name].mean() - overall) > _CLASS_DIFFERENCE
    ]


def _read_list(file: str | Path) -> list[str]:
    lines = Path(file).read_text(encoding='utf-8-sig').splitlines()
    return [line.strip() for line in lines if line.strip()]
