"""The actions that drawn figures know, each as a function of resting motions.

A function takes the motions of all bodies, a clock and the style of each body, and
bends the motions in place; see :func:`ocec.synthesis.action_motion.move`. Two actions
with one function differ in what the hand holds, which no skeleton shows.

Legend: T frames, axis 2 left and right as in COCO, axis 3 x, y, z.
"""

from __future__ import annotations

import numpy as np

from ocec.synthesis.action_motion import LEFT, OUTWARD, RIGHT, Clock, Motion, Style


def smooth_step(value_T: np.ndarray) -> np.ndarray:
    """Rise from 0 to 1 without a kink.

    Args:
        value_T: (T,) any numbers.

    Returns:
        (T,) 0 up to 0, 1 from 1 on.

    Example:
        >>> smooth_step(np.array([-1.0, 0.0, 0.5, 1.0, 2.0])).tolist()
        [0.0, 0.0, 0.5, 1.0, 1.0]
    """
    value_T = np.clip(value_T, 0, 1)
    return value_T**2 * (3 - 2 * value_T)


def wave(motions, clock, styles) -> None:
    """One raised hand swings sideways."""
    motion, style = motions[0], styles[0]
    swing_T = np.sin(1.9 * clock.angle_T + style.phase)
    target_T3 = _path(0.6 + 0.17 * style.reach * swing_T, 0.5, 0.22)
    target_T3[:, 1] -= 0.05 * np.abs(swing_T)
    _reach(motion, style.hand, _pulse(clock, 0.02, 0.82), target_T3)


def clap(motions, clock, styles) -> None:
    """Both hands meet before the chest, again and again."""
    gap_T = 0.5 + 0.5 * np.cos(2.2 * clock.angle_T + styles[0].phase)
    target_T3 = _path(0.02 + 0.26 * styles[0].reach * gap_T, -0.25, 0.5)
    for hand in (LEFT, RIGHT):
        _reach(motions[0], hand, _pulse(clock, 0.02, 0.84), target_T3)


def point(motions, clock, styles) -> None:
    """One arm stretches forward and stays."""
    motion, style = motions[0], styles[0]
    target = (0.45 + 0.25 * style.aim[0], 0.05 + 0.2 * style.aim[1], 0.9)
    _reach(motion, style.hand, _pulse(clock, 0.1, 0.8), target)
    motion.head_T2[:, 1] += 0.3 * style.aim[0] * _pulse(clock, 0.1, 0.8)


def squat(motions, clock, styles) -> None:
    """The knees bend deep and stretch again, arms forward."""
    motion = motions[0]
    down_T = 0.5 - 0.5 * np.cos(0.75 * clock.angle_T)
    motion.shift_T3[:, 1] -= 0.46 * styles[0].reach * down_T
    motion.shift_T3[:, 2] -= 0.16 * down_T
    motion.lean_T += 0.55 * down_T
    motion.head_T2[:, 0] -= 0.3 * down_T
    for hand in (LEFT, RIGHT):
        _reach(motion, hand, down_T, (0.3, 0.0, 0.85))


def jump(motions, clock, styles) -> None:
    """Crouch, leave the floor with rising arms, land."""
    motion = motions[0]
    beat_T = (0.8 * clock.angle_T / (2 * np.pi)) % 1.0
    crouch_T = _arch(beat_T, 0.0, 0.4) + 0.8 * _arch(beat_T, 0.72, 1.0)
    flight_T = 0.36 * styles[0].reach * _arch(beat_T, 0.4, 0.72)
    motion.shift_T3[:, 1] += flight_T - 0.2 * crouch_T
    motion.feet_T23[..., 1] += 0.9 * flight_T[:, None]
    motion.lean_T += 0.35 * crouch_T
    for hand in (LEFT, RIGHT):
        _reach(motion, hand, 0.7 * crouch_T, (0.4, -0.7, -0.5))
        _reach(motion, hand, _arch(beat_T, 0.3, 0.85), (0.5, 0.6, 0.25))


def kick(motions, clock, styles) -> None:
    """One foot swings back and then high to the front."""
    motion, style = motions[0], styles[0]
    beat_T = (0.7 * clock.angle_T / (2 * np.pi)) % 1.0
    back_T = _arch(beat_T, 0.05, 0.45)
    front_T = style.reach * _arch(beat_T, 0.32, 0.8)
    foot_T3 = motion.feet_T23[:, style.hand]
    foot_T3[:, 2] += 0.75 * front_T - 0.4 * back_T
    foot_T3[:, 1] += 0.42 * front_T + 0.2 * back_T
    motion.lean_T += 0.1 * back_T - 0.2 * front_T
    for hand in (LEFT, RIGHT):
        _reach(motion, hand, 0.7 * np.maximum(back_T, front_T), (0.85, -0.5, 0.2))


def sit_down(motions, clock, styles) -> None:
    """From standing to a seat behind."""
    _sit(motions[0], smooth_step((clock.share_T - 0.15) / 0.55), styles[0])


def stand_up(motions, clock, styles) -> None:
    """From a seat to standing."""
    _sit(motions[0], 1 - smooth_step((clock.share_T - 0.2) / 0.55), styles[0])


def hand_to_face(motions, clock, styles) -> None:
    """One hand goes up to the face, stays a while and sinks."""
    motion, style = motions[0], styles[0]
    near_T = _pulse(clock, 0.08, 0.8)
    tremble_T = 0.02 * np.sin(0.9 * clock.angle_T + style.phase)
    _reach(motion, style.hand, near_T, _path(0.12, 0.2 + tremble_T, 0.24))
    motion.head_T2[:, 0] -= 0.12 * near_T


def hold_before_chest(motions, clock, styles) -> None:
    """Both hands hold something before the chest, the head looks down on it."""
    motion, style = motions[0], styles[0]
    drift_T = 0.04 * np.sin(0.5 * clock.angle_T + style.phase)
    up_T = 0.6 + 0.4 * _pulse(clock, 0.02, 0.9)
    for hand in (LEFT, RIGHT):
        _reach(motion, hand, up_T, _path(0.2, -0.28 + drift_T, 0.5))
    motion.head_T2[:, 0] += 0.3 * up_T


def nod(motions, clock, styles) -> None:
    """The head turns up and down within its outline."""
    _turn_head(motions[0], 0, clock, styles[0])


def shake_head(motions, clock, styles) -> None:
    """The head turns left and right within its outline."""
    _turn_head(motions[0], 1, clock, styles[0])


def push(motions, clock, styles) -> None:
    """The first steps up and pushes, the second staggers back."""
    first, second = motions
    _walk(first, 0.3 * smooth_step(clock.share_T / 0.35))
    shove_T = _arch(clock.share_T, 0.3, 0.68)
    first.lean_T += 0.25 * shove_T
    away_T = smooth_step((clock.share_T - 0.45) / 0.35)
    _walk(second, -0.4 * styles[0].reach * away_T)
    hit_T = _arch(clock.share_T, 0.43, 0.85)
    second.lean_T -= 0.35 * hit_T
    for hand in (LEFT, RIGHT):
        _reach(first, hand, shove_T, (0.25, -0.12, 0.9))
        _reach(second, hand, 0.8 * hit_T, (0.6, -0.2, 0.55))


def hug(motions, clock, styles) -> None:
    """Two walk up to each other and put their arms around."""
    close_T = smooth_step(clock.share_T / 0.4)
    hold_T = _pulse(clock, 0.25, 0.88)
    for motion, style in zip(motions, styles, strict=True):
        _walk(motion, 0.33 * close_T)
        motion.lean_T += 0.14 * hold_T
        for hand in (LEFT, RIGHT):
            height = 0.1 if hand == style.hand else -0.3
            _reach(motion, hand, hold_T, (0.22, height, 0.68))


def _path(x, y, z) -> np.ndarray:
    """(T, 3) from numbers and (T,) curves."""
    return np.stack(np.broadcast_arrays(x, y, z), axis=-1).astype(float)


def _reach(motion: Motion, hand: int, weight_T, target) -> None:
    """Draw a hand towards a target, whose x counts outwards."""
    target = np.array(target, dtype=float) * [OUTWARD[hand], 1, 1]
    hand_T3 = motion.hands_T23[:, hand]
    hand_T3 += np.asarray(weight_T)[:, None] * (target - hand_T3)


def _pulse(clock: Clock, start: float, end: float) -> np.ndarray:
    """0, up after ``start``, down after ``end`` to 0."""
    up_T = smooth_step((clock.share_T - start) / 0.18)
    return up_T * (1 - smooth_step((clock.share_T - end) / 0.16))


def _arch(share_T: np.ndarray, start: float, end: float) -> np.ndarray:
    """One half wave between two shares, 0 elsewhere."""
    inside_T = np.clip((share_T - start) / (end - start), 0, 1)
    return np.sin(np.pi * inside_T)


def _sit(motion: Motion, down_T: np.ndarray, style: Style) -> None:
    motion.shift_T3[:, 1] -= 0.47 * down_T
    motion.shift_T3[:, 2] -= 0.45 * down_T
    motion.lean_T += 0.05 * down_T + 2.6 * style.reach * down_T * (1 - down_T)
    for hand in (LEFT, RIGHT):
        _reach(motion, hand, down_T, (0.3, -0.72, 0.55))


def _turn_head(motion: Motion, axis: int, clock: Clock, style: Style) -> None:
    swing_T = np.sin(1.5 * clock.angle_T + style.phase)
    motion.head_T2[:, axis] += 0.55 * style.reach * _pulse(clock, 0.0, 0.88) * swing_T


def _walk(motion: Motion, forward_T: np.ndarray) -> None:
    """Carry a body along its z with two steps; feet are down at both ends."""
    motion.shift_T3[:, 2] += forward_T
    motion.feet_T23[..., 2] += forward_T[:, None]
    done_T = forward_T / forward_T[-1]
    stride_T = np.sin(2 * np.pi * done_T)
    motion.feet_T23[..., 2] += 0.12 * stride_T[:, None] * OUTWARD
    motion.feet_T23[..., 1] += 0.1 * np.maximum(0, stride_T[:, None] * OUTWARD)
