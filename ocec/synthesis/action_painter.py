"""Paints posed figures, what they hold and what they sit on over a room.

Faces are painted over with one colour, as in recordings made anonymous: where a head
looks shows in the joints alone. What a hand holds shows in the picture alone.

Legend: H, W rows and columns, C = 3 channels, T frames, K joints.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ocec.synthesis.action_figure import ActionSubject, Clothes
from ocec.synthesis.action_scene import Camera

SCALE = 2  # paints at twice the size, so that edges are soft after shrinking
_SHIFT = 4  # cv2 takes integers: 1/16 of a pixel

# first joint, last joint, radius there in metres, colour; the trunk and head apart
_LIMBS = (
    *((5, 7, 0.052, 0.042, 'shirt'), (7, 9, 0.042, 0.032, 'sleeve')),
    *((6, 8, 0.052, 0.042, 'shirt'), (8, 10, 0.042, 0.032, 'sleeve')),
    *((11, 13, 0.08, 0.058, 'trousers'), (13, 15, 0.058, 0.042, 'trousers')),
    *((12, 14, 0.08, 0.058, 'trousers'), (14, 16, 0.058, 0.042, 'trousers')),
)
_HAND, _FOOT = 0.042, 0.05
_HEAD = 17  # place of the middle of the head after the joints

OBJECTS = ('cup', 'phone', 'book', 'tablet')
_LOOKS = {
    # half width, half height in metres; colour, colour of its middle
    'cup': (0.05, 0.062, (235, 70, 40), (250, 235, 225)),
    'phone': (0.036, 0.075, (20, 24, 30), (90, 200, 255)),
    'book': (0.13, 0.09, (245, 240, 225), (190, 180, 160)),
    'tablet': (0.13, 0.09, (25, 25, 30), (80, 170, 240)),
}


@dataclass(frozen=True)
class Figure:
    """One body on the stage.

    Args:
        subject: body and clothes.
        joints_TK3: (T, 17, 3) in metres.
        held: one of ``OBJECTS`` or None.
        hand: 0 left, 1 right: which one holds it; books and tablets lie in both.
    """

    subject: ActionSubject
    joints_TK3: np.ndarray
    held: str | None = None
    hand: int = 1


@dataclass(frozen=True)
class Seat:
    """A block to sit on: middle of its top and half its width, in metres."""

    top: tuple[float, float, float]
    half: float


def paint_clip(
    room_HWC: np.ndarray, camera: Camera, figures: list[Figure], seat: Seat | None
) -> np.ndarray:
    """Paint all frames.

    Args:
        room_HWC: (2 H, 2 W, 3) uint8 RGB, what stands still.
        camera: where it is seen from; W, H are its size.
        figures: with the same number of frames T.
        seat: None: nothing to sit on.

    Returns:
        (T, H, W, 3) uint8 RGB.
    """
    width, height = camera.size
    num_frames = len(figures[0].joints_TK3)
    points = [_with_head_and_toes(figure.joints_TK3) for figure in figures]
    views = [camera.project(points_TK3) for points_TK3 in points]
    frames_THWC = np.empty((num_frames, height, width, 3), np.uint8)
    for t, frame_HWC in enumerate(frames_THWC):
        canvas_HWC = room_HWC.copy()
        parts = [] if seat is None else [_seat_part(camera, seat)]
        for figure, (points_TK2, depth_TK) in zip(figures, views, strict=True):
            _paint_shadow(canvas_HWC, camera, figure, t)
            unit_K = SCALE * camera.focal_px / depth_TK[t]
            place_K2 = SCALE * points_TK2[t] + (SCALE - 1) / 2
            parts += _figure_parts(figure, place_K2, depth_TK[t], unit_K)
        for _, paint, *arguments in sorted(parts, key=lambda part: -part[0]):
            paint(canvas_HWC, *arguments)
        cv2.resize(canvas_HWC, (width, height), frame_HWC, 0, 0, cv2.INTER_AREA)
    return frames_THWC


def _with_head_and_toes(joints_TK3: np.ndarray) -> np.ndarray:
    """(T, 20, 3): the joints, the middle of the head and the tips of both feet."""
    # the middle of the ears, in space: it stays where it is when the head turns
    head_T13 = joints_TK3[:, 3:5].mean(1, keepdims=True)
    across_T3 = joints_TK3[:, 11] - joints_TK3[:, 12]
    forward_T3 = np.cross(across_T3, [0.0, 1.0, 0.0])
    forward_T3 /= np.linalg.norm(forward_T3, axis=-1, keepdims=True)
    toes_T23 = joints_TK3[:, 15:17] + 0.13 * forward_T3[:, None] - [0.0, 0.03, 0.0]
    return np.concatenate([joints_TK3, head_T13, toes_T23], axis=1)


def _figure_parts(figure: Figure, place_K2, depth_K, unit_K) -> list[tuple]:
    """Depth, painting function and its arguments of each part."""
    clothes, girth = figure.subject.clothes, figure.subject.body.girth
    # without the face: nothing but the joints may show where it looks
    near, far = depth_K[5:].min(), depth_K[5:].max()
    parts = []
    for first, last, start, end, name in _LIMBS:
        ends = [first, last]
        middle = depth_K[ends].mean()
        radii = girth * np.array([start, end]) * unit_K[ends]
        # what is farther away lies in the shade of the body
        shade = 1 - 0.3 * (middle - near) / (far - near + 0.3)
        colour = _level(_cloth(clothes, name), shade)
        parts.append((middle, _paint_limb, place_K2[ends], radii, colour))
        over = min(middle, depth_K[last]) - 0.01
        if last in (9, 10):
            skin = _level(clothes.skin, shade)
            radius = _HAND * unit_K[last]
            parts.append((over, _paint_disc, place_K2[last], radius, skin))
        if last in (15, 16):
            foot = [last, last + 3]
            radii = _FOOT * np.array([1.0, 0.75]) * unit_K[foot]
            shoe = _level(clothes.shoes, shade)
            parts.append((over, _paint_limb, place_K2[foot], radii, shoe))
    parts.append(_trunk_part(figure, place_K2, depth_K, unit_K))
    parts.append(_head_part(figure, place_K2, depth_K, unit_K))
    if figure.held:
        parts.append(_held_part(figure, place_K2, depth_K, unit_K))
    return parts


def _cloth(clothes: Clothes, name: str) -> tuple:
    if name == 'sleeve':
        return clothes.shirt if clothes.long_sleeves else clothes.skin
    return getattr(clothes, name)


def _level(colour: tuple, shade: float = 1.0) -> list[float]:
    return [255 * shade * channel for channel in colour]


def _trunk_part(figure: Figure, place_K2, depth_K, unit_K) -> tuple:
    joints = [5, 6, 12, 11]
    radius = 0.062 * figure.subject.body.girth * unit_K[joints].mean()
    neck_22 = np.stack([place_K2[[5, 6]].mean(0), place_K2[_HEAD]])
    clothes = figure.subject.clothes
    colours = _level(clothes.shirt, 0.93), _level(clothes.skin, 0.8)
    return (
        depth_K[joints].mean(),
        _paint_trunk,
        place_K2[joints],
        radius,
        neck_22,
        colours,
    )


def _head_part(figure: Figure, place_K2, depth_K, unit_K) -> tuple:
    radius = 1.12 * figure.subject.body.head * unit_K[_HEAD]
    clothes = figure.subject.clothes
    colours = _level(clothes.skin), _level(clothes.hair)
    return depth_K[_HEAD] - 0.02, _paint_head, place_K2[_HEAD], radius, colours


def _held_part(figure: Figure, place_K2, depth_K, unit_K) -> tuple:
    wide, tall, colour, middle_colour = _LOOKS[figure.held]
    hands = [9, 10] if figure.held in ('book', 'tablet') else [9 + figure.hand]
    half = unit_K[hands].mean() * np.array([wide, tall])
    centre = place_K2[hands].mean(0) - [0, 0.5 * half[1]]
    depth = depth_K[hands].mean() - 0.06
    return depth, _paint_held, centre, half, colour, middle_colour


def _seat_part(camera: Camera, seat: Seat) -> tuple:
    x, top, z = seat.top
    sides = (-seat.half, seat.half)
    corners = [(x + a, y, z + b) for y in (top, 0.0) for a in sides for b in sides]
    points_82, depth_8 = camera.project(np.array(corners))
    points_82 = SCALE * points_82 + (SCALE - 1) / 2
    # it stands behind whoever sits on it
    return depth_8.mean() + 0.25, _paint_block, points_82


def _fixed(points) -> np.ndarray:
    return np.round(np.asarray(points) * 2**_SHIFT).astype(np.int32)


def _fill(canvas_HWC, points_N2, colour) -> None:
    hull = cv2.convexHull(_fixed(points_N2))
    cv2.fillConvexPoly(canvas_HWC, hull, colour, cv2.LINE_AA, _SHIFT)


def _paint_disc(canvas_HWC, centre, radius, colour) -> None:
    x, y = _fixed(centre).tolist()
    radius = int(round(radius * 2**_SHIFT))
    cv2.circle(canvas_HWC, (x, y), radius, colour, -1, cv2.LINE_AA, _SHIFT)


def _paint_limb(canvas_HWC, ends_22, radii, colour) -> None:
    along = ends_22[1] - ends_22[0]
    along = along / max(np.hypot(*along), 1e-6)
    across = np.array([-along[1], along[0]])
    outline = [
        *(ends_22[0] + radii[0] * across, ends_22[0] - radii[0] * across),
        *(ends_22[1] - radii[1] * across, ends_22[1] + radii[1] * across),
    ]
    _fill(canvas_HWC, outline, colour)
    for end, radius in zip(ends_22, radii, strict=True):
        _paint_disc(canvas_HWC, end, radius, colour)


def _paint_trunk(canvas_HWC, corners_42, radius, neck_22, colours) -> None:
    shirt, skin = colours
    _paint_limb(canvas_HWC, neck_22, [0.7 * radius] * 2, skin)
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    ring_N2 = radius * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    _fill(canvas_HWC, (corners_42[:, None] + ring_N2).reshape(-1, 2), shirt)


def _paint_head(canvas_HWC, centre, radius, colours) -> None:
    skin, hair = colours
    _paint_disc(canvas_HWC, centre, radius, skin)
    angles = np.linspace(np.pi, 2 * np.pi, 12)
    cap_N2 = radius * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    _fill(canvas_HWC, centre + [0, -0.25 * radius] + cap_N2 * [0.97, 0.8], hair)


def _paint_held(canvas_HWC, centre, half, colour, middle_colour) -> None:
    corners_42 = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    _fill(canvas_HWC, centre + half * corners_42, colour)
    _fill(canvas_HWC, centre + 0.62 * half * corners_42, middle_colour)


def _paint_block(canvas_HWC, points_82) -> None:
    _fill(canvas_HWC, points_82, (92, 64, 44))
    _fill(canvas_HWC, points_82[:4], (150, 108, 74))


def _paint_shadow(canvas_HWC, camera: Camera, figure: Figure, t: int) -> None:
    feet_23 = figure.joints_TK3[t, 15:17] * [1.0, 0.0, 1.0]
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    ring_N3 = 0.2 * np.stack([np.cos(angles), 0 * angles, np.sin(angles)], axis=-1)
    points_N2, _ = camera.project((feet_23[:, None] + ring_N3).reshape(-1, 3))
    points_N2 = SCALE * points_N2 + (SCALE - 1) / 2
    left, top = np.maximum(points_N2.min(0).astype(int), 0)
    right, bottom = np.maximum(points_N2.max(0).astype(int) + 2, 0)
    under_hwC = canvas_HWC[top:bottom, left:right]
    mask_hw = np.zeros(under_hwC.shape[:2], np.uint8)
    if mask_hw.size:
        hull = cv2.convexHull(_fixed(points_N2 - [left, top]))
        cv2.fillConvexPoly(mask_hw, hull, 255, cv2.LINE_AA, _SHIFT)
        under_hwC[mask_hw > 127] = under_hwC[mask_hw > 127] * 0.72
