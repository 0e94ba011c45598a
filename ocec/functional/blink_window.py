"""How often and how long an eye was closed: blink rate and PERCLOS.

PERCLOS is defined on the lids: the share of time in which they cover 80 % of the pupil
or more (P80), without blinks, usually over a minute. A classifier of two states knows
no share of the pupil, so what is given here is the share of time in which the eye was
**called closed**: with blinks (``perclos``), and in long closures alone
(``long_share``), which is nearer to the definition. Limits published for P80 do not
hold for either without a check.

Source:
    Wierwille et al., Research on vehicle-based driver status/performance monitoring,
    DOT HS 808 247, 1994; Dinges and Grace, PERCLOS: a valid psychophysiological measure
    of alertness as assessed by psychomotor vigilance, FHWA-MCRT-98-006, 1998.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from ocec.functional.blink import BLINK, LONG, Closure, Span


@dataclass
class EyeTotals:
    """Sums over a recording of one eye; starts empty.

    Args:
        known_s: seconds in which the state is known.
        closed_s: of these, closed.
        long_s: seconds of long closures.
        blink_s: seconds of blinks.
        counts: kind of closure -> number.
    """

    known_s: float = 0.0
    closed_s: float = 0.0
    long_s: float = 0.0
    blink_s: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, spans: Iterable[Span], closures: Iterable[Closure]) -> None:
        """Add what a tracker has settled.

        Args:
            spans: of known state.
            closures: that have ended.
        """
        for span in spans:
            length_s = span.end_s - span.start_s
            self.known_s += length_s
            self.closed_s += length_s * span.closed
        for closure in closures:
            self.counts[closure.kind] = self.counts.get(closure.kind, 0) + 1
            self.long_s += closure.duration_s * (closure.kind == LONG)
            self.blink_s += closure.duration_s * (closure.kind == BLINK)

    @property
    def blinks(self) -> int:
        """Number of blinks seen whole."""
        return self.counts.get(BLINK, 0)

    @property
    def rate_per_min(self) -> float:
        """Blinks per minute of known time; NaN without any."""
        return _ratio(60 * self.blinks, self.known_s)

    @property
    def perclos(self) -> float:
        """Share of the known time called closed, blinks included; NaN without any."""
        return _ratio(self.closed_s, self.known_s)

    @property
    def long_share(self) -> float:
        """Share of the known time in long closures; NaN without any."""
        return _ratio(self.long_s, self.known_s)

    @property
    def mean_blink_s(self) -> float:
        """Mean duration of a blink in seconds; NaN without any."""
        return _ratio(self.blink_s, self.blinks)


class SlidingWindow:
    """Blink rate and PERCLOS over the last ``window_s`` seconds, with bounded memory.

    Args:
        window_s: length of the window, > 0.

    Raises:
        ValueError: the window is not positive.
    """

    def __init__(self, window_s: float = 60.0) -> None:
        if not (math.isfinite(window_s) and window_s > 0):
            raise ValueError(f'window_s must be > 0, got {window_s}')
        self.window_s = window_s
        self._spans: deque[Span] = deque()
        self._blink_ends: deque[float] = deque()

    def add(self, spans: Iterable[Span], closures: Iterable[Closure]) -> None:
        """Add what a tracker has settled.

        Args:
            spans: of known state, later than those before.
            closures: that have ended, later than those before.
        """
        for span in spans:
            last = self._spans[-1] if self._spans else None
            if last and (last.end_s, last.closed) == (span.start_s, span.closed):
                self._spans[-1] = Span(last.start_s, span.end_s, span.closed)
            else:
                self._spans.append(span)
        ends = (closure.end_s for closure in closures if closure.kind == BLINK)
        self._blink_ends.extend(ends)
        # nobody may ever ask for the values
        if self._spans:
            self._forget(self._spans[-1].end_s - self.window_s)

    def values(self, now_s: float) -> tuple[float, float]:
        """Return both numbers of the window that ends now.

        Args:
            now_s: end of the window, not before that of the last call.

        Returns:
            Blinks that ended within the window per minute of its known time, and the
            share of its known time called closed; both NaN if nothing is known.
        """
        begin_s = now_s - self.window_s
        self._forget(begin_s)
        known_s = closed_s = 0.0
        for span in self._spans:
            length_s = span.end_s - max(span.start_s, begin_s)
            known_s += length_s
            closed_s += length_s * span.closed
        return _ratio(60 * len(self._blink_ends), known_s), _ratio(closed_s, known_s)

    def _forget(self, begin_s: float) -> None:
        while self._spans and self._spans[0].end_s <= begin_s:
            self._spans.popleft()
        while self._blink_ends and self._blink_ends[0] <= begin_s:
            self._blink_ends.popleft()


def _ratio(share: float, whole: float) -> float:
    return share / whole if whole > 0 else math.nan
