import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from ocec.functional.elastic import bend

SIZE = (10, 14)
MODES = {'edge': 'nearest', 'zero': 'constant', 'reflect': 'mirror'}


def images(num_images=3):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(num_images, 3, *SIZE, generator=generator) * 255


def test_no_offset_changes_nothing():
    x = images()
    torch.testing.assert_close(bend(x, torch.zeros(3, 2, 4, 4)), x, rtol=0, atol=1e-3)


@pytest.mark.parametrize('fill', ['edge', 'reflect'])
def test_pixels_are_read_where_the_offsets_say(fill):
    # bicubic interpolation keeps a field that is equal everywhere
    x = images()
    offset = torch.tensor([[1.5, -2.0], [0.0, 0.25], [-3.0, 1.0]])
    out = bend(x, offset[:, :, None, None].expand(-1, -1, 4, 4), fill=fill)
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]].astype(float)
    for image, bent, (right, down) in zip(x, out, offset.tolist(), strict=True):
        for channel, got in zip(image.numpy(), bent.numpy(), strict=True):
            place = [rows + down, columns + right]
            expected = map_coordinates(channel, place, order=1, mode=MODES[fill])
            np.testing.assert_allclose(got, expected, atol=0.01)


def test_control_points_at_the_corners_act_there():
    x = images(1)
    offset = torch.zeros(1, 2, 4, 4)
    offset[0, 0, 0, 0] = 1.0  # the corner reads one pixel to the right
    out = bend(x, offset)
    torch.testing.assert_close(out[..., 0, 0], x[..., 0, 1], rtol=0, atol=0.01)
    torch.testing.assert_close(out[..., -1, -1], x[..., -1, -1], rtol=0, atol=0.01)


def test_black_comes_in_with_zero():
    out = bend(
        torch.full((1, 3, *SIZE), 9.0), torch.full((1, 2, 2, 2), 2.0), fill='zero'
    )
    assert (out[..., -2:, :] == 0).all()
    assert (out[..., :-2, :-2] - 9).abs().max() < 0.01


def test_arguments_are_checked():
    x = images()
    with pytest.raises(ValueError, match=r'shape \(3, 2, K, K\), got \(2, 2, 4, 4\)'):
        bend(x, torch.zeros(2, 2, 4, 4))
    with pytest.raises(ValueError, match='2 x 2 pixels or more, got 1 x 14'):
        bend(x[:, :, :1], torch.zeros(3, 2, 4, 4))
    with pytest.raises(ValueError, match="fill must be one of .* got 'wrap'"):
        bend(x, torch.zeros(3, 2, 4, 4), fill='wrap')
    with pytest.raises(ValueError, match=r'\(B, 3, H, W\)'):
        bend(x[:, :1], torch.zeros(3, 2, 4, 4))
