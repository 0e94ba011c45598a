"""What is compared between runs: one number for each run and question."""

# N points of a curve

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ocec.visualization.run_columns import COLUMNS
from ocec.visualization.run_log import RunLog
from ocec.visualization.run_records import Curve

MEDIAN_EPOCHS = 5
CONVERGED = 0.99
FUSED = 'fused_top1'
"""Share of actions that all streams together get right."""


def summarize_run(
    run: RunLog, metric: str, *, rule: str, target: float | None
) -> dict[str, float | None]:
    """Work out all numbers of a run.

    Args:
        run: the run.
        metric: the chosen curve, as ``val/f1``; the run may lack it.
        rule: ``greater`` or ``less`` is better.
        target: of that metric; None for none.

    Returns:
        Key of ``COLUMNS`` to number, None where the log does not tell.
    """
    numbers = summarize_training(run) | summarize_metric(run, metric, rule=rule)
    chosen = run.curves.get(metric)
    reached = None
    if chosen is not None and target is not None:
        reached = find_reached(chosen.value_N, target, rule)
    if reached is not None:
        numbers['epochs_to_target'] = _plain(chosen.epoch_N[reached])
        numbers['minutes_to_target'] = _plain(chosen.minutes_N[reached])
    return {column.key: numbers.get(column.key) for column in COLUMNS}


def summarize_training(run: RunLog) -> dict[str, float | None]:
    """Work out the numbers that do not depend on the chosen metric.

    Args:
        run: the run.

    Returns:
        Key to number, None where the log does not tell.
    """
    roughness = largest_rise = None
    loss = run.curves.get('train/loss')
    if loss is not None:
        roughness, largest_rise = measure_roughness(loss.value_N)
    minutes = [np.nanmax(c.minutes_N, initial=-1) for c in run.curves.values()]
    numbers = {
        'fisher': _best_value(run, 'val/fisher', 'greater'),
        'auc': _best_value(run, 'val/auc', 'greater'),
        'val_loss': _best_value(run, 'val/loss', 'less'),
        'seconds_per_epoch': seconds_per_epoch(run),
        'roughness': roughness,
        'largest_rise': largest_rise,
        'memory_mb': _best_value(run, 'memory_mb', 'greater'),
        'minutes': max(minutes) if max(minutes) >= 0 else None,
        'epochs': run.num_epochs,
    }
    return {key: _plain(number) for key, number in numbers.items()}


def summarize_metric(run: RunLog, metric: str, *, rule: str) -> dict[str, float | None]:
    """Work out the numbers that hang on the best epoch of a metric.

    Args:
        run: the run.
        metric: the chosen curve; the run may lack it.
        rule: ``greater`` or ``less`` is better.

    Returns:
        Key to number, None where the log does not tell.
    """
    chosen = run.curves.get(metric)
    best = None if chosen is None else find_best(chosen.value_N, rule)
    if best is None:
        return {}
    epoch = float(chosen.epoch_N[best])
    numbers = {
        'best': chosen.value_N[best],
        'best_epoch': epoch,
        'test': run.test.get(chosen.logged_as),
        'train_loss': value_at(run.curves.get('train/loss'), epoch),
        'loss_gap': _difference(run, 'val/loss', 'train/loss', epoch),
        'train_acc': value_at(run.curves.get('train/accuracy'), epoch),
        'val_acc': value_at(run.curves.get('val/accuracy'), epoch),
        'acc_gap': _difference(run, 'train/accuracy', 'val/accuracy', epoch),
        'convergence_epoch': chosen.epoch_N[find_converged(chosen.value_N, rule)],
        **_summarize_streams(run, epoch),
    }
    return {key: _plain(number) for key, number in numbers.items()}


def gap_in_points(
    trained: Curve | None, validated: Curve | None, epoch: float
) -> float | None:
    """Return how far the training is ahead of the validation.

    Args:
        trained: shares in [0, 1]; None for none.
        validated: the same of the validation.
        epoch: that both must have.

    Returns:
        Percentage points; None if a curve has no value there.
    """
    values = [value_at(curve, epoch) for curve in (trained, validated)]
    return None if None in values else 100 * (values[0] - values[1])


def find_best(value_N: np.ndarray, rule: str) -> int | None:
    """Return the first place of the best value.

    Args:
        value_N: (N,) values, NaN where unknown.
        rule: ``greater`` or ``less``.

    Returns:
        Its index; None if no value is known.
    """
    if not np.isfinite(value_N).any():
        return None
    return int(np.nanargmin(value_N) if rule == 'less' else np.nanargmax(value_N))


def find_reached(value_N: np.ndarray, target: float, rule: str) -> int | None:
    """Return the first place that is as good as a target.

    Args:
        value_N: (N,) values, NaN where unknown.
        target: to reach.
        rule: ``greater`` or ``less``.

    Returns:
        Its index; None if it is never reached.
    """
    good_N = value_N <= target if rule == 'less' else value_N >= target
    return int(good_N.argmax()) if good_N.any() else None


def find_converged(value_N: np.ndarray, rule: str) -> int | None:
    """Return the first place after 99 % of the way from the first to the best value.

    Args:
        value_N: (N,) values, NaN where unknown.
        rule: ``greater`` or ``less``.

    Returns:
        Its index; None if no value is known.
    """
    best = find_best(value_N, rule)
    if best is None:
        return None
    first = value_N[np.isfinite(value_N)][0]
    target = first + CONVERGED * (value_N[best] - first)
    return find_reached(value_N, target, rule)


def measure_roughness(loss_N: np.ndarray) -> tuple[float | None, float | None]:
    """Measure how far a loss curve is from smooth.

    Args:
        loss_N: (N,) means of epochs; values that are not finite are left out.

    Returns:
        Standard deviation of the values from their running median over 5 epochs (fewer
        at the ends, so that a curve that only falls has 0), and the largest rise from
        one value to the next, both in percent of the range of that median. None for
        less than 5 values or a constant curve.

    Example:
        >>> import numpy as np
        >>> measure_roughness(np.array([5.0, 4.0, 3.0, 2.0, 1.0]))
        (0.0, 0.0)
    """
    loss_N = loss_N[np.isfinite(loss_N)]
    if len(loss_N) < MEDIAN_EPOCHS:
        return None, None
    median_N = _running_median(loss_N)
    span = np.ptp(median_N)
    if span == 0:
        return None, None
    residual = np.sqrt(np.mean((loss_N - median_N) ** 2))
    rise = max(np.diff(loss_N).max(), 0.0)
    return float(100 * residual / span), float(100 * rise / span)


def seconds_per_epoch(run: RunLog) -> float | None:
    """Return the median duration of an epoch of training.

    Args:
        run: the run.

    Returns:
        Seconds; None where the log does not tell.
    """
    logged = run.curves.get('train/seconds')
    if logged is not None:
        return float(np.nanmedian(logged.value_N))
    loss = run.curves.get('train/loss')
    if loss is None or not np.isfinite(loss.minutes_N).any():
        return None
    per_epoch = np.diff(loss.minutes_N, prepend=0) / np.diff(loss.epoch_N, prepend=0)
    return float(60 * np.nanmedian(per_epoch))


def value_at(curve: Curve | None, epoch: float | None) -> float | None:
    """Return the value of a curve at an epoch.

    Args:
        curve: None for none.
        epoch: None for none.

    Returns:
        The value; None if the curve has none there.
    """
    if curve is None or epoch is None:
        return None
    [found, *_] = [*np.flatnonzero(curve.epoch_N == epoch), -1]
    return None if found < 0 else float(curve.value_N[found])


def default_target(runs: Sequence[RunLog], metric: str, rule: str) -> float | None:
    """Return a target that every run reaches: the worst of their bests.

    Args:
        runs: to compare; those without the metric do not count.
        metric: name of the curve.
        rule: ``greater`` or ``less``.

    Returns:
        The target, rounded to four digits on the side that is easier to reach; None
        if no run has the metric.
    """
    bests = [_best_value(run, metric, rule) for run in runs]
    bests = [best for best in bests if best is not None]
    if not bests:
        return None
    if rule == 'less':
        return float(np.ceil(max(bests) * 1e4) / 1e4)
    return float(np.floor(min(bests) * 1e4) / 1e4)


def _summarize_streams(run: RunLog, epoch: float) -> dict[str, float | None]:
    """Work out the numbers that only runs on actions have, at an epoch."""
    trained, validated = (run.curves.get(f'{at}/{FUSED}') for at in ('train', 'val'))
    if validated is None:
        return {}
    return {
        'train_top1': value_at(trained, epoch),
        'val_top1': value_at(validated, epoch),
        'gap': gap_in_points(trained, validated, epoch),
        'last_gap': gap_in_points(trained, validated, validated.epoch_N[-1]),
        'rgb_top1': value_at(run.curves.get('val/rgb_top1'), epoch),
        'pose_top1': value_at(run.curves.get('val/pose_top1'), epoch),
        'lr': _best_value(run, 'lr', 'greater'),
    }


def _running_median(value_N: np.ndarray) -> np.ndarray:
    half = MEDIAN_EPOCHS // 2
    median_N = value_N.copy()
    windows = np.lib.stride_tricks.sliding_window_view(value_N, MEDIAN_EPOCHS)
    median_N[half:-half] = np.median(windows, axis=1)
    median_N[1], median_N[-2] = np.median(value_N[:3]), np.median(value_N[-3:])
    return median_N


def _best_value(run: RunLog, name: str, rule: str) -> float | None:
    curve = run.curves.get(name)
    best = None if curve is None else find_best(curve.value_N, rule)
    return None if best is None else float(curve.value_N[best])


def _difference(
    run: RunLog, name: str, other: str, epoch: float | None
) -> float | None:
    values = [value_at(run.curves.get(key), epoch) for key in (name, other)]
    return None if None in values else values[0] - values[1]


def _plain(number: float | None) -> float | None:
    return None if number is None or not np.isfinite(number) else float(number)
