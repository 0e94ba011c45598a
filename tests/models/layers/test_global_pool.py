import pytest
import torch

from ocec.models.layers.global_pool import global_max, global_mean

MAPS = pytest.mark.parametrize(
    'memory_format', [torch.channels_last, torch.contiguous_format]
)


@MAPS
def test_values_are_those_over_rows_and_columns(memory_format):
    x = torch.randn(3, 5, 4, 6).contiguous(memory_format=memory_format)
    torch.testing.assert_close(global_mean(x), x.mean(dim=(2, 3)))
    assert torch.equal(global_max(x), x.amax(dim=(2, 3)))


@pytest.mark.parametrize('pool', [global_mean, global_max])
def test_the_gradient_stays_channels_last(pool):
    x = torch.randn(3, 5, 4, 6).contiguous(memory_format=torch.channels_last)
    leaf = x.requires_grad_()
    # an operation in between, as a leaf's gradient is laid out like the leaf
    seen = []
    hidden = leaf * 2
    hidden.register_hook(lambda grad: seen.append(grad))
    pool(hidden).sum().backward()
    (grad,) = seen
    assert grad.is_contiguous(memory_format=torch.channels_last)
    expected = torch.full_like(x, 1 / 24)
    if pool is global_max:
        expected = (hidden == hidden.amax(dim=(2, 3), keepdim=True)).float()
    torch.testing.assert_close(grad, expected)
