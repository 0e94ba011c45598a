import math

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as transforms

from ocec.functional import affine as affine_module
from ocec.functional.affine import affine

BILINEAR = InterpolationMode.BILINEAR

# float32 coordinates are right to 1e-5 pixel, a step between neighbours is up to 255
TOLERANCE = 0.01
# the names that numpy.pad has for the fills
MODES = {'edge': 'edge', 'zero': 'constant', 'reflect': 'reflect'}
NEUTRAL = {'degrees': 0.0, 'shift_x': 0.0, 'shift_y': 0.0, 'scale': 1.0, 'shear': 0.0}
# degrees, x, y, scale, shear
SETTINGS = [
    (0, 0, 0, 1, 0),
    (5, 0, 0, 1, 0),
    (-20, 0, 0, 1, 0),
    (90, 0, 0, 1, 0),
    (0, 3, -2, 1, 0),
    (0, 2.25, 1.5, 1, 0),
    (0, 0, 0, 0.8, 0),
    (0, 0, 0, 1.3, 0),
    (0, 0, 0, 1, 12),
    (-7.5, 1.75, -0.5, 0.95, -8),
    (170, -4, 3, 1.1, 20),
]


def images(num_images, dtype=torch.uint8, size=(8, 16)):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (num_images, 3, *size), generator=generator).to(dtype)


def columns(settings):
    """One (B,) tensor for each argument."""
    return torch.tensor(settings, dtype=torch.float32).unbind(1)


def with_one(num_images=1, **changes):
    """Arguments of which only some are not neutral."""
    values = (NEUTRAL | changes).values()
    return [torch.full((num_images,), float(value)) for value in values]


def reference(x, settings, fill):
    """Torchvision, image by image, on an image that continues past its border."""
    expected = []
    for image, (degrees, right, down, scale, shear) in zip(x, settings, strict=True):
        # 20 pixels: further than these settings reach
        sides = ((0, 0), (20, 20), (20, 20))
        padded = torch.from_numpy(np.pad(image.float(), sides, mode=MODES[fill]))
        warped = transforms.affine(
            padded,
            angle=-degrees,
            translate=[right, down],
            scale=scale,
            shear=[shear, 0.0],
            interpolation=BILINEAR,
        )
        expected.append(transforms.center_crop(warped, list(x.shape[2:])))
    return torch.stack(expected)


@pytest.mark.parametrize('fill', MODES)
@pytest.mark.parametrize('size', [(8, 16), (9, 7)], ids=str)
def test_matches_torchvision_on_a_continued_image(fill, size):
    x = images(len(SETTINGS), size=size)
    warped = affine(x, *columns(SETTINGS), fill=fill)
    expected = reference(x, SETTINGS, fill)
    torch.testing.assert_close(warped, expected, rtol=0, atol=TOLERANCE)


def test_zero_matches_torchvision_without_any_margin():
    x = images(len(SETTINGS))
    expected = [
        transforms.affine(image, -d, [r, s], z, [h, 0.0], interpolation=BILINEAR)
        for image, (d, r, s, z, h) in zip(x.float(), SETTINGS, strict=True)
    ]
    warped = affine(x, *columns(SETTINGS), fill='zero')
    torch.testing.assert_close(
        warped, torch.stack(expected), rtol=0, atol=TOLERANCE, check_stride=False
    )


@pytest.mark.parametrize('degrees', [-20.0, 7.0, 20.0])
def test_positive_degrees_turn_as_torchvisions_rotate(degrees):
    x = images(1)
    expected = transforms.rotate(x.float(), degrees, interpolation=BILINEAR)
    warped = affine(x, *with_one(degrees=degrees), fill='zero')
    torch.testing.assert_close(warped, expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize('turns', [1, 2, 3])
def test_a_quarter_turn_is_exact_and_counter_clockwise(turns):
    x = images(1, size=(9, 9))
    warped = affine(x, *with_one(degrees=90 * turns))
    # rot90 turns the first axis given into the second: down to right is
    # counter-clockwise
    torch.testing.assert_close(
        warped, x.rot90(turns, (2, 3)).float(), rtol=0, atol=TOLERANCE
    )


def test_a_rotation_keeps_distances_in_a_wide_image():
    x = torch.zeros(1, 3, 33, 65)
    x[:, :, 16, 42] = 255.0  # 10 pixels to the right of the centre
    warped = affine(x, *with_one(degrees=90), fill='zero')
    row, column = divmod(int(warped[0, 0].argmax()), 65)
    assert (row, column) == (6, 32)  # 10 pixels above it


def test_whole_shifts_move_pixels_right_and_down():
    x = images(1)
    warped = affine(x, *with_one(shift_x=3, shift_y=2))
    torch.testing.assert_close(
        warped[:, :, 2:, 3:], x[:, :, :-2, :-3].float(), rtol=0, atol=TOLERANCE
    )


def test_scale_two_spreads_the_middle_of_the_image():
    x = torch.zeros(1, 3, 9, 9)
    x[:, :, 4, 6] = 100.0
    warped = affine(x, *with_one(scale=2))
    # 2 pixels from the centre become 4; half way to a neighbour it is half as bright
    expected = torch.tensor([0.0, 50.0, 100.0])
    torch.testing.assert_close(warped[0, 0, 4, 6:], expected, rtol=0, atol=TOLERANCE)


def test_shear_leans_the_top_to_the_right():
    x = torch.zeros(1, 3, 9, 9)
    x[:, :, :, 4] = 100.0
    warped = affine(x, *with_one(shear=45))
    # one pixel for each row above the middle
    expected = 100 * torch.eye(9).flip(1)
    torch.testing.assert_close(warped[0, 0], expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
def test_layout_dtype_and_company_do_not_change_the_values(dtype, monkeypatch):
    x = images(len(SETTINGS), dtype)
    interleaved = x.contiguous(memory_format=torch.channels_last)
    kept = x.clone()
    plain = affine(x, *columns(SETTINGS))
    # three images at a time, so that the last chunk is shorter
    monkeypatch.setattr(affine_module, 'CPU_CHUNK_PIXELS', 3 * 8 * 16)
    chunked = affine(interleaved, *columns(SETTINGS))
    torch.testing.assert_close(chunked, plain, rtol=0, atol=0)
    assert plain.dtype == torch.float32
    assert plain.is_contiguous(memory_format=torch.channels_last)
    plain.zero_()
    chunked.zero_()
    assert x.equal(kept)
    assert interleaved.equal(kept)


@pytest.mark.parametrize('fill', MODES)
def test_the_values_stay_between_those_of_the_image(fill):
    x = images(len(SETTINGS), size=(4, 5))
    warped = affine(x, *columns(SETTINGS), fill=fill)
    assert warped.min() >= -1e-3
    assert warped.max() <= 255 + 1e-3


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'degrees': 361}, r'degrees_B must be in \[-360, 360\], got 361'),
        ({'degrees': math.nan}, 'degrees_B must be in .* got nan'),
        ({'shift_x': 17}, r'shift_x_B must be in \[-16, 16\], got 17'),
        ({'shift_y': -9}, r'shift_y_B must be in \[-8, 8\], got -9'),
        ({'scale': 0.05}, r'scale_B must be in \[0.1, 10\], got 0.05'),
        ({'shear': 85}, r'shear_B must be in \[-80, 80\], got 85'),
    ],
)
def test_numbers_are_checked(changes, message):
    with pytest.raises(ValueError, match=message):
        affine(images(1), *with_one(**changes))


def test_shapes_and_fill_are_checked():
    with pytest.raises(ValueError, match=r'degrees_B must have shape \(3,\)'):
        affine(images(3), *with_one(2))
    with pytest.raises(ValueError, match=r'one of \(.*reflect.*\), got .wrap.'):
        affine(images(1), *with_one(), fill='wrap')
    with pytest.raises(ValueError, match='2 x 2 pixels or more, got 1 x 16'):
        affine(images(1, size=(1, 16)), *with_one())
    with pytest.raises(ValueError, match=r'\(B, 3, H, W\), got \(1, 1, 4, 4\)'):
        affine(torch.zeros(1, 1, 4, 4), *with_one())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
@pytest.mark.parametrize('fill', MODES)
def test_the_same_on_the_gpu(fill):
    x = images(len(SETTINGS))
    on_gpu = affine(x.cuda(), *columns(SETTINGS), fill=fill).cpu()
    expected = affine(x, *columns(SETTINGS), fill=fill)
    torch.testing.assert_close(on_gpu, expected, rtol=0, atol=TOLERANCE)
