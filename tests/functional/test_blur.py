import math

import cv2
import numpy as np
import pytest
import torch

from ocec.functional.blur import gaussian_blur, line_kernels, motion_blur

SIZES = [(24, 40), (32, 64), (31, 45), (8, 9)]
SIGMA = torch.tensor([0.3, 0.5, 1.2, 2.0, 3.0])
LENGTH = torch.tensor([1, 3, 4, 6, 7])
ANGLE = torch.tensor([0.4, 0.0, math.pi / 2, 1.1, 2.7])
LAYOUTS = [torch.contiguous_format, torch.channels_last]


def images(size=(24, 40), dtype=torch.float32):
    return torch.randint(0, 256, (5, 3, *size)).to(dtype)


def each_image(x, blur_one):
    """(5, 3, H, W) from a function of an (H, W, 3) array and the image's number."""
    blurred = [
        blur_one(np.ascontiguousarray(image.permute(1, 2, 0).float()), i)
        for i, image in enumerate(x)
    ]
    return torch.from_numpy(np.stack(blurred)).permute(0, 3, 1, 2)


@pytest.mark.parametrize('size', [*SIZES, (5, 4)], ids=str)
def test_gaussian_equals_opencv(size):
    x = images(size)
    # 3 * 3.0: 9 pixels either way, more than the smallest picture has
    expected = each_image(
        x, lambda image, i: cv2.GaussianBlur(image, (19, 19), SIGMA[i].item())
    )
    out = gaussian_blur(x, SIGMA)
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize('sigma', [0.4, 1.0])
def test_gaussian_kernel_reaches_three_sigmas(sigma):
    taps = 2 * math.ceil(3 * sigma) + 1
    x = images()
    expected = each_image(
        x, lambda image, i: cv2.GaussianBlur(image, (taps, taps), sigma)
    )
    out = gaussian_blur(x, torch.full((5,), sigma))
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize('size', SIZES, ids=str)
def test_motion_equals_opencv_with_the_same_kernel(size):
    x, kernels = images(size), line_kernels(LENGTH, ANGLE).numpy()
    expected = each_image(x, lambda image, i: cv2.filter2D(image, -1, kernels[i]))
    out = motion_blur(x, LENGTH, ANGLE)
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
@pytest.mark.parametrize('layout', LAYOUTS, ids=str)
@pytest.mark.parametrize(
    'blur',
    [lambda x: gaussian_blur(x, SIGMA), lambda x: motion_blur(x, LENGTH, ANGLE)],
    ids=['gaussian', 'motion'],
)
def test_layout_dtype_and_autocast_do_not_matter(blur, dtype, layout):
    x = images(dtype=dtype)
    expected = blur(x.float())
    x = x.contiguous(memory_format=layout)
    kept = x.clone()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        out = blur(x)
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-3)
    assert out.is_contiguous(memory_format=torch.channels_last)
    assert out.min() >= 0
    assert out.max() <= 255
    out.zero_()
    assert x.equal(kept)


def test_white_stays_within_the_levels():
    x = torch.full((5, 3, 16, 16), 255.0)
    for out in (gaussian_blur(x, SIGMA), motion_blur(x, LENGTH, ANGLE)):
        assert out.max() <= 255
        torch.testing.assert_close(out, x, rtol=0, atol=1e-3)


def test_lines_by_hand():
    third = torch.zeros(5, 5)
    third[2, 1:4] = 1 / 3
    upright = torch.zeros(5, 5)
    # samples at -1.5, -0.5, 0.5, 1.5 rows, each half on either neighbour
    upright[:, 2] = torch.tensor([0.5, 1.0, 1.0, 1.0, 0.5]) / 4
    dot = torch.zeros(5, 5)
    dot[2, 2] = 1
    kernels = line_kernels(
        torch.tensor([3, 4, 1]), torch.tensor([0.0, math.pi / 2, 0.7])
    )
    expected = torch.stack((third, upright, dot))
    torch.testing.assert_close(kernels, expected, rtol=0, atol=1e-6)


def test_lines_keep_the_mean_and_the_place_and_follow_the_angle():
    angle = torch.linspace(0.1, 3.0, 20)
    kernels = line_kernels(torch.full((20,), 7), angle)
    torch.testing.assert_close(kernels.sum((1, 2)), torch.ones(20))
    torch.testing.assert_close(kernels, kernels.flip(1, 2))
    rows, columns = torch.meshgrid(*[torch.arange(-3.0, 4)] * 2, indexing='ij')
    # the mixed second moment: bilinear weights leave it as it is
    moment = (kernels * rows * columns).sum((1, 2))
    expected = angle.sin() * angle.cos() * (9 + 4 + 1) * 2 / 7
    torch.testing.assert_close(moment, expected, rtol=0, atol=1e-5)


def test_settings_are_checked():
    x = torch.zeros(1, 3, 4, 6)
    one = torch.ones(1)
    with pytest.raises(ValueError, match=r'sigma_B must be in \[0.05, inf\], got 0'):
        gaussian_blur(x, 0 * one)
    with pytest.raises(ValueError, match=r'length_B must be in \[1, inf\], got 0'):
        motion_blur(x, 0 * one.long(), one)
    with pytest.raises(ValueError, match=r'angle_B must be in .*, got nan'):
        motion_blur(x, one.long(), math.nan * one)
    message = r'length_B must be < 2 \* min\(H, W\) to mirror 4 x 6 pixels, got 8'
    with pytest.raises(ValueError, match=message):
        motion_blur(x, 8 * one.long(), one)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
def test_same_on_the_gpu():
    x = images()
    on_gpu = gaussian_blur(x.cuda(), SIGMA).cpu()
    torch.testing.assert_close(on_gpu, gaussian_blur(x, SIGMA), rtol=0, atol=2e-3)
    on_gpu = motion_blur(x.cuda(), LENGTH, ANGLE).cpu()
    # cuDNN may run the convolution in TF32: 10 bits of mantissa
    expected = motion_blur(x, LENGTH, ANGLE)
    torch.testing.assert_close(on_gpu, expected, rtol=0, atol=0.25)
