"""What a data set consists of, in numbers: rows, sizes, brightness, what gives it away.

Everything here is plain and can be written as JSON. Shapes: N rows.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ocec.datasets.eye_table import NO_GROUP, SPLITS, EyeTable
from ocec.functional.classification import roc_auc
from ocec.functional.probability import CLASS_NAMES

QUANTILES = {'min': 0, 'q05': 0.05, 'median': 0.5, 'q95': 0.95, 'max': 1}
NUM_BINS = 12
NO_SPLIT = 'no split'
# of a picture, what a model could use in place of the eye
CUES = ('width', 'height', 'aspect', 'brightness', 'contrast')


def count_rows(table: EyeTable) -> list[dict]:
    """Count rows by split.

    Args:
        table: the rows.

    Returns:
        For each split that has rows: ``split``, ``rows``, ``closed``, ``open``,
        ``unlabelled``, ``open_share`` in [0, 1] of the labelled rows, ``groups`` and
        ``rows_without_group``.
    """
    counts = []
    for name, in_split_N in _splits(table):
        label = table.label_N[in_split_N]
        closed, opened = (int((label == code).sum()) for code in range(2))
        group = table.group_N[in_split_N]
        counts.append(
            {
                'split': name,
                'rows': len(label),
                'closed': closed,
                'open': opened,
                'unlabelled': len(label) - closed - opened,
                'open_share': opened / max(1, closed + opened),
                'groups': len(np.unique(group[group != NO_GROUP])),
                'rows_without_group': int((group == NO_GROUP).sum()),
            }
        )
    return counts


def cue_values(facts_N: np.ndarray) -> dict[str, np.ndarray]:
    """Values that have nothing to do with the eye, or little.

    Args:
        facts_N: (N,) of ``check_pictures.PICTURE_DTYPE``.

    Returns:
        ``width`` and ``height`` in pixels, ``aspect`` (width / height), ``brightness``
        and ``contrast`` (mean and standard deviation of the grey levels), each (N,).
    """
    height_N = facts_N['height'].astype(np.float64)
    return {
        'width': facts_N['width'].astype(np.float64),
        'height': height_N,
        'aspect': facts_N['width'] / np.maximum(height_N, 1),
        'brightness': facts_N['mean'].astype(np.float64),
        'contrast': facts_N['contrast'].astype(np.float64),
    }


def summarise_cues(table: EyeTable, facts_N: np.ndarray) -> list[dict]:
    """Spread of each cue by split and class.

    Args:
        table: the rows.
        facts_N: (N,) of ``check_pictures.PICTURE_DTYPE``.

    Returns:
        For each cue, split and class with readable rows: their names, ``rows``,
        ``mean``, ``std``, ``min``, ``q05``, ``median``, ``q95``, ``max``.
    """
    readable_N, values = facts_N['height'] > 0, cue_values(facts_N)
    found = []
    for cue in CUES:
        for split, in_split_N in _splits(table):
            for code, label in enumerate(CLASS_NAMES):
                value = values[cue][readable_N & in_split_N & (table.label_N == code)]
                if len(value):
                    found.append(
                        {'cue': cue, 'split': split, 'label': label} | _spread(value)
                    )
    return found


def predict_from_cues(table: EyeTable, facts_N: np.ndarray) -> list[dict]:
    """How well each cue alone predicts the label.

    Args:
        table: the rows.
        facts_N: (N,) of ``check_pictures.PICTURE_DTYPE``.

    Returns:
        For each cue, the strongest first: ``cue``; ``auc`` in [0.5, 1], the chance
        that the class named in ``larger`` has the larger value in a random pair of
        both classes. Empty when a class is missing.
    """
    usable_N = (facts_N['height'] > 0) & (table.label_N >= 0)
    label_M, found = table.label_N[usable_N], []
    if len(np.unique(label_M)) < 2:
        return []
    for cue, value_N in cue_values(facts_N).items():
        auc = roc_auc(value_N[usable_N], label_M)
        larger = CLASS_NAMES[int(auc >= 0.5)]
        found.append({'cue': cue, 'auc': max(auc, 1 - auc), 'larger': larger})
    return sorted(found, key=lambda item: -item['auc'])


def size_histogram(table: EyeTable, facts_N: np.ndarray) -> dict[str, dict]:
    """Histograms of width and height by class.

    Args:
        table: the rows.
        facts_N: (N,) of ``check_pictures.PICTURE_DTYPE``.

    Returns:
        ``width`` and ``height``: ``edges``, whole pixels, and for each class the
        number of pictures from one edge up to the next. The largest are in the last.
    """
    readable_N, found = facts_N['height'] > 0, {}
    for name in ('width', 'height'):
        edges = _whole_edges(facts_N[name][readable_N])
        found[name] = {'edges': edges.tolist()}
        for code, label in enumerate(CLASS_NAMES):
            value = facts_N[name][readable_N & (table.label_N == code)]
            found[name][label] = np.histogram(value, edges)[0].tolist()
    return found


def _whole_edges(value: np.ndarray) -> np.ndarray:
    """Bins of one whole width up to the 99th percentile; the last takes the rest."""
    if not len(value):
        return np.array([0, 1])
    low, high = int(value.min()), int(np.quantile(value, 0.99)) + 1
    step = max(1, -(-(high - low) // NUM_BINS))
    edges = np.arange(low, high + step, step)
    edges[-1] = max(edges[-1], int(value.max()) + 1)
    return edges


def _spread(value: np.ndarray) -> dict:
    levels = np.quantile(value, list(QUANTILES.values())).tolist()
    return {
        'rows': len(value),
        'mean': float(value.mean()),
        'std': float(value.std()),
        **dict(zip(QUANTILES, levels, strict=True)),
    }


def _splits(table: EyeTable) -> Iterator[tuple[str, np.ndarray]]:
    """Name and rows, as (N,) bool, of each split that has rows."""
    for code, name in [*enumerate(SPLITS), (-1, NO_SPLIT)]:
        in_split_N = table.split_N == code
        if in_split_N.any():
            yield name, in_split_N
