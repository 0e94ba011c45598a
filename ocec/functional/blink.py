"""Blinks and long closures of one eye out of its P(open) over time.

A frame stands for the time until the next one that shows the eye. Times are in seconds,
need no fixed step and never go back; NaN is a frame without the eye. Shapes: N frames.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ocec.functional.blink_smoothing import check_track

CLOSED, OPEN, UNKNOWN = 0, 1, -1
BLINK, LONG, CUT = 'blink', 'long', 'cut'


@dataclass(frozen=True)
class BlinkRule:
    """When an eye counts as closed, and a closure as a blink.

    Args:
        close_below: a score below it closes an open eye, in (0, 1).
        open_from: a score from here on opens a closed eye, in [close_below, 1]; between
            the two the eye stays as it is.
        min_closed_s: a shorter closure is no closure, >= 0.
        min_open_s: a shorter opening does not end a closure, >= 0.
        max_blink_s: a closure of this length or more is long, not a blink, > 0.
        max_gap_s: so long an eye that is not seen keeps its state, >= 0; after a longer
            gap nothing is known of the time in between.

    Raises:
        ValueError: a value is out of range.
    """

    close_below: float = 0.4
    open_from: float = 0.6
    min_closed_s: float = 0.05
    min_open_s: float = 0.05
    max_blink_s: float = 0.5
    max_gap_s: float = 0.25

    def __post_init__(self) -> None:
        """Check the values."""
        if not 0 < self.close_below <= self.open_from <= 1:
            raise ValueError(
                'thresholds must keep 0 < close_below <= open_from <= 1, got '
                f'{self.close_below} and {self.open_from}'
            )
        for name in ('min_closed_s', 'min_open_s', 'max_gap_s'):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f'{name} must be >= 0, got {value}')
        if not self.max_blink_s > self.min_closed_s:
            raise ValueError(
                f'max_blink_s must be > min_closed_s ({self.min_closed_s}), got '
                f'{self.max_blink_s}'
            )

    @classmethod
    def around(cls, threshold: float, **settings: float) -> BlinkRule:
        """Put the two thresholds on both sides of a classifier's own.

        Args:
            threshold: from which the classifier calls an eye open, in (0, 1).
            **settings: further fields.

        Returns:
            The rule: both lie 20 % of the way from the threshold to 0 and to 1.

        Raises:
            ValueError: the threshold or a field is out of range.

        Example:
            >>> BlinkRule.around(0.5).close_below, BlinkRule.around(0.5).open_from
            (0.4, 0.6)
        """
        if not 0 < threshold < 1:
            raise ValueError(f'threshold must be in (0, 1), got {threshold}')
        thresholds = {
            'close_below': 0.8 * threshold,
            'open_from': threshold + 0.2 * (1 - threshold),
        }
        return cls(**(thresholds | settings))


@dataclass(frozen=True)
class Closure:
    """One time during which an eye was closed.

    Args:
        start_s: first frame that shows it closed.
        end_s: first frame that shows it open again; the last known time if cut.
        kind: ``long`` from ``max_blink_s`` on, else ``blink`` if it was seen whole,
            else ``cut``: nobody knows which of the two it was.
        cut: its start or end was not seen, as the recording ends or a gap lies there;
            the true duration is at least the one given.
    """

    start_s: float
    end_s: float
    kind: str
    cut: bool

    @property
    def duration_s(self) -> float:
        """Seconds from start to end."""
        return self.end_s - self.start_s


@dataclass(frozen=True)
class Span:
    """A time during which the state of an eye is known and the same.

    Args:
        start_s: where it begins.
        end_s: where it ends.
        closed: the state.
    """

    start_s: float
    end_s: float
    closed: bool


class ClosureTracker:
    """Follows one eye frame by frame, with constant memory.

    A change of state counts when it has lasted for the minimum; it then dates from the
    frame that brought it. Until that is settled, time is neither open nor closed.

    Args:
        rule: thresholds and durations.
    """

    def __init__(self, rule: BlinkRule) -> None:
        self.rule = rule
        self.state = UNKNOWN
        """``CLOSED``, ``OPEN`` or ``UNKNOWN``: of the last frame, before short runs
        are dropped."""
        self._settled = UNKNOWN
        self._settled_until = self._last_s = math.nan
        self._change_s: float | None = None  # a change that has not lasted yet
        self._closed_since = math.nan
        self._start_seen = False

    def update(self, time_s: float, prob: float) -> tuple[list[Span], list[Closure]]:
        """Take one frame.

        Args:
            time_s: its time, not before that of the last call.
            prob: P(open), smoothed, NaN where the eye is missing.

        Returns:
            What has been settled by it: spans, which follow one another without
            overlap, and closures that have ended.
        """
        if math.isnan(prob):
            self.state = UNKNOWN
            return [], []
        spans: list[Span] = []
        closures: list[Closure] = []
        if self._settled == UNKNOWN:
            self._begin(time_s, prob)
        elif time_s - self._last_s > self.rule.max_gap_s:
            spans, closures = self.finish()
            self._begin(time_s, prob)
        else:
            state = self._next_state(prob)
            if self._change_s is not None:
                self._settle_change(time_s, spans, closures)
            self._take(time_s, state, spans, closures)
        self._last_s = time_s
        return spans, closures

    def finish(self) -> tuple[list[Span], list[Closure]]:
        """End the recording, or what came before a gap.

        Returns:
            As :meth:`update`; a closure that has not ended is cut.
        """
        spans: list[Span] = []
        closures: list[Closure] = []
        if self._settled != UNKNOWN:
            # a change that never lasted counts as none
            self._extend(self._last_s, spans)
            if self._settled == CLOSED:
                self._close_event(self._last_s, closures, end_seen=False)
        self._settled = self.state = UNKNOWN
        self._change_s = None
        return spans, closures

    def _begin(self, time_s: float, prob: float) -> None:
        middle = (self.rule.close_below + self.rule.open_from) / 2
        self.state = self._settled = OPEN if prob >= middle else CLOSED
        self._settled_until, self._change_s = time_s, None
        self._closed_since, self._start_seen = time_s, False

    def _next_state(self, prob: float) -> int:
        # after a frame without the eye, what came before it still holds
        before = self._settled if self._change_s is None else OPEN - self._settled
        if before == OPEN:
            return CLOSED if prob < self.rule.close_below else OPEN
        return OPEN if prob >= self.rule.open_from else CLOSED

    def _settle_change(self, time_s: float, spans: list, closures: list) -> None:
        """Accept the pending change if it has lasted until this frame."""
        rule, change_s = self.rule, self._change_s
        needed = rule.min_closed_s if self._settled == OPEN else rule.min_open_s
        # 1e-9: rounding must not decide at a fixed rate
        if time_s - change_s < needed - 1e-9:
            return
        self._extend(change_s, spans)
        if self._settled == CLOSED:
            self._close_event(change_s, closures, end_seen=True)
        self._settled = OPEN - self._settled
        self._closed_since, self._start_seen = change_s, True
        self._change_s = None

    def _take(self, time_s: float, state: int, spans: list, closures: list) -> None:
        self.state = state
        if state == self._settled:
            self._change_s = None
            self._extend(time_s, spans)
        elif self._change_s is None:
            self._extend(time_s, spans)
            self._change_s = time_s
            self._settle_change(time_s, spans, closures)

    def _extend(self, until_s: float, spans: list[Span]) -> None:
        if until_s > self._settled_until:
            spans.append(Span(self._settled_until, until_s, self._settled == CLOSED))
            self._settled_until = until_s

    def _close_event(self, end_s: float, closures: list, *, end_seen: bool) -> None:
        start_s, cut = self._closed_since, not (self._start_seen and end_seen)
        kind = CUT if cut else BLINK
        # as above: a closure of exactly the limit is long
        if end_s - start_s >= self.rule.max_blink_s - 1e-9:
            kind = LONG
        closures.append(Closure(start_s, end_s, kind, cut))


def find_closures(
    time_N: np.ndarray, prob_N: np.ndarray, rule: BlinkRule | None = None
) -> tuple[list[Closure], list[Span]]:
    """Find the closures of one eye in a whole recording.

    Args:
        time_N: (N,) seconds, never going back.
        prob_N: (N,) P(open) in [0, 1], smoothed, NaN where the eye is missing.
        rule: thresholds and durations; the default rule if not given.

    Returns:
        Closures by time, and the spans of known state.

    Raises:
        ValueError: see :func:`ocec.functional.blink_smoothing.check_track`.

    Example:
        >>> prob = np.array([0.9, 0.9, 0.1, 0.5, 0.1, 0.9, 0.9])
        >>> [closure] = find_closures(np.arange(7) * 0.1, prob)[0]
        >>> round(closure.start_s, 1), round(closure.end_s, 1), closure.kind
        (0.2, 0.5, 'blink')
    """
    check_track(time_N, prob_N)
    tracker = ClosureTracker(rule or BlinkRule())
    closures, spans = [], []
    for time_s, prob in zip(time_N, prob_N, strict=True):
        new_spans, new_closures = tracker.update(float(time_s), float(prob))
        spans += new_spans
        closures += new_closures
    last_spans, last_closures = tracker.finish()
    return closures + last_closures, spans + last_spans
