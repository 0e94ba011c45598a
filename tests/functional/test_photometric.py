import math

import pytest
import torch
from torchvision.transforms.v2 import functional as transforms

from ocec.functional import photometric
from ocec.functional.photometric import photometric_distort

# Reference: torchvision 0.29 v2 functional, image by image, float32 in [0, 1].
# Tolerance in levels of 255; measured: 1e-4 without hue, 5e-4 with, from the
# rounding of hue and saturation to float32 there.
TOLERANCE = 2e-3
OPS = ['adjust_brightness', 'adjust_contrast', 'adjust_saturation', 'adjust_hue']
FACTORS = {name: [0.0, 0.5, 0.875, 1.0, 1.125, 1.5, 3.0] for name in OPS}
FACTORS['adjust_hue'] = [-0.5, -0.3, -1 / 6, -0.05, 0.0, 0.05, 0.2, 1 / 3, 0.5]


def images(num_images, dtype=torch.uint8):
    """Smooth and noisy images, with grey, black, white and pure pixels in each."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(0, 256, (num_images, 3, 8, 10), generator=generator)
    x[:, :, 0] = x[:, :1, 0]
    x[:, :, 1, 0], x[:, :, 1, 1] = 0, 255
    pure = torch.tensor([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0]])
    x[:, :, 2, :4] = pure.T
    x[:, :, 3] //= 16
    return x.to(dtype)


def reference(name, x, factors):
    function = getattr(transforms, name)
    changed = [
        function(image, factor) for image, factor in zip(x / 255, factors, strict=True)
    ]
    return torch.stack(changed) * 255


@pytest.mark.parametrize('name', OPS)
def test_matches_torchvision_with_one_factor_per_image(name):
    factors = FACTORS[name]
    x = images(len(factors))
    changed = getattr(photometric, name)(x, torch.tensor(factors))
    expected = reference(name, x, factors)
    torch.testing.assert_close(changed, expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize('name', OPS)
@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
def test_layout_and_dtype_do_not_change_the_values(name, dtype):
    function, factors = getattr(photometric, name), torch.tensor(FACTORS[name][-3:])
    x = images(3, dtype)
    interleaved = x.contiguous(memory_format=torch.channels_last)
    kept = x.clone()
    plain = function(x, factors)
    torch.testing.assert_close(function(interleaved, factors), plain, rtol=0, atol=0)
    torch.testing.assert_close(x, kept, rtol=0, atol=0)
    assert plain.dtype == torch.float32
    assert plain.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize('name', OPS)
def test_the_neutral_factor_changes_nothing(name):
    x = images(3)
    neutral = torch.full((3,), 0.0 if name == 'adjust_hue' else 1.0)
    changed = getattr(photometric, name)(x, neutral)
    torch.testing.assert_close(changed, x.float(), rtol=0, atol=0)


def test_hue_leaves_grey_and_keeps_the_extreme_levels():
    x = images(2)
    turned = photometric.adjust_hue(x, torch.tensor([0.04, -0.3]))
    torch.testing.assert_close(turned[:, :, 0], x[:, :, 0].float(), rtol=0, atol=0)
    for extreme in (torch.amax, torch.amin):
        torch.testing.assert_close(extreme(turned, 1), extreme(x.float(), 1))


def test_hue_shifts_add_up():
    x = images(4)
    shift = torch.tensor([0.01, 0.1, -0.2, 0.25])
    twice = photometric.adjust_hue(photometric.adjust_hue(x, shift), shift)
    once = photometric.adjust_hue(x, 2 * shift)
    torch.testing.assert_close(twice, once, rtol=0, atol=TOLERANCE)


def settings(num_images, hue=0.05):
    generator = torch.Generator().manual_seed(1)

    def factors(low, high, neutral):
        on = torch.rand(num_images, generator=generator) < 0.5
        value = low + (high - low) * torch.rand(num_images, generator=generator)
        return value.where(on, neutral)

    return {
        'brightness_B': factors(0.875, 1.125, 1.0),
        'contrast_B': factors(0.5, 1.5, 1.0),
        'saturation_B': factors(0.5, 1.5, 1.0),
        'hue_B': factors(-hue, hue, 0.0),
        'contrast_first_B': torch.rand(num_images, generator=generator) < 0.5,
    }


def distort_one(image, brightness, contrast, saturation, hue, contrast_first):
    """The body of torchvision's RandomPhotometricDistort.transform."""
    image = transforms.adjust_brightness(image, brightness)
    if contrast_first:
        image = transforms.adjust_contrast(image, contrast)
    image = transforms.adjust_saturation(image, saturation)
    image = transforms.adjust_hue(image, hue)
    if not contrast_first:
        image = transforms.adjust_contrast(image, contrast)
    return image


@pytest.mark.parametrize('hue', [0.05, 0.5])
def test_distort_is_the_composition_of_torchvision(hue):
    x, drawn = images(48), settings(48, hue)
    rows = zip(*(values.tolist() for values in drawn.values()), strict=True)
    expected = torch.stack(
        [distort_one(image, *row) for image, row in zip(x / 255, rows, strict=True)]
    )
    distorted = photometric_distort(x, **drawn)
    torch.testing.assert_close(distorted, expected * 255, rtol=0, atol=TOLERANCE)


def test_distort_permutes_last():
    x, drawn = images(6), settings(6)
    permutation = torch.stack([torch.randperm(3) for _ in range(6)], 1)
    plain = photometric_distort(x, **drawn)
    expected = torch.stack([plain[i, permutation[:, i]] for i in range(6)])
    permuted = photometric_distort(x, **drawn, permutation_CB=permutation)
    torch.testing.assert_close(permuted, expected, rtol=0, atol=0)


def test_each_image_is_distorted_on_its_own():
    x, drawn = images(12), settings(12)
    together = photometric_distort(x, **drawn)
    for i in range(12):
        own = {name: values[i : i + 1] for name, values in drawn.items()}
        alone = photometric_distort(x[i : i + 1], **own)
        torch.testing.assert_close(together[i : i + 1], alone, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
def test_distort_leaves_the_input_alone(dtype):
    x = images(6, dtype).contiguous(memory_format=torch.channels_last)
    kept = x.clone()
    photometric_distort(x, **settings(6)).zero_()
    torch.testing.assert_close(x, kept, rtol=0, atol=0)


@pytest.mark.parametrize(
    ('factors', 'message'),
    [
        (torch.ones(2), r'factor_B must have shape \(3,\), one per image, got \(2,\)'),
        (torch.tensor([1.0, -0.5, 1.0]), 'factor_B must be >= 0, got -0.5'),
        (torch.tensor([1.0, math.nan, 1.0]), 'factor_B must be >= 0, got nan'),
        (torch.ones(3, device='meta'), 'factor_B must be on the CPU, got meta'),
    ],
)
@pytest.mark.parametrize('name', OPS[:3])
def test_factors_are_checked(name, factors, message):
    with pytest.raises(ValueError, match=message):
        getattr(photometric, name)(images(3), factors)


def test_hue_shift_is_checked():
    message = r'shift_B must be in \[-0.5, 0.5\] turns, got -0.7'
    with pytest.raises(ValueError, match=message):
        photometric.adjust_hue(images(2), torch.tensor([0.6, -0.7]))


@pytest.mark.parametrize(
    'name', ['brightness_B', 'contrast_B', 'saturation_B', 'hue_B', 'contrast_first_B']
)
def test_distort_names_the_bad_argument(name):
    drawn = settings(4)
    drawn[name] = drawn[name][:3]
    with pytest.raises(ValueError, match=rf'{name} must have shape \(4,\)'):
        photometric_distort(images(4), **drawn)


@pytest.mark.parametrize(
    ('permutation', 'message'),
    [
        (torch.zeros(3, 4, dtype=torch.int64), r'every column, .* column \[0, 0, 0\]'),
        (torch.arange(3)[:, None], r'permutation_CB .* \(3, 4\), got \(3, 1\)'),
    ],
)
def test_distort_checks_the_permutation(permutation, message):
    with pytest.raises(ValueError, match=message):
        photometric_distort(images(4), **settings(4), permutation_CB=permutation)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
@pytest.mark.parametrize('hue', [0.05, 0.5])
def test_distort_is_the_same_on_the_gpu(hue):
    x, drawn = images(48), settings(48, hue)
    on_gpu = photometric_distort(x.cuda(), **drawn).cpu()
    expected = photometric_distort(x, **drawn)
    torch.testing.assert_close(on_gpu, expected, rtol=0, atol=TOLERANCE)
