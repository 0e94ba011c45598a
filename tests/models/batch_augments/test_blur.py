import pytest
import torch

from ocec.functional.blur import gaussian_blur
from ocec.models.batch_augments import BatchGaussianBlur, BatchMotionBlur
from ocec.registry import BATCH_AUGMENTS


def batch(num_images=8, dtype=torch.uint8, size=(24, 40)):
    x = torch.randint(60, 190, (num_images, 3, *size), dtype=torch.uint8).to(dtype)
    return x.contiguous(memory_format=torch.channels_last)


def test_changes_the_drawn_share_and_leaves_the_others():
    torch.manual_seed(0)
    x = batch(2000, size=(8, 8))
    out = BatchGaussianBlur(prob=0.3)(x)
    is_kept = (out == x).flatten(1).all(1)
    # 4 standard deviations of a binomial: 4 * sqrt(2000 * 0.3 * 0.7) = 82
    assert abs((~is_kept).sum().item() - 600) < 82


def test_sigmas_fill_their_range():
    torch.manual_seed(0)
    x = torch.zeros(3000, 3, 1, 31)
    x[..., 15] = 255
    light = BatchGaussianBlur((1.0, 3.0), prob=1.0)(x)[:, 0, 0] / 255
    place = torch.arange(-15.0, 16)
    # second moment; a Gaussian cut at 9 pixels keeps 97 % of the variance 9
    sigma = (light * place**2).sum(1).sqrt()
    assert 0.99 < sigma.min() < 1.02
    assert 2.92 < sigma.max() < 3.0
    # uniform: 4 standard deviations of the mean 4 * 2 / sqrt(12 * 3000) = 0.042
    assert abs(sigma.mean() - 2) < 0.06


def test_each_image_is_changed_in_its_own_way():
    x = batch(1).expand(32, -1, -1, -1)
    out = BatchGaussianBlur(prob=1.0)(x)
    assert out.flatten(1).unique(dim=0).shape[0] == 32


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
def test_fresh_levels_and_the_input_left_alone(dtype):
    torch.manual_seed(0)
    x = batch(dtype=dtype)
    kept = x.clone()
    for prob in (0.0, 0.5, 1.0):
        out = BatchGaussianBlur(prob=prob)(x)
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
    first = BatchGaussianBlur(prob=0.5)(x)
    after = torch.rand(1)
    torch.manual_seed(3)
    again = BatchGaussianBlur(prob=0.5)(x.float().contiguous())
    torch.testing.assert_close(again, first, rtol=0, atol=0)
    # as many draws if no image is chosen: what follows does not depend on the choice
    torch.manual_seed(3)
    BatchGaussianBlur(prob=0.0)(x)
    assert torch.rand(1) == after


def test_one_image():
    assert BatchGaussianBlur(prob=1.0)(batch(1)).shape == (1, 3, 24, 40)


def test_is_found_by_name_and_takes_the_lists_of_a_config():
    config = {'type': 'BatchGaussianBlur', 'sigma': [0.7, 0.7], 'prob': 1.0}
    x = batch()
    out = BATCH_AUGMENTS.build(config)(x)
    expected = gaussian_blur(x, torch.full((8,), 0.7))
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        ({'prob': 1.5}, r'prob must be in \[0, 1\], got 1.5'),
        ({'sigma': (0.0, 1.0)}, r'sigma .* 0.05 <= low .* got \(0.0, 1.0\)'),
    ],
)
def test_settings_are_checked(kwargs, message):
    with pytest.raises(ValueError, match=message):
        BatchGaussianBlur(**kwargs)


def test_channels_are_checked():
    with pytest.raises(ValueError, match=r'\(B, 3, H, W\), got \(2, 1, 4, 4\)'):
        BatchGaussianBlur()(torch.zeros(2, 1, 4, 4))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
def test_same_draws_on_the_gpu():
    x = batch(64)
    torch.manual_seed(0)
    expected = BatchGaussianBlur(prob=0.5)(x)
    torch.manual_seed(0)
    on_gpu = BatchGaussianBlur(prob=0.5)(x.cuda()).cpu()
    torch.testing.assert_close(on_gpu, expected, rtol=0, atol=2e-3)


def test_lengths_and_angles_fill_their_ranges():
    torch.manual_seed(0)
    x = torch.zeros(3000, 3, 15, 15)
    x[:, :, 7, 7] = 200
    light = BatchMotionBlur((2, 5), prob=1.0)(x)[:, 0] / 200
    rows, columns = torch.meshgrid(*[torch.arange(-7.0, 8)] * 2, indexing='ij')
    mixed = (light * rows * columns).sum((1, 2))
    # length L along angle a: sin(a) cos(a) (L ** 2 - 1) / 12
    assert abs(mixed.mean()) < 4 * mixed.std() / 3000**0.5
    assert 0.97 < mixed.max() < 1.001
    assert -1.001 < mixed.min() < -0.97
    # mean of (sin a cos a) ** 2 is 1/8; of ((L ** 2 - 1) / 12) ** 2 over 2, 3, 4, 5:
    # (1/16 + 4/9 + 25/16 + 4) / 4; 4 standard deviations are 10 %
    expected = (1 / 16 + 4 / 9 + 25 / 16 + 4) / 4 / 8
    assert mixed.square().mean().item() == pytest.approx(expected, rel=0.1)


def test_lines_are_drawn_per_image():
    x = batch(1).expand(32, -1, -1, -1)
    out = BatchMotionBlur(prob=1.0)(x)
    assert out.flatten(1).unique(dim=0).shape[0] == 32


def test_motion_changes_the_drawn_share_and_leaves_the_others():
    torch.manual_seed(0)
    x = batch(2000, size=(8, 8))
    out = BatchMotionBlur(prob=0.3)(x)
    is_kept = (out == x).flatten(1).all(1)
    # 4 standard deviations of a binomial: 4 * sqrt(2000 * 0.3 * 0.7) = 82
    assert abs((~is_kept).sum().item() - 600) < 82


def test_motion_repeats_with_a_seed_and_leaves_the_input_alone():
    x = batch()
    kept = x.clone()
    torch.manual_seed(3)
    first = BatchMotionBlur(prob=0.5)(x)
    torch.manual_seed(3)
    again = BatchMotionBlur(prob=0.5)(x.float().contiguous())
    torch.testing.assert_close(again, first, rtol=0, atol=0)
    assert first.is_contiguous(memory_format=torch.channels_last)
    assert x.equal(kept)


def test_motion_takes_the_lists_of_a_config():
    config = {'type': 'BatchMotionBlur', 'kernel_size': [1, 1], 'prob': 1.0}
    x = batch()
    out = BATCH_AUGMENTS.build(config)(x)
    torch.testing.assert_close(out, x.float(), rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        ({'prob': -1.0}, r'prob must be in \[0, 1\], got -1.0'),
        ({'kernel_size': (0, 3)}, r'kernel_size .* 1 <= low .* got \(0, 3\)'),
        ({'kernel_size': (3, 4.5)}, r'kernel_size must be whole .* got \(3, 4.5\)'),
    ],
)
def test_motion_settings_are_checked(kwargs, message):
    with pytest.raises(ValueError, match=message):
        BatchMotionBlur(**kwargs)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
def test_same_lines_on_the_gpu():
    x = batch(64)
    torch.manual_seed(0)
    expected = BatchMotionBlur(prob=0.5)(x)
    torch.manual_seed(0)
    on_gpu = BatchMotionBlur(prob=0.5)(x.cuda()).cpu()
    # cuDNN may run the convolution in TF32: 10 bits of mantissa
    torch.testing.assert_close(on_gpu, expected, rtol=0, atol=0.25)
