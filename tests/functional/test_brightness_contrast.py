import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as transforms

from ocec.functional.brightness_contrast import shift_brightness_contrast

LAYOUTS = [torch.contiguous_format, torch.channels_last]


def images(dtype=torch.float32):
    return torch.randint(0, 256, (6, 3, 7, 9)).to(dtype)


def settings():
    return torch.linspace(-0.3, 0.3, 6), torch.linspace(0.4, 1.8, 6).flip(0)


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
@pytest.mark.parametrize('layout', LAYOUTS, ids=str)
def test_equals_a_loop_over_the_images(dtype, layout):
    x = images(dtype).contiguous(memory_format=layout)
    kept = x.clone()
    brightness, contrast = settings()
    out = shift_brightness_contrast(x, brightness, contrast)
    for i in range(6):
        rgb = x[i].numpy().astype(np.float64)
        gray = 0.2989 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]
        expected = contrast[i].item() * (rgb - gray.mean()) + gray.mean()
        expected = np.clip(expected + 255 * brightness[i].item(), 0, 255)
        np.testing.assert_allclose(out[i].numpy(), expected, rtol=0, atol=1e-3)
    assert out.is_contiguous(memory_format=torch.channels_last)
    out.zero_()
    assert x.equal(kept)


def test_contrast_alone_equals_torchvision():
    x, (_, contrast) = images(), settings()
    expected = torch.stack(
        [
            transforms.adjust_contrast(image / 255, factor.item()) * 255
            for image, factor in zip(x, contrast, strict=True)
        ]
    )
    out = shift_brightness_contrast(x, torch.zeros(6), contrast)
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-3)


def test_neutral_settings_change_no_bit():
    x = torch.rand(6, 3, 7, 9) * 255
    out = shift_brightness_contrast(x, torch.zeros(6), torch.ones(6))
    torch.testing.assert_close(out, x, rtol=0, atol=0)


def test_clips_once_at_the_end():
    # mean 127.5; stretched by 2: -127.5 and 382.5; minus 127.5: 0 and 255
    x = torch.tensor([0.0, 255.0]).expand(1, 3, 1, 2)
    out = shift_brightness_contrast(x, torch.tensor([-0.5]), torch.tensor([2.0]))
    expected = torch.tensor([[0.0, 255.0]])
    torch.testing.assert_close(out[0, 0], expected, rtol=0, atol=0.02)


def test_autocast_does_not_cost_precision():
    x, (brightness, contrast) = images(), settings()
    expected = shift_brightness_contrast(x, brightness, contrast)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        out = shift_brightness_contrast(x, brightness, contrast)
    torch.testing.assert_close(out, expected, rtol=0, atol=0)


@pytest.mark.parametrize(
    ('brightness', 'contrast', 'message'),
    [
        ([1.5], [1.0], r'brightness_B must be in \[-1, 1\], got 1.5'),
        ([0.0], [-0.5], r'contrast_B must be in \[0, inf\], got -0.5'),
        ([0.0], [1.0, 1.0], r'contrast_B must have shape \(1,\)'),
    ],
)
def test_settings_are_checked(brightness, contrast, message):
    x = torch.zeros(1, 3, 4, 4)
    with pytest.raises(ValueError, match=message):
        shift_brightness_contrast(x, torch.tensor(brightness), torch.tensor(contrast))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
def test_same_on_the_gpu():
    x = images()
    on_gpu = shift_brightness_contrast(x.cuda(), *settings()).cpu()
    expected = shift_brightness_contrast(x, *settings())
    torch.testing.assert_close(on_gpu, expected, rtol=0, atol=2e-3)
