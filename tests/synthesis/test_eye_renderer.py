from dataclasses import replace

import numpy as np
import pytest

from ocec.synthesis.eye_geometry import eye_grid, lid_lines
from ocec.synthesis.eye_renderer import render_eye
from ocec.synthesis.eye_scene import draw_scene
from ocec.synthesis.eye_subject import draw_subject

# an eye seen squarely, without anything in front of it
SUBJECT = draw_subject(np.random.default_rng(1), 'visible')
SUBJECT = replace(
    SUBJECT,
    glasses=None,
    makeup=0.0,
    wrinkles=0.0,
    iris_radius=0.4,
    pupil_share=0.4,
    palette=replace(
        SUBJECT.palette,
        skin=(0.8, 0.6, 0.5),
        sclera=(0.85, 0.85, 0.85),
        iris=(0.2, 0.35, 0.6),
        lash=(0.0, 0.0, 0.0),
    ),
    lids=replace(
        SUBJECT.lids,
        upper_height=0.5,
        lower_height=0.3,
        upper_skew=0.0,
        lower_skew=0.0,
        tilt_deg=0.0,
    ),
    lashes=replace(SUBJECT.lashes, count=16, line_width=0.04, darkness=0.9),
)


def draw(aperture, subject=SUBJECT):
    scene = draw_scene(np.random.default_rng(0), subject, aperture=aperture)
    scene = replace(
        scene,
        gaze=(0.0, 0.0),
        offset=(0.0, 0.0),
        roll_deg=0.0,
        yaw_squeeze=1.0,
        bow=0.0,
        lower_raise=0.0,
        light=(0.0, 0.0),
        glint=0.0,
        fringe=False,
        camera=replace(scene.camera, width_px=70, height_px=50),
    )
    grid = eye_grid(subject, scene)
    picture = render_eye(subject, scene, np.random.default_rng(0))
    return picture, grid, lid_lines(subject.lids, scene, grid.x_HW)


def mean_at(picture, grid, x, y, radius=0.05):
    near = np.hypot(grid.x_HW - x, grid.y_HW - y) < radius
    return picture[near].mean(0)


def test_open_eye_has_its_parts_in_place():
    picture, grid, _ = draw(1.0)
    # the iris sits in the middle of the opening, 0.04 lower: (0.3 - 0.5) / 2 + 0.04
    centre = -0.06
    assert mean_at(picture, grid, 0.0, centre).max() < 0.1  # pupil
    iris = mean_at(picture, grid, 0.25, centre)
    assert iris[2] > iris[1] > iris[0]  # blue as asked for
    sclera = mean_at(picture, grid, -0.6, centre)
    assert np.ptp(sclera) < 0.1  # white
    assert sclera.mean() > iris.mean() + 0.1
    skin = mean_at(picture, grid, 0.0, 0.7)
    assert skin[0] > skin[1] > skin[2]


def test_shut_eye_shows_a_lash_line_and_skin_instead():
    picture, grid, lines = draw(0.0)
    blue = picture[..., 2] > picture[..., 0]
    assert not blue[np.abs(grid.x_HW) < 0.9].any()
    column = grid.x_HW.shape[1] // 2
    near = np.abs(grid.y_HW[:, column] - 0.3) < 0.25
    dark = picture.mean(2)[:, column]
    darkest = grid.y_HW[near, column][dark[near].argmin()]
    assert darkest == pytest.approx(lines.upper[0, column], abs=0.06)
    assert dark[near].min() < 0.5 * np.median(dark)


def test_the_wider_the_more_eye_shows():
    shown = []
    for aperture in (0.0, 0.1, 0.2, 0.4, 0.7, 1.0):
        picture, grid, _ = draw(aperture)
        blue = (picture[..., 2] > picture[..., 0]) & (np.abs(grid.x_HW) < 0.9)
        shown.append(int(blue.sum()))
    assert shown[0] == 0
    assert shown == sorted(shown)
    assert shown[-1] > 4 * shown[2] > 0


def test_canvas_follows_crop_and_look():
    picture, _, _ = draw(0.5)
    assert picture.shape == (100, 140, 3)  # twice 70 x 50
    assert picture.dtype == np.float32
    assert picture.min() >= 0
    infrared = draw_subject(np.random.default_rng(1), 'infrared')
    assert draw(0.5, infrared)[0].shape[2] == 1


def test_bright_pupil_outshines_everything_around_it():
    subject = replace(draw_subject(np.random.default_rng(0), 'infrared'), glasses=None)
    palette = replace(subject.palette, skin=(0.6,), pupil=(1.0,), iris=(0.3,))
    picture, grid, _ = draw(1.0, replace(subject, palette=palette))
    lids = subject.lids
    centre = (lids.lower_height - lids.upper_height) / 2 + 0.04
    assert mean_at(picture, grid, 0.0, centre) > 1.3 * np.median(picture)
