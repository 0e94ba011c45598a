import pytest
import torch
from torchvision.transforms.v2 import functional as transforms

from ocec.functional.crop import crop_padded

# the names that torchvision has for the fills
MODES = {'edge': 'edge', 'zero': 'constant', 'reflect': 'reflect'}


def images(num_images, dtype=torch.uint8, size=(6, 9)):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(1, 256, (num_images, 3, *size), generator=generator).to(dtype)


def every_offset(padding):
    rows, columns = (torch.arange(2 * pad + 1) for pad in padding)
    return torch.cartesian_prod(rows, columns).T


def reference(x, offset_2B, padding, fill):
    # torchvision: left, top, right, bottom
    sides = [padding[1], padding[0], padding[1], padding[0]]
    # int32: torchvision cannot repeat the edge of uint8 images on every version
    padded = transforms.pad(x.int(), sides, padding_mode=MODES[fill]).to(x.dtype)
    crops = [
        transforms.crop(image, top, left, *x.shape[2:])
        for image, (top, left) in zip(padded, offset_2B.T.tolist(), strict=True)
    ]
    return torch.stack(crops)


@pytest.mark.parametrize('fill', MODES)
@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
@pytest.mark.parametrize(
    'layout', [torch.contiguous_format, torch.channels_last], ids=str
)
@pytest.mark.parametrize('padding', [(2, 3), (5, 8), (0, 2), (1, 0), (0, 0)], ids=str)
def test_equals_torchvision_at_every_offset(fill, dtype, layout, padding):
    offset_2B = every_offset(padding)
    x = images(offset_2B.shape[1], dtype).contiguous(memory_format=layout)
    kept = x.clone()
    cropped = crop_padded(x, offset_2B, padding=padding, fill=fill)
    assert cropped.equal(reference(x, offset_2B, padding, fill))
    assert cropped.dtype == dtype
    assert cropped.is_contiguous(memory_format=layout)
    cropped.zero_()
    assert x.equal(kept)


def test_a_larger_offset_shows_more_of_the_right_and_the_bottom():
    x = images(1)
    cropped = crop_padded(x, torch.tensor([[3], [4]]), padding=(2, 2))
    assert cropped[:, :, :-1, :-2].equal(x[:, :, 1:, 2:])


@pytest.mark.parametrize('fill', ['edge', 'zero'])
def test_padding_may_exceed_the_image(fill):
    x, offset_2B = images(2, size=(3, 4)), torch.tensor([[0, 14], [0, 18]])
    cropped = crop_padded(x, offset_2B, padding=(7, 9), fill=fill)
    assert cropped.equal(reference(x, offset_2B, (7, 9), fill))
    # nothing but the corner pixel, or nothing at all
    corner = x[0, :, 0, 0] if fill == 'edge' else torch.zeros(3)
    assert (cropped[0] == corner[:, None, None]).all()


def test_takes_views_with_gaps():
    x, offset_2B = torch.rand(2, 3, 8, 8)[:, :, ::2, 1::2], torch.tensor([[0, 2]] * 2)
    cropped = crop_padded(x, offset_2B, padding=(1, 1))
    assert cropped.equal(crop_padded(x.contiguous(), offset_2B, padding=(1, 1)))


@pytest.mark.parametrize(
    ('offsets', 'kwargs', 'message'),
    [
        ([[1, 1]] * 2, {'fill': 'wrap'}, r"one of \('edge', .*\), got 'wrap'"),
        ([[1, 1]] * 2, {'padding': (-1, 2)}, r'two counts >= 0, .* got \(-1, 2\)'),
        ([[1, 1]] * 2, {'padding': (2,)}, r'padding must be two counts .* got \(2,\)'),
        (
            [[1, 1]] * 2,
            {'padding': (6, 2), 'fill': 'reflect'},
            r'smaller than the image .* got \(6, 2\) for 6 x 9 pixels',
        ),
        ([[1, 1]], {}, r'offset_2B must have shape \(2, 2\), .* got \(1, 2\)'),
        ([[1, 1], [0, 7]], {}, r'offset_2B must be in \[0, 6\], .* got 0 to 7'),
        ([[-1, 1], [0, 0]], {}, r'offset_2B must be in \[0, 4\], .* got -1 to 1'),
    ],
)
def test_arguments_are_checked(offsets, kwargs, message):
    with pytest.raises(ValueError, match=message):
        crop_padded(images(2), torch.tensor(offsets), **{'padding': (2, 3)} | kwargs)


def test_images_are_checked():
    with pytest.raises(ValueError, match=r'\(B, 3, H, W\), got \(2, 1, 4, 4\)'):
        crop_padded(torch.zeros(2, 1, 4, 4), torch.ones(2, 2).long(), padding=(1, 1))
    with pytest.raises(TypeError, match='uint8 or float32, got torch.int64'):
        crop_padded(images(2).long(), torch.ones(2, 2).long(), padding=(1, 1))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
@pytest.mark.parametrize('fill', MODES)
def test_the_same_on_the_gpu(fill):
    offset_2B = every_offset((2, 3))
    x = images(offset_2B.shape[1]).contiguous(memory_format=torch.channels_last)
    on_gpu = crop_padded(x.cuda(), offset_2B, padding=(2, 3), fill=fill).cpu()
    assert on_gpu.equal(crop_padded(x, offset_2B, padding=(2, 3), fill=fill))
