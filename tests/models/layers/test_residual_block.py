import pytest
import torch
from torch import nn

from ocec.models.layers import BasicBlock, Bottleneck


def count(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ('in_channels', 'channels', 'stride'),
    [(8, 8, 1), (8, 16, 2), (8, 16, 1), (8, 8, 2)],
)
@pytest.mark.parametrize('block', [BasicBlock, Bottleneck])
def test_parameters_and_shape(block, in_channels, channels, stride):
    module = block(in_channels, channels, stride=stride)
    out_channels = channels * block.expansion
    if block is BasicBlock:
        convs = [(in_channels, channels, 9), (channels, channels, 9)]
    else:
        convs = [(in_channels, channels, 1), (channels, channels, 9)]
        convs.append((channels, out_channels, 1))
    if stride > 1 or in_channels != out_channels:
        convs.append((in_channels, out_channels, 1))
    # weights without biases, and two numbers per channel of each norm
    assert count(module) == sum(i * o * k + 2 * o for i, o, k in convs)
    half = 7 if stride == 1 else 4
    assert module(torch.zeros(2, in_channels, 7, 7)).shape == (
        2,
        out_channels,
        half,
        half,
    )


@pytest.mark.parametrize('block', [BasicBlock, Bottleneck])
def test_the_identity_is_added(block):
    torch.manual_seed(0)
    module = block(4 * block.expansion, 4).eval()
    assert isinstance(module.shortcut, nn.Identity)
    last_norm = module.branch[-1]
    nn.init.zeros_(last_norm.weight)
    x = torch.randn(2, 4 * block.expansion, 5, 5)
    assert torch.equal(module(x), x.clamp(min=0))


def test_basic_block_is_that_of_torchvision():
    from torchvision.models.resnet import BasicBlock as Reference

    torch.manual_seed(0)
    shortcut = nn.Sequential(nn.Conv2d(4, 8, 1, 2, bias=False), nn.BatchNorm2d(8))
    reference = Reference(4, 8, 2, shortcut)
    block = BasicBlock(4, 8, stride=2)
    for name, ours in (('conv1', 0), ('bn1', 1), ('conv2', 3), ('bn2', 4)):
        block.branch[ours].load_state_dict(getattr(reference, name).state_dict())
    block.shortcut.load_state_dict(shortcut.state_dict())
    x = torch.randn(4, 4, 9, 9)
    torch.testing.assert_close(block(x), reference(x))


def test_bottleneck_is_that_of_torchvision():
    from torchvision.models.resnet import Bottleneck as Reference

    torch.manual_seed(0)
    shortcut = nn.Sequential(nn.Conv2d(4, 8, 1, 2, bias=False), nn.BatchNorm2d(8))
    reference = Reference(4, 2, 2, shortcut)
    block = Bottleneck(4, 2, stride=2)
    names = {'conv1': 0, 'bn1': 1, 'conv2': 3, 'bn2': 4, 'conv3': 6, 'bn3': 7}
    for name, ours in names.items():
        block.branch[ours].load_state_dict(getattr(reference, name).state_dict())
    block.shortcut.load_state_dict(shortcut.state_dict())
    x = torch.randn(4, 4, 9, 9)
    torch.testing.assert_close(block(x), reference(x))
