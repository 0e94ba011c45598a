"""Smoothing of one eye's P(open) over time, with the past alone.

Times are in seconds, need no fixed step and never go back; NaN is a frame without the
eye. Shapes: N frames.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Protocol

import numpy as np

DEFAULT_WINDOW_S = 0.1
METHODS = ('median', 'exponential', 'none')


class Smoother(Protocol):
    """Takes the frames of one eye in turn.

    Attributes:
        stands_for_s: mean time of the frames in the last value, by their weights: what
            is smoothed with the past alone comes late, and this says by how much. It
            never goes back.
    """

    stands_for_s: float

    def update(self, time_s: float, prob: float) -> float:
        """Take one frame.

        Args:
            time_s: its time, not before that of the last call.
            prob: P(open) in [0, 1], NaN where the eye is missing.

        Returns:
            Smoothed P(open); NaN where ``prob`` is.
        """


class MedianSmoother:
    """Median of the frames of the last ``window_s`` seconds.

    A single wrong frame leaves no trace as long as three frames are within the window.
    A true change comes late, by up to half the window; see ``stands_for_s``.

    Args:
        window_s: length of the window, > 0; a frame exactly as old counts no more.

    Raises:
        ValueError: the window is not positive.
    """

    def __init__(self, window_s: float) -> None:
        self.window_s = _positive('window_s', window_s)
        self._frames: deque[tuple[float, float]] = deque()
        self.stands_for_s = math.nan

    def update(self, time_s: float, prob: float) -> float:
        """Take one frame.

        Args:
            time_s: its time, not before that of the last call.
            prob: P(open), NaN where the eye is missing.

        Returns:
            The median; the mean of the two middle values if their number is even.
        """
        if math.isnan(prob):
            return math.nan
        self._frames.append((time_s, prob))
        # rounding must not decide whether a frame of a fixed rate is in the window
        while time_s - self._frames[0][0] >= self.window_s - 1e-9:
            if len(self._frames) == 1:
                break
            self._frames.popleft()
        times, values = zip(*self._frames, strict=True)
        self.stands_for_s = sum(times) / len(times)
        return float(np.median(values))


class ExponentialSmoother:
    """Exponential average whose weights depend on time, not on the number of frames.

    Over a step of ``dt`` seconds the new frame gets the weight
    ``1 - exp(-dt / time_constant_s)``, so a gap is forgotten by itself.

    Args:
        time_constant_s: after which a step is done by 63 %, > 0.

    Raises:
        ValueError: the time constant is not positive.
    """

    def __init__(self, time_constant_s: float) -> None:
        self.time_constant_s = _positive('time_constant_s', time_constant_s)
        self._last: tuple[float, float] | None = None
        self.stands_for_s = math.nan

    def update(self, time_s: float, prob: float) -> float:
        """Take one frame.

        Args:
            time_s: its time, not before that of the last call.
            prob: P(open), NaN where the eye is missing.

        Returns:
            The average so far; the first frame is its own.
        """
        if math.isnan(prob):
            return math.nan
        value = prob
        if self._last is None:
            self.stands_for_s = time_s
        else:
            last_time, last = self._last
            weight = -math.expm1((last_time - time_s) / self.time_constant_s)
            value = last + weight * (prob - last)
            self.stands_for_s += weight * (time_s - self.stands_for_s)
        self._last = (time_s, value)
        return value


class NoSmoother:
    """Leaves the scores as they are."""

    stands_for_s = math.nan

    def update(self, time_s: float, prob: float) -> float:
        """Take one frame.

        Args:
            time_s: its time.
            prob: P(open).

        Returns:
            ``prob``.
        """
        self.stands_for_s = time_s
        return prob


def build_smoother(method: str, window_s: float = DEFAULT_WINDOW_S) -> Smoother:
    """Build a smoother by its name.

    Args:
        method: ``median``, ``exponential`` or ``none``.
        window_s: window of the median or time constant of the average, > 0.

    Returns:
        A fresh smoother for one eye.

    Raises:
        ValueError: the method is unknown or the window is not positive.
    """
    if method not in METHODS:
        raise ValueError(f'smoothing must be one of {METHODS}, got {method!r}')
    builders: dict[str, Callable] = {
        'median': MedianSmoother,
        'exponential': ExponentialSmoother,
    }
    return builders[method](window_s) if method in builders else NoSmoother()


def smooth(
    time_N: np.ndarray,
    prob_N: np.ndarray,
    *,
    method: str = 'median',
    window_s: float = DEFAULT_WINDOW_S,
) -> np.ndarray:
    """Smooth a whole recording of one eye.

    Args:
        time_N: (N,) seconds, never going back.
        prob_N: (N,) P(open) in [0, 1], NaN where the eye is missing.
        method: see :func:`build_smoother`.
        window_s: see :func:`build_smoother`.

    Returns:
        (N,) float64, NaN where the eye is missing.

    Raises:
        ValueError: see :func:`check_track` and :func:`build_smoother`.

    Example:
        >>> smooth(np.arange(4) * 0.04, np.array([0.9, 0.1, 0.9, 0.8])).tolist()
        [0.9, 0.5, 0.9, 0.8]
    """
    check_track(time_N, prob_N)
    smoother = build_smoother(method, window_s)
    pairs = zip(time_N, prob_N, strict=True)
    return np.array([smoother.update(float(t), float(p)) for t, p in pairs])


def check_track(time_N: np.ndarray, prob_N: np.ndarray) -> None:
    """Check the scores of one eye over time.

    Args:
        time_N: (N,) seconds.
        prob_N: (N,) P(open).

    Raises:
        ValueError: the shapes differ, a time is not finite or goes back, or a score is
            out of [0, 1].
    """
    time_N, prob_N = np.asarray(time_N), np.asarray(prob_N)
    if time_N.shape != prob_N.shape or time_N.ndim != 1:
        raise ValueError(
            f'times and scores must be (N,), got {time_N.shape} and {prob_N.shape}'
        )
    if not np.isfinite(time_N).all():
        raise ValueError('times must be finite')
    back = np.flatnonzero(np.diff(time_N) < 0)
    if len(back):
        first = int(back[0]) + 1
        raise ValueError(
            f'times must never go back, got {time_N[first]} after {time_N[first - 1]} '
            f'at frame {first}'
        )
    known_M = prob_N[~np.isnan(prob_N)]
    if len(known_M) and not (known_M.min() >= 0 and known_M.max() <= 1):
        raise ValueError(
            f'P(open) must be in [0, 1], got {known_M.min()} to {known_M.max()}'
        )


def _positive(name: str, value: float) -> float:
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f'{name} must be > 0, got {value}')
    return value
