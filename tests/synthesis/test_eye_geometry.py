from dataclasses import replace

import numpy as np
import pytest

from ocec.synthesis.eye_geometry import blend, eye_grid, lid_lines, soft_step
from ocec.synthesis.eye_scene import draw_scene
from ocec.synthesis.eye_subject import LidShape, draw_subject

SUBJECT = draw_subject(np.random.default_rng(1), 'visible')
SCENE = draw_scene(np.random.default_rng(1), SUBJECT, aperture=0.5)
LIDS = LidShape(
    upper_height=0.4,
    lower_height=0.2,
    upper_skew=0.0,
    lower_skew=0.0,
    fullness=0.4,
    tilt_deg=0.0,
    crease_height=0.2,
    crease_strength=0.5,
)


def lines_at(x, **changes):
    scene = replace(SCENE, lower_raise=0.0, bow=0.0, **changes)
    return lid_lines(LIDS, scene, np.array([x]))


def test_grid_and_its_matrix_agree():
    grid = eye_grid(SUBJECT, SCENE)
    height, width = grid.x_HW.shape
    points = np.stack([grid.x_HW, grid.y_HW], -1)
    pixel_HW2 = points @ grid.to_px[:, :2].T + grid.to_px[:, 2]
    column_HW, row_HW = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    np.testing.assert_allclose(pixel_HW2[..., 0], column_HW, atol=1e-3)
    np.testing.assert_allclose(pixel_HW2[..., 1], row_HW, atol=1e-3)


def test_canvas_spans_the_view():
    subject = replace(SUBJECT, lids=LIDS)
    scene = replace(SCENE, roll_deg=0.0, yaw_squeeze=1.0, view=1.5)
    grid = eye_grid(subject, scene)
    # 2 * 1.5 eye units across, seen at pixel centres
    assert np.ptp(grid.x_HW) == pytest.approx(3.0 - grid.pixel, rel=1e-4)


@pytest.mark.parametrize('side', [1, -1])
def test_side_says_where_the_nose_is(side):
    grid = eye_grid(replace(SUBJECT, side=side), replace(SCENE, roll_deg=0.0))
    assert (np.sign(np.diff(grid.x_HW, axis=1)) == side).all()


@pytest.mark.parametrize('aperture', [0.0, 0.2, 1.0])
def test_gap_is_the_share_of_the_full_gap(aperture):
    # middle: 0.4 + 0.2. x = 0.5: (1 - 1/4) of a parabola, the upper lid fuller by
    # (1 + 0.4/4): 0.75 * (0.4 * 1.1 + 0.2) = 0.48
    for x, full in ((0.0, 0.6), (0.5, 0.48), (1.0, 0.0), (1.1, 0.0)):
        lines = lines_at(x, aperture=aperture)
        np.testing.assert_allclose(lines.lower - lines.upper, aperture * full)


def test_only_the_upper_lid_closes_and_the_fold_follows():
    wide, shut = lines_at(0.0, aperture=1.0), lines_at(0.0, aperture=0.0)
    assert shut.lower == wide.lower == pytest.approx(0.2)
    assert wide.upper == pytest.approx(-0.4)
    assert wide.crease == pytest.approx(-0.4 - 0.2)
    # a third of the 0.6 that the margin travels
    assert shut.crease - wide.crease == pytest.approx(0.2, abs=0.003)


def test_soft_step_reaches_its_ends():
    np.testing.assert_allclose(
        soft_step(np.array([-9.0, -0.5, 0.0, 0.5, 9.0]), 0.5), [0, 0, 0.5, 1, 1]
    )


def test_blend_mixes_by_the_mask():
    picture = np.full((1, 3, 3), 0.2, dtype=np.float32)
    blend(picture, np.array([[0.0, 0.5, 1.0]]), (0.4, 0.2, 0.0))
    expected = [[0.2, 0.2, 0.2], [0.3, 0.2, 0.1], [0.4, 0.2, 0.0]]
    np.testing.assert_allclose(picture[0], expected, atol=1e-6)
