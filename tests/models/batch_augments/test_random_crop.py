import pytest
import torch

from ocec.functional.crop import crop_padded
from ocec.models.batch_augments import BatchRandomCrop
from ocec.registry import BATCH_AUGMENTS


def batch(num_images=8, dtype=torch.uint8):
    x = torch.randint(0, 256, (num_images, 3, 6, 8), dtype=torch.uint8).to(dtype)
    return x.contiguous(memory_format=torch.channels_last)


def test_every_offset_is_equally_likely():
    torch.manual_seed(0)
    offset_2B = BatchRandomCrop(padding=(1, 2)).draw(6000)
    counts = torch.zeros(3, 5).index_put_(
        tuple(offset_2B), torch.ones(6000), accumulate=True
    )
    # 4 standard deviations of a binomial: 4 * sqrt(6000 * 1/15 * 14/15) = 77
    assert (counts - 400).abs().max() < 77


def test_crops_the_drawn_share_and_leaves_the_others():
    torch.manual_seed(0)
    x = batch(2000)
    out = BatchRandomCrop(padding=2, prob=0.3)(x)
    is_kept = (out == x).flatten(1).all(1)
    # one crop in 25 is the image itself: 2000 * 0.3 * 24/25 = 576 change;
    # 4 standard deviations: 4 * sqrt(2000 * 0.288 * 0.712) = 81
    assert abs((~is_kept).sum().item() - 576) < 81


@pytest.mark.parametrize('fill', ['edge', 'zero', 'reflect'])
def test_is_the_crop_of_its_draws(fill):
    x, crop = batch(), BatchRandomCrop(padding=(3, 1), fill=fill)
    torch.manual_seed(2)
    offset_2B = crop.draw(8)
    torch.manual_seed(2)
    assert crop(x).equal(crop_padded(x, offset_2B, padding=(3, 1), fill=fill))


def test_the_default_padding_is_that_of_the_guide():
    torch.manual_seed(0)
    offset_2B = BatchRandomCrop().draw(2000)
    assert offset_2B.aminmax(dim=1).min.tolist() == [0, 0]
    assert offset_2B.aminmax(dim=1).max.tolist() == [8, 8]


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
def test_probability_zero_is_a_copy_of_the_same_dtype_and_layout(dtype):
    x = batch(dtype=dtype)
    kept = x.clone()
    out = BatchRandomCrop(prob=0.0)(x)
    torch.testing.assert_close(out, x, rtol=0, atol=0)
    assert out.is_contiguous(memory_format=torch.channels_last)
    out.zero_()
    assert x.equal(kept)


def test_a_seed_repeats_and_layout_does_not_matter():
    x = batch()
    torch.manual_seed(3)
    first = BatchRandomCrop()(x)
    torch.manual_seed(3)
    assert BatchRandomCrop()(x.contiguous()).equal(first)
    assert not BatchRandomCrop()(x).equal(first)


def test_one_image():
    assert BatchRandomCrop()(batch(1)).shape == (1, 3, 6, 8)


def test_is_found_by_name_and_takes_the_list_of_a_config():
    config = {'type': 'BatchRandomCrop', 'padding': [0, 0]}
    x = batch()
    assert BATCH_AUGMENTS.build(config)(x).equal(x)


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        ({'padding': -1}, r'padding must be a count .* got -1'),
        ({'padding': 1.5}, r'padding must be a count .* got 1.5'),
        ({'padding': (4, -2)}, r'\(rows, columns\), got \(4, -2\)'),
        ({'padding': (4, 4, 4)}, r'\(rows, columns\), got \(4, 4, 4\)'),
        ({'prob': 1.5}, r'prob must be in \[0, 1\], got 1.5'),
        ({'fill': 'mirror'}, r"fill must be one of \('edge', .*\), got 'mirror'"),
    ],
)
def test_settings_are_checked(kwargs, message):
    with pytest.raises(ValueError, match=message):
        BatchRandomCrop(**kwargs)


def test_images_are_checked():
    with pytest.raises(ValueError, match=r'\(B, 3, H, W\), got \(2, 1, 4, 4\)'):
        BatchRandomCrop()(torch.zeros(2, 1, 4, 4))
    with pytest.raises(ValueError, match=r'got \(6, 6\) for 6 x 8 pixels'):
        BatchRandomCrop(6, fill='reflect')(batch())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
def test_same_draws_on_the_gpu():
    x = batch(64)
    torch.manual_seed(0)
    expected = BatchRandomCrop()(x)
    torch.manual_seed(0)
    assert BatchRandomCrop()(x.cuda()).cpu().equal(expected)
