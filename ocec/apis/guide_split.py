"""Which split ``python -m ocec train`` goes by: the file's own, or one by ratios."""

from __future__ import annotations

from dataclasses import dataclass

from ocec.apis.guide_settings import SHARE_DIGITS, GuideSettings
from ocec.datasets.eye_table import (
    SPLITS,
    EyeTable,
    find_parquet_files,
    read_eye_table,
)


@dataclass(frozen=True)
class GuideSplit:
    """How the data are split.

    Args:
        ratios: share of each split, of a split by ratios; None: the column ``split``.
        has_test: whether there is a test split.
        told: line for the user.
    """

    ratios: dict[str, float] | None
    has_test: bool
    told: str


def choose_split(settings: GuideSettings) -> GuideSplit:
    """Look into the data: a file that has the splits keeps them.

    Args:
        settings: of the command.

    Returns:
        The split.

    Raises:
        FileNotFoundError: there are no data.
        ValueError: a file cannot be read, or must be split but has no groups.
    """
    try:
        files = find_parquet_files(settings.data_root)
    except FileNotFoundError:
        raise FileNotFoundError(
            f'--data_root {settings.data_root}: no such parquet file, and no folder '
            'with *.parquet'
        ) from None
    table = read_eye_table(files)
    missing = _missing_splits(table, settings)
    if not missing and not settings.resplit:
        return _own_split(table, settings)
    if table.files_without_group:
        raise ValueError(
            f'{table.files_without_group[0]}: column "group" is missing, so a split by '
            'ratio could put one face on both sides. Add a column with the subject or '
            'recording of each row'
        )
    reason = f'no {" and no ".join(missing)} split there' if missing else '--resplit'
    shares = ', '.join(f'{name} {share:.4g}' for name, share in settings.ratios.items())
    told = (
        f'split: by ratio ({reason}): {shares}, whole groups, seed {settings.seed}'
        f'{_left_over(settings)}'
    )
    return GuideSplit(settings.ratios, 'test' in settings.ratios, told)


def _missing_splits(table: EyeTable, settings: GuideSettings) -> list[str]:
    """Return the splits that are needed and not there."""
    needed = [name for name in SPLITS if name != 'test' or settings.test_ratio > 0]
    if table.files_without_split:
        return needed
    return [name for name in needed if not (table.split_N == SPLITS.index(name)).any()]


def _own_split(table: EyeTable, settings: GuideSettings) -> GuideSplit:
    counts = {n: int((table.split_N == i).sum()) for i, n in enumerate(SPLITS)}
    total = sum(counts.values())
    shares = ', '.join(
        f'{name} {count / total:.1%} ({count:,})'
        for name, count in counts.items()
        if count
    )
    asked = ', '.join(
        f'--{name}_ratio {getattr(settings, f"{name}_ratio"):g}' for name in SPLITS
    )
    told = (
        f'split: that of {settings.data_root}: {shares}; {asked} have no '
        'effect, --resplit splits by them'
    )
    return GuideSplit(None, counts['test'] > 0, told)


def _left_over(settings: GuideSettings) -> str:
    left = settings.ratios.get('test', 0) - settings.test_ratio
    if round(left, SHARE_DIGITS) <= 0:
        return ''
    return f'; {left:.4g} that the ratios leave over is in test'
