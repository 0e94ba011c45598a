import pytest
import torch

from ocec.models.batch_augments import BatchGlassesReflection
from ocec.registry import BATCH_AUGMENTS


def batch(num_images=8, dtype=torch.uint8, size=(24, 40)):
    x = torch.randint(60, 190, (num_images, 3, *size), dtype=torch.uint8).to(dtype)
    return x.contiguous(memory_format=torch.channels_last)


def test_changes_the_drawn_share_and_leaves_the_others():
    torch.manual_seed(0)
    x = batch(2000, size=(8, 8))
    out = BatchGlassesReflection(prob=0.3)(x)
    is_kept = (out == x).flatten(1).all(1)
    # 4 standard deviations of a binomial: 4 * sqrt(2000 * 0.3 * 0.7) = 82
    assert abs((~is_kept).sum().item() - 600) < 82


def test_one_spot_lies_in_the_middle_half_with_its_size_and_peak():
    torch.manual_seed(0)
    x = torch.zeros(400, 3, 64, 128)
    augment = BatchGlassesReflection(1.0, (1, 1), sigma=(0.05, 0.1), peak=(50, 100))
    light = augment(x)[:, 0]
    total = light.sum((1, 2))
    row = (light.sum(2) * (torch.arange(64) + 0.5)).sum(1) / total
    column = (light.sum(1) * (torch.arange(128) + 0.5)).sum(1) / total
    peak = light.amax((1, 2))
    # volume of a Gaussian: 2 pi sigma ** 2 peak; the highest pixel is at most half a
    # pixel off the centre either way: exp(-(0.25 + 0.25) / (2 * 3.2 ** 2)) = 0.976
    sigma = (total / (2 * torch.pi * peak)).sqrt() / 64
    for values, low, high, slack in (
        (row / 64, 0.25, 0.75, 0.01),
        (column / 128, 0.25, 0.75, 0.01),
        (sigma, 0.05, 0.1, 0.02),
        (peak, 50, 100, 0.05),
    ):
        share = (values - low) / (high - low)
        assert -slack < share.min() < 0.03
        assert 0.94 < share.max() < 1 + slack
        # uniform: 4 standard deviations of the mean 4 / sqrt(12 * 400) = 0.058
        assert abs(share.mean() - 0.5) < 0.058 + slack


def test_every_number_of_spots_is_drawn():
    torch.manual_seed(0)
    x = torch.zeros(600, 3, 32, 64)
    augment = BatchGlassesReflection(1.0, (1, 3), sigma=(0.02, 0.02), peak=(50, 50))
    # volume in spots; they lie well within the picture
    volume = augment(x)[:, 0].sum((1, 2)) / (2 * torch.pi * (0.02 * 32) ** 2 * 50)
    counts = volume.round().int().bincount(minlength=4)
    assert counts[0] == 0
    # 4 standard deviations of a binomial: 4 * sqrt(600 * 1/3 * 2/3) = 46
    assert (counts[1:4] - 200).abs().max() < 46


def test_light_is_white_and_never_darkens():
    # 3 spots of 64 levels at most: 60 + 192 is not cut
    x = torch.randint(0, 60, (8, 3, 24, 40)).float()
    light = BatchGlassesReflection(1.0)(x) - x
    assert light.min() >= -1e-4
    assert light.amax((1, 2, 3)).min() > 10
    grey = light[:, :1].expand(-1, 3, -1, -1)
    torch.testing.assert_close(light, grey, rtol=0, atol=1e-4)


def test_each_image_is_changed_in_its_own_way():
    x = batch(1).expand(32, -1, -1, -1)
    out = BatchGlassesReflection(prob=1.0)(x)
    assert out.flatten(1).unique(dim=0).shape[0] == 32


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
def test_fresh_levels_and_the_input_left_alone(dtype):
    torch.manual_seed(0)
    x = batch(dtype=dtype)
    kept = x.clone()
    for prob in (0.0, 0.5, 1.0):
        out = BatchGlassesReflection(prob=prob)(x)
        assert out.dtype == torch.float32
        assert out.is_contiguous(memory_format=torch.channels_last)
        assert out.min() >= 0
        assert out.max() <= 255
        assert out.equal(x.float()) == (prob == 0)
        out.zero_()
    assert x.equal(kept)


def test_a_seed_repeats_and_layout_does_not_matter():
    x = batch()
    torch.manual_seed(3)
    first = BatchGlassesReflection(prob=0.5)(x)
    after = torch.rand(1)
    torch.manual_seed(3)
    again = BatchGlassesReflection(prob=0.5)(x.float().contiguous())
    torch.testing.assert_close(again, first, rtol=0, atol=0)
    # as many draws if no image is chosen: what follows does not depend on the choice
    torch.manual_seed(3)
    BatchGlassesReflection(prob=0.0)(x)
    assert torch.rand(1) == after


def test_one_image():
    assert BatchGlassesReflection(prob=1.0)(batch(1)).shape == (1, 3, 24, 40)


def test_is_found_by_name_and_takes_the_lists_of_a_config():
    config = {'type': 'BatchGlassesReflection', 'peak': [0, 0], 'num_spots': [2, 2]}
    x = batch()
    out = BATCH_AUGMENTS.build(config)(x)
    expected = x.float()
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        ({'prob': 1.5}, r'prob must be in \[0, 1\], got 1.5'),
        ({'num_spots': (0, 2)}, r'num_spots .* 1 <= low .* got \(0, 2\)'),
        ({'num_spots': (1, 2.5)}, r'num_spots must be whole numbers, got \(1, 2.5\)'),
        ({'sigma': (0.0, 0.2)}, r'sigma .* 0.01 <= low .* got \(0.0, 0.2\)'),
        ({'peak': (12, 300)}, r'peak .* high <= 255.0, got \(12, 300\)'),
    ],
)
def test_settings_are_checked(kwargs, message):
    with pytest.raises(ValueError, match=message):
        BatchGlassesReflection(**kwargs)


def test_channels_are_checked():
    with pytest.raises(ValueError, match=r'\(B, 3, H, W\), got \(2, 1, 4, 4\)'):
        BatchGlassesReflection()(torch.zeros(2, 1, 4, 4))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
def test_same_draws_on_the_gpu():
    x = batch(64)
    torch.manual_seed(0)
    expected = BatchGlassesReflection(prob=0.5)(x)
    torch.manual_seed(0)
    on_gpu = BatchGlassesReflection(prob=0.5)(x.cuda()).cpu()
    torch.testing.assert_close(on_gpu, expected, rtol=0, atol=2e-3)
