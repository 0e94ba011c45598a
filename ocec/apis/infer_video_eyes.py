"""What is known of both eyes over time: smoothed scores, states, closures, shares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ocec.apis.eye_boxes import EYES
from ocec.functional.blink import UNKNOWN, BlinkRule, Closure, ClosureTracker
from ocec.functional.blink_smoothing import build_smoother
from ocec.functional.blink_window import EyeTotals, SlidingWindow

BOTH = 'both'
SERIES = (*EYES, BOTH)


@dataclass(frozen=True)
class EyeState:
    """One series at one frame.

    Args:
        smoothed: P(open) after smoothing; NaN where the eye is missing.
        state: ``OPEN``, ``CLOSED`` or ``UNKNOWN``.
    """

    smoothed: float
    state: int


class EyeSeries:
    """One eye, or both as one.

    Args:
        rule: when it counts as closed.
        window_s: of blink rate and PERCLOS.
    """

    def __init__(self, rule: BlinkRule, window_s: float) -> None:
        self.state, self.totals = UNKNOWN, EyeTotals()
        self._tracker, self._window = ClosureTracker(rule), SlidingWindow(window_s)
        self._last_s = -math.inf

    def update(self, time_s: float, smoothed: float) -> list[Closure]:
        """Take one frame.

        Args:
            time_s: what the score stands for.
            smoothed: P(open), NaN where the eye is missing.

        Returns:
            Closures that are over.
        """
        # both eyes together may go back by a hair when one of them is lost
        if not math.isnan(smoothed):
            self._last_s = max(time_s, self._last_s)
        settled = self._tracker.update(self._last_s, smoothed)
        self.state = self._tracker.state
        return self._add(settled)

    def finish(self) -> list[Closure]:
        """End the recording.

        Returns:
            The closure that it cuts, if there is one.
        """
        return self._add(self._tracker.finish())

    def window_values(self, time_s: float) -> tuple[float, float]:
        """Return blinks per minute and PERCLOS of the window that ends now.

        Args:
            time_s: now.

        Returns:
            Both numbers; NaN if nothing is known.
        """
        return self._window.values(time_s)

    def _add(self, settled: tuple) -> list[Closure]:
        self.totals.add(*settled)
        self._window.add(*settled)
        return settled[1]


class EyeWatch:
    """Both eyes of a face, each by itself and together.

    Together they have the mean of the smoothed scores of the eyes that are seen, so a
    wink, one eye open and one closed, lies between the thresholds and changes nothing.
    A smoothed score counts at the time it stands for, so closures are not late by the
    smoothing; the state of a frame is.

    Args:
        rule: when an eye counts as closed.
        smoothing: ``median``, ``exponential`` or ``none``.
        smoothing_s: window or time constant.
        window_s: of blink rate and PERCLOS.

    Raises:
        ValueError: a setting is out of range.
    """

    def __init__(
        self, rule: BlinkRule, *, smoothing: str, smoothing_s: float, window_s: float
    ) -> None:
        self.series = {name: EyeSeries(rule, window_s) for name in SERIES}
        self._smoothers = {eye: build_smoother(smoothing, smoothing_s) for eye in EYES}

    def update(
        self, time_s: float, probs: Mapping[str, float]
    ) -> tuple[dict[str, EyeState], list[tuple[str, Closure]]]:
        """Take one frame.

        Args:
            time_s: its time.
            probs: ``left`` and ``right``, where seen -> P(open).

        Returns:
            The state of each series, and the closures that are over, with their series.
        """
        smoothed = {
            eye: smoother.update(time_s, float(probs.get(eye, math.nan)))
            for eye, smoother in self._smoothers.items()
        }
        times_s = {eye: self._smoothers[eye].stands_for_s for eye in EYES}
        seen = [eye for eye in EYES if not math.isnan(smoothed[eye])]
        for numbers in (smoothed, times_s):
            values = [numbers[eye] for eye in seen]
            numbers[BOTH] = float(np.mean(values)) if values else math.nan
        states, over = {}, []
        for name, series in self.series.items():
            closures = series.update(times_s[name], smoothed[name])
            over += [(name, closure) for closure in closures]
            states[name] = EyeState(smoothed[name], series.state)
        return states, over

    def finish(self) -> list[tuple[str, Closure]]:
        """End the recording.

        Returns:
            The closures that it cuts, with their series.
        """
        return [
            (name, closure)
            for name, series in self.series.items()
            for closure in series.finish()
        ]
