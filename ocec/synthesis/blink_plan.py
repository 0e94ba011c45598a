"""When the eyes of a drawn clip close, and how far they are open at each moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ocec.synthesis.eyes import OPEN_APERTURE

EYES = ('left', 'right')
LONG_S = 0.5
"""A closure of this length or more is long, not a blink."""

CLOSING_S, OPENING_S = 0.1, 0.15  # from fully open to shut, and back
MIN_PAUSE_S, MAX_PAUSE_S = 1.0, 2.5
SQUINT_APERTURE = 0.5


@dataclass(frozen=True)
class PlannedClosure:
    """A time during which eyes are closed: narrower than ``OPEN_APERTURE``.

    Args:
        start_s: moment from which they are.
        end_s: moment from which they are not.
        eyes: ``left`` and ``right`` side of the picture, or one of them for a wink.
    """

    start_s: float
    end_s: float
    eyes: tuple[str, ...] = EYES

    @property
    def kind(self) -> str:
        """``long`` from half a second on, else ``blink``."""
        return 'long' if self.end_s - self.start_s >= LONG_S else 'blink'


@dataclass(frozen=True)
class Squint:
    """A time during which both eyes are narrowed without being closed.

    Args:
        start_s: where it begins.
        end_s: where it ends.
    """

    start_s: float
    end_s: float


def plan_closures(
    duration_s: float, rng: np.random.Generator
) -> tuple[list[PlannedClosure], list[Squint]]:
    """Plan what the eyes do: of ten events six blinks, two squints, a wink, a long one.

    Args:
        duration_s: of the clip; nothing happens in its first and last half second.
        rng: source of all randomness.

    Returns:
        Closures and squints by time, at least a second apart.
    """
    closures: list[PlannedClosure] = []
    squints: list[Squint] = []
    kinds: list[str] = []
    start_s = 0.5 + rng.uniform(0.2, MIN_PAUSE_S)
    while True:
        # every ten of them hold all kinds, so that short clips have most
        kinds = kinds or list(rng.permutation(['blink'] * 6 + ['squint'] * 2 + _RARE))
        kind = kinds.pop()
        end_s = start_s + rng.uniform(*_LENGTHS_S[kind])
        if end_s > duration_s - 0.5:
            return closures, squints
        if kind == 'squint':
            squints.append(Squint(start_s, end_s))
        else:
            eyes = (str(rng.choice(EYES)),) if kind == 'wink' else EYES
            closures.append(PlannedClosure(start_s, end_s, eyes))
        start_s = end_s + rng.uniform(MIN_PAUSE_S, MAX_PAUSE_S)


def aperture_at(
    time_s: float,
    eye: str,
    closures: Sequence[PlannedClosure],
    squints: Sequence[Squint],
) -> float:
    """Return how far an eye is open.

    Args:
        time_s: the moment.
        eye: ``left`` or ``right``.
        closures: of both eyes.
        squints: of both eyes.

    Returns:
        Share of the eye's own full aperture, in [0, 1]: below ``OPEN_APERTURE``
        exactly within the closures of this eye.
    """
    # lids are never quite still
    aperture = 0.93 + 0.05 * np.sin(1.9 * time_s)
    for squint in squints:
        aperture = min(aperture, _squinting(time_s, squint))
    for closure in closures:
        if eye in closure.eyes:
            aperture = min(aperture, _closing(time_s, closure))
    return float(np.clip(aperture, 0.0, 1.0))


def _closing(time_s: float, closure: PlannedClosure) -> float:
    before_s, after_s = closure.start_s - time_s, time_s - closure.end_s
    if before_s >= 0:
        return OPEN_APERTURE + before_s / CLOSING_S
    if after_s >= 0:
        return OPEN_APERTURE + after_s / OPENING_S
    return OPEN_APERTURE + max(before_s / CLOSING_S, after_s / OPENING_S)


def _squinting(time_s: float, squint: Squint) -> float:
    outside_s = max(squint.start_s - time_s, time_s - squint.end_s, 0.0)
    return SQUINT_APERTURE + outside_s / OPENING_S


_RARE = ['wink', 'long']
_LENGTHS_S = {
    'blink': (0.12, 0.35),
    'wink': (0.2, 0.35),
    'long': (0.7, 1.5),
    'squint': (0.5, 1.0),
}
