import pytest
import torch

from ocec.models.batch_augments import BatchRandomFlip
from ocec.registry import BATCH_AUGMENTS


def batch(num_images=8, dtype=torch.uint8):
    x = torch.randint(0, 256, (num_images, 3, 4, 6), dtype=torch.uint8).to(dtype)
    return x.contiguous(memory_format=torch.channels_last)


def test_flips_some_images_and_leaves_others():
    torch.manual_seed(0)
    x = batch(2000)
    flipped = BatchRandomFlip(prob=0.3)(x)
    is_flipped = (flipped == x.flip(3)).flatten(1).all(1)
    is_kept = (flipped == x).flatten(1).all(1)
    assert (is_flipped ^ is_kept).all()
    # 4 standard deviations of a binomial: 4 * sqrt(2000 * 0.3 * 0.7) = 82
    assert abs(is_flipped.sum().item() - 600) < 82


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
def test_extreme_probabilities_keep_dtype_and_layout(dtype):
    x = batch(dtype=dtype)
    for prob, expected in ((0.0, x), (1.0, x.flip(3))):
        out = BatchRandomFlip(prob)(x)
        torch.testing.assert_close(out, expected, rtol=0, atol=0)
        assert out.is_contiguous(memory_format=torch.channels_last)


def test_input_is_left_alone_even_without_a_flip():
    x = batch()
    kept = x.clone()
    for prob in (0.0, 0.5, 1.0):
        BatchRandomFlip(prob)(x).zero_()
    torch.testing.assert_close(x, kept, rtol=0, atol=0)


def test_a_seed_repeats_and_layout_does_not_matter():
    x = batch()
    torch.manual_seed(3)
    first = BatchRandomFlip()(x)
    torch.manual_seed(3)
    torch.testing.assert_close(BatchRandomFlip()(x.contiguous()), first)


def test_one_image():
    assert BatchRandomFlip()(batch(1)).shape == (1, 3, 4, 6)


def test_is_found_by_name():
    flip = BATCH_AUGMENTS.build({'type': 'BatchRandomFlip', 'prob': 0.25})
    assert isinstance(flip, BatchRandomFlip)


def test_probability_is_checked():
    with pytest.raises(ValueError, match=r'prob must be in \[0, 1\], got 1.5'):
        BatchRandomFlip(prob=1.5)


def test_channels_are_checked():
    with pytest.raises(ValueError, match=r'\(B, 3, H, W\), got \(2, 1, 4, 4\)'):
        BatchRandomFlip()(torch.zeros(2, 1, 4, 4))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
def test_same_draws_on_the_gpu():
    x = batch(64)
    torch.manual_seed(0)
    expected = BatchRandomFlip()(x)
    torch.manual_seed(0)
    assert BatchRandomFlip()(x.cuda()).cpu().equal(expected)
