import pytest
import torch

from ocec.functional.color_planes import (
    check_rgb_batch,
    host_to_device,
    merge_planes,
    rotate_hue_,
    split_planes,
)


def batch(dtype=torch.float32):
    return torch.randint(0, 256, (4, 3, 5, 6)).to(dtype)


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
@pytest.mark.parametrize(
    'layout', [torch.contiguous_format, torch.channels_last], ids=str
)
def test_split_and_merge_give_the_batch_back(dtype, layout):
    x = batch(dtype).contiguous(memory_format=layout)
    merged = merge_planes(split_planes(x), (5, 6))
    torch.testing.assert_close(merged, x.float(), rtol=0, atol=0)
    assert merged.is_contiguous(memory_format=torch.channels_last)


def test_split_takes_views_with_gaps():
    x = torch.randint(0, 256, (4, 3, 10, 12)).float()[:, :, ::2, 1::2]
    torch.testing.assert_close(split_planes(x), x.transpose(0, 1).flatten(2))


@pytest.mark.parametrize(
    'layout', [torch.contiguous_format, torch.channels_last], ids=str
)
def test_split_orders_the_images(layout):
    x = batch().contiguous(memory_format=layout)
    order = torch.tensor([2, 0, 3, 1])
    torch.testing.assert_close(split_planes(x, order), split_planes(x[order]))


def test_split_never_shares_memory():
    x = batch()[:1]  # one image: planes and batch have the same layout
    split_planes(x).zero_()
    assert x.any()


def test_merge_reads_each_channel_from_its_row():
    x = batch()
    channel = torch.tensor([2, 0, 1])[:, None]
    image = torch.tensor([3, 1, 0, 2])
    merged = merge_planes(split_planes(x), (5, 6), source_CB=channel * 4 + image)
    torch.testing.assert_close(merged, x[image][:, [2, 0, 1]], rtol=0, atol=0)


def test_one_sextant_turns_red_into_yellow_and_magenta():
    # hue of red is 0, of yellow 1/6, of magenta -1/6
    red = torch.tensor([200.0, 40.0, 40.0]).view(3, 1, 1).repeat(1, 2, 1)
    turned = rotate_hue_(red, torch.tensor([1 / 6, -1 / 6]))[..., 0]
    expected = torch.tensor([[200.0, 200.0], [200.0, 40.0], [40.0, 200.0]])
    torch.testing.assert_close(turned, expected)


def test_host_to_device_is_the_identity_on_the_cpu():
    values = torch.rand(3)
    assert host_to_device(values, torch.device('cpu')) is values


@pytest.mark.parametrize('shape', [(3, 4, 4), (2, 1, 4, 4), (2, 4, 4, 3)])
def test_check_names_the_bad_shape(shape):
    message = rf'must have shape \(B, 3, H, W\), got \({shape[0]}, {shape[1]}'
    with pytest.raises(ValueError, match=message):
        check_rgb_batch(torch.zeros(shape))


def test_check_names_the_bad_dtype():
    with pytest.raises(TypeError, match='uint8 or float32, got torch.float64'):
        check_rgb_batch(torch.zeros(1, 3, 2, 2, dtype=torch.float64))
