"""The bodies that act: proportions, clothes, and 17 joints in space from a motion.

Lengths are in metres. ``y`` points up from the floor. Joints are in the order of COCO:
nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles, left before right.

Legend: T frames, K joints, axis 2 left and right, axis 3 x, y, z.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ocec.synthesis.action_motion import Motion

NUM_JOINTS = 17
FACE = slice(0, 5)
SHOULDERS, ELBOWS, WRISTS = slice(5, 7), slice(7, 9), slice(9, 11)
HIPS, KNEES, ANKLES = slice(11, 13), slice(13, 15), slice(15, 17)

Colour = tuple[float, float, float]

# nose, eyes and ears from the middle of the head, in radii
_FACE_K3 = np.array(
    [
        [0.0, -0.1, 1.0],
        [0.38, 0.22, 0.85],
        [-0.38, 0.22, 0.85],
        [0.95, 0.0, 0.0],
        [-0.95, 0.0, 0.0],
    ]
)
_SIDE_23 = np.array([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]])
# where elbows and knees go when a limb is bent
_ELBOW_23 = np.array([[0.5, -1.0, -0.4], [-0.5, -1.0, -0.4]])
_KNEE_23 = np.array([[0.12, 0.0, 1.0], [-0.12, 0.0, 1.0]])
_STRAIGHT = 0.985  # a limb never stretches wholly

_SKIN = ((0.91, 0.75, 0.66), (0.80, 0.60, 0.47), (0.62, 0.44, 0.33), (0.38, 0.26, 0.2))
_HAIR = ((0.08, 0.07, 0.06), (0.25, 0.16, 0.1), (0.55, 0.42, 0.25), (0.6, 0.6, 0.6))


@dataclass(frozen=True)
class Body:
    """Lengths of one body in metres."""

    thigh: float
    shin: float
    ankle: float  # height above the floor
    trunk: float  # from hips to shoulders
    neck: float  # from shoulders to the middle of the head
    head: float  # radius
    upper_arm: float
    forearm: float
    half_shoulders: float
    half_hips: float
    girth: float  # 1: usual thickness of trunk and limbs

    @property
    def leg(self) -> float:
        """Length of the stretched leg."""
        return self.thigh + self.shin

    @property
    def arm(self) -> float:
        """Length of the stretched arm."""
        return self.upper_arm + self.forearm


@dataclass(frozen=True)
class Clothes:
    """Colours of one figure, each three numbers in [0, 1], RGB."""

    skin: Colour
    hair: Colour
    shirt: Colour
    trousers: Colour
    shoes: Colour
    long_sleeves: bool


@dataclass(frozen=True)
class ActionSubject:
    """One person, the same in all clips.

    Args:
        body: lengths.
        clothes: colours.
        tempo: habit, 1 is usual.
        reach: habit, 1 is usual.
        left_handed: which hand leads.
    """

    body: Body
    clothes: Clothes
    tempo: float
    reach: float
    left_handed: bool


def draw_action_subject(rng: np.random.Generator) -> ActionSubject:
    """Draw one person.

    Args:
        rng: source of all randomness; the same state gives the same person.

    Returns:
        The person.
    """
    return ActionSubject(
        body=_draw_body(rng),
        clothes=_draw_clothes(rng),
        tempo=rng.uniform(0.82, 1.2),
        reach=rng.uniform(0.85, 1.1),
        left_handed=bool(rng.random() < 0.2),
    )


def joints_of(
    body: Body, motion: Motion, *, turn: float, place: tuple[float, float]
) -> np.ndarray:
    """Pose a body.

    Args:
        body: lengths.
        motion: T frames of what it does.
        turn: of the whole body to its left, in radians; 0 looks along z.
        place: x and z where it stands, in metres.

    Returns:
        (T, 17, 3) joints in metres. The middle of the head lies between the ears.
    """
    hip_T3 = body.leg * motion.shift_T3
    hip_T3[:, 1] += body.ankle + _STRAIGHT * body.leg
    chest_T3 = hip_T3 + body.trunk * _upward(motion.lean_T)
    head_T3 = chest_T3 + body.neck * _upward(0.6 * motion.lean_T)
    joints_TK3 = np.empty((len(hip_T3), NUM_JOINTS, 3))
    joints_TK3[:, FACE] = head_T3[:, None] + body.head * _face(motion.head_T2)
    joints_TK3[:, SHOULDERS] = chest_T3[:, None] + body.half_shoulders * _SIDE_23
    joints_TK3[:, HIPS] = hip_T3[:, None] + body.half_hips * _SIDE_23
    hands_T23 = chest_T3[:, None] + body.arm * motion.hands_T23
    joints_TK3[:, ELBOWS], joints_TK3[:, WRISTS] = bend(
        joints_TK3[:, SHOULDERS], hands_T23, body.upper_arm, body.forearm, _ELBOW_23
    )
    feet_T23 = body.leg * motion.feet_T23 + [0.0, body.ankle, 0.0]
    joints_TK3[:, KNEES], joints_TK3[:, ANKLES] = bend(
        joints_TK3[:, HIPS], feet_T23, body.thigh, body.shin, _KNEE_23
    )
    return joints_TK3 @ _turning(turn) + [place[0], 0.0, place[1]]


def bend(
    root: np.ndarray,
    target: np.ndarray,
    upper: float,
    lower: float,
    towards: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Put a limb of two bones to a target.

    Args:
        root: (..., 3) shoulder or hip.
        target: (..., 3) where wrist or ankle should be.
        upper: length of the first bone, > 0.
        lower: length of the second bone, > 0.
        towards: (..., 3) direction to which the middle joint gives way.

    Returns:
        (..., 3) middle joint, (..., 3) end of the limb: the target, or as near to it
        as the bones reach.
    """
    way = target - root
    wanted = np.linalg.norm(way, axis=-1, keepdims=True)
    way = way / np.maximum(wanted, 1e-9)
    least = 1.05 * abs(upper - lower) + 1e-3
    length = np.clip(wanted, least, _STRAIGHT * (upper + lower))
    along = (upper**2 - lower**2 + length**2) / (2 * length)
    aside = towards - (towards * way).sum(-1, keepdims=True) * way
    aside = aside / np.maximum(np.linalg.norm(aside, axis=-1, keepdims=True), 1e-9)
    height = np.sqrt(np.maximum(upper**2 - along**2, 0))
    return root + along * way + height * aside, root + length * way


def _upward(lean_T: np.ndarray) -> np.ndarray:
    return np.stack([np.zeros_like(lean_T), np.cos(lean_T), np.sin(lean_T)], axis=-1)


def _turning(angle) -> np.ndarray:
    """(..., 3, 3) matrix that turns row vectors to their left."""
    cos, sin = np.cos(angle), np.sin(angle)
    nought, one = np.zeros_like(cos), np.ones_like(cos)
    rows = [[cos, nought, -sin], [nought, one, nought], [sin, nought, cos]]
    return np.moveaxis(np.array(rows), (0, 1), (-2, -1))


def _face(head_T2: np.ndarray) -> np.ndarray:
    """(T, 5, 3) face joints around the middle of the head, in radii."""
    cos_T1, sin_T1 = np.cos(head_T2[:, :1]), np.sin(head_T2[:, :1])
    x_K, y_K, z_K = _FACE_K3.T
    face_TK3 = np.empty((len(head_T2), *_FACE_K3.shape))
    face_TK3[..., 0] = x_K
    face_TK3[..., 1] = y_K * cos_T1 - z_K * sin_T1
    face_TK3[..., 2] = z_K * cos_T1 + y_K * sin_T1
    return face_TK3 @ _turning(head_T2[:, 1])


def _draw_body(rng: np.random.Generator) -> Body:
    stature = rng.uniform(1.52, 1.94)
    legs, arms = rng.uniform(0.94, 1.06, 2)
    return Body(
        thigh=0.245 * legs * stature,
        shin=0.24 * legs * stature,
        ankle=0.04 * stature,
        trunk=0.29 * (2 - legs) * stature,
        neck=0.125 * stature,
        head=rng.uniform(0.062, 0.072) * stature,
        upper_arm=0.175 * arms * stature,
        forearm=0.16 * arms * stature,
        half_shoulders=rng.uniform(0.105, 0.128) * stature,
        half_hips=rng.uniform(0.056, 0.068) * stature,
        girth=rng.uniform(0.85, 1.25),
    )


def _draw_clothes(rng: np.random.Generator) -> Clothes:
    trousers = rng.uniform(0.05, 0.55) * rng.uniform(0.6, 1.0, 3)
    return Clothes(
        skin=_SKIN[rng.integers(len(_SKIN))],
        hair=_HAIR[rng.integers(len(_HAIR))],
        shirt=tuple(rng.uniform(0.08, 0.95, 3).tolist()),
        trousers=tuple(trousers.tolist()),
        shoes=tuple(np.repeat(rng.uniform(0.05, 0.8), 3).tolist()),
        long_sleeves=bool(rng.random() < 0.6),
    )
