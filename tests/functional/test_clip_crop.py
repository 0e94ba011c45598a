import math

import cv2
import numpy as np
import pytest
import torch

from ocec.functional.clip_crop import resize_clips, resized_crops

RANGES = {'area_range': (0.56, 1.0), 'aspect_range': (3 / 4, 4 / 3)}


def clips(N=3, T=2, H=20, W=30, dtype=torch.uint8):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (N, T, H, W, 3), generator=generator).to(dtype)


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
@pytest.mark.parametrize('size', [(14, 14), (20, 30), (33, 17)], ids=str)
def test_equals_opencv(dtype, size):
    frames = clips(dtype=dtype)
    kept = frames.clone()
    crops = torch.tensor([[0, 0, 30, 20], [3, 5, 12, 9], [10, 0, 20, 20]])
    flips = torch.tensor([False, True, True])
    out = resize_clips(frames, size, crop_N4=crops, is_flipped_N=flips)
    for n, (left, top, width, height) in enumerate(crops.tolist()):
        for t in range(2):
            part = frames[n, t].numpy()[top : top + height, left : left + width]
            part = part[:, ::-1] if flips[n] else part
            expected = cv2.resize(
                np.ascontiguousarray(part, np.float32),
                size[::-1],
                interpolation=cv2.INTER_LINEAR,
            )
            np.testing.assert_allclose(out[n, t].numpy(), expected, atol=2e-3)
    assert out.dtype == torch.float32
    assert out.is_contiguous()
    out.zero_()
    assert torch.equal(frames, kept)


def test_without_a_change_levels_stay():
    frames = clips()
    out = resize_clips(frames, (20, 30))
    assert torch.equal(out, frames.float())
    mirrored = resize_clips(frames, (20, 30), is_flipped_N=torch.ones(3).bool())
    assert torch.equal(mirrored, frames.float().flip(3))


@pytest.mark.parametrize('size', [(64, 64), (40, 90)], ids=str)
def test_crops_keep_their_ranges(size):
    torch.manual_seed(0)
    H, W = size
    left, top, width, height = resized_crops(torch.rand(3, 3000, 10), size, **RANGES).T
    assert (left >= 0).all()
    assert (top >= 0).all()
    assert (left + width <= W).all()
    assert (top + height <= H).all()
    # rounding to whole pixels moves the shape by less than 4 %, the area by 3
    area, aspect = (width * height) / (H * W), width / height
    is_square = (width == min(size)) & (height == min(size))
    assert ((area > 0.54) | is_square).all()
    assert (aspect > 0.75 * 0.96).all()
    assert (aspect < 4 / 3 * 1.04).all()
    if H == W:
        assert area.max() > 0.95
        assert area.min() < 0.6
        assert not is_square.all()


def test_places_are_uniform():
    # one size only: half the area of 64 x 32, twice as wide as high: 45 x 23
    torch.manual_seed(0)
    ranges = {'area_range': (0.5, 0.5), 'aspect_range': (2.0, 2.0)}
    crops = resized_crops(torch.rand(3, 4000, 2), (32, 64), **ranges)
    width, height = round(math.sqrt(1024 * 2)), round(math.sqrt(1024 / 2))
    assert crops[:, 2:].unique(dim=0).tolist() == [[width, height]]
    for places, room in ((crops[:, 0], 64 - width), (crops[:, 1], 32 - height)):
        counts = places.bincount(minlength=room + 1)
        expected = 4000 / (room + 1)
        assert len(counts) == room + 1
        # 5 standard deviations of a count of a Poisson process
        assert (counts - expected).abs().max() < 5 * math.sqrt(expected)


def test_the_first_attempt_that_fits_is_taken():
    # area 0.64 of 100 x 100; width : height 4, 1, 1/4 and places of the first columns
    shares = torch.zeros(3, 1, 3)
    shares[1, 0] = torch.tensor([1.0, 0.5, 0.0])
    shares[2, 0] = torch.tensor([0.5, 0.999, 0.0])
    ranges = {'area_range': (0.64, 0.64), 'aspect_range': (0.25, 4.0)}
    crops = resized_crops(shares, (100, 100), **ranges)
    assert crops.tolist() == [[10, 20, 80, 80]]


def test_where_nothing_fits_the_square_in_the_middle():
    ranges = {'area_range': (1.0, 1.0), 'aspect_range': (1.0, 1.0)}
    crops = resized_crops(torch.zeros(3, 2, 10), (20, 50), **ranges)
    assert crops.tolist() == [[15, 0, 20, 20]] * 2


@pytest.mark.parametrize(
    ('ranges', 'message'),
    [
        ({'area_range': (0, 1)}, r'area_range must be .* <= 1, got \(0, 1\)'),
        ({'area_range': (0.5, 1.1)}, r'area_range must be .* got \(0.5, 1.1\)'),
        ({'aspect_range': (2, 1)}, r'aspect_range must be .* got \(2, 1\)'),
        ({'aspect_range': (0, 1)}, r'aspect_range must be .* got \(0, 1\)'),
    ],
)
def test_ranges_are_checked(ranges, message):
    with pytest.raises(ValueError, match=message):
        resized_crops(torch.zeros(3, 1, 10), (8, 8), **{**RANGES, **ranges})


def test_shares_are_checked():
    with pytest.raises(ValueError, match=r'\(3, N, A >= 2\), got \(2, 1, 10\)'):
        resized_crops(torch.zeros(2, 1, 10), (8, 8), **RANGES)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (
            {'crop_N4': torch.tensor([[0, 0, 31, 20]] * 3)},
            r'within 30 x 20 pixels, got \[0, 0, 31, 20\]',
        ),
        ({'crop_N4': torch.tensor([[0, 0, 5, 0]] * 3)}, r'got \[0, 0, 5, 0\]'),
        ({'crop_N4': torch.tensor([[-1, 0, 5, 5]] * 3)}, r'got \[-1, 0, 5, 5\]'),
        ({'crop_N4': torch.tensor([[0, 0, 5, 5]])}, r'3 clips .* got \(1, 4\)'),
        ({'is_flipped_N': torch.tensor([True])}, r'3 clips .* and \(1,\)'),
    ],
)
def test_crops_are_checked(settings, message):
    with pytest.raises(ValueError, match=message):
        resize_clips(clips(), (10, 10), **settings)


def test_clips_are_checked():
    with pytest.raises(ValueError, match=r'\(N, T, H, W, 3\), got \(2, 8, 8, 3\)'):
        resize_clips(torch.zeros(2, 8, 8, 3), (4, 4))
