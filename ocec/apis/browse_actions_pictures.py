"""Clips of actions as contact sheets and animations.

Shapes: T frames, H x W pixels, h x w cells.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import cv2
import numpy as np

from ocec.apis.browse_actions_clips import ShownClip
from ocec.apis.infer_action_skeleton import draw_skeletons, fitting, write_text
from ocec.functional.skeleton_layouts import SkeletonLayout
from ocec.preparation.contact_sheet import encode_png

SHEET_SIDE, MOVING_SIDE = 176, 280
"""Height of a picture on a sheet and in an animation, in pixels."""

COLUMNS = 8
GAP, LINE, EDGE = 6, 22, 92
TEXT_PX = 11
GROUND, INK, DIM = (24, 26, 30), (235, 235, 235), (160, 160, 160)
RIGHT_INK, WRONG_INK = (120, 220, 130), (255, 120, 100)
BOX_COLOUR = (250, 230, 90)
FRAME_MS = 120
HEAT_SHARE = 0.6


def draw_sheet(
    clip: ShownClip, layout: SkeletonLayout, classes: Sequence[str]
) -> bytes:
    """Draw all frames of a clip side by side, a row for each way to look at them.

    Args:
        clip: what to draw.
        layout: of the joints.
        classes: names by label.

    Returns:
        The bytes of a PNG file.
    """
    rows = {
        what: [fit_height(image, SHEET_SIDE) for image in images]
        for what, images in draw_panels(clip, layout).items()
    }
    width = next(iter(rows.values()))[0].shape[1]
    captions = clip.captions
    columns = min(COLUMNS, len(captions))
    row_width = EDGE + columns * (width + GAP)
    parts = [_heading(clip, classes, max(row_width, 420))]
    for start in range(0, len(captions), columns):
        chosen = slice(start, start + columns)
        parts.append(_caption_row(captions[chosen], width, parts[0].shape[1]))
        parts += [
            _picture_row(what, images[chosen], parts[0].shape[1])
            for what, images in rows.items()
        ]
    return encode_png(np.concatenate(parts))


def draw_animation(
    clip: ShownClip, layout: SkeletonLayout, classes: Sequence[str]
) -> bytes:
    """Draw a clip that moves, all ways to look at it side by side.

    Args:
        clip: what to draw.
        layout: of the joints.
        classes: names by label.

    Returns:
        The bytes of an animated GIF file, which never ends.
    """
    panels = draw_panels(clip, layout)
    pictures = []
    for number, caption in enumerate(clip.captions):
        images = [fit_height(p[number], MOVING_SIDE) for p in panels.values()]
        width = images[0].shape[1]
        total = max(420, len(images) * (width + GAP) + GAP)
        names = np.full((LINE, total, 3), GROUND, np.uint8)
        row = np.full((MOVING_SIDE + GAP, total, 3), GROUND, np.uint8)
        for place, (what, image) in enumerate(zip(panels, images, strict=True)):
            left = GAP + place * (width + GAP)
            text = f'{what}  {caption}' if place == 0 else what
            _write(names, fitting(text, width, TEXT_PX), (left, 16), DIM)
            row[:MOVING_SIDE, left : left + width] = image
        pictures.append(np.concatenate([_heading(clip, classes, total), names, row]))
    return encode_gif(pictures, frame_ms=FRAME_MS)


def draw_panels(clip: ShownClip, layout: SkeletonLayout) -> dict[str, list[np.ndarray]]:
    """Draw every frame in every way there is.

    Args:
        clip: what to draw.
        layout: of the joints.

    Returns:
        ``skeleton``, ``heatmap`` and ``attention`` (with its range), as far as the clip
        has them, to T pictures (H, W, 3) uint8 RGB of one size.
    """
    side = clip.frames_THWC.shape[1]
    # small frames are enlarged before lines are drawn on them
    factor = max(1, round(MOVING_SIDE / side))
    frames = [_enlarge(image, factor) for image in clip.frames_THWC]
    panels = {'skeleton': [image.copy() for image in frames]}
    for image, keypoint_PK2, score_PK in zip(
        panels['skeleton'], clip.keypoint_TPK2, clip.score_TPK, strict=True
    ):
        if clip.box is not None:
            x1, y1, x2, y2 = (clip.box * factor).round().astype(int).tolist()
            cv2.rectangle(image, (x1, y1), (x2 - 1, y2 - 1), BOX_COLOUR, 1)
        numbers = range(len(score_PK))
        place_PK2 = (keypoint_PK2 + 0.5) * factor - 0.5
        draw_skeletons(image, place_PK2, score_PK, layout, numbers=numbers)
    if clip.heat_Thw is not None:
        panels['heatmap'] = [
            _heat(image, level_hw)
            for image, level_hw in zip(frames, clip.heat_Thw, strict=True)
        ]
    if clip.attention_Thw is not None:
        low, high = clip.attention_Thw.min(), clip.attention_Thw.max()
        span = max(float(high - low), 1e-6)
        panels[f'attention {low:.2f}-{high:.2f}'] = [
            _heat(image, (level_hw - low) / span, always=True)
            for image, level_hw in zip(frames, clip.attention_Thw, strict=True)
        ]
    return panels


def answer_text(clip: ShownClip, classes: Sequence[str]) -> str:
    """Say what the model says of a clip.

    Args:
        clip: with or without an answer.
        classes: names by label.

    Returns:
        Class and probability; empty without an answer.
    """
    if clip.prob_C is None:
        return ''
    found = int(clip.prob_C.argmax())
    text = f'predicted: {classes[found]} {clip.prob_C[found]:.2f}'
    if found == clip.label:
        return text
    return f'{text} (true class {clip.prob_C[clip.label]:.2f})'


def encode_gif(pictures: Sequence[np.ndarray], *, frame_ms: int) -> bytes:
    """Encode an animation.

    Args:
        pictures: (H, W, 3) uint8 RGB of one size.
        frame_ms: how long each is shown, in milliseconds, in steps of 10.

    Returns:
        The bytes of a GIF file, repeated without end.
    """
    from PIL import Image

    images = [Image.fromarray(picture) for picture in pictures]
    # one table of colours each: pictures of a room leave no free one for lines
    images = [
        image.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        for image in images
    ]
    stream = io.BytesIO()
    images[0].save(
        stream,
        'GIF',
        save_all=True,
        append_images=images[1:],
        duration=frame_ms,
        loop=0,
        disposal=1,
    )
    return stream.getvalue()


def fit_height(image_HWC: np.ndarray, height: int) -> np.ndarray:
    """Resize a picture to a height.

    Args:
        image_HWC: (H, W, 3) uint8.
        height: in pixels.

    Returns:
        (height, ..., 3) uint8 of the same shape.
    """
    width = max(1, round(image_HWC.shape[1] * height / image_HWC.shape[0]))
    is_smaller = height < image_HWC.shape[0]
    kind = cv2.INTER_AREA if is_smaller else cv2.INTER_LINEAR
    return cv2.resize(image_HWC, (width, height), interpolation=kind)


def _heading(clip: ShownClip, classes: Sequence[str], width: int) -> np.ndarray:
    """Name, true class and facts in the first line, the answer in the second."""
    num_lines = 1 if clip.prob_C is None else 2
    strip_hwC = np.full((num_lines * LINE + GAP, width, 3), GROUND, np.uint8)
    text = '  |  '.join([clip.name, f'true: {classes[clip.label]}', *clip.facts])
    _write(strip_hwC, fitting(text, width - 2 * GAP, TEXT_PX), (GAP, 17), INK)
    if clip.prob_C is not None:
        is_right = int(clip.prob_C.argmax()) == clip.label
        text = fitting(answer_text(clip, classes), width - 2 * GAP, TEXT_PX)
        ink = RIGHT_INK if is_right else WRONG_INK
        _write(strip_hwC, text, (GAP, 17 + LINE), ink)
    return strip_hwC


def _caption_row(captions: Sequence[str], width: int, total: int) -> np.ndarray:
    strip_hwC = np.full((LINE, total, 3), GROUND, np.uint8)
    for column, caption in enumerate(captions):
        text = fitting(caption, width, TEXT_PX)
        _write(strip_hwC, text, (EDGE + column * (width + GAP), 16), DIM)
    return strip_hwC


def _picture_row(what: str, images: Sequence[np.ndarray], total: int) -> np.ndarray:
    row_hwC = np.full((SHEET_SIDE + GAP, total, 3), GROUND, np.uint8)
    for number, word in enumerate(what.split(' ')):
        text = fitting(word, EDGE - 2 * GAP, TEXT_PX)
        _write(row_hwC, text, (GAP, 20 + LINE * number), INK)
    for column, image in enumerate(images):
        width = image.shape[1]
        left = EDGE + column * (width + GAP)
        row_hwC[:SHEET_SIDE, left : left + width] = image
    return row_hwC


def _write(strip_hwC: np.ndarray, text: str, place, colour) -> None:
    write_text(strip_hwC, text, place, height_px=TEXT_PX, colour=colour, is_boxed=False)


def _enlarge(image_HWC: np.ndarray, factor: int) -> np.ndarray:
    if factor == 1:
        return image_HWC
    return cv2.resize(
        image_HWC, None, fx=factor, fy=factor, interpolation=cv2.INTER_LINEAR
    )


def _heat(
    image_HWC: np.ndarray, level_hw: np.ndarray, *, always: bool = False
) -> np.ndarray:
    """A map over a picture; ``always`` colours what is 0, too."""
    size = image_HWC.shape[1::-1]
    level_HW = cv2.resize(level_hw.astype(np.float32), size).clip(0, 1)
    index_HW = (level_HW * 255).round().astype(np.uint8)
    colour_HWC = cv2.applyColorMap(index_HW, cv2.COLORMAP_TURBO)[..., ::-1]
    share_HW1 = np.full_like(level_HW, HEAT_SHARE)[..., None]
    if not always:  # what nobody is at stays as it is
        share_HW1 = share_HW1 * (2 * level_HW[..., None]).clip(0, 1)
    mixed = colour_HWC * share_HW1 + image_HWC * (1 - share_HW1)
    return mixed.round().astype(np.uint8)
