import pytest
import torch

from ocec.models.batch_augments import BatchGaussianNoise
from ocec.registry import BATCH_AUGMENTS


def batch(num_images=8, dtype=torch.uint8, size=(24, 40)):
    x = torch.randint(60, 190, (num_images, 3, *size), dtype=torch.uint8).to(dtype)
    return x.contiguous(memory_format=torch.channels_last)


def test_changes_the_drawn_share_and_leaves_the_others():
    torch.manual_seed(0)
    x = batch(2000, size=(8, 8))
    out = BatchGaussianNoise(prob=0.3)(x)
    is_kept = (out == x).flatten(1).all(1)
    # 4 standard deviations of a binomial: 4 * sqrt(2000 * 0.3 * 0.7) = 82
    assert abs((~is_kept).sum().item() - 600) < 82


def test_strengths_fill_their_range():
    torch.manual_seed(0)
    x = torch.full((1000, 3, 16, 16), 128.0)
    noise = BatchGaussianNoise((2.0, 6.0), prob=1.0)(x) - 128
    std = noise.std((1, 2, 3))
    # 768 values: 4.5 deviations of a standard deviation are 11.5 %
    assert 2 * 0.885 < std.min() < 2.1
    assert 5.9 < std.max() < 6 * 1.115
    # uniform: 4 standard deviations of the mean 4 * 4 / sqrt(12 * 1000) = 0.146
    assert abs(std.mean() - 4) < 0.146


def test_each_batch_has_its_own_field():
    torch.manual_seed(0)
    x, augment = batch(), BatchGaussianNoise((5.0, 5.0), prob=1.0)
    first, second = (augment(x) - x).flatten(), (augment(x) - x).flatten()
    # 23,040 values: 4 deviations of a correlation
    assert torch.corrcoef(torch.stack((first, second)))[0, 1].abs() < 0.027


def test_grey_noise_keeps_the_colour_differences():
    x = batch()
    noise = BatchGaussianNoise(prob=1.0, per_channel=False)(x) - x
    torch.testing.assert_close(noise[:, :1].expand(-1, 3, -1, -1), noise)
    assert noise.std() > 2


def test_each_image_is_changed_in_its_own_way():
    x = batch(1).expand(32, -1, -1, -1)
    out = BatchGaussianNoise(prob=1.0)(x)
    assert out.flatten(1).unique(dim=0).shape[0] == 32


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
def test_fresh_levels_and_the_input_left_alone(dtype):
    torch.manual_seed(0)
    x = batch(dtype=dtype)
    kept = x.clone()
    for prob in (0.0, 0.5, 1.0):
        out = BatchGaussianNoise(prob=prob)(x)
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
    first = BatchGaussianNoise(prob=0.5)(x)
    after = torch.rand(1)
    torch.manual_seed(3)
    again = BatchGaussianNoise(prob=0.5)(x.float().contiguous())
    torch.testing.assert_close(again, first, rtol=0, atol=0)
    # as many draws if no image is chosen: what follows does not depend on the choice
    torch.manual_seed(3)
    BatchGaussianNoise(prob=0.0)(x)
    assert torch.rand(1) == after


def test_one_image():
    assert BatchGaussianNoise(prob=1.0)(batch(1)).shape == (1, 3, 24, 40)


def test_is_found_by_name_and_takes_the_lists_of_a_config():
    config = {'type': 'BatchGaussianNoise', 'std': [0, 0], 'prob': 1.0}
    x = batch()
    out = BATCH_AUGMENTS.build(config)(x)
    expected = x.float()
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        ({'prob': 1.5}, r'prob must be in \[0, 1\], got 1.5'),
        ({'std': (-1.0, 1.0)}, r'std .* 0 <= low .* got \(-1.0, 1.0\)'),
        ({'std': (5.0,)}, r'std must be \(low, high\) .* got \(5.0,\)'),
    ],
)
def test_settings_are_checked(kwargs, message):
    with pytest.raises(ValueError, match=message):
        BatchGaussianNoise(**kwargs)


def test_channels_are_checked():
    with pytest.raises(ValueError, match=r'\(B, 3, H, W\), got \(2, 1, 4, 4\)'):
        BatchGaussianNoise()(torch.zeros(2, 1, 4, 4))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
def test_same_draws_on_the_gpu():
    x = batch(64)
    torch.manual_seed(0)
    expected = BatchGaussianNoise(prob=0.5)(x)
    torch.manual_seed(0)
    on_gpu = BatchGaussianNoise(prob=0.5)(x.cuda()).cpu()
    # the field is another one, the images and their strengths are the same
    noise, other = expected - x, on_gpu - x
    assert noise.flatten(1).any(1).equal(other.flatten(1).any(1))
    # 2,880 values: 4.5 deviations of a ratio of standard deviations
    torch.testing.assert_close(
        other.std((1, 2, 3)), noise.std((1, 2, 3)), rtol=0.085, atol=0
    )
