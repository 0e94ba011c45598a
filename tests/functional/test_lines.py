import cv2
import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_edt, label

from ocec.functional.lines import draw_lines, line_pixels

SIZE = (20, 30)


def random_ends(num_images, num_lines=1):
    generator = torch.Generator().manual_seed(0)
    shape = (2, num_images, num_lines, 2)
    return torch.rand(shape, generator=generator) * (torch.tensor(SIZE) - 1)


def mask_of(pixels):
    mask = np.zeros(SIZE, bool)
    mask.flat[pixels.numpy()] = True
    return mask


@pytest.mark.parametrize('is_wide', [False, True])
def test_lines_follow_those_of_opencv(is_wide):
    ends = random_ends(300)
    pixels = line_pixels(ends, torch.full((300, 1), is_wide), SIZE)
    for (start,), (stop,), (of_line,) in zip(*ends, pixels, strict=True):
        mask = mask_of(of_line)
        thin = np.ones(SIZE, np.uint8)
        a, b = (tuple(end.round().int().tolist()[::-1]) for end in (start, stop))
        cv2.line(thin, a, b, 0)
        assert label(mask, np.ones((3, 3)))[1] == 1
        # ends are rounded there and not here, and the second row lies one pixel aside
        far = distance_transform_edt(thin)[mask].max()
        assert far <= 2 + is_wide
        missed = distance_transform_edt(~mask)[thin == 0].max()
        assert missed <= 1.5


def test_a_wide_line_has_two_pixels_across():
    ends = torch.tensor([[[4.0, 3.0]], [[4.0, 12.0]]])[:, :, None]
    thin, wide = (
        mask_of(line_pixels(ends, torch.tensor([[is_wide]]), SIZE))
        for is_wide in (False, True)
    )
    assert np.argwhere(thin).tolist() == [[4, column] for column in range(3, 13)]
    assert wide.sum() == 20
    assert wide[5, 3:13].all()
    steep = torch.tensor([[[2.0, 29.0]], [[9.0, 29.0]]])[:, :, None]
    # at the border there is no room beside it
    assert mask_of(line_pixels(steep, torch.tensor([[True]]), SIZE)).sum() == 8


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
def test_only_the_lines_to_draw_are_drawn(dtype):
    x = torch.full((3, 3, *SIZE), 200, dtype=dtype)
    kept = x.clone()
    ends = random_ends(3, 2)
    is_drawn = torch.tensor([[True, False], [False, False], [True, True]])
    is_wide = torch.zeros(3, 2, dtype=torch.bool)
    out = draw_lines(x, ends, is_wide, is_drawn, level=10)
    assert out.dtype == dtype
    assert torch.equal(x, kept)
    for image, pixels, drawn in zip(
        out, line_pixels(ends, is_wide, SIZE), is_drawn, strict=True
    ):
        expected = mask_of(pixels[drawn].flatten())
        for channel in image:
            np.testing.assert_array_equal(channel == 10, expected)


def test_arguments_are_checked():
    x, flags = torch.zeros(2, 3, *SIZE), torch.zeros(2, 1, dtype=torch.bool)
    with pytest.raises(ValueError, match=r'level must be in \[0, 255\], got 256'):
        draw_lines(x, random_ends(2), flags, flags, level=256)
    with pytest.raises(ValueError, match='lines of 2 images, got those of 3'):
        draw_lines(x, random_ends(3), flags, flags)
    with pytest.raises(ValueError, match=r'\(B, 3, H, W\), got \(2, 1, 20, 30\)'):
        draw_lines(x[:, :1], random_ends(2), flags, flags)
