"""What the curves of a run say about it, each remark with its evidence.

A remark is worth nothing if it comes with every run: all of these keep silent when
there are few validations, when a change is within the noise of the curve, or when a
number is not finite. Shapes: V validations so far, T optimizer steps.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

# validations that are averaged before curves are compared
WINDOW = 3
# a low that is older than this many validations is no passing dip
PATIENCE = 5


class Advice(NamedTuple):
    """One remark on a run.

    Args:
        kind: short name, the same for all remarks of one kind.
        evidence: what was seen, in numbers.
        suggestion: what to try.
    """

    kind: str
    evidence: str
    suggestion: str


def overfitting(
    epoch_V: np.ndarray,
    train_loss_V: np.ndarray,
    val_loss_V: np.ndarray,
    *,
    min_change: float = 0.1,
) -> Advice | None:
    """Remark that the validation loss rises while the training loss falls.

    Both are means over three validations, so that one bad epoch says nothing.

    Args:
        epoch_V: (V,) epochs of the validations.
        train_loss_V: (V,) training loss, >= 0.
        val_loss_V: (V,) validation loss, >= 0.
        min_change: relative rise and fall since the low that counts, > 0.

    Returns:
        The remark, or None.
    """
    if len(epoch_V) < WINDOW + PATIENCE or not _finite(train_loss_V, val_loss_V):
        return None
    train_loss, val_loss = _running_mean(train_loss_V), _running_mean(val_loss_V)
    low = int(val_loss.argmin())
    if len(val_loss) - 1 - low < PATIENCE or not val_loss[low] or not train_loss[low]:
        return None
    rise = val_loss[-1] / val_loss[low] - 1
    fall = 1 - train_loss[-1] / train_loss[low]
    noise = np.median(np.abs(np.diff(val_loss_V)))
    if min(rise, fall) < min_change or val_loss[-1] - val_loss[low] < 2 * noise:
        return None
    since = epoch_V[low + WINDOW // 2]
    return Advice(
        'overfitting',
        f'since epoch {since} the validation loss has risen by {rise:.0%} to '
        f'{val_loss[-1]:.4f} while the training loss has fallen by {fall:.0%} to '
        f'{train_loss[-1]:.4f}',
        'more augmentation, more weight decay or fewer epochs; the best checkpoint is '
        'kept, but its probabilities may be too sure of themselves',
    )


def idle_learning_rate(
    epoch_V: np.ndarray,
    lr_V: np.ndarray,
    *,
    max_epochs: int,
    floor: float = 0.01,
    min_left: float = 0.2,
) -> Advice | None:
    """Remark that the learning rate has come to its floor long before the end.

    Args:
        epoch_V: (V,) epochs of the validations.
        lr_V: (V,) learning rates.
        max_epochs: of the run, > 0.
        floor: share of the highest rate below which nothing more is learnt.
        min_left: share of the run that must still lie ahead.

    Returns:
        The remark, or None.
    """
    if len(lr_V) <= PATIENCE or not _finite(lr_V):
        return None
    peak = max(lr_V)
    is_low_V = np.asarray(lr_V) <= floor * peak
    num_left = max_epochs - epoch_V[-1]
    if not is_low_V[-PATIENCE:].all() or num_left < min_left * max_epochs:
        return None
    since = epoch_V[len(lr_V) - _length_of_tail(is_low_V)]
    return Advice(
        'idle learning rate',
        f'the learning rate has been {floor:.0%} of its peak {peak:.3g} or less since '
        f'epoch {since} (now {lr_V[-1]:.3g}), and {num_left} of {max_epochs} epochs '
        'are left',
        'stop here, or let the schedule cut later: a longer patience, a milder '
        'factor, a higher minimum',
    )


def plateau_at_high_rate(
    epoch_V: np.ndarray,
    metric_V: np.ndarray,
    lr_V: np.ndarray,
    *,
    metric: str,
    rule: str,
    max_epochs: int,
) -> Advice | None:
    """Remark that the metric is flat although the learning rate is still high.

    Flat is: no new best for a quarter of the run, at least 10 validations, all with
    more than half of the highest rate.

    Args:
        epoch_V: (V,) epochs of the validations.
        metric_V: (V,) the metric.
        lr_V: (V,) learning rates.
        metric: its name.
        rule: ``greater`` or ``less`` is better.
        max_epochs: of the run, > 0.

    Returns:
        The remark, or None.
    """
    if not len(metric_V) or not _finite(metric_V, lr_V):
        return None
    best = _best(metric_V, rule)
    peak = max(lr_V)
    is_high = (np.asarray(lr_V)[best:] > 0.5 * peak).all()
    num_flat = len(metric_V) - 1 - best
    if not is_high or num_flat < 10 or epoch_V[-1] - epoch_V[best] < 0.25 * max_epochs:
        return None
    return Advice(
        'plateau',
        f'{metric} has not beaten {metric_V[best]:.4f} of epoch {epoch_V[best]} for '
        f'{num_flat} validations, and the learning rate is still {lr_V[-1]:.3g}, '
        f'{lr_V[-1] / peak:.0%} of its peak',
        'cut the learning rate: ReduceOnPlateauLR, or a cosine over fewer epochs',
    )


def still_rising(
    epoch_V: np.ndarray,
    metric_V: np.ndarray,
    *,
    metric: str,
    rule: str,
    min_gain: float = 0.05,
) -> Advice | None:
    """Remark at the end of a run that it was still getting better.

    A straight line is laid through the last fifth of the validations, at least 5 of
    at least 8. Its gain counts if it is more than three of its standard errors and
    than ``min_gain`` of all that the run has gained.

    Args:
        epoch_V: (V,) epochs of the validations.
        metric_V: (V,) the metric.
        metric: its name.
        rule: ``greater`` or ``less`` is better.
        min_gain: share of the run's whole gain, > 0.

    Returns:
        The remark, or None.
    """
    if len(metric_V) < 8 or not _finite(metric_V):
        return None
    length = max(5, round(0.2 * len(metric_V)))
    sign = 1 if rule == 'greater' else -1
    x, y = np.arange(length), sign * np.asarray(metric_V, np.float64)[-length:]
    centred = x - x.mean()
    slope = centred @ y / (centred @ centred)
    residual = y - y.mean() - slope * centred
    error = np.sqrt(residual @ residual / (length - 2) / (centred @ centred))
    gain = slope * (length - 1)
    whole = max(metric_V) - min(metric_V)
    if slope <= 3 * error or gain <= min_gain * whole:
        return None
    return Advice(
        'still rising',
        f'over the last {length} validations (epochs {epoch_V[-length]} to '
        f'{epoch_V[-1]}) {metric} has gained {gain:.4f}, '
        f'{gain / whole:.0%} of all that the run has gained',
        'train longer: a higher train_cfg.max_epochs',
    )


def rising_rate(epoch_V: np.ndarray, lr_V: np.ndarray) -> Advice | None:
    """Remark at the end of a run that the learning rate was still rising.

    Args:
        epoch_V: (V,) epochs of the validations, at least 3.
        lr_V: (V,) learning rates.

    Returns:
        The remark, or None.
    """
    if len(lr_V) < 3 or not _finite(lr_V):
        return None
    # rounding of a constant rate is no rise
    if lr_V[-1] < max(lr_V) or lr_V[-1] <= 1.001 * lr_V[-2]:
        return None
    return Advice(
        'rising rate',
        f'the learning rate was still rising at the end: {lr_V[-2]:.3g} in epoch '
        f'{epoch_V[-2]}, {lr_V[-1]:.3g} in epoch {epoch_V[-1]}, its highest',
        'a shorter warmup, more epochs, or a schedule that falls before the end: the '
        'last steps at a low rate are worth most',
    )


def gradient_spikes(
    norm_T: np.ndarray,
    step_T: np.ndarray,
    *,
    since: int = 0,
    max_norm: float | None = None,
    factor: float = 10.0,
    window: int = 50,
) -> Advice | None:
    """Remark that single steps had far larger gradients than the steps before.

    Clipping counts: a spike that was cut to less than ``factor`` medians did no harm.

    Args:
        norm_T: (T,) gradient norms before clipping, >= 0; not finite ones, as float16
            has them while it looks for its scale, are left out.
        step_T: (T,) numbers of the steps, rising.
        since: first step to judge; those before serve the median only.
        max_norm: to which norm gradients are clipped; None if they are not.
        factor: of the running median, from which a norm is a spike, > 1.
        window: steps of the running median, > 0.

    Returns:
        The remark, or None.
    """
    norm_T, step_T = np.asarray(norm_T, np.float64), np.asarray(step_T)
    is_finite_T = np.isfinite(norm_T)
    norm_T, step_T = norm_T[is_finite_T], step_T[is_finite_T]
    if len(norm_T) <= window:
        return None
    windows = np.lib.stride_tricks.sliding_window_view(norm_T[:-1], window)
    median_T = np.median(windows, axis=1)
    norm_T, step_T = norm_T[window:], step_T[window:]
    felt_T = norm_T if max_norm is None else norm_T.clip(max=max_norm)
    is_spike_T = (felt_T > factor * median_T) & (median_T > 0) & (step_T >= since)
    if not is_spike_T.any():
        return None
    ratio_T = np.divide(norm_T, median_T, out=np.zeros_like(norm_T), where=is_spike_T)
    worst = int(ratio_T.argmax())
    return Advice(
        'gradient spikes',
        f'{is_spike_T.sum()} of {(step_T >= since).sum()} steps had a gradient norm '
        f'over {factor:g} times the median of the {window} steps before; the worst, '
        f'step {step_T[worst]}, {norm_T[worst]:.3g} against {median_T[worst]:.3g}',
        f'optim_wrapper.clip_grad=dict(max_norm={2 * median_T[worst]:.2g}), a lower '
        'learning rate, or a look for wrong labels',
    )


def lagging_average(
    share_of_old: float, *, num_steps: int, max_share: float = 0.3
) -> Advice | None:
    """Remark that averaged weights look back too far for the length of the run.

    Args:
        share_of_old: share of the average, in [0, 1], that is made of the weights
            before the last quarter of the run.
        num_steps: optimizer steps of the run.
        max_share: share that is still right.

    Returns:
        The remark, or None.
    """
    if share_of_old <= max_share:
        return None
    return Advice(
        'lagging average',
        f'{share_of_old:.0%} of the averaged weights, which are validated and saved, '
        f'come from before the last quarter of the {num_steps:,} steps',
        "average over fewer steps: EMAHook(ema_type='RampedEMA'), whose decay grows "
        'with the run, or a lower decay',
    )


def slow_average(
    epoch_V: np.ndarray,
    averaged_loss_V: np.ndarray,
    raw_loss_V: np.ndarray,
    *,
    min_gap: float = 0.05,
) -> Advice | None:
    """Remark that the weights as trained validate better than their average.

    Args:
        epoch_V: (V,) epochs in which both were validated.
        averaged_loss_V: (V,) validation loss of the averaged weights, >= 0.
        raw_loss_V: (V,) validation loss of the weights as trained, >= 0.
        min_gap: relative gap that counts, in each of the last two validations.

    Returns:
        The remark, or None.
    """
    if len(epoch_V) < 2 or not _finite(averaged_loss_V, raw_loss_V):
        return None
    averaged, raw = np.asarray(averaged_loss_V)[-2:], np.asarray(raw_loss_V)[-2:]
    if not (raw < (1 - min_gap) * averaged).all():
        return None
    return Advice(
        'slow average',
        f'in epochs {epoch_V[-2]} and {epoch_V[-1]} the validation loss of the '
        f'averaged weights was {averaged[0]:.4f} and {averaged[1]:.4f}, that of the '
        f'weights as trained {raw[0]:.4f} and {raw[1]:.4f}',
        'a lower decay of the average, or more epochs at a low learning rate',
    )


def _length_of_tail(is_low_V: np.ndarray) -> int:
    """Return how many values at the end are all true."""
    return int(np.r_[is_low_V[::-1], False].argmin())


def _running_mean(values_V: np.ndarray) -> np.ndarray:
    return np.convolve(values_V, np.full(WINDOW, 1 / WINDOW), mode='valid')


def _best(metric_V: np.ndarray, rule: str) -> int:
    return int(np.argmax(metric_V) if rule == 'greater' else np.argmin(metric_V))


def _finite(*curves: np.ndarray) -> bool:
    return all(np.isfinite(np.asarray(curve, np.float64)).all() for curve in curves)
