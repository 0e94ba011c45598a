"""Skeletons drawn into pictures: bones, joints, numbers of persons.

Shapes: P persons, K joints, H x W pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from ocec.functional.skeleton_layouts import SkeletonLayout

LEFT, RIGHT, MIDDLE = (255, 140, 30), (40, 170, 255), (130, 230, 120)
"""Of the joints and bones of the person's own left, right, and middle line, RGB."""

FONT = cv2.FONT_HERSHEY_SIMPLEX
# a joint of a low score stays visible
MIN_OPACITY = 0.15
# coordinates that far outside are not drawn: OpenCV counts in 32 bits
REACH = 4
_SHIFT = 3  # bits of a pixel's fraction, in which OpenCV draws


def draw_skeletons(
    image_HWC: np.ndarray,
    keypoint_PK2: np.ndarray,
    score_PK: np.ndarray,
    layout: SkeletonLayout,
    *,
    numbers: Sequence[int] | None = None,
) -> None:
    """Draw skeletons, in place; the lower the score, the more transparent.

    Args:
        image_HWC: (H, W, 3) uint8 RGB.
        keypoint_PK2: (P, K, 2) x and y in pixels of the picture; NaN, and what is far
            outside, is not drawn.
        score_PK: (P, K), 0 where a joint is missing, else opaque at 1 and above.
        layout: of the joints.
        numbers: of the persons, written at their highest joint; None for none.
    """
    side_K, side_L = joint_colours(layout), limb_colours(layout)
    thickness = max(1, round(min(image_HWC.shape[:2]) / 160))
    for person, (keypoint_K2, score_K) in enumerate(
        zip(keypoint_PK2, score_PK, strict=True)
    ):
        is_shown_K = (score_K > 0) & _is_near(keypoint_K2, image_HWC.shape[:2])
        for (one, other), colour in zip(layout.limbs, side_L, strict=True):
            if is_shown_K[one] and is_shown_K[other]:
                ends = keypoint_K2[[one, other]]
                opacity = min(score_K[one], score_K[other])
                _blend(image_HWC, ends, opacity, colour, thickness, is_line=True)
        for joint in np.flatnonzero(is_shown_K):
            point, opacity = keypoint_K2[[joint]], score_K[joint]
            _blend(image_HWC, point, opacity, side_K[joint], thickness, is_line=False)
        if numbers is not None and is_shown_K.any():
            top_2 = min(keypoint_K2[is_shown_K], key=lambda point: point[1])
            write_text(image_HWC, str(numbers[person]), top_2 + (0, -4 * thickness))


def joint_colours(layout: SkeletonLayout) -> list[tuple[int, int, int]]:
    """Return the colour of each joint.

    Args:
        layout: of the joints.

    Returns:
        K colours, RGB.
    """
    colours = [MIDDLE] * layout.num_joints
    for left, right in layout.flip_pairs:
        colours[left], colours[right] = LEFT, RIGHT
    return colours


def limb_colours(layout: SkeletonLayout) -> list[tuple[int, int, int]]:
    """Return the colour of each limb: of the side that it reaches into.

    Args:
        layout: of the joints.

    Returns:
        L colours, RGB; a limb from one side to the other is of the middle.
    """
    joints = joint_colours(layout)
    colours = []
    for limb in layout.limbs:
        sides = {joints[joint] for joint in limb} - {MIDDLE}
        colours.append(sides.pop() if len(sides) == 1 else MIDDLE)
    return colours


def write_text(
    image_HWC: np.ndarray,
    text: str,
    place: Sequence[float],
    *,
    height_px: int = 12,
    colour: Sequence[int] = (255, 255, 255),
    is_boxed: bool = True,
) -> int:
    """Write a line into a picture, moved so that it is inside as far as it fits.

    Args:
        image_HWC: (H, W, 3) uint8 RGB.
        text: characters that the font does not have become question marks.
        place: x and y of its lower left corner in pixels.
        height_px: of a capital letter.
        colour: RGB.
        is_boxed: make the ground dark: a picture may have the colour of the text.

    Returns:
        Its width in pixels.
    """
    text = plain(text)
    scale, line = height_px / 21, max(1, round(height_px / 14))
    (width, height), below = cv2.getTextSize(text, FONT, scale, line)
    left = int(np.clip(place[0], 0, max(0, image_HWC.shape[1] - width)))
    bottom = int(np.clip(place[1], height + 1, max(height + 1, image_HWC.shape[0])))
    if is_boxed:
        top = max(0, bottom - height - 2)
        ground_hwC = image_HWC[top : bottom + below // 2, left : left + width]
        ground_hwC[:] = ground_hwC // 4
    cv2.putText(image_HWC, text, (left, bottom), FONT, scale, colour, line, cv2.LINE_AA)
    return width


def text_width(text: str, height_px: int) -> int:
    """Return how wide a line is that :func:`write_text` writes.

    Args:
        text: the line.
        height_px: of a capital letter.

    Returns:
        Pixels.
    """
    line = max(1, round(height_px / 14))
    return cv2.getTextSize(plain(text), FONT, height_px / 21, line)[0][0]


def fitting(text: str, width: int, height_px: int) -> str:
    """Cut a line to a width.

    Args:
        text: the line.
        width: in pixels.
        height_px: of a capital letter.

    Returns:
        The line, or as much of its beginning as fits with two dots.

    Example:
        >>> fitting('a', 100, 12)
        'a'
    """
    shown = text
    while shown and text_width(shown, height_px) > width:
        shown = shown.removesuffix('..')[:-1].rstrip() + '..' if len(shown) > 3 else ''
    return shown


def plain(text: str) -> str:
    """Replace what OpenCV's font does not have."""
    return text.encode('ascii', 'replace').decode()


def _is_near(keypoint_K2: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    limit = REACH * max(size)
    with np.errstate(invalid='ignore'):
        return (np.abs(keypoint_K2) < limit).all(axis=1)


def _blend(image_HWC, points, opacity, colour, thickness: int, *, is_line: bool):
    """Draw a line, or a dot, on a copy of its surroundings, and mix the two."""
    margin = 2 * thickness + 2
    low = np.floor(points.min(axis=0)).astype(int) - margin
    high = np.ceil(points.max(axis=0)).astype(int) + margin + 1
    left, top = np.maximum(low, 0)
    part_hwC = image_HWC[top : max(high[1], 0), left : max(high[0], 0)]
    if not part_hwC.size:
        return
    drawn_hwC = part_hwC.copy()
    places = np.rint((points - (left, top)) * 2**_SHIFT).astype(int).tolist()
    if is_line:
        cv2.line(drawn_hwC, *places, colour, thickness, cv2.LINE_AA, _SHIFT)
    else:
        radius = round(1.4 * thickness * 2**_SHIFT)
        cv2.circle(drawn_hwC, places[0], radius, colour, -1, cv2.LINE_AA, _SHIFT)
    share = float(np.clip(opacity, MIN_OPACITY, 1))
    part_hwC[:] = cv2.addWeighted(drawn_hwC, share, part_hwC, 1 - share, 0)
