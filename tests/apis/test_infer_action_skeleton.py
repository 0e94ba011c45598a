import numpy as np
import pytest

from ocec.apis.infer_action_skeleton import (
    LEFT,
    MIDDLE,
    RIGHT,
    draw_skeletons,
    fitting,
    joint_colours,
    limb_colours,
    text_width,
    write_text,
)
from ocec.functional.skeleton_layouts import COCO17, COCO18, NTURGBD25, custom_layout

BONE = custom_layout(3, flip_pairs=[(0, 1)], limbs=[(0, 2), (1, 2), (0, 1)])


@pytest.mark.parametrize('layout', [COCO17, COCO18, NTURGBD25])
def test_sides_have_their_colours(layout):
    colours = joint_colours(layout)
    for name, colour in zip(layout.joints, colours, strict=True):
        side = name.split('_')[0]
        assert colour == {'left': LEFT, 'right': RIGHT}.get(side, MIDDLE)
    for limb, colour in zip(layout.limbs, limb_colours(layout), strict=True):
        sides = {layout.joints[joint].split('_')[0] for joint in limb}
        is_left, is_right = 'left' in sides, 'right' in sides
        expected = LEFT if is_left else RIGHT
        assert colour == (MIDDLE if is_left == is_right else expected)


def draw(keypoint, score, size=(60, 80), **settings):
    image = np.zeros((*size, 3), np.uint8)
    keypoint = np.array([keypoint], np.float32)
    draw_skeletons(image, keypoint, np.array([score], np.float32), BONE, **settings)
    return image


def test_joints_are_where_they_are():
    image = draw([(20, 10), (60, 10), (40, 50)], (1, 1, 1))
    assert tuple(image[10, 20]) == LEFT
    assert tuple(image[10, 60]) == RIGHT
    assert tuple(image[50, 40]) == MIDDLE
    # the bone from left to right; a smooth line of one pixel is a little darker
    np.testing.assert_allclose(image[10, 40], MIDDLE, atol=25)
    ys, xs = np.nonzero(image.any(axis=2))
    reach = (xs.min(), xs.max(), ys.min(), ys.max())
    np.testing.assert_allclose(reach, (18, 62, 8, 52), atol=1)


def test_a_low_score_is_transparent():
    image = draw([(20, 10), (60, 10), (40, 50)], (0.5, 0, 0))
    np.testing.assert_allclose(image[10, 20], np.array(LEFT) / 2, atol=1)
    # of a missing joint there is neither dot nor bone
    assert not image[10, 30:].any()
    assert not image[30:].any()


@pytest.mark.parametrize('place', [(np.nan, 5), (1e9, 5), (-1e9, 5), (np.inf, 1)])
def test_places_that_are_none_are_not_drawn(place):
    image = draw([place, (60, 10), (40, 50)], (1, 1, 1))
    assert tuple(image[10, 60]) == RIGHT
    assert not image[:, :30].any()


def test_joints_beyond_the_edge():
    image = draw([(-20, 30), (100, 30), (40, -30)], (1, 1, 1))
    np.testing.assert_allclose(image[30, 40], MIDDLE, atol=25)
    assert image.any()


def test_numbers_stand_over_the_head():
    keypoint = [(20, 30), (60, 30), (40, 50)]
    plain = draw(keypoint, (1, 1, 1))
    numbered = draw(keypoint, (1, 1, 1), numbers=[7])
    ys, xs = np.nonzero((plain != numbered).any(axis=2))
    assert ys.max() < 30
    assert xs.min() >= 18


def test_text_is_readable_on_any_ground_and_inside():
    for ground in (0, 255):
        image = np.full((40, 200, 3), ground, np.uint8)
        width = write_text(image, 'name', (190, 500))
        written = image[:, 200 - width :].reshape(-1, 3)
        assert (written > 200).all(1).sum() > 30
        assert (written < 80).all(1).sum() > 100
        assert (image[:, : 195 - width] == ground).all()
    write_text(np.zeros((5, 5, 3), np.uint8), 'far too long', (0, 0))


def test_lines_are_cut_to_a_width():
    text = 'a long name of a class that nobody can read'
    for width in (20, 60, 120):
        shown = fitting(text, width, 12)
        assert text_width(shown, 12) <= width
        assert shown == '' or (shown.endswith('..') and text.startswith(shown[:-2]))
    assert fitting(text, 5000, 12) == text
    assert fitting('abc', 1, 12) == ''
