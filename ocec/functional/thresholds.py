"""Thresholds on P(open): all of them at once, and the ones worth using.

Choose on the validation split, report on another. Positive is open; a false alarm is
a closed eye called open. Shapes: N images, T thresholds.
"""

from typing import NamedTuple

import numpy as np

from ocec.functional.score_arrays import check_scores


class ThresholdSweep(NamedTuple):
    """Counts at every threshold that makes a difference, lowest first.

    The first threshold is 0, where every eye is called open, the last is inf, where
    none is. Without images, or with a NaN score, there is no threshold: T = 0.
    """

    threshold_T: np.ndarray
    tp_T: np.ndarray
    fp_T: np.ndarray
    fn_T: np.ndarray
    tn_T: np.ndarray

    @property
    def precision(self) -> np.ndarray:
        """(T,) share of open decisions that are right; NaN where there is none."""
        return _ratio(self.tp_T, self.tp_T + self.fp_T)

    @property
    def recall(self) -> np.ndarray:
        """(T,) share of open eyes that are found; NaN when no eye is open."""
        return _ratio(self.tp_T, self.tp_T + self.fn_T)

    @property
    def false_alarm_rate(self) -> np.ndarray:
        """(T,) share of closed eyes called open; NaN when no eye is closed."""
        return _ratio(self.fp_T, self.fp_T + self.tn_T)

    @property
    def f1(self) -> np.ndarray:
        """(T,) F1 of the open class; NaN when nothing is open nor called so."""
        return _ratio(2 * self.tp_T, 2 * self.tp_T + self.fp_T + self.fn_T)


def sweep_thresholds(prob_N: np.ndarray, label_N: np.ndarray) -> ThresholdSweep:
    """Count decisions at every threshold that makes a difference.

    One threshold lies midway between each two neighbouring distinct scores, so that
    rounding flips no decision; it is exact in the type of the scores, because float32
    scores are compared in float32.

    Args:
        prob_N: (N,) P(open) in [0, 1].
        label_N: (N,) 1 open, 0 closed.

    Returns:
        Thresholds in ascending order with their counts, one more than distinct scores.

    Raises:
        ValueError: the shapes do not fit, or a score is out of range.

    Example:
        >>> sweep = sweep_thresholds(np.array([0.25, 0.75]), np.array([0, 1]))
        >>> sweep.threshold_T, sweep.tp_T, sweep.fp_T
        (array([0. , 0.5, inf]), array([1, 1, 0]), array([1, 0, 0]))
    """
    raw_N = np.asarray(prob_N)
    prob_N, is_open_N = check_scores(raw_N, label_N)
    if not len(prob_N) or np.isnan(prob_N).any():
        return ThresholdSweep(np.empty(0), *np.empty((4, 0), dtype=np.int64))
    order_N = np.argsort(prob_N)
    sorted_N, is_open_N = raw_N[order_N], is_open_N[order_N]
    first_of_tie = np.flatnonzero(sorted_N[1:] != sorted_N[:-1]) + 1
    # what is called closed: nothing, the scores before each tie, everything
    cut_T = np.r_[0, first_of_tie, len(sorted_N)]
    fn_T = np.r_[0, np.cumsum(is_open_N)][cut_T]
    tn_T = cut_T - fn_T
    between = _midway(sorted_N[first_of_tie - 1], sorted_N[first_of_tie])
    return ThresholdSweep(
        threshold_T=np.r_[0.0, between, np.inf],
        tp_T=fn_T[-1] - fn_T,
        fp_T=tn_T[-1] - tn_T,
        fn_T=fn_T,
        tn_T=tn_T,
    )


def best_f1_threshold(sweep: ThresholdSweep) -> float:
    """Return the threshold of the highest F1; of equals the highest.

    Args:
        sweep: of the validation split.

    Returns:
        In [0, 1]; NaN when a class is missing or there is no score.
    """
    if not _has_both_classes(sweep):
        return float('nan')
    # the highest of equals makes the fewest false alarms
    return float(sweep.threshold_T[::-1][np.argmax(sweep.f1[::-1])])


def threshold_at_precision(sweep: ThresholdSweep, target: float) -> float | None:
    """Return the threshold that finds most open eyes at a precision.

    Args:
        sweep: of the validation split.
        target: lowest precision, in (0, 1].

    Returns:
        In [0, 1]; None when no threshold reaches the precision, a class is missing,
        or there is no score.

    Raises:
        ValueError: ``target`` is out of range.
    """
    if not 0 < target <= 1:
        raise ValueError(f'the precision must be in (0, 1], got {target}')
    # a comparison with NaN, where no eye is called open, is False
    return _most_open_found(sweep, sweep.precision >= target)


def threshold_at_false_alarm_rate(sweep: ThresholdSweep, target: float) -> float | None:
    """Return the threshold that finds most open eyes at a rate of false alarms.

    Args:
        sweep: of the validation split.
        target: highest share of closed eyes called open, in [0, 1).

    Returns:
        In [0, 1]; None when every threshold that finds an open eye has more false
        alarms, a class is missing, or there is no score.

    Raises:
        ValueError: ``target`` is out of range.
    """
    if not 0 <= target < 1:
        raise ValueError(f'the false-alarm rate must be in [0, 1), got {target}')
    return _most_open_found(sweep, sweep.false_alarm_rate <= target)


def choose_thresholds(
    prob_N: np.ndarray,
    label_N: np.ndarray,
    *,
    precision: float = 0.99,
    false_alarm_rate: float = 0.01,
) -> dict[str, float | None]:
    """Choose the thresholds that are stored with a model.

    Args:
        prob_N: (N,) P(open) in [0, 1] of the validation split.
        label_N: (N,) 1 open, 0 closed.
        precision: lowest precision of ``precision``, in (0, 1].
        false_alarm_rate: highest rate of ``false_alarm``, in [0, 1).

    Returns:
        ``best_f1``, ``precision`` and ``false_alarm`` to a threshold in [0, 1]; None
        where there is none.

    Raises:
        ValueError: the shapes do not fit, or a score or target is out of range.

    Example:
        >>> choose_thresholds(np.array([0.25, 0.5, 0.75]), np.array([0, 1, 1]))
        {'best_f1': 0.375, 'precision': 0.375, 'false_alarm': 0.375}
    """
    sweep = sweep_thresholds(prob_N, label_N)
    best_f1 = best_f1_threshold(sweep)
    return {
        'best_f1': None if np.isnan(best_f1) else best_f1,
        'precision': threshold_at_precision(sweep, precision),
        'false_alarm': threshold_at_false_alarm_rate(sweep, false_alarm_rate),
    }


def equal_error_rate(sweep: ThresholdSweep) -> float:
    """Return the rate at which as many closed as open eyes are mistaken.

    Between two thresholds the ROC curve is taken as a straight line.

    Args:
        sweep: of one split.

    Returns:
        In [0, 1]; NaN when a class is missing or there is no score.

    Source:
        Martin et al., The DET curve in assessment of detection task performance,
        Eurospeech 1997.
    """
    if not _has_both_classes(sweep):
        return float('nan')
    false_alarm_rate_T = sweep.false_alarm_rate
    # rises from -1, all open, to 1, all closed, with every threshold
    excess_misses_T = 1 - sweep.recall - false_alarm_rate_T
    return float(np.interp(0.0, excess_misses_T, false_alarm_rate_T))


def roc_points(sweep: ThresholdSweep) -> tuple[np.ndarray, np.ndarray]:
    """Return the ROC curve.

    Args:
        sweep: of one split.

    Returns:
        (T,) false-alarm rate and (T,) recall in [0, 1], from (0, 0) to (1, 1); NaN
        where a class is missing.
    """
    return sweep.false_alarm_rate[::-1], sweep.recall[::-1]


def precision_recall_points(sweep: ThresholdSweep) -> tuple[np.ndarray, np.ndarray]:
    """Return the precision-recall curve.

    Args:
        sweep: of one split.

    Returns:
        (T,) recall, ascending from 0, and (T,) precision, both in [0, 1]; where no
        eye is called open the precision is 1, as scikit-learn has it. The recall is
        NaN when no eye is open.
    """
    says_open_T = sweep.tp_T + sweep.fp_T > 0
    precision_T = np.where(says_open_T, sweep.precision, 1.0)
    return sweep.recall[::-1], precision_T[::-1]


def _midway(low_T: np.ndarray, high_T: np.ndarray) -> np.ndarray:
    if not np.issubdtype(low_T.dtype, np.floating):
        low_T, high_T = low_T.astype(np.float64), high_T.astype(np.float64)
    middle_T = low_T + (high_T - low_T) / 2
    # between neighbours of the floating-point grid there is nothing; the threshold
    # itself counts as open, so it may be the upper of the two, not the lower
    return np.where(middle_T > low_T, middle_T, high_T).astype(np.float64)


def _most_open_found(sweep: ThresholdSweep, is_allowed_T: np.ndarray) -> float | None:
    candidates = np.flatnonzero(is_allowed_T & (sweep.tp_T > 0))
    if not len(candidates) or not _has_both_classes(sweep):
        return None
    best_tp = sweep.tp_T[candidates].max()
    # the highest of equals makes the fewest false alarms
    return float(sweep.threshold_T[candidates[sweep.tp_T[candidates] == best_tp][-1]])


def _has_both_classes(sweep: ThresholdSweep) -> bool:
    return bool(len(sweep.tp_T) and sweep.tp_T[0] and sweep.fp_T[0])


def _ratio(part_T: np.ndarray, whole_T: np.ndarray) -> np.ndarray:
    nothing_T = np.full(len(part_T), np.nan)
    return np.divide(part_T, whole_T, out=nothing_T, where=whole_T > 0)
