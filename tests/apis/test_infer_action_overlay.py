import numpy as np
import pytest

from ocec.apis.infer_action_overlay import (
    LINE,
    PANEL,
    RAIL,
    OverlayPainter,
    colour_of,
)
from ocec.apis.infer_action_poses import poses_of_persons
from ocec.functional.skeleton_layouts import custom_layout

LAYOUT = custom_layout(1, flip_pairs=[])
CLASSES = ('wave', 'a class with a long name that cannot be shown whole', 'sit')
PROB = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8], [np.nan] * 3])


def make_painter(place=(20, 10), frame_hw=(48, 64), **settings):
    keypoint = np.tile(np.array(place, np.float32), (1, 10, 1, 1))
    poses = poses_of_persons('x', keypoint, np.ones((1, 10, 1)), frame_hw)
    settings = {'classes': CLASSES, 'duration_s': 1.0, **settings}
    return OverlayPainter(poses, LAYOUT, np.array([0, 4, 8, 10]), PROB, **settings)


def test_joints_lie_on_their_pixels():
    image = np.zeros((48, 64, 3), np.uint8)
    image[10, 20] = 255
    painter = make_painter()
    canvas = painter.draw(0, 0.0, image)
    # 48 lines are enlarged 8 times, bars and time line beside
    assert canvas.shape == (48 * 8 + LINE, 64 * 8 + PANEL, 3)
    assert image[10, 20].tolist() == [255] * 3
    assert np.count_nonzero(image) == 3
    blank = painter.draw(0, 0.0, 0 * image)[: 48 * 8, : 64 * 8]
    is_joint = (blank == (130, 230, 120)).all(axis=2)
    ys, xs = np.nonzero(is_joint)
    # the middle of pixel (20, 10)
    assert xs.mean() == pytest.approx(20 * 8 + 3.5, abs=0.6)
    assert ys.mean() == pytest.approx(10 * 8 + 3.5, abs=0.6)


def test_poses_of_a_larger_frame_than_the_video():
    painter = make_painter(place=(40, 20), frame_hw=(96, 128))
    canvas = painter.draw(0, 0.0, np.zeros((48, 64, 3), np.uint8))
    ys, xs = np.nonzero((canvas[:384, :512] == (130, 230, 120)).all(axis=2))
    assert xs.mean() == pytest.approx(40.5 * 4, abs=1)
    assert ys.mean() == pytest.approx(20.5 * 4, abs=1)


def test_large_videos_are_made_smaller():
    painter = make_painter(frame_hw=(2160, 3840))
    canvas = painter.draw(0, 0.0, np.zeros((2160, 3840, 3), np.uint8))
    assert canvas.shape == (720 + LINE, 1280 + PANEL, 3)


def panel_of(painter, number):
    canvas = painter.draw(number, 0.0, np.zeros((400, 400, 3), np.uint8))
    return canvas[:400, 400:], canvas[400:]


@pytest.mark.parametrize(
    ('number', 'order'), [(0, [0, 1, 2]), (3, [0, 1, 2]), (4, [2, 0, 1])]
)
def test_bars_are_as_long_as_probabilities(number, order):
    panel, _ = panel_of(make_painter(frame_hw=(400, 400)), number)
    piece = number // 4
    for row, label in enumerate(order):
        line = panel[12 + 50 * row + 27]
        length = (line == colour_of(label)).all(axis=1).sum()
        assert length == pytest.approx(PROB[piece, label] * (PANEL - 28), abs=2)


def test_fewer_bars_where_there_is_no_room_or_wish():
    painter = make_painter(frame_hw=(400, 400), top=2)
    panel, _ = panel_of(painter, 0)
    assert (panel[12 + 50 + 27] == RAIL).all(axis=1).any()
    assert not (panel[12 + 100 + 27] == RAIL).all(axis=1).any()


@pytest.mark.parametrize('number', [9, 10, 50])
def test_frames_without_answer_have_no_bars(number):
    panel, _ = panel_of(make_painter(frame_hw=(400, 400)), number)
    assert not (panel == RAIL).all(axis=2).any()
    assert (panel > 100).any()  # but a word


def test_the_time_line_has_the_colours_of_the_segments():
    painter = make_painter(frame_hw=(400, 400))
    _, strip = panel_of(painter, 0)
    line = strip[14]
    left, right = 10, strip.shape[1] - 120
    for share, colour in ((0.2, colour_of(0)), (0.6, colour_of(2)), (0.9, RAIL)):
        x = round(left + share * (right - left))
        assert tuple(line[x]) == colour
    # the cursor goes from left to right
    cursors = [
        np.flatnonzero((panel_of(painter, n)[1][8] == 255).all(axis=1)).mean()
        for n in (0, 5, 9)
    ]
    assert cursors == sorted(cursors)
    assert cursors[0] < left + 0.1 * (right - left)


def test_colours_of_classes_differ():
    colours = [colour_of(label) for label in range(60)]
    assert len(set(colours)) == 60


def test_the_black_picture_of_poses_alone():
    assert make_painter().blank().shape == (48, 64, 3)
