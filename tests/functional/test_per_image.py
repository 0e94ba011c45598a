import math

import pytest
import torch

from ocec.functional.per_image import change_chosen, check_per_image

LAYOUTS = [torch.contiguous_format, torch.channels_last]


def invert(images, level_S):
    return level_S.view(-1, 1, 1, 1) - images.float()


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
@pytest.mark.parametrize('layout', LAYOUTS, ids=str)
@pytest.mark.parametrize('mask', [[0, 1, 1, 0, 1], [0] * 5, [1] * 5], ids=str)
def test_equals_a_loop_over_the_images(dtype, layout, mask):
    x = torch.randint(0, 100, (5, 3, 4, 7)).to(dtype).contiguous(memory_format=layout)
    kept, level = x.clone(), torch.arange(100.0, 105.0)
    out = change_chosen(x, torch.tensor(mask).bool(), invert, level)
    for i in range(5):
        expected = level[i] - x[i].float() if mask[i] else x[i].float()
        assert out[i].equal(expected)
    assert out.dtype == torch.float32
    assert out.is_contiguous(memory_format=torch.channels_last)
    out.zero_()
    assert x.equal(kept)


def test_takes_views_with_gaps():
    x = torch.rand(2, 3, 8, 8)[:, :, ::2, 1::2]
    out = change_chosen(x, torch.tensor([True, True]), invert, torch.ones(2))
    assert out.equal(1 - x)


def test_nothing_is_called_when_none_is_chosen():
    def fail(images):
        raise AssertionError('called')

    x = torch.rand(2, 3, 4, 4)
    assert change_chosen(x, torch.zeros(2).bool(), fail).equal(x)


def test_mask_is_checked():
    message = r'is_chosen_B must have shape \(2,\), one per image, got \(3,\)'
    with pytest.raises(ValueError, match=message):
        change_chosen(torch.zeros(2, 3, 4, 4), torch.ones(3).bool(), torch.clone)


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        (torch.ones(2), r'std_B must have shape \(3,\), one per image, got \(2,\)'),
        (torch.ones(3, device='meta'), 'std_B must be on the CPU, got meta'),
        (torch.tensor([1.0, -2.0, 1.0]), r'std_B must be in \[0, 5\], got -2'),
        (torch.tensor([1.0, 1.0, 6.5]), r'std_B must be in \[0, 5\], got 6.5'),
        (torch.tensor([1.0, math.nan, 1.0]), r'std_B must be in \[0, 5\], got nan'),
    ],
)
def test_values_are_checked(values, message):
    with pytest.raises(ValueError, match=message):
        check_per_image(torch.zeros(3, 3, 4, 4), values, 'std_B', bounds=(0, 5))


def test_both_ends_are_allowed():
    values = torch.tensor([0, 5])
    check_per_image(torch.zeros(2, 3, 4, 4), values, 'std_B', bounds=(0, 5))


def test_images_are_checked():
    with pytest.raises(ValueError, match=r'\(B, 3, H, W\), got \(2, 1, 4, 4\)'):
        check_per_image(torch.zeros(2, 1, 4, 4), torch.ones(2), 'std_B', bounds=(0, 5))
    with pytest.raises(TypeError, match='must be uint8 or float32, got torch.float64'):
        check_per_image(
            torch.zeros(2, 3, 4, 4).double(), torch.ones(2), 'std_B', bounds=(0, 5)
        )
