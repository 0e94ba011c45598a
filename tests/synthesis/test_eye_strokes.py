from dataclasses import replace

import numpy as np
import pytest

from ocec.synthesis.eye_geometry import lid_lines
from ocec.synthesis.eye_scene import draw_scene
from ocec.synthesis.eye_strokes import (
    paint_fringe,
    paint_lashes,
    paint_wrinkles,
    stroke_mask,
)
from ocec.synthesis.eye_subject import draw_subject

SUBJECT = draw_subject(np.random.default_rng(2), 'visible')
# 50 px to the eye unit, the eye in the middle of 150 x 100 px
TO_PX = np.array([[50, 0, 75], [0, 50, 50]], dtype=np.float32)


def blank():
    return np.ones((100, 150, 3), dtype=np.float32)


def darkened_rows(picture):
    """Weighted mean height of what is darker than the paper, in eye units."""
    dark_HW = 1 - picture.mean(2)
    assert dark_HW.sum() > 1
    rows = (np.arange(100) + 0.5 - 50) / 50
    return (dark_HW.sum(1) * rows).sum() / dark_HW.sum()


def test_stroke_covers_its_length_at_its_place():
    curve = np.array([[[-0.8, 0.0], [0.8, 0.0]]])
    mask_HW = stroke_mask(curve, TO_PX, shape=(100, 150))
    # 1.6 eye units are 80 px of a line one to one and a half pixels wide
    assert 80 <= mask_HW.sum() <= 120
    rows, columns = np.nonzero(mask_HW > 0.2)
    assert set(rows) <= {49, 50}
    assert columns.min() == pytest.approx(35, abs=1)
    assert columns.max() == pytest.approx(115, abs=1)


@pytest.mark.parametrize(('aperture', 'sign'), [(0.0, 1), (1.0, -1)])
def test_upper_lashes_hang_when_shut_and_rise_when_open(aperture, sign):
    scene = draw_scene(np.random.default_rng(0), SUBJECT, aperture=aperture)
    lashes = replace(SUBJECT.lashes, count=30, length=0.25, darkness=1.0)
    subject = replace(SUBJECT, lashes=lashes)
    picture = blank()
    paint_lashes(picture, subject, scene, TO_PX, np.random.default_rng(0))
    dark_HW = 1 - picture.mean(2)
    x_W, y_H1 = (np.arange(150) - 74.5) / 50, (np.arange(100)[:, None] - 49.5) / 50
    lines = lid_lines(subject.lids, scene, x_W)
    above = dark_HW[y_H1 < lines.upper - 0.03].sum()
    if aperture:  # the lower lashes hang from the other lid
        below = dark_HW[(y_H1 > lines.upper + 0.03) & (y_H1 < lines.lower)].sum()
    else:
        below = dark_HW[y_H1 > lines.upper + 0.03].sum()
    assert sign * (below - above) > 0.5 * (below + above)


def test_wrinkles_lie_beside_and_below_the_eye():
    subject = replace(SUBJECT, wrinkles=1.0)
    picture = blank()
    paint_wrinkles(picture, subject, TO_PX, np.random.default_rng(0))
    assert darkened_rows(picture) > 0
    eye = picture[45:55, 40:110]  # between the corners nothing changes
    np.testing.assert_array_equal(eye, 1.0)


def test_smooth_skin_has_no_wrinkles():
    picture = blank()
    subject = replace(SUBJECT, wrinkles=0.0)
    paint_wrinkles(picture, subject, TO_PX, np.random.default_rng(0))
    np.testing.assert_array_equal(picture, 1.0)


def test_fringe_falls_from_the_top_in_the_colour_of_the_hair():
    picture = blank()
    paint_fringe(picture, SUBJECT, TO_PX, np.random.default_rng(0))
    covered = (picture.mean(2) < 0.9).any(1)
    assert covered[0]
    # 3/4 of the hair over white paper at most
    floor = 0.25 + 0.75 * min(SUBJECT.palette.hair)
    assert picture.min() == pytest.approx(floor, abs=0.02)
