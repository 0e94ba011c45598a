import pytest
import torch

from ocec.functional.clahe import clahe_lab
from ocec.models.batch_augments import BatchRandomCLAHE
from ocec.registry import BATCH_AUGMENTS


def batch(num_images=8, dtype=torch.uint8, size=(24, 40)):
    x = torch.randint(60, 120, (num_images, 3, *size), dtype=torch.uint8).to(dtype)
    return x.contiguous(memory_format=torch.channels_last)


def test_equalises_the_drawn_share_and_leaves_the_others():
    torch.manual_seed(0)
    x = batch(2000, size=(8, 8))
    out = BatchRandomCLAHE(prob=0.1, clip_limit=8.0, grid=(1, 1))(x)
    is_kept = (out == x).flatten(1).all(1)
    expected = clahe_lab(x, 8.0, grid=(1, 1))
    assert ((out == expected).flatten(1).all(1) | is_kept).all()
    # 4 standard deviations of a binomial: 4 * sqrt(2000 * 0.1 * 0.9) = 54
    assert abs((~is_kept).sum().item() - 200) < 54


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
def test_extreme_probabilities(dtype):
    x = batch(dtype=dtype)
    for prob, expected in ((0.0, x.float()), (1.0, clahe_lab(x))):
        out = BatchRandomCLAHE(prob)(x)
        assert out.dtype == torch.float32
        assert out.is_contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(out, expected, rtol=0, atol=0)


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
def test_input_is_left_alone_even_without_a_choice(dtype):
    x = batch(dtype=dtype)
    kept = x.clone()
    for prob in (0.0, 0.5, 1.0):
        BatchRandomCLAHE(prob)(x).zero_()
    torch.testing.assert_close(x, kept, rtol=0, atol=0)


def test_in_place_overwrites_floats_with_the_same_values():
    x = batch(dtype=torch.float32)
    torch.manual_seed(3)
    expected = BatchRandomCLAHE(0.5)(x)
    torch.manual_seed(3)
    out = BatchRandomCLAHE(0.5, inplace=True)(x)
    assert out.data_ptr() == x.data_ptr()
    torch.testing.assert_close(out, expected, rtol=0, atol=0)


def test_a_seed_repeats_and_layout_does_not_matter():
    x = batch()
    torch.manual_seed(3)
    first = BatchRandomCLAHE(0.5)(x)
    torch.manual_seed(3)
    torch.testing.assert_close(BatchRandomCLAHE(0.5)(x.contiguous()), first)


def test_one_image():
    assert BatchRandomCLAHE(1.0)(batch(1)).shape == (1, 3, 24, 40)


def test_is_found_by_name_and_takes_the_list_of_a_config():
    config = {'type': 'BatchRandomCLAHE', 'grid': [2, 2], 'prob': 1.0}
    x = batch()
    torch.testing.assert_close(
        BATCH_AUGMENTS.build(config)(x), clahe_lab(x, grid=(2, 2))
    )


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        ({'prob': -0.1}, r'prob must be in \[0, 1\], got -0.1'),
        ({'clip_limit': -2.0}, 'clip_limit must be >= 0, got -2.0'),
        ({'grid': (4, 0)}, r'grid must be two counts >= 1, got \(4, 0\)'),
        ({'grid': (4,)}, r'grid must be two counts >= 1, got \(4,\)'),
    ],
)
def test_settings_are_checked(kwargs, message):
    with pytest.raises(ValueError, match=message):
        BatchRandomCLAHE(**kwargs)


def test_channels_are_checked():
    with pytest.raises(ValueError, match=r'\(B, 3, H, W\), got \(2, 1, 4, 4\)'):
        BatchRandomCLAHE()(torch.zeros(2, 1, 4, 4))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
def test_same_draws_on_the_gpu():
    x = batch(64)
    torch.manual_seed(0)
    expected = BatchRandomCLAHE(0.5)(x)
    torch.manual_seed(0)
    on_gpu = BatchRandomCLAHE(0.5)(x.cuda()).cpu()
    # float pow may round another way at a half: one level
    torch.testing.assert_close(on_gpu, expected, rtol=0, atol=1.0)
