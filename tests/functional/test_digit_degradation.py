"""The reference numbers were measured on 4,000 real images of the original's pairs."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter, label
from torchvision.transforms.v2.functional import InterpolationMode, affine

from ocec.functional.digit_degradation import degradation_at, degrade_digits
from ocec.synthesis.digit_sources import read_digits

NONE = degradation_at(0)


@pytest.fixture(scope='module')
def spoilt():
    """Real digits at severity 6, and what was covered."""
    torch.manual_seed(0)
    digits = torch.from_numpy(read_digits().x_SHW)
    out, occluded = degrade_digits(digits[torch.randperm(5000)], degradation_at(6))
    return out.numpy(), occluded.numpy()


def images(num_images=16, level=None):
    if level is not None:
        return torch.full((num_images, 28, 28), level, dtype=torch.uint8)
    generator = torch.Generator().manual_seed(0)
    shape = (num_images, 28, 28)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)


# severity 6 looks like the original's pairs


def percentiles(values, shares):
    return np.percentile(values, shares)


def test_as_much_is_black_as_in_the_real_images(spoilt):
    black = 100 * (spoilt[0] == 0).mean((1, 2))
    real = [21.9, 33.7, 43.0, 52.4, 64.4]
    np.testing.assert_allclose(percentiles(black, [5, 25, 50, 75, 95]), real, atol=2)
    assert black.mean() == pytest.approx(43.1, abs=1.5)


def test_black_lies_where_it_does_in_the_real_images(spoilt):
    share = (spoilt[0] == 0).mean(0)
    assert share[12:16, 12:16].mean() == pytest.approx(0.80, abs=0.06)
    assert share[:3, :3].mean() == pytest.approx(0.06, abs=0.03)
    rows = share.mean(1)[[0, 3, 7, 14, 27]]
    np.testing.assert_allclose(rows, [0.09, 0.29, 0.48, 0.60, 0.15], atol=0.07)


def test_levels_are_those_of_the_real_images(spoilt):
    levels = spoilt[0]
    assert levels.mean() == pytest.approx(16.7, abs=2)
    assert levels.std() == pytest.approx(37.7, abs=2)
    seen = percentiles(levels[levels > 0], [50, 75, 90, 95, 99])
    np.testing.assert_allclose(seen, [10, 20, 100, 146, 205], atol=11)
    brightest = percentiles(levels.max((1, 2)), [5, 25, 50, 75, 95])
    np.testing.assert_allclose(brightest, [69, 134, 170, 207, 240], atol=11)


def test_the_background_is_that_of_the_real_images():
    # no digit and no occluder leave the blurred noise
    torch.manual_seed(0)
    bare = replace(degradation_at(6), num_boxes=0, box_spread=0, num_lines=(0, 1))
    out = degrade_digits(images(200, level=0), bare)[0].numpy().astype(float)
    assert out.mean() == pytest.approx(7.3, abs=0.6)
    assert out.std() == pytest.approx(2.9, abs=0.5)
    here, beside = out[:, :, :-1].ravel(), out[:, :, 1:].ravel()
    assert np.corrcoef(here, beside)[0, 1] == pytest.approx(0.78, abs=0.06)


# severity


def test_severity_0_leaves_the_digits_clean():
    x = images()
    out, occluded = degrade_digits(x, degradation_at(0))
    assert torch.equal(out, x)
    assert out.data_ptr() != x.data_ptr()
    assert occluded.tolist() == [0.0] * 16


def test_more_severity_covers_more():
    torch.manual_seed(0)
    covered = [
        degrade_digits(images(500), degradation_at(severity))[1].mean().item()
        for severity in (0, 1, 3, 6, 8, 10)
    ]
    assert covered == sorted(covered)
    assert covered[-1] > 1.3 * covered[3]


@pytest.mark.parametrize('severity', [-1, 10.5, float('nan')])
def test_a_severity_out_of_range_is_refused(severity):
    with pytest.raises(ValueError, match=rf'severity must be in .* got {severity}'):
        degradation_at(severity)


# the single steps


def test_scale_is_that_of_torchvision():
    x = images(4)
    out, _ = degrade_digits(x, replace(NONE, scale=(1.25, 1.25)))
    expected = affine(
        x[:, None].float(),
        angle=0,
        translate=[0, 0],
        scale=1.25,
        shear=[0, 0],
        interpolation=InterpolationMode.BILINEAR,
    )[:, 0]
    assert (out.float() - expected).abs().max() < 1


def test_rotation_turns_by_the_drawn_angles():
    x = images(6)
    torch.manual_seed(5)
    out, _ = degrade_digits(x, replace(NONE, degrees=30))
    torch.manual_seed(5)
    for image, spoilt, share in zip(x, out, torch.rand(6), strict=True):
        expected = affine(
            image[None, None].float(),
            angle=-(60 * share.item() - 30),
            translate=[0, 0],
            scale=1,
            shear=[0, 0],
            interpolation=InterpolationMode.BILINEAR,
        )[0, 0]
        assert (spoilt.float() - expected).abs().max() < 1


def test_shifts_are_up_to_the_limit_and_bring_in_black():
    x = torch.zeros(2000, 28, 28, dtype=torch.uint8)
    x[:, 14, 14] = 200
    torch.manual_seed(0)
    out, _ = degrade_digits(x, replace(NONE, shift_px=3))
    weights = out.float() / out.float().sum((1, 2), keepdim=True)
    places = torch.arange(28.0)
    for centre in (weights.sum(1) @ places, weights.sum(2) @ places):
        shift = centre - 14
        # levels are rounded, 1 of 200
        assert -3.03 < shift.min() < -2.9
        assert 2.9 < shift.max() < 3.03
        assert abs(shift.mean()) < 4 * 3 / (3 * 2000) ** 0.5


def test_contrast_multiplies_and_clips():
    torch.manual_seed(0)
    out, _ = degrade_digits(images(3000, level=200), replace(NONE, contrast=(0.5, 1.5)))
    levels = out[:, 14, 14]
    assert (out == levels[:, None, None]).all()
    assert levels.min() == 100
    assert levels.max() == 255
    # 255 / 200 = 1.275: all above is clipped, 22.5 %
    assert (levels == 255).float().mean() == pytest.approx(0.225, abs=0.03)


def test_noise_is_clipped_at_black():
    torch.manual_seed(0)
    out, _ = degrade_digits(images(200, level=0), replace(NONE, noise=20))
    assert (out == 0).float().mean() == pytest.approx(0.5, abs=0.02)
    # mean of a normal that is cut at 0: sigma / sqrt(2 pi)
    assert out.float().mean() == pytest.approx(20 / (2 * np.pi) ** 0.5, abs=0.1)


def test_blur_is_that_of_scipy():
    x = images(3)
    out, _ = degrade_digits(x, replace(NONE, blur_px=1.05))
    expected = [gaussian_filter(image.astype(float), 1.05) for image in x.numpy()]
    assert np.abs(out.numpy() - np.stack(expected)).max() < 0.6


def test_a_box_is_a_whole_rectangle_of_the_sides_asked_for():
    torch.manual_seed(0)
    one = replace(NONE, num_boxes=1, box_sides=(3, 7))
    out, occluded = degrade_digits(images(2000, level=200), one)
    is_black = (out == 0).numpy()
    heights, widths = is_black.any(2).sum(1), is_black.any(1).sum(1)
    np.testing.assert_array_equal(is_black.sum((1, 2)), heights * widths)
    np.testing.assert_allclose(occluded, heights * widths / 784)
    for sides in (heights, widths):
        assert np.bincount(sides).nonzero()[0].tolist() == [3, 4, 5, 6, 7]
    # all places are as likely as the middle of the frame allows, edges are reached
    assert is_black[:, 0].any()
    assert is_black[:, :, 27].any()


def test_the_number_of_boxes_keeps_its_mean():
    torch.manual_seed(0)
    small = replace(NONE, num_boxes=2.5, box_spread=1.0, box_sides=(1, 1))
    out, _ = degrade_digits(images(4000, level=200), small)
    counts = (out == 0).sum((1, 2)).float()
    # two boxes of one pixel meet in 1 of 784 pairs
    assert counts.mean() == pytest.approx(2.5, abs=0.06)
    assert counts.max() == 4


def test_more_boxes_than_bits_are_refused():
    with pytest.raises(ValueError, match='num_boxes must stay <= 8, got up to 9'):
        degrade_digits(images(), replace(NONE, num_boxes=8.5))


def test_lines_are_thin_and_in_one_piece():
    torch.manual_seed(0)
    out, _ = degrade_digits(images(500, level=200), replace(NONE, num_lines=(1, 1.5)))
    for is_black in (out == 0).numpy():
        assert label(is_black, np.ones((3, 3)))[1] == 1
        # two pixels wide along the longer side
        assert is_black.sum() <= 2 * 28
    assert (out == 0).any(2).any(1).all()


# random numbers


def test_a_seed_repeats_and_a_generator_leaves_the_global_one_alone():
    x, severe = images(), degradation_at(6)
    torch.manual_seed(1)
    first, _ = degrade_digits(x, severe)
    state = torch.get_rng_state()
    own = torch.Generator().manual_seed(1)
    second, _ = degrade_digits(x, severe, generator=own)
    assert torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(degrade_digits(x, severe)[0], first)


def test_images_are_left_alone_and_get_numbers_of_their_own():
    x = images(1).repeat(8, 1, 1)
    kept = x.clone()
    out, _ = degrade_digits(x, degradation_at(6))
    assert torch.equal(x, kept)
    assert len({image.numpy().tobytes() for image in out}) == 8
