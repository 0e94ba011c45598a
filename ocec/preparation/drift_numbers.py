"""How far the statistics and labels of one data set lie from those of another.

Data set A is what a model was trained on, B what it shall work on. Everything here is
plain and can be written as JSON. Shapes: N pictures of both sets, K statistics.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from ocec.functional.classification import roc_auc
from ocec.functional.picture_statistics import PIXEL_STATISTICS
from ocec.functional.pixel_statistics import pool_mean_std
from ocec.functional.probability import CLASS_NAMES

# of the file; a model sees pictures of one size
SIZE_STATISTICS = ('width', 'height', 'aspect')
STATISTICS = (*SIZE_STATISTICS, *PIXEL_STATISTICS)
SETS = ('A', 'B')
NUM_BINS = 40
# the farthest 1 % at each end would squeeze the rest of a histogram
SHOWN_SHARE = (0.01, 0.99)


def compare_statistics(
    value_NK: np.ndarray, is_b_N: np.ndarray, label_N: np.ndarray
) -> list[dict]:
    """Compare each statistic of A and B, over all pictures and within each class.

    Args:
        value_NK: (N, 13) in the order of ``STATISTICS``.
        is_b_N: (N,) bool, which pictures are those of B.
        label_N: (N,) 1 open, 0 closed, -1 unknown.

    Returns:
        For each statistic, the most separating first: ``statistic``; ``auc`` in
        [0.5, 1], the chance that the set named in ``larger`` has the larger value in
        a random pair of both sets; ``auc_closed`` and ``auc_open``, the same within a
        class and for the same set, in [0, 1], None where a set lacks the class;
        ``difference``, mean of B minus that of A in units of their pooled standard
        deviation, None where both are constant; ``A`` and ``B``: ``mean``, ``std``,
        ``q05``, ``median``, ``q95``, and ``means`` by class.
    """
    compared = []
    for name, value_N in zip(STATISTICS, value_NK.T, strict=True):
        auc_b = roc_auc(value_N, is_b_N)
        sign = 1 if auc_b >= 0.5 else -1
        found = {'statistic': name, 'auc': max(auc_b, 1 - auc_b)}
        found['larger'] = SETS[int(auc_b >= 0.5)]
        for code, label in enumerate(CLASS_NAMES):
            of_class_N = label_N == code
            auc = roc_auc(sign * value_N[of_class_N], is_b_N[of_class_N])
            found[f'auc_{label}'] = None if math.isnan(auc) else auc
        found['difference'] = _standardised_difference(value_N, is_b_N)
        for which, rows_N in _sets(is_b_N):
            found[which] = _spread(value_N[rows_N], label_N[rows_N])
        compared.append(found)
    return sorted(compared, key=lambda found: -found['auc'])


def compare_labels(is_b_N: np.ndarray, label_N: np.ndarray) -> dict:
    """Compare the shares of open eyes.

    Args:
        is_b_N: (N,) bool, which pictures are those of B.
        label_N: (N,) 1 open, 0 closed, -1 unknown.

    Returns:
        For ``A`` and ``B``: ``pictures``, ``closed``, ``open``, ``unlabelled`` and
        ``open_share`` in [0, 1], None without labels. ``log_odds_shift``: log-odds of
        open in B minus those in A, the correction that a calibrated score of A needs
        on B if nothing but the shares differs; None unless both sets have both
        classes.

    Source:
        Saerens et al., Adjusting the outputs of a classifier to new a priori
        probabilities, Neural Computation 14, 2002, Eq. 2.4.

    Example:
        >>> is_b = np.array([False, False, True, True])
        >>> found = compare_labels(is_b, np.array([0, 1, 0, 1]))
        >>> found['B']['open_share'], found['log_odds_shift']
        (0.5, 0.0)
    """
    found, log_odds = {}, []
    for which, rows_N in _sets(is_b_N):
        label = label_N[rows_N]
        closed, opened = (int((label == code).sum()) for code in range(2))
        found[which] = {
            'pictures': len(label),
            'closed': closed,
            'open': opened,
            'unlabelled': len(label) - closed - opened,
            'open_share': opened / (closed + opened) if closed + opened else None,
        }
        if closed and opened:
            log_odds.append(math.log(opened / closed))
    shift = log_odds[1] - log_odds[0] if len(log_odds) == 2 else None
    return found | {'log_odds_shift': shift}


def pool_channels(value_NK: np.ndarray) -> dict[str, list[float]]:
    """Mean and standard deviation of all pixels, as a config normalises with.

    Args:
        value_NK: (N, 13) in the order of ``STATISTICS``, of pictures of one size.

    Returns:
        ``mean`` and ``std`` of red, green and blue, in pixel values [0, 255].
    """
    mean_NC, std_NC = (
        value_NK[:, [STATISTICS.index(name + suffix) for name in PIXEL_STATISTICS[:3]]]
        for suffix in ('', '_std')
    )
    mean, std = pool_mean_std(np.ones(len(value_NK)), mean_NC, std_NC)
    return {'mean': mean, 'std': std}


def histograms(
    value_NK: np.ndarray, is_b_N: np.ndarray, label_N: np.ndarray
) -> dict[str, dict]:
    """Histograms of each statistic of A and B, over all pictures and by class.

    Args:
        value_NK: (N, 13) in the order of ``STATISTICS``.
        is_b_N: (N,) bool, which pictures are those of B.
        label_N: (N,) 1 open, 0 closed, -1 unknown.

    Returns:
        For each statistic: ``edges`` of 40 bins; for ``A`` and ``B``, counts of
        ``all``, ``closed`` and ``open``. What lies outside is in the first and last.
    """
    found = {}
    for name, value_N in zip(STATISTICS, value_NK.T, strict=True):
        # both ends of each set: a small set must not vanish beside a large one
        ends = [np.quantile(value_N[rows], SHOWN_SHARE) for _, rows in _sets(is_b_N)]
        low, high = float(np.min(ends)), float(np.max(ends))
        edges = np.linspace(low, high if high > low else low + 1, NUM_BINS + 1)
        clipped_N = value_N.astype(np.float64).clip(edges[0], edges[-1])
        found[name] = {'edges': edges.tolist()}
        for which, rows_N in _sets(is_b_N):
            of_class = {'all': rows_N}
            for code, label in enumerate(CLASS_NAMES):
                of_class[label] = rows_N & (label_N == code)
            found[name][which] = {
                label: np.histogram(clipped_N[rows], edges)[0].tolist()
                for label, rows in of_class.items()
            }
    return found


def _standardised_difference(value_N: np.ndarray, is_b_N: np.ndarray) -> float | None:
    value_N = value_N.astype(np.float64)
    first, second = value_N[~is_b_N], value_N[is_b_N]
    pooled = math.sqrt((first.var() + second.var()) / 2)
    return float(second.mean() - first.mean()) / pooled if pooled > 0 else None


def _spread(value: np.ndarray, label: np.ndarray) -> dict:
    q05, median, q95 = np.quantile(value, (0.05, 0.5, 0.95)).tolist()
    value = value.astype(np.float64)
    means = {
        name: float(value[label == code].mean())
        for code, name in enumerate(CLASS_NAMES)
        if (label == code).any()
    }
    return {
        'mean': float(value.mean()),
        'std': float(value.std()),
        'q05': q05,
        'median': median,
        'q95': q95,
        'means': means,
    }


def _sets(is_b_N: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    yield SETS[0], ~is_b_N
    yield SETS[1], is_b_N
