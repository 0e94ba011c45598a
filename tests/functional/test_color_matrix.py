import colorsys

import pytest
import torch
from torchvision.transforms.v2 import functional as tv

from ocec.functional.color_matrix import compose_color_matrix, distort_by_matrix
from ocec.functional.photometric import photometric_distort


def factors(num_images, **changed):
    neutral = {
        'brightness_B': torch.ones(num_images),
        'contrast_B': torch.ones(num_images),
        'saturation_B': torch.ones(num_images),
        'hue_B': torch.zeros(num_images),
        'contrast_first_B': torch.zeros(num_images, dtype=torch.bool),
    }
    return neutral | changed


def middle_levels(num_images=6):
    """Levels that no change below drives out of [0, 255]."""
    x = torch.randint(90, 140, (num_images, 3, 8, 12), dtype=torch.uint8)
    return x.contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
@pytest.mark.parametrize('contrast_first', [True, False])
def test_equals_torchvision_while_nothing_is_clamped(contrast_first, dtype):
    x = middle_levels().to(dtype)
    brightness, contrast, saturation = 1.1, 0.7, 1.4
    out = distort_by_matrix(
        x,
        **factors(
            len(x),
            brightness_B=torch.full((len(x),), brightness),
            contrast_B=torch.full((len(x),), contrast),
            saturation_B=torch.full((len(x),), saturation),
            contrast_first_B=torch.full((len(x),), contrast_first),
        ),
    )
    expected = tv.adjust_brightness(x.float() / 255, brightness)
    if contrast_first:
        expected = tv.adjust_contrast(expected, contrast)
    expected = tv.adjust_saturation(expected, saturation)
    if not contrast_first:
        expected = tv.adjust_contrast(expected, contrast)
    torch.testing.assert_close(out, 255 * expected, atol=2e-3, rtol=0)
    assert out.is_contiguous(memory_format=torch.channels_last)


def test_equals_the_exact_form_with_factors_of_each_image():
    x = middle_levels(32)
    torch.manual_seed(0)
    changes = factors(
        32,
        brightness_B=0.9 + 0.2 * torch.rand(32),
        contrast_B=0.6 + 0.6 * torch.rand(32),
        saturation_B=0.6 + 0.6 * torch.rand(32),
        contrast_first_B=torch.rand(32) < 0.5,
    )
    exact = photometric_distort(x, **changes)
    torch.testing.assert_close(
        distort_by_matrix(x, **changes), exact, atol=1e-3, rtol=0
    )


def test_levels_are_clamped_once_at_the_end():
    # torchvision clamps 200 * 2 to 255 before the contrast halves the distance
    x = torch.tensor([200.0, 100.0]).expand(1, 3, 1, 2)
    changes = factors(
        1, brightness_B=torch.tensor([2.0]), contrast_B=torch.tensor([0.5])
    )
    out = distort_by_matrix(x, **changes)[0, 0, 0]
    # by hand: 400 and 200, mean 300 (the weights of grey sum to 0.9999)
    assert out.tolist() == pytest.approx([255.0, 250.0], abs=0.1)


@pytest.mark.parametrize('turns', [-0.3, 0.05, 0.5])
def test_hue_keeps_the_luma_and_grey(turns):
    x = torch.tensor([[120.0, 100.0, 110.0], [90.0, 90.0, 90.0]]).view(2, 3, 1, 1)
    out = distort_by_matrix(x, **factors(2, hue_B=torch.full((2,), turns)))
    luma = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
    torch.testing.assert_close((out * luma).sum(1), (x * luma).sum(1))
    torch.testing.assert_close(out[1], x[1], atol=1e-3, rtol=0)


@pytest.mark.parametrize('rgb', [(150, 90, 90), (90, 150, 90), (90, 90, 150)])
@pytest.mark.parametrize('turns', [-0.04, 0.04])
def test_hue_turns_the_way_hsv_does(rgb, turns):
    x = torch.tensor(rgb, dtype=torch.float32).view(1, 3, 1, 1)
    out = distort_by_matrix(x, **factors(1, hue_B=torch.tensor([turns]))).flatten()
    before, after = (colorsys.rgb_to_hsv(*(c / 255 for c in v))[0] for v in (rgb, out))
    moved = (after - before + 0.5) % 1 - 0.5
    assert moved * turns > 0
    assert 0.4 < moved / turns < 1.6


def test_a_whole_turn_of_halves_comes_back():
    x = middle_levels(2)
    half = factors(2, hue_B=torch.full((2,), 0.5))
    back = distort_by_matrix(distort_by_matrix(x, **half), **half)
    torch.testing.assert_close(back, x.float(), atol=1e-3, rtol=0)


def test_channels_are_permuted_last():
    x = middle_levels(2)
    permutation_CB = torch.tensor([[2, 0], [0, 1], [1, 2]])
    changes = factors(2, brightness_B=torch.tensor([1.1, 0.9]))
    plain = distort_by_matrix(x, **changes)
    out = distort_by_matrix(x, permutation_CB, **changes)
    torch.testing.assert_close(out[0], plain[0][[2, 0, 1]])
    torch.testing.assert_close(out[1], plain[1])


def test_the_composition_is_the_product_of_its_parts():
    # by hand: brightness 2, then contrast 0.5 about the mean grey of the doubled image
    mean_BC = torch.tensor([[10.0, 20.0, 30.0]])
    matrix, offset = compose_color_matrix(
        mean_BC,
        **factors(1, brightness_B=torch.tensor([2.0]), contrast_B=torch.tensor([0.5])),
    )
    torch.testing.assert_close(matrix[0], torch.eye(3), atol=1e-5, rtol=0)
    gray = 2 * (0.2989 * 10 + 0.587 * 20 + 0.114 * 30)
    torch.testing.assert_close(
        offset[0], torch.full((3,), 0.5 * gray), atol=1e-4, rtol=0
    )


def test_what_is_no_rgb_batch_is_refused():
    with pytest.raises(ValueError, match=r'x_BCHW must have shape \(B, 3, H, W\)'):
        distort_by_matrix(torch.zeros(2, 1, 4, 4), **factors(2))
