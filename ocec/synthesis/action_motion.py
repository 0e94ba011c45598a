"""How the drawn figures move: curves of hands, feet, pelvis and head.

A body looks along ``z``, ``x`` points to its left and ``y`` up. Curves are in shares of
arm and leg length, so that every body can follow them.

Legend: T frames, axis 2 left and right as in COCO, axis 3 x, y, z.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

FPS = 30
LEFT, RIGHT = 0, 1
OUTWARD = np.array([1.0, -1.0])  # of the left and the right hand, along x
_REST_HAND = (0.42, -0.93, 0.06)


@dataclass
class Motion:
    """What one body does.

    Args:
        shift_T3: (T, 3) of the pelvis from where it stands, in leg lengths.
        lean_T: (T,) of the trunk, forward positive, in radians.
        head_T2: (T, 2) turn of the head down and to the left, in radians.
        hands_T23: (T, 2, 3) from between the shoulders, in arm lengths.
        feet_T23: (T, 2, 3) from the floor below the standing pelvis, in leg lengths.
    """

    shift_T3: np.ndarray
    lean_T: np.ndarray
    head_T2: np.ndarray
    hands_T23: np.ndarray
    feet_T23: np.ndarray


@dataclass(frozen=True)
class Style:
    """How someone does it once.

    Args:
        tempo: 1: the usual frequency.
        reach: 1: the usual extent.
        hand: ``LEFT`` or ``RIGHT``, which hand or foot leads.
        phase: where swings begin, in radians.
        aim: two numbers in [-1, 1], where an arm points.
    """

    tempo: float
    reach: float
    hand: int
    phase: float
    aim: tuple[float, float]


@dataclass(frozen=True)
class Clock:
    """Time of each frame.

    Args:
        share_T: (T,) of the action, from 0 to 1.
        angle_T: (T,) 2 pi times the seconds, at the tempo of the style.
    """

    share_T: np.ndarray
    angle_T: np.ndarray


def draw_style(
    rng: np.random.Generator, *, tempo: float, reach: float, left_handed: bool
) -> Style:
    """Draw how an action is done once.

    Args:
        rng: source of randomness.
        tempo: habit of the subject, about 1.
        reach: habit of the subject, about 1.
        left_handed: whether the left hand leads; one time in ten it is the other.

    Returns:
        The style.
    """
    other = rng.random() < 0.1
    return Style(
        tempo=tempo * rng.uniform(0.88, 1.14),
        reach=reach * rng.uniform(0.9, 1.08),
        hand=LEFT if left_handed != other else RIGHT,
        phase=rng.uniform(0, 2 * np.pi),
        aim=(rng.uniform(-1, 1), rng.uniform(-1, 1)),
    )


def move(
    rng: np.random.Generator,
    action: Callable,
    styles: Sequence[Style],
    num_frames: int,
) -> list[Motion]:
    """Let bodies do something.

    Args:
        rng: source of the sway of standing bodies.
        action: one of the functions of ``action_moves``: it bends resting motions into
            what is done, in place.
        styles: of each body; the clock follows that of the first.
        num_frames: T, >= 2.

    Returns:
        One motion for each style.

    Raises:
        ValueError: there are fewer than two frames.
    """
    if num_frames < 2:
        raise ValueError(f'num_frames must be >= 2, got {num_frames}')
    motions = [_stand(rng, num_frames) for _ in styles]
    seconds_T = np.arange(num_frames) / FPS
    clock = Clock(
        share_T=np.linspace(0.0, 1.0, num_frames),
        angle_T=2 * np.pi * seconds_T * styles[0].tempo,
    )
    action(motions, clock, styles)
    return motions


def _stand(rng: np.random.Generator, num_frames: int) -> Motion:
    motion = Motion(
        shift_T3=np.zeros((num_frames, 3)),
        lean_T=_sway(rng, num_frames, 0.02),
        head_T2=_sway(rng, (num_frames, 2), 0.05),
        hands_T23=_sway(rng, (num_frames, 2, 3), 0.025),
        feet_T23=np.zeros((num_frames, 2, 3)),
    )
    motion.shift_T3[:, 0] += _sway(rng, num_frames, 0.015)
    hands_23 = np.tile(_REST_HAND, (2, 1)) + rng.normal(0, 0.02, (2, 3))
    hands_23[:, 0] *= OUTWARD
    motion.hands_T23 += hands_23
    motion.feet_T23[..., 0] = 0.15 * rng.uniform(0.8, 1.2) * OUTWARD
    return motion


def _sway(rng: np.random.Generator, shape, size: float) -> np.ndarray:
    """Slow swings along axis 0, another one for each of the other axes."""
    num_frames, *others = np.atleast_1d(shape)
    slow, phase = rng.uniform(0.15, 0.5, others), rng.uniform(0, 2 * np.pi, others)
    seconds = np.arange(num_frames).reshape(-1, *[1] * len(others)) / FPS
    return size * np.sin(2 * np.pi * slow * seconds + phase)
