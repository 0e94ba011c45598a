import pytest
import torch
from mmcv.cnn.bricks import DropPath
from torch import nn

from ocec.models.layers import checkpoint_block
from ocec.models.layers.block_checkpoint import keep_running_statistics


def make_block():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5), DropPath(0.3)
    )


def run(block, x, *, is_checkpointed):
    """Return (output, gradients) of two steps, with the same random draws."""
    torch.manual_seed(1)
    for _ in range(2):
        block.zero_grad()
        out = checkpoint_block(block, x) if is_checkpointed else block(x)
        out.square().sum().backward()
    return out, [p.grad for p in block.parameters()]


def test_output_gradients_and_statistics_stay():
    x = torch.randn(8, 3, 6, 6, generator=torch.Generator().manual_seed(2))
    plain, checkpointed = make_block(), make_block()
    out, grads = run(plain, x, is_checkpointed=False)
    out_cp, grads_cp = run(checkpointed, x, is_checkpointed=True)
    assert torch.equal(out_cp, out)
    torch.testing.assert_close(grads_cp, grads)
    for name, buffer in plain.named_buffers():
        assert torch.equal(checkpointed.get_buffer(name), buffer), name
    assert checkpointed[1].num_batches_tracked == 2


def test_the_inside_is_computed_twice():
    calls = []
    block = make_block()
    block[0].register_forward_hook(lambda *_: calls.append('conv'))
    out = checkpoint_block(block, torch.randn(2, 3, 6, 6))
    assert calls == ['conv']
    out.sum().backward()
    assert calls == ['conv', 'conv']


def test_frozen_norms_stay_frozen():
    # a batch norm in evaluation mode inside a block that trains
    x = torch.randn(8, 3, 6, 6)
    plain, checkpointed = make_block(), make_block()
    plain[1].eval()
    checkpointed[1].eval()
    _, grads = run(plain, x, is_checkpointed=False)
    _, grads_cp = run(checkpointed, x, is_checkpointed=True)
    torch.testing.assert_close(grads_cp, grads)
    assert checkpointed[1].num_batches_tracked == 0


def test_statistics_are_kept_inside_only():
    norm = nn.BatchNorm2d(2)
    x = torch.randn(4, 2, 3, 3) + 5
    with keep_running_statistics(norm):
        inside = norm(x)
    assert norm.num_batches_tracked == 0
    assert (norm.running_mean == 0).all()
    assert torch.equal(norm(x), inside)  # that of the batch, both times
    assert norm.num_batches_tracked == 1
    # momentum 0.1
    torch.testing.assert_close(norm.running_mean, 0.1 * x.mean((0, 2, 3)))


def test_statistics_are_on_again_after_an_error():
    # checkpoint leaves the second run by an exception, once it has what it needs
    norm = nn.BatchNorm2d(2)
    before = dict(norm.named_buffers())
    with pytest.raises(KeyError), keep_running_statistics(norm):
        raise KeyError
    after = dict(norm.named_buffers())
    assert all(after[name] is buffer for name, buffer in before.items())


def test_a_norm_without_statistics_works():
    norm = nn.BatchNorm2d(2, track_running_stats=False)
    x = torch.randn(4, 2, 3, 3)
    with keep_running_statistics(norm):
        inside = norm(x)
    assert torch.equal(inside, norm(x))
    assert norm.running_mean is None
