"""Compare two data sets: statistics, labels, and whether pictures give their set away.

Shapes: N pictures of both sets, K statistics.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from ocec.apis.compare_datasets_page import render_page
from ocec.apis.compare_datasets_scan import MeasuredSet, measure_set
from ocec.apis.compare_datasets_verdict import format_summary, judge
from ocec.apis.progress import track
from ocec.datasets.eye_parquet import parse_image_size
from ocec.datasets.eye_table import NO_GROUP
from ocec.engine.checkpoint_io import write_text_atomically
from ocec.functional.picture_statistics import PIXEL_STATISTICS
from ocec.preparation.drift_classifier import (
    NUM_CHANCE_DRAWS,
    DomainResult,
    tell_apart,
)
from ocec.preparation.drift_numbers import (
    STATISTICS,
    compare_labels,
    compare_statistics,
    histograms,
    pool_channels,
)

MAX_ROWS = 100_000
# of each set; the AUC gains nothing from more, and a fit takes longer
MAX_CLASSIFIED = 5_000
CLASSIFIED_BY = {
    'pixels': PIXEL_STATISTICS,
    'gray': ('brightness', 'contrast', 'sharpness'),
    'files': STATISTICS,
}


@dataclass(frozen=True)
class DriftReport:
    """How B differs from A.

    Args:
        headline: the verdict in a line.
        meaning: what it means for a model of A that shall work on B.
        image_size: (H, W) that pixels were measured at.
        sets: for ``A`` and ``B``: ``name``, ``rows`` of the split, ``measured``,
            ``unreadable``, ``groups``, ``mean`` and ``std`` of the channels.
        labels: of :func:`ocec.preparation.drift_numbers.compare_labels`.
        classifiers: ``pixels``, by what a model sees; ``gray``, by brightness,
            contrast and sharpness alone, which is what is left of grey pictures;
            ``files``, by width, height and aspect too; each with
            ``auc``, ``auc_by_class``, ``chance``, ``num_folds`` and ``pictures``.
        statistics: of :func:`ocec.preparation.drift_numbers.compare_statistics`.
        histograms: of :func:`ocec.preparation.drift_numbers.histograms`.
        notes: what limits the result.
    """

    headline: str
    meaning: str
    image_size: tuple[int, int]
    sets: dict[str, dict]
    labels: dict
    classifiers: dict[str, dict]
    statistics: list[dict]
    histograms: dict[str, dict]
    notes: tuple[str, ...]


def compare_datasets(
    a: str | Path | Sequence[str],
    b: str | Path | Sequence[str],
    *,
    split_a: str | None = None,
    split_b: str | None = None,
    image_size: Sequence[int] | str = (32, 64),
    json_file: str | Path | None = None,
    html: str | Path | None = None,
    max_rows: int = MAX_ROWS,
    seed: int = 0,
    allow_outside: bool = False,
    jobs: int | None = None,
    quiet: bool = False,
) -> DriftReport:
    """Compare B with A, print a summary, write the reports.

    With more than one job the calling script needs the usual
    ``if __name__ == '__main__'``.

    Args:
        a: what a model was trained on: a parquet file, folder or pattern.
        b: what it shall work on.
        split_a: ``train``, ``val`` or ``test`` of A; None takes all rows.
        split_b: the same of B.
        image_size: (H, W) that pixels are measured at, as the model sees them.
        json_file: where to write all numbers.
        html: where to write a page with histograms and pictures.
        max_rows: of more rows of a set a random choice is measured, >= 1.
        seed: of that choice and of the classifier.
        allow_outside: also read pictures outside the folder of their parquet file.
        jobs: processes, >= 1; None takes all cores.
        quiet: print no summary.

    Returns:
        What differs.

    Raises:
        FileNotFoundError: a file is not there.
        ImportError: scikit-learn or, for the page, jinja2 is not installed.
        ValueError: a file is damaged, a split is empty, a set has too few groups, or
            an argument is out of range.
    """
    if max_rows < 1:
        raise ValueError(f'max_rows must be >= 1, got {max_rows}')
    image_size = parse_image_size(image_size)
    measured = [
        measure_set(
            data,
            split,
            image_size=image_size,
            max_rows=max_rows,
            seed=seed,
            jobs=jobs,
            allow_outside=allow_outside,
        )
        for data, split in ((a, split_a), (b, split_b))
    ]
    value_NK = np.concatenate([part.value_NK for part in measured])
    label_N = np.concatenate([part.labels for part in measured])
    is_b_N = np.repeat([False, True], [len(part.row_N) for part in measured])
    results = _classify(measured, value_NK, is_b_N, label_N, seed)
    pixels = results['pixels']
    statistics = compare_statistics(value_NK, is_b_N, label_N)
    labels = compare_labels(is_b_N, label_N)
    headline, meaning = judge(pixels, statistics)
    report = DriftReport(
        headline=headline,
        meaning=meaning,
        image_size=image_size,
        sets={
            which: _describe(part) for which, part in zip('AB', measured, strict=True)
        },
        labels=labels,
        classifiers={name: _plain(result) for name, result in results.items()},
        statistics=statistics,
        histograms=histograms(value_NK, is_b_N, label_N),
        notes=tuple(_notes(measured, pixels)),
    )
    if not quiet:
        print(format_summary(report))
    if json_file is not None:
        _write(json.dumps(asdict(report), indent=1) + '\n', Path(json_file))
    if html is not None:
        scores = np.split(pixels.score_N, [len(measured[0].row_N)])
        page = render_page(report, measured, scores, allow_outside=allow_outside)
        _write(page, Path(html))
    return report


def _classify(
    measured: Sequence[MeasuredSet], value_NK, is_b_N, label_N, seed: int
) -> dict[str, DomainResult]:
    """Tell the sets apart by the statistics of ``CLASSIFIED_BY``."""
    rng = np.random.default_rng(seed)
    halves = np.flatnonzero(~is_b_N), np.flatnonzero(is_b_N)
    chosen = np.concatenate([rng.permutation(rows)[:MAX_CLASSIFIED] for rows in halves])
    group_K = _joint_groups(measured)[chosen]
    draws = partial(track, total=NUM_CHANCE_DRAWS, what='groups dealt at random')
    results = {}
    for name, statistics in CLASSIFIED_BY.items():
        columns = [STATISTICS.index(statistic) for statistic in statistics]
        result = tell_apart(
            value_NK[chosen][:, columns],
            is_b_N[chosen],
            label_N[chosen],
            group_K,
            seed=seed,
            # the verdict is by pixels
            num_chance_draws=NUM_CHANCE_DRAWS if name == 'pixels' else 0,
            progress=draws,
        )
        score_N = np.full(len(is_b_N), np.nan)
        score_N[chosen] = result.score_N
        results[name] = replace(result, score_N=score_N)
    return results


def _joint_groups(measured: Sequence[MeasuredSet]) -> np.ndarray:
    """Codes of groups over both sets; one name is one group, to be on the safe side."""
    codes: dict[str, int] = {}
    parts = []
    for part in measured:
        of_table = [codes.setdefault(g, len(codes)) for g in part.table.group_names]
        # NO_GROUP is -1: it takes the last entry
        parts.append(np.array([*of_table, NO_GROUP])[part.table.group_N[part.row_N]])
    return np.concatenate(parts)


def _describe(part: MeasuredSet) -> dict:
    return {
        'name': part.name,
        'rows': part.num_rows,
        'measured': len(part.row_N),
        'unreadable': len(part.bad_rows),
        'groups': len(part.group_names),
        **pool_channels(part.value_NK),
    }


def _plain(result: DomainResult) -> dict:
    return {
        'auc': result.auc,
        'auc_by_class': result.auc_by_class,
        'chance': result.chance,
        'num_folds': result.num_folds,
        'pictures': int((~np.isnan(result.score_N)).sum()),
    }


def _notes(measured: Sequence[MeasuredSet], result: DomainResult) -> list[str]:
    notes = []
    for which, part in zip('AB', measured, strict=True):
        num = len(part.row_N) + len(part.bad_rows)
        if num < part.num_rows:
            notes.append(f'{which}: a random {num:,} of {part.num_rows:,} rows.')
        if part.bad_rows:
            notes.append(
                f'{which}: {len(part.bad_rows):,} rows could not be read, as '
                f'{part.bad_rows[0]}.'
            )
        if (part.table.group_N[part.row_N] == NO_GROUP).any():
            notes.append(
                f'{which}: rows without a known group stand alone in the '
                'cross-validation; look-alikes on both sides make the AUC too high.'
            )
    first, second = (set(part.group_names) for part in measured)
    if shared := len(first & second):
        notes.append(
            f'A and B share {shared:,} groups, which are held out together. If A is '
            'for training and B for testing, that is a leak: see check_dataset.py.'
        )
    if result.chance is not None:
        notes.append(
            f'Chance: the groups dealt out to A and B at random give an AUC of '
            f'{result.chance[0]:.2f} to {result.chance[1]:.2f}; few groups tell little.'
        )
    return notes


def _write(text: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text_atomically(text, path)
    print(f'written: {path}')
