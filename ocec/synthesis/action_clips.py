"""Drawn clips of acting figures with the skeletons that an estimator finds in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ocec.synthesis.action_estimator import estimate_poses, hidden_joints
from ocec.synthesis.action_figure import ActionSubject, draw_action_subject, joints_of
from ocec.synthesis.action_motion import Style, draw_style, move
from ocec.synthesis.action_painter import SCALE, Figure, Seat, paint_clip
from ocec.synthesis.action_plan import ACTIONS, Action, PlannedClip
from ocec.synthesis.action_scene import draw_light, expose, paint_room, place_camera

DRAWING_VERSION = 1
"""Goes up whenever the same arguments give other pixels or joints."""

DARK_SHARE = 0.12
"""Share of the clips with the lamps off."""

_DISTRACTOR_SHARE = 0.3
# Spawn keys of the random streams. A room is drawn for each camera, and what the
# cameras see of one performance is the same.
_SUBJECT, _PARTNER, _ROOM, _PERFORMANCE, _RECORDING = range(5)


@dataclass(frozen=True)
class ClipSettings:
    """What all clips have in common.

    Args:
        width: of the pictures in pixels, even, >= 64.
        height: of the pictures in pixels, even, >= 64.
        min_frames: shortest clip, >= 2; there are 30 frames in a second.
        max_frames: longest clip, >= ``min_frames``.
        seed: of all randomness, >= 0.

    Raises:
        ValueError: one is out of range.
    """

    width: int = 160
    height: int = 120
    min_frames: int = 40
    max_frames: int = 90
    seed: int = 42

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        for name in ('width', 'height'):
            side = getattr(self, name)
            if side < 64 or side % 2:
                raise ValueError(f'{name} must be even and >= 64, got {side}')
        if not 2 <= self.min_frames <= self.max_frames:
            raise ValueError(
                'frames must be from 2 on and not fall, got '
                f'{self.min_frames} to {self.max_frames}'
            )
        if self.seed < 0:
            raise ValueError(f'seed must be >= 0, got {self.seed}')


@dataclass(frozen=True)
class ActionClip:
    """One drawn clip; M persons, T frames.

    Args:
        frames_THWC: (T, H, W, 3) uint8 RGB.
        keypoint_MTK2: (M, T, 17, 2) float16 pixels as estimated.
        score_MTK: (M, T, 17) float16 in [0, 1].
        joints_MTK2: (M, T, 17, 2) true places in pixels.
        dark: whether the lamps are off.
    """

    frames_THWC: np.ndarray
    keypoint_MTK2: np.ndarray
    score_MTK: np.ndarray
    joints_MTK2: np.ndarray
    dark: bool


def draw_clip(clip: PlannedClip, settings: ClipSettings) -> ActionClip:
    """Draw one clip; it does not depend on which others are planned.

    Args:
        clip: which one. Its label does not matter, its action does.
        settings: size, length and seed.

    Returns:
        Pictures and skeletons.
    """
    action = ACTIONS[clip.action]
    # twins in the pictures or in the skeletons draw from streams of their own: no
    # two clips are copies
    number = list(ACTIONS).index(clip.action)
    done = (number, clip.person, clip.replication)
    performance = _stream(settings, _PERFORMANCE, *done)
    figures, seat = draw_performance(performance, action, clip.person, settings)
    room = _stream(settings, _ROOM, clip.setup, clip.camera)
    camera = place_camera(room, clip.camera, (settings.width, settings.height))
    painted = paint_clip(paint_room(room, camera, SCALE), camera, figures, seat)
    recording = _stream(settings, _RECORDING, *done, clip.camera)
    light = draw_light(recording, dark=bool(recording.random() < DARK_SHARE))
    frames_THWC = expose(recording, painted, light)
    joints_MTK2, depth_MTK = camera.project(np.stack([f.joints_TK3 for f in figures]))
    radius_M = np.array([figure.subject.body.head for figure in figures])
    hidden_MTK = hidden_joints(joints_MTK2, depth_MTK, radius_M)
    edge_2 = np.array(camera.size) - 1
    hidden_MTK |= ((joints_MTK2 < 0) | (joints_MTK2 > edge_2)).any(-1)
    keypoint_MTK2, score_MTK = estimate_poses(recording, joints_MTK2, hidden_MTK)
    return ActionClip(frames_THWC, keypoint_MTK2, score_MTK, joints_MTK2, light.dark)


def draw_performance(
    rng: np.random.Generator, action: Action, person: int, settings: ClipSettings
) -> tuple[list[Figure], Seat | None]:
    """Let a subject, and a partner if need be, do something once.

    Args:
        rng: source of what changes from time to time.
        action: what to do.
        person: number of the subject. The partner is always the same, and nobody
            else's.
        settings: length and seed.

    Returns:
        Figures in space; what there is to sit on, or None.
    """
    num_frames = int(rng.integers(settings.min_frames, settings.max_frames + 1))
    streams = (_SUBJECT, _PARTNER)[: action.num_persons]
    subjects = [
        draw_action_subject(_stream(settings, stream, person)) for stream in streams
    ]
    styles = [
        draw_style(rng, tempo=s.tempo, reach=s.reach, left_handed=s.left_handed)
        for s in subjects
    ]
    motions = move(rng, action.move, styles, num_frames)
    turns, places = _stage(rng, len(subjects))
    held, hand = _choose_held(rng, action, styles[0])
    figures = []
    for number, (subject, motion) in enumerate(zip(subjects, motions, strict=True)):
        joints_TK3 = joints_of(
            subject.body, motion, turn=turns[number], place=places[number]
        )
        figures.append(Figure(subject, joints_TK3, None if number else held, hand))
    seat = _seat(subjects[0], turns[0], places[0]) if action.has_seat else None
    return figures, seat


def _stage(rng: np.random.Generator, num_persons: int) -> tuple[list, list]:
    """Turn in radians and place in metres of each person."""
    x, z = rng.uniform(-0.3, 0.3), rng.uniform(-0.3, 0.3)
    facing = np.deg2rad(rng.uniform(-20, 20))
    if num_persons == 1:
        return [facing], [(x, z)]
    half = rng.uniform(0.48, 0.56)
    way = half * np.array([np.cos(facing), -np.sin(facing)])
    if rng.random() < 0.5:  # either one can be the one on the left
        way, facing = -way, facing + np.pi
    middle = 0.3 * np.array([x, z])
    turns = [facing + np.pi / 2, facing - np.pi / 2]
    return turns, [tuple(middle - way), tuple(middle + way)]


def _choose_held(
    rng: np.random.Generator, action: Action, style: Style
) -> tuple[str | None, int]:
    """What is held, in which hand; others carry such things about, too."""
    carries, cup = rng.random() < _DISTRACTOR_SHARE, rng.random() < 0.5
    if action.held:
        return action.held, style.hand
    return ('cup' if cup else 'phone') if carries else None, 1 - style.hand


def _seat(subject: ActionSubject, turn: float, place: tuple[float, float]) -> Seat:
    body = subject.body
    # pelvis of a sitting body, see sit_down
    top = body.ankle + 0.515 * body.leg - 0.07
    behind = 0.45 * body.leg
    x, z = place[0] - behind * np.sin(turn), place[1] - behind * np.cos(turn)
    return Seat((x, top, z), 0.19)


def _stream(settings: ClipSettings, *key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=key))
