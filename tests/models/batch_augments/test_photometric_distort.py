import pytest
import torch

from ocec.functional.color_matrix import distort_by_matrix
from ocec.functional.photometric import (
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
)
from ocec.models.batch_augments import BatchPhotometricDistort
from ocec.registry import BATCH_AUGMENTS

NAMES = ('brightness_B', 'contrast_B', 'saturation_B', 'hue_B')


def batch(num_images=8, dtype=torch.uint8):
    x = torch.randint(0, 256, (num_images, 3, 6, 10), dtype=torch.uint8).to(dtype)
    return x.contiguous(memory_format=torch.channels_last)


def changed(drawn):
    """(4, B): which of the four changes each image gets."""
    neutral = torch.tensor([1.0, 1.0, 1.0, 0.0])[:, None]
    return torch.stack([drawn[name] for name in NAMES]) != neutral


def test_each_change_has_its_own_probability():
    torch.manual_seed(0)
    is_on = changed(BatchPhotometricDistort(prob=0.3).draw(4000)).float()
    # 4 standard deviations of a mean: 4 * sqrt(0.3 * 0.7 / 4000) = 0.029
    assert (is_on.mean(1) - 0.3).abs().max() < 0.029


def test_the_changes_and_the_order_are_independent():
    torch.manual_seed(0)
    drawn = BatchPhotometricDistort().draw(4000)
    decisions = torch.cat((changed(drawn), drawn['contrast_first_B'][None]))
    correlation = torch.corrcoef(decisions.float())
    # 4 standard deviations: 4 / sqrt(4000) = 0.063
    assert (correlation - torch.eye(5)).abs().max() < 0.063
    assert abs(decisions[4].float().mean() - 0.5) < 0.032


def test_the_factors_fill_their_ranges():
    torch.manual_seed(0)
    drawn = BatchPhotometricDistort(prob=1.0).draw(4000)
    limits = ((0.875, 1.125), (0.5, 1.5), (0.5, 1.5), (-0.05, 0.05))
    for name, (low, high) in zip(NAMES, limits, strict=True):
        values = (drawn[name] - low) / (high - low)
        assert values.min() >= -1e-5
        assert values.max() <= 1 + 1e-5
        # uniform: mean 1/2, 4 standard deviations 4 / sqrt(12 * 4000) = 0.018
        assert abs(values.mean() - 0.5) < 0.018
        assert values.unique().numel() > 3900


def test_equal_images_come_out_different():
    torch.manual_seed(0)
    x = batch(1).expand(64, -1, -1, -1)
    out = BatchPhotometricDistort(prob=1.0)(x)
    assert out.flatten(1).unique(dim=0).shape[0] == 64


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
def test_probability_zero_is_the_identity(dtype):
    x = batch(dtype=dtype)
    out = BatchPhotometricDistort(prob=0.0, permute_channels=True)(x)
    torch.testing.assert_close(out, x.float(), rtol=0, atol=0)


def test_degenerate_ranges_equal_the_composition_by_hand():
    x = batch(16)
    distort = BatchPhotometricDistort(
        (1.1, 1.1), (0.6, 0.6), saturation=(1.4, 1.4), hue=(0.03, 0.03), prob=1.0
    )
    torch.manual_seed(5)
    is_first = distort.draw(16)['contrast_first_B']
    torch.manual_seed(5)
    out = distort(x)

    def fill(value):
        return torch.full((16,), value)

    bright = adjust_brightness(x, fill(1.1))
    early = adjust_saturation(adjust_contrast(bright, fill(0.6)), fill(1.4))
    early = adjust_hue(early, fill(0.03))
    late = adjust_hue(adjust_saturation(bright, fill(1.4)), fill(0.03))
    late = adjust_contrast(late, fill(0.6))
    assert 0 < is_first.sum() < 16
    expected = early.where(is_first[:, None, None, None], late)
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-3)


def test_permutation_keeps_the_levels_of_every_pixel():
    torch.manual_seed(0)
    x = batch(3000)
    off = {'brightness': (1, 1), 'contrast': (1, 1), 'saturation': (1, 1)}
    distort = BatchPhotometricDistort(**off, hue=(0, 0), permute_channels=True)
    out = distort(x)
    torch.testing.assert_close(out.sort(1)[0], x.float().sort(1)[0], rtol=0, atol=0)
    is_kept = (out == x).flatten(1).all(1).float().mean()
    # half is not drawn, one permutation in six is the identity: 7/12 stay;
    # 4 standard deviations: 4 * sqrt(7/12 * 5/12 / 3000) = 0.036
    assert abs(is_kept - 7 / 12) < 0.036


def test_a_seed_repeats_and_layout_does_not_matter():
    x = batch()
    torch.manual_seed(3)
    first = BatchPhotometricDistort()(x)
    torch.manual_seed(3)
    again = BatchPhotometricDistort()(x.float().contiguous())
    torch.testing.assert_close(again, first, rtol=0, atol=0)
    assert not torch.equal(BatchPhotometricDistort()(x), first)


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
def test_input_is_left_alone(dtype):
    x = batch(dtype=dtype)
    kept = x.clone()
    for prob in (0.0, 1.0):
        BatchPhotometricDistort(prob=prob)(x).zero_()
    torch.testing.assert_close(x, kept, rtol=0, atol=0)


def test_one_image_and_the_range_of_levels():
    out = BatchPhotometricDistort(contrast=(3.0, 3.0), prob=1.0)(batch(1))
    assert out.shape == (1, 3, 6, 10)
    assert out.min() >= 0
    assert out.max() <= 255


def test_is_found_by_name_and_takes_the_lists_of_a_config():
    config = {'type': 'BatchPhotometricDistort', 'hue': [0.1, 0.1], 'prob': 1.0}
    assert (BATCH_AUGMENTS.build(config).draw(5)['hue_B'] == 0.1).all()


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        ({'prob': 2.0}, r'prob must be in \[0, 1\], got 2.0'),
        ({'brightness': (-1.0, 1.0)}, r'brightness .* 0 <= low .* got \(-1.0, 1.0\)'),
        ({'contrast': (1.5, 0.5)}, r'contrast .* low <= high .* got \(1.5, 0.5\)'),
        ({'saturation': (-0.5, 1)}, r'saturation .* got \(-0.5, 1\)'),
        ({'hue': (-0.6, 0.0)}, r'hue .* -0.5 <= low <= high <= 0.5, got \(-0.6, 0.0\)'),
    ],
)
def test_settings_are_checked(kwargs, message):
    with pytest.raises(ValueError, match=message):
        BatchPhotometricDistort(**kwargs)


def test_channels_are_checked():
    with pytest.raises(ValueError, match=r'\(B, 3, H, W\), got \(2, 1, 4, 4\)'):
        BatchPhotometricDistort()(torch.zeros(2, 1, 4, 4))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
def test_same_draws_on_the_gpu():
    x = batch(64)
    distort = BatchPhotometricDistort(permute_channels=True)
    torch.manual_seed(0)
    expected = distort(x)
    torch.manual_seed(0)
    torch.testing.assert_close(distort(x.cuda()).cpu(), expected, rtol=0, atol=2e-3)


def test_composed_uses_the_same_draws():
    x = torch.randint(0, 256, (8, 3, 6, 6), dtype=torch.uint8)
    torch.manual_seed(5)
    out = BatchPhotometricDistort(composed=True)(x)
    torch.manual_seed(5)
    draws = BatchPhotometricDistort().draw(8)
    torch.testing.assert_close(out, distort_by_matrix(x, **draws))
