"""Expected values: the block with Conv3d, ``tests/golden/epam_conv3d.py``."""

import pytest
import torch
from torch import nn

from ocec.models.layers import XShiftBlock

NAMES = {'conv': '0', 'bn': '1'}
PARTS = {
    'conv1': 'expand',
    'conv2': 'depthwise',
    'conv3': 'project',
    'downsample': 'shortcut',
}
GATE = {'fc1': 'gate.0', 'fc2': 'gate.2'}


def copy_weights(theirs, ours):
    """Into the 2D block; names of this file's own table."""
    state = {}
    for name, x in theirs.state_dict().items():
        part, inner, last = name.rsplit('.', 2)
        if part == 'se_module':
            renamed = f'squeeze_excite.{GATE[inner]}.{last}'
        else:
            renamed = f'{PARTS[part]}.{NAMES[inner]}.{last}'
        state[renamed] = x.squeeze(2) if x.ndim == 5 else x
    ours.load_state_dict(state)


@pytest.mark.parametrize(
    ('c_in', 'c_out', 'stride'), [(8, 8, 1), (8, 8, 2), (8, 16, 2), (9, 12, 1)]
)
@pytest.mark.parametrize('with_se', [True, False])
@pytest.mark.parametrize('training', [True, False])
def test_equals_the_conv3d_block(epam_conv3d, c_in, c_out, stride, with_se, training):
    torch.manual_seed(0)
    theirs = epam_conv3d.Block(c_in, c_out, stride, 4, with_se).double()
    epam_conv3d.randomize(theirs)
    ours = XShiftBlock(c_in, c_out, stride=stride, shift_div=4, with_se=with_se)
    copy_weights(theirs, ours.double())
    theirs.train(training), ours.train(training)
    x = torch.randn(2, 3, c_in, 6, 5, dtype=torch.float64, requires_grad=True)
    expected, found = theirs(x.transpose(1, 2)).transpose(1, 2), ours(x)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    weight = torch.randn_like(found)
    [grad] = torch.autograd.grad((found * weight).sum(), x)
    [grad_expected] = torch.autograd.grad((expected * weight).sum(), x)
    torch.testing.assert_close(grad, grad_expected, rtol=0, atol=1e-10)


def test_the_identity_is_used_where_nothing_changes():
    assert isinstance(XShiftBlock(8, 8).shortcut, nn.Identity)
    assert isinstance(XShiftBlock(8, 16).shortcut, nn.Sequential)
    assert isinstance(XShiftBlock(8, 8, stride=2).shortcut, nn.Sequential)


@pytest.mark.parametrize(('shift_div', 'moved'), [(8, 2), (4, 4), (2, 8)])
def test_share_of_channels_that_see_other_frames(shift_div, moved):
    torch.manual_seed(0)
    block = XShiftBlock(8, 8, shift_div=shift_div, with_se=False).eval()
    x = torch.randn(1, 3, 8, 4, 4)
    seen = []
    block.expand.register_forward_hook(lambda _, args, __: seen.append(args[0]))
    block(x)
    is_moved = (seen[0] != x[0]).flatten(2).any(2).any(0)
    assert is_moved.sum() == moved
