import pytest
import torch
from torchvision.transforms.v2 import functional as transforms

from ocec.functional.flip import flip_horizontally


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
@pytest.mark.parametrize(
    'layout', [torch.contiguous_format, torch.channels_last], ids=str
)
@pytest.mark.parametrize('mask', [[0, 1, 1, 0, 1], [0] * 5, [1] * 5], ids=str)
def test_equals_torchvision_on_the_chosen_images(dtype, layout, mask):
    x = torch.randint(0, 256, (5, 3, 4, 7)).to(dtype).contiguous(memory_format=layout)
    kept = x.clone()
    flipped = flip_horizontally(x, torch.tensor(mask).bool())
    expected = [
        transforms.horizontal_flip(image) if chosen else image
        for image, chosen in zip(x, mask, strict=True)
    ]
    assert flipped.equal(torch.stack(expected))
    assert flipped.dtype == dtype
    assert flipped.is_contiguous(memory_format=layout)
    flipped.zero_()
    assert x.equal(kept)


def test_takes_views_with_gaps():
    x = torch.rand(2, 3, 8, 8)[:, :, ::2, 1::2]
    assert flip_horizontally(x, torch.tensor([True, True])).equal(x.flip(3))


def test_mask_is_checked():
    message = r'is_flipped_B must have shape \(2,\), one per image, got \(3,\)'
    with pytest.raises(ValueError, match=message):
        flip_horizontally(torch.zeros(2, 3, 4, 4), torch.ones(3).bool())
