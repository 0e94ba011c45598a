import pytest
import torch

from ocec.functional.erasing import erase_boxes, fit_boxes

# top, left, height, width; the last three erase nothing
BOXES = torch.tensor(
    [[0, 0, 2, 3], [1, 2, 3, 4], [4, 5, 2, 2], [0, 0, 6, 7]]
    + [[0, 0, 0, 0], [2, 2, 0, 3], [2, 2, 3, 0]]
).T


def images(num_images=7, dtype=torch.uint8):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (num_images, 3, 6, 7), generator=generator).to(dtype)


def inside(boxes):
    """Mask of the pixels in the boxes, by a loop: (B, 1, H, W)."""
    mask = torch.zeros(boxes.shape[1], 1, 6, 7, dtype=torch.bool)
    for image, (top, left, height, width) in zip(mask, boxes.T.tolist(), strict=True):
        image[:, top : top + height, left : left + width] = True
    return mask


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
@pytest.mark.parametrize(
    'layout', [torch.contiguous_format, torch.channels_last], ids=str
)
@pytest.mark.parametrize('fill', [0, 127, 255, 'mean'])
def test_boxes_get_the_fill_and_the_rest_is_kept(dtype, layout, fill):
    x = images(dtype=dtype).contiguous(memory_format=layout)
    kept = x.clone()
    erased = erase_boxes(x, BOXES, fill=fill)
    level = fill
    if fill == 'mean':
        level = x.double().mean((2, 3), keepdim=True).round().to(dtype)
    assert erased.equal(torch.where(inside(BOXES), level, x))
    assert erased.dtype == dtype
    assert erased.is_contiguous(memory_format=layout)
    erased.zero_()
    assert x.equal(kept)


def test_noise_fills_the_boxes_with_all_levels():
    torch.manual_seed(0)
    x = torch.zeros(600, 3, 6, 7)
    box = torch.tensor([[1], [2], [4], [5]]).expand(4, 600)
    erased = erase_boxes(x, box, fill='random')
    noise = erased.permute(0, 2, 3, 1)[inside(box)[:, 0]]
    assert noise.shape == (600 * 20, 3)
    assert (noise == noise.round()).all()
    assert noise.unique().tolist() == list(range(256))
    # uniform over 0..255: mean 127.5, 4 standard deviations of a mean of 36,000:
    # 4 * 73.9 / sqrt(36,000) = 1.56
    assert abs(noise.mean() - 127.5) < 1.56
    # channels are drawn apart: 4 / sqrt(12,000) = 0.037
    assert (torch.corrcoef(noise.T) - torch.eye(3)).abs().max() < 0.037
    assert erased.masked_fill(inside(box), 0).eq(0).all()


def test_noise_does_not_depend_on_layout_and_dtype():
    x = images()
    interleaved = x.float().contiguous(memory_format=torch.channels_last)
    torch.manual_seed(1)
    first = erase_boxes(x, BOXES, fill='random')
    torch.manual_seed(1)
    assert erase_boxes(interleaved, BOXES, fill='random').equal(first.float())


def test_no_box_is_a_copy():
    x = images(3)
    erased = erase_boxes(x, BOXES[:, 4:], fill='mean')
    assert erased.equal(x)
    erased.zero_()
    assert x.any()


def test_takes_views_with_gaps():
    x = torch.rand(2, 3, 12, 14)[:, :, ::2, 1::2]
    expected = erase_boxes(x.contiguous(), BOXES[:, :2], fill=3)
    assert erase_boxes(x, BOXES[:, :2], fill=3).equal(expected)


@pytest.mark.parametrize(
    ('boxes', 'fill', 'message'),
    [
        (BOXES[:, :2], 'mean', r'box_4B must have shape \(4, 1\), .* got \(4, 2\)'),
        ([0, 4, 2, 4], 0, r'inside 6 x 7 pixels, got .* \[0, 4, 2, 4\]'),
        ([5, 0, 2, 4], 0, r'inside 6 x 7 pixels, got .* \[5, 0, 2, 4\]'),
        ([-1, 0, 2, 4], 0, r'inside 6 x 7 pixels, got .* \[-1, 0, 2, 4\]'),
        (BOXES[:, :1], 'median', r"whole level in \[0, 255\], got 'median'"),
        (BOXES[:, :1], 256, r'whole level in \[0, 255\], got 256'),
        (BOXES[:, :1], -1, r'whole level in \[0, 255\], got -1'),
        (BOXES[:, :1], 12.5, r'whole level in \[0, 255\], got 12.5'),
    ],
)
def test_arguments_are_checked(boxes, fill, message):
    boxes = boxes if torch.is_tensor(boxes) else torch.tensor(boxes)[:, None]
    with pytest.raises(ValueError, match=message):
        erase_boxes(images(1), boxes, fill=fill)


def test_boxes_have_the_area_and_the_aspect():
    # 2048 pixels: 0.125 is 256, at aspect 1 16 x 16, at 4 32 x 8 (not less than 32),
    # at 1/4 8 x 32, at 1/16 4 x 64 (not less than 64)
    aspect = torch.tensor([[1.0, 4.0, 0.25, 1 / 16]])
    place = torch.zeros(2, 4, dtype=torch.float64)
    boxes = fit_boxes(torch.full((1, 4), 0.125), aspect, place, size=(32, 64))
    assert boxes[2:].T.tolist() == [[16, 16], [0, 0], [8, 32], [0, 0]]


def test_the_first_try_that_fits_is_taken():
    area = torch.tensor([[0.9, 0.125], [0.125, 0.9], [0.25, 0.9]])
    place = torch.zeros(2, 2, dtype=torch.float64)
    boxes = fit_boxes(area, torch.ones(3, 2), place, size=(32, 64))
    # the square of 0.9 has a side of 43, too high for 32
    assert boxes.T.tolist() == [[0, 0, 16, 16]] * 2


def test_places_reach_from_corner_to_corner():
    last = 1 - 2**-53
    place = torch.tensor([[0.0, last, 0.5], [0.0, last, 0.5]], dtype=torch.float64)
    area = torch.full((1, 3), 0.125)
    boxes = fit_boxes(area, torch.ones(1, 3), place, size=(32, 64))
    # 17 places for the top, 49 for the left
    assert boxes[:2].T.tolist() == [[0, 0], [16, 48], [8, 24]]


def test_tiny_areas_are_one_pixel():
    place = torch.zeros(2, 1, dtype=torch.float64)
    boxes = fit_boxes(torch.full((1, 1), 1e-6), torch.ones(1, 1), place, size=(8, 8))
    assert boxes.flatten().tolist() == [0, 0, 1, 1]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
@pytest.mark.parametrize('fill', [9, 'mean', 'random'])
def test_the_same_on_the_gpu(fill):
    x = images().contiguous(memory_format=torch.channels_last)
    torch.manual_seed(0)
    expected = erase_boxes(x, BOXES, fill=fill)
    torch.manual_seed(0)
    assert erase_boxes(x.cuda(), BOXES, fill=fill).cpu().equal(expected)
