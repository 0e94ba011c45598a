"""Which box is which eye, from frame to frame."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ocec.apis.eye_boxes import EYES, LEFT, RIGHT, EyeBox

FORGET_S = 1.0
"""An eye that was not seen for longer is looked for anew."""

MAX_JUMP = 2.5
"""A box further from where an eye was than this many of its widths is another one."""


class EyeTracker:
    """Gives boxes the name of the eye that was nearest to them before.

    Two eyes without a past are named by their order in the picture. One alone is named
    by its half of the picture, until both are seen together. Boxes with a name keep it.
    """

    def __init__(self) -> None:
        self._seen: dict[str, tuple[float, EyeBox]] = {}

    def update(
        self, time_s: float, boxes: Sequence[EyeBox], *, frame_width: int
    ) -> dict[str, EyeBox]:
        """Name the boxes of a frame.

        Args:
            time_s: time of the frame.
            boxes: at most two.
            frame_width: in pixels.

        Returns:
            ``left`` or ``right`` -> box.
        """
        past = {
            eye: box
            for eye, (seen_s, box) in self._seen.items()
            if time_s - seen_s <= FORGET_S
        }
        named = {box.eye: box for box in boxes if box.eye is not None}
        unnamed = [box for box in boxes if box.eye is None]
        free = [eye for eye in EYES if eye not in named]
        if len(unnamed) == 2 and len(free) == 2:
            named = _name_pair(*unnamed, past)
        elif unnamed and free:
            named[_name_single(unnamed[0], free, past, frame_width)] = unnamed[0]
        self._seen = {eye: (time_s, box) for eye, box in named.items()} | {
            eye: self._seen[eye] for eye in past if eye not in named
        }
        return named


def _name_pair(one: EyeBox, other: EyeBox, past: dict) -> dict[str, EyeBox]:
    by_order = sorted((one, other), key=lambda box: box.centre[0])
    # an eye that was seen alone may have got the wrong name
    if len(past) < len(EYES):
        return dict(zip(EYES, by_order, strict=True))
    ways = [{LEFT: one, RIGHT: other}, {LEFT: other, RIGHT: one}]
    nearest = min(ways, key=lambda way: sum(_jump(past[eye], way[eye]) for eye in EYES))
    if max(_jump(past[eye], nearest[eye]) for eye in EYES) > MAX_JUMP:
        return dict(zip(EYES, by_order, strict=True))  # another face
    return nearest


def _name_single(box: EyeBox, free: list[str], past: dict, frame_width: int) -> str:
    jumps = {eye: _jump(past[eye], box) for eye in free if eye in past}
    if jumps and min(jumps.values()) <= MAX_JUMP:
        return min(jumps, key=jumps.get)
    # not one that is elsewhere, if there is a choice
    free = [eye for eye in free if eye not in jumps] or free
    by_half = LEFT if box.centre[0] < frame_width / 2 else RIGHT
    return by_half if by_half in free else free[0]


def _jump(before: EyeBox, now: EyeBox) -> float:
    """Distance of the centres in widths of the larger box."""
    return math.dist(before.centre, now.centre) / max(before.width, now.width, 1.0)
