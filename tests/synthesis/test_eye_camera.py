from dataclasses import replace

import numpy as np
import pytest

from ocec.synthesis.eye_camera import photograph
from ocec.synthesis.eye_scene import Camera

# changes nothing but the size
PLAIN = Camera(
    width_px=40,
    height_px=30,
    sensor_scale=1.0,
    blur_px=0.2,
    motion_px=0.0,
    motion_deg=0.0,
    exposure=1.0,
    gamma=1.0,
    gain=0.0,
    read_noise=0.0,
    shot_noise=0.0,
    vignette=0.0,
    tint=(1.0,),
    jpeg_quality=None,
)


def shoot(picture, **changes):
    camera = replace(PLAIN, **changes)
    return photograph(picture, camera, np.random.default_rng(0)).astype(float)


def flat(value, channels=1):
    return np.full((60, 80, channels), value, dtype=np.float32)


def edge():
    """Left half black, right half white."""
    picture = flat(0.0)
    picture[:, 40:] = 1.0
    return picture


def test_plain_camera_only_scales():
    crop = shoot(flat(0.6))
    assert crop.shape == (30, 40, 3)
    np.testing.assert_array_equal(crop, 153)  # 0.6 * 255
    assert shoot(edge())[15, :, 0].tolist() == [0] * 20 + [255] * 20


@pytest.mark.parametrize(
    ('changes', 'value'),
    [
        ({'exposure': 0.25}, 0.15),
        ({'exposure': 0.25, 'gain': 1.0}, 0.6),
        ({'exposure': 0.25, 'gain': 0.5}, 0.3),  # sqrt(1/4) is left
        ({'gamma': 2.0}, 0.36),
        ({'exposure': 3.0}, 1.0),  # overexposed
        ({'jpeg_quality': 90}, 0.6),
        ({'sensor_scale': 0.5}, 0.6),
    ],
)
def test_flat_picture_follows_the_tone_curve(changes, value):
    np.testing.assert_allclose(shoot(flat(0.6), **changes), 255 * value, atol=1)


def test_tint_colours_the_light():
    crop = shoot(flat(0.5, channels=3), tint=(1.2, 1.0, 0.8))
    np.testing.assert_allclose(crop[0, 0], [153, 127.5, 102], atol=0.6)


def test_one_channel_becomes_three_equal_ones():
    picture = np.random.default_rng(0).random((60, 80, 1)).astype(np.float32)
    crop = shoot(picture, read_noise=0.05, shot_noise=0.05, jpeg_quality=40)
    assert np.ptp(crop, axis=2).max() == 0
    assert crop.std() > 5


@pytest.mark.parametrize('value', [0.1, 0.4])
def test_noise_has_the_stated_strength(value):
    noisy = shoot(
        flat(value), width_px=80, height_px=60, read_noise=0.01, shot_noise=0.04
    )
    expected = np.sqrt(0.01**2 + 0.04**2 * value)
    # 4,800 samples: the standard error of a deviation is 1 %
    assert noisy[..., 0].std() / 255 == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize(
    'changes',
    [
        {'blur_px': 2.0},
        {'motion_px': 6.0},
        {'sensor_scale': 0.3},
    ],
)
def test_an_edge_softens(changes):
    row = shoot(edge(), **changes)[15, :, 0]
    assert ((row > 25) & (row < 230)).sum() >= 2
    assert row[0] == 0
    assert row[-1] == 255


def test_motion_smears_along_its_direction_only():
    def grey_pixels(motion_deg):
        row = shoot(edge(), motion_px=8.0, motion_deg=motion_deg)[15, :, 0]
        return ((row > 25) & (row < 230)).sum()

    # the edge is upright: motion across it smears 8 px less the faint ends, motion
    # along it only what the anti-aliased kernel is wide
    assert grey_pixels(0.0) >= 5
    assert grey_pixels(90.0) <= 2


def test_vignette_darkens_away_from_its_centre():
    crop = shoot(flat(0.8), vignette=0.7)[..., 0]
    assert crop.max() == pytest.approx(0.8 * 255, abs=3)
    # the farthest corner is at least (1, 1) away: 1 / (1 + 0.7)
    assert crop.min() <= 0.8 * 255 / 1.7 + 1
