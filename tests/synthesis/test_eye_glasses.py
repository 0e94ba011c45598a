from dataclasses import replace

import cv2
import numpy as np
import pytest

from ocec.synthesis.eye_geometry import eye_grid
from ocec.synthesis.eye_glasses import paint_glasses
from ocec.synthesis.eye_scene import draw_scene
from ocec.synthesis.eye_subject import Glasses, draw_subject

GLASSES = Glasses(
    half_width=1.0,
    half_height=0.7,
    centre_y=0.0,
    rim_width=0.1,
    squareness=4.0,
    tint=0.4,
    coating=(1.0,),
)


def wear(glasses, *, look='infrared', reflection=0.0, seed=0):
    subject = draw_subject(np.random.default_rng(0), look)
    palette = replace(subject.palette, rim=(0.1,) * len(subject.palette.skin))
    subject = replace(subject, glasses=glasses, palette=palette)
    scene = draw_scene(np.random.default_rng(0), subject, aperture=0.5)
    camera = replace(scene.camera, width_px=80, height_px=60)
    scene = replace(
        scene,
        camera=camera,
        view=2.0,
        offset=(0.0, 0.0),
        lens_reflection=reflection,
    )
    grid = eye_grid(subject, scene)
    picture = np.full((*grid.x_HW.shape, len(palette.rim)), 0.5, dtype=np.float32)
    paint_glasses(picture, subject, scene, grid, np.random.default_rng(seed))
    return picture, grid


def test_lens_takes_its_share_and_the_world_outside_stays():
    picture, grid = wear(GLASSES)
    # the lens hangs 0.25 towards the nose and slips by some 0.1
    inside = np.hypot(grid.x_HW - 0.25, grid.y_HW) < 0.2
    np.testing.assert_allclose(picture[inside], 0.5 * (1 - 0.4), rtol=0.01)
    outside = (np.abs(grid.x_HW - 0.25) > 1.75) | (np.abs(grid.y_HW) > 1.3)
    np.testing.assert_allclose(picture[outside], 0.5, rtol=0.01)


def test_rim_has_its_colour_all_around():
    picture, grid = wear(GLASSES)
    dark_HW = picture[..., 0] < 0.27  # between the rim with gloss and the lens
    across = grid.x_HW[dark_HW] - 0.25
    assert across.min() == pytest.approx(-1.0, abs=0.3)
    assert across.max() == pytest.approx(1.0, abs=0.3)
    # a closed ring: flooding the lens does not reach the border
    flooded = dark_HW.astype(np.uint8)
    row, column = np.unravel_index(
        np.hypot(grid.x_HW - 0.25, grid.y_HW).argmin(), dark_HW.shape
    )
    cv2.floodFill(flooded, None, (int(column), int(row)), 2)
    assert not (flooded[[0, -1]] == 2).any()
    assert not (flooded[:, [0, -1]] == 2).any()


@pytest.mark.parametrize('look', ['visible', 'infrared'])
def test_reflection_only_adds_light(look):
    glasses = replace(GLASSES, coating=(1.0,) * (3 if look == 'visible' else 1))
    brightest = []
    for seed in range(8):
        plain, _ = wear(glasses, look=look, seed=seed)
        glare, _ = wear(glasses, look=look, seed=seed, reflection=0.7)
        assert (glare >= plain - 1e-6).all()
        brightest.append((glare - plain).max())
    # it may lie beyond the lens or the crop, but mostly does not
    assert np.median(brightest) > 0.2


def test_subject_without_glasses_is_refused():
    with pytest.raises(ValueError, match='subject must wear glasses, got glasses=None'):
        wear(None)
