import math

import pytest
import torch

from ocec.functional.reflection import add_light_spots

CENTER = torch.tensor([[[0.5, 0.5], [0.3, 0.7]], [[0.25, 0.25], [0.75, 0.5]]])
SIGMA = torch.tensor([[0.1, 0.25], [0.2, 0.15]])
PEAK = torch.tensor([[30.0, 64.0], [50.0, 0.0]])


def images(size=(8, 12), dtype=torch.float32):
    return torch.randint(0, 256, (2, 3, *size)).to(dtype)


def spot(row, column, size, image, number):
    """Light of one spot at one pixel, by the formula."""
    height, width = size
    top, left = CENTER[image, number].tolist()
    sigma_px = SIGMA[image, number].item() * height
    squared = (row + 0.5 - top * height) ** 2 + (column + 0.5 - left * width) ** 2
    return PEAK[image, number].item() * math.exp(-squared / (2 * sigma_px**2))


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
@pytest.mark.parametrize(
    'layout', [torch.contiguous_format, torch.channels_last], ids=str
)
@pytest.mark.parametrize('size', [(8, 12), (7, 5)], ids=str)
def test_equals_a_loop_over_pixels_and_spots(dtype, layout, size):
    x = images(size, dtype).contiguous(memory_format=layout)
    kept = x.clone()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        out = add_light_spots(x, CENTER, SIGMA, PEAK)
    light = [
        [
            [spot(r, c, size, i, 0) + spot(r, c, size, i, 1) for c in range(size[1])]
            for r in range(size[0])
        ]
        for i in range(2)
    ]
    expected = (x + torch.tensor(light)[:, None]).clamp(0, 255)
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-3)
    assert out.is_contiguous(memory_format=torch.channels_last)
    out.zero_()
    assert x.equal(kept)


def test_spots_grow_with_the_picture():
    small = add_light_spots(torch.zeros(2, 3, 9, 9), CENTER, SIGMA, PEAK)
    large = add_light_spots(torch.zeros(2, 3, 27, 27), CENTER, SIGMA, PEAK)
    # the middle of a pixel is the middle of the middle one of 3 x 3
    torch.testing.assert_close(large[..., 1::3, 1::3], small, rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'center_BS2': CENTER[..., :1]}, r'got center_BS2 of \(2, 2, 1\)'),
        ({'center_BS2': CENTER[0]}, r'got center_BS2 of \(2, 2\)'),
        ({'sigma_BS': SIGMA[:1]}, r'\(2, S\), got sigma_BS of \(1, 2\)'),
        ({'peak_BS': PEAK[0]}, r'shapes \(2, S, 2\), .* got peak_BS of \(2,\)'),
        ({'sigma_BS': 0 * SIGMA}, 'sigma_BS must be > 0, got 0'),
        ({'peak_BS': -PEAK}, 'peak_BS must be >= 0, got -64'),
        ({'peak_BS': PEAK.to('meta')}, 'peak_BS must be on the CPU, got meta'),
    ],
)
def test_settings_are_checked(changes, message):
    settings = {'center_BS2': CENTER, 'sigma_BS': SIGMA, 'peak_BS': PEAK, **changes}
    with pytest.raises(ValueError, match=message):
        add_light_spots(images(), **settings)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
def test_same_on_the_gpu():
    x = images()
    on_gpu = add_light_spots(x.cuda(), CENTER, SIGMA, PEAK).cpu()
    expected = add_light_spots(x, CENTER, SIGMA, PEAK)
    torch.testing.assert_close(on_gpu, expected, rtol=0, atol=2e-3)
