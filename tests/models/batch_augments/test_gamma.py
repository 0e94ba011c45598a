import pytest
import torch

from ocec.functional.gamma import adjust_gamma
from ocec.models.batch_augments import BatchRandomGamma
from ocec.registry import BATCH_AUGMENTS


def batch(num_images=8, dtype=torch.uint8, size=(24, 40)):
    x = torch.randint(60, 190, (num_images, 3, *size), dtype=torch.uint8).to(dtype)
    return x.contiguous(memory_format=torch.channels_last)


def test_changes_the_drawn_share_and_leaves_the_others():
    torch.manual_seed(0)
    x = batch(2000, size=(8, 8))
    out = BatchRandomGamma(prob=0.3)(x)
    is_kept = (out == x).flatten(1).all(1)
    # 4 standard deviations of a binomial: 4 * sqrt(2000 * 0.3 * 0.7) = 82
    assert abs((~is_kept).sum().item() - 600) < 82


def test_settings_fill_their_ranges():
    torch.manual_seed(0)
    x = torch.tensor([32.0, 128.0]).expand(3000, 3, 1, 2)
    out = BatchRandomGamma((0.5, 1.5), (0.6, 1.4), prob=1.0)(x)[:, 0, 0] / 255
    # (128 / 32) ** gamma is the ratio of the two
    gamma = (out[:, 1] / out[:, 0]).log() / torch.tensor(4.0).log()
    gain = out[:, 1] / torch.tensor(128 / 255) ** gamma
    for values, low, high in ((gamma, 0.5, 1.5), (gain, 0.6, 1.4)):
        share = (values - low) / (high - low)
        assert -1e-3 < share.min() < 0.01
        assert 0.99 < share.max() < 1.001
        # uniform: 4 standard deviations of the mean 4 / sqrt(12 * 3000) = 0.022
        assert abs(share.mean() - 0.5) < 0.022
    # independent: 4 / sqrt(3000)
    assert torch.corrcoef(torch.stack((gamma, gain)))[0, 1].abs() < 0.073


def test_each_image_is_changed_in_its_own_way():
    x = batch(1).expand(32, -1, -1, -1)
    out = BatchRandomGamma(prob=1.0)(x)
    assert out.flatten(1).unique(dim=0).shape[0] == 32


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
def test_fresh_levels_and_the_input_left_alone(dtype):
    torch.manual_seed(0)
    x = batch(dtype=dtype)
    kept = x.clone()
    for prob in (0.0, 0.5, 1.0):
        out = BatchRandomGamma(prob=prob)(x)
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
    first = BatchRandomGamma(prob=0.5)(x)
    after = torch.rand(1)
    torch.manual_seed(3)
    again = BatchRandomGamma(prob=0.5)(x.float().contiguous())
    torch.testing.assert_close(again, first, rtol=0, atol=0)
    # as many draws if no image is chosen: what follows does not depend on the choice
    torch.manual_seed(3)
    BatchRandomGamma(prob=0.0)(x)
    assert torch.rand(1) == after


def test_one_image():
    assert BatchRandomGamma(prob=1.0)(batch(1)).shape == (1, 3, 24, 40)


def test_is_found_by_name_and_takes_the_lists_of_a_config():
    config = {
        'type': 'BatchRandomGamma',
        'gamma': [2, 2],
        'gain': [0.8, 0.8],
        'prob': 1,
    }
    x = batch()
    out = BATCH_AUGMENTS.build(config)(x)
    expected = adjust_gamma(x, torch.full((8,), 2.0), torch.full((8,), 0.8))
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        ({'prob': 1.5}, r'prob must be in \[0, 1\], got 1.5'),
        ({'gamma': (0.0, 1.0)}, r'gamma .* 0.1 <= low .* got \(0.0, 1.0\)'),
        ({'gain': (1.1, 0.9)}, r'gain .* low <= high .* got \(1.1, 0.9\)'),
    ],
)
def test_settings_are_checked(kwargs, message):
    with pytest.raises(ValueError, match=message):
        BatchRandomGamma(**kwargs)


def test_channels_are_checked():
    with pytest.raises(ValueError, match=r'\(B, 3, H, W\), got \(2, 1, 4, 4\)'):
        BatchRandomGamma()(torch.zeros(2, 1, 4, 4))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
def test_same_draws_on_the_gpu():
    x = batch(64)
    torch.manual_seed(0)
    expected = BatchRandomGamma(prob=0.5)(x)
    torch.manual_seed(0)
    on_gpu = BatchRandomGamma(prob=0.5)(x.cuda()).cpu()
    torch.testing.assert_close(on_gpu, expected, rtol=0, atol=2e-3)
