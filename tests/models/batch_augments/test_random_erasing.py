import math

import pytest
import torch

from ocec.functional.erasing import erase_boxes
from ocec.models.batch_augments import BatchRandomErasing
from ocec.registry import BATCH_AUGMENTS

SIZE = (32, 64)
FILLS = ['mean', 'random', 114]


def batch(num_images=8, dtype=torch.uint8):
    x = torch.randint(0, 256, (num_images, 3, *SIZE), dtype=torch.uint8).to(dtype)
    return x.contiguous(memory_format=torch.channels_last)


def test_the_drawn_share_is_erased():
    torch.manual_seed(0)
    boxes = BatchRandomErasing(prob=0.3).draw(4000, SIZE)
    is_erased = boxes[2] > 0
    # 4 standard deviations of a binomial: 4 * sqrt(4000 * 0.3 * 0.7) = 116
    assert abs(is_erased.sum().item() - 1200) < 116
    assert (boxes[:, ~is_erased] == 0).all()
    assert (boxes[3, is_erased] > 0).all()


def test_areas_and_aspects_fill_their_ranges_where_every_box_fits():
    torch.manual_seed(0)
    augment = BatchRandomErasing(1.0, area=(0.1, 0.2), aspect=(0.5, 2.0))
    # 40,000 pixels: rounding to whole pixels is small beside the ranges
    _, _, height, width = augment.draw(4000, (200, 200)).double()
    area = (height * width / 40000 - 0.1) / 0.1
    aspect = (height / width).log() / math.log(2) / 2 + 0.5
    for share in (area, aspect):
        assert -0.05 < share.min() < 0.01
        assert 0.99 < share.max() < 1.05
        # uniform: mean 1/2, 4 standard deviations 4 / sqrt(12 * 4000) = 0.018
        assert abs(share.mean() - 0.5) < 0.02


def test_boxes_lie_anywhere_inside():
    torch.manual_seed(0)
    top, left, height, width = BatchRandomErasing(1.0).draw(4000, SIZE)
    for start, length, size in ((top, height, 32), (left, width, 64)):
        assert (length < size).all()
        assert start.min() == 0
        assert (start + length).max() == size
        # in the middle on average, and both borders are reached: 0.02 is more than
        # 4 / sqrt(12 * 4000)
        assert abs((start / (size - length)).mean() - 0.5) < 0.02


def test_images_that_no_box_fits_stay_whole():
    # 0.9 of the pixels, 3.3 times as high as wide: 78 of 32 rows
    x, augment = batch(), BatchRandomErasing(1.0, (0.9, 0.95), aspect=(3.3, 3.3))
    assert augment(x).equal(x)


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
@pytest.mark.parametrize('fill', FILLS)
def test_is_the_erasure_of_its_draws(dtype, fill):
    x, augment = batch(dtype=dtype), BatchRandomErasing(0.6, fill=fill)
    kept = x.clone()
    torch.manual_seed(2)
    expected = erase_boxes(x, augment.draw(8, SIZE), fill=fill)
    torch.manual_seed(2)
    out = augment(x)
    assert out.equal(expected)
    assert not out.equal(x)
    assert out.dtype == dtype
    assert out.is_contiguous(memory_format=torch.channels_last)
    out.zero_()
    assert x.equal(kept)


@pytest.mark.parametrize('fill', FILLS)
def test_a_seed_repeats_and_layout_does_not_matter(fill):
    x, augment = batch(), BatchRandomErasing(0.5, fill=fill)
    torch.manual_seed(3)
    first = augment(x)
    torch.manual_seed(3)
    assert augment(x.contiguous()).equal(first)
    assert not augment(x).equal(first)


def test_probability_zero_is_a_copy():
    x = batch()
    out = BatchRandomErasing(0.0)(x)
    assert out.equal(x)
    out.zero_()
    assert x.any()


def test_one_image():
    assert BatchRandomErasing(1.0)(batch(1)).shape == (1, 3, *SIZE)


def test_is_found_by_name_and_takes_the_lists_of_a_config():
    config = {'type': 'BatchRandomErasing', 'area': [0.1, 0.1], 'aspect': [1, 1]}
    augment = BATCH_AUGMENTS.build({**config, 'prob': 1.0, 'fill': 0})
    # 205 of 2048 pixels: 14 x 14
    out = augment(torch.ones(4, 3, *SIZE))
    assert out.eq(0).sum((1, 2, 3)).tolist() == [3 * 14 * 14] * 4


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        ({'prob': 1.1}, r'prob must be in \[0, 1\], got 1.1'),
        ({'area': (0.3, 0.1)}, r'area .* low <= high .* got \(0.3, 0.1\)'),
        ({'area': (0.0, 0.1)}, r'area must be > 0 and < 1, got \(0.0, 0.1\)'),
        ({'area': (0.1, 1)}, r'area must be > 0 and < 1, got \(0.1, 1\)'),
        ({'aspect': (-1, 1)}, r'aspect .* 0 <= low .* got \(-1, 1\)'),
        ({'aspect': (0, 1)}, r'aspect must be > 0 and finite, got \(0, 1\)'),
        ({'aspect': (1, math.inf)}, r'aspect must be > 0 and finite, got \(1, inf\)'),
        ({'fill': 'black'}, r"'random' or a whole level in \[0, 255\], got 'black'"),
        ({'fill': 0.5}, r'a whole level in \[0, 255\], got 0.5'),
    ],
)
def test_settings_are_checked(kwargs, message):
    with pytest.raises(ValueError, match=message):
        BatchRandomErasing(**kwargs)


def test_channels_are_checked():
    with pytest.raises(ValueError, match=r'\(B, 3, H, W\), got \(2, 1, 4, 4\)'):
        BatchRandomErasing()(torch.zeros(2, 1, 4, 4))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
@pytest.mark.parametrize('fill', FILLS)
def test_same_draws_on_the_gpu(fill):
    x, augment = batch(64), BatchRandomErasing(fill=fill)
    torch.manual_seed(0)
    expected = augment(x)
    torch.manual_seed(0)
    assert augment(x.cuda()).cpu().equal(expected)
