import io
from dataclasses import replace

import cv2
import numpy as np
import pytest

from ocec.apis.browse_actions_clips import ShownClip
from ocec.apis.browse_actions_pictures import (
    BOX_COLOUR,
    FRAME_MS,
    MOVING_SIDE,
    answer_text,
    draw_animation,
    draw_panels,
    draw_sheet,
    encode_gif,
    fit_height,
)
from ocec.functional.skeleton_layouts import custom_layout

LAYOUT = custom_layout(2, flip_pairs=[], limbs=[(0, 1)])
MIDDLE = (130, 230, 120)
CLASSES = ('wave', 'jump')


def make_clip(num_frames=3, side=70, **fields):
    frames = np.zeros((num_frames, side, side, 3), np.uint8)
    frames[..., 0] = 10 * np.arange(num_frames)[:, None, None]
    keypoint = np.tile(np.array([[20.0, 10.0], [20.0, 60.0]]), (num_frames, 1, 1, 1))
    score = np.ones((num_frames, 1, 2))
    captions = [f'frame {n}' for n in range(num_frames)]
    return ShownClip('clip', 0, frames, keypoint, score, captions, **fields)


def test_panels_of_all_there_is():
    heat = np.zeros((3, 7, 7), np.float32)
    heat[:, 1, 5] = 1
    attention = np.linspace(0.2, 0.6, 3 * 49).reshape(3, 7, 7)
    clip = make_clip(heat_Thw=heat, attention_Thw=attention)
    panels = draw_panels(clip, LAYOUT)
    assert list(panels) == ['skeleton', 'heatmap', 'attention 0.20-0.60']
    # 70 pixels are enlarged 4 times; the middle of pixel (20, 10)
    skeleton = panels['skeleton'][1]
    assert skeleton.shape == (280, 280, 3)
    assert tuple(skeleton[41, 81]) == MIDDLE
    # where there is no heat the picture stays, elsewhere it is coloured
    warm = panels['heatmap'][2]
    assert tuple(warm[270, 10]) == (20, 0, 0)
    changed = (warm != (20, 0, 0)).any(axis=2)
    ys, xs = np.nonzero(changed)
    assert xs.mean() == pytest.approx(5.5 / 7 * 280, abs=2)
    assert ys.mean() == pytest.approx(1.5 / 7 * 280, abs=2)
    # from blue at the lowest weight to red at the highest
    first, last = panels['attention 0.20-0.60'][0], panels['attention 0.20-0.60'][2]
    assert first[5, 5, 2] > first[5, 5, 0]
    assert last[-5, -5, 0] > 2 * last[-5, -5, 2]
    assert not clip.frames_THWC[..., 1:].any()


def test_attention_without_any_contrast():
    clip = make_clip(attention_Thw=np.full((3, 7, 7), 0.5))
    assert 'attention 0.50-0.50' in draw_panels(clip, LAYOUT)


def test_the_box_of_raw_clips():
    clip = make_clip(side=280, box=np.array([30, 40, 130, 140.0]))
    image = draw_panels(clip, LAYOUT)['skeleton'][0]
    for x, y in ((30, 90), (129, 90), (80, 40), (80, 139)):
        assert tuple(image[y, x]) == BOX_COLOUR


def test_answers():
    clip = make_clip()
    assert answer_text(clip, CLASSES) == ''
    right = replace(clip, prob_C=np.array([0.75, 0.25]))
    assert answer_text(right, CLASSES) == 'predicted: wave 0.75'
    wrong = replace(clip, prob_C=np.array([0.25, 0.75]))
    assert answer_text(wrong, CLASSES) == 'predicted: jump 0.75 (true class 0.25)'


@pytest.mark.parametrize(('num_frames', 'blocks'), [(1, 1), (3, 1), (8, 1), (11, 2)])
def test_a_sheet_has_eight_frames_in_a_row(num_frames, blocks):
    clip = make_clip(num_frames, heat_Thw=np.zeros((num_frames, 7, 7)))
    png = draw_sheet(clip, LAYOUT, CLASSES)
    sheet = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    # heading; captions and two rows of pictures with gaps
    assert sheet.shape[0] == 28 + blocks * (22 + 2 * (176 + 6))
    assert sheet.shape[1] == max(420, 92 + min(num_frames, 8) * (176 + 6))


def test_an_animation_has_all_frames():
    image_module = pytest.importorskip('PIL.Image')
    clip = make_clip(5, prob_C=np.array([0.75, 0.25]))
    image = image_module.open(io.BytesIO(draw_animation(clip, LAYOUT, CLASSES)))
    assert image.n_frames == 5
    assert image.info['duration'] == FRAME_MS
    assert image.info['loop'] == 0
    assert image.size[1] == 2 * 22 + 6 + 22 + MOVING_SIDE + 6


def test_colours_of_a_gif():
    image_module = pytest.importorskip('PIL.Image')
    pictures = [np.full((8, 8, 3), level, np.uint8) for level in (40, 200)]
    pictures[0][:4] = (250, 20, 60)
    image = image_module.open(io.BytesIO(encode_gif(pictures, frame_ms=50)))
    found = np.array(image.convert('RGB'))
    np.testing.assert_allclose(found, pictures[0], atol=4)
    image.seek(1)
    np.testing.assert_allclose(np.array(image.convert('RGB')), pictures[1], atol=4)


def test_a_picture_keeps_its_shape():
    assert fit_height(np.zeros((48, 64, 3), np.uint8), 24).shape == (24, 32, 3)
    assert fit_height(np.zeros((48, 64, 3), np.uint8), 96).shape == (96, 128, 3)
