import math

import pytest
import torch
from torch import nn

from ocec.models.backbones.weight_init import init_ocec_weights


def make_module():
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(16, 64, 3),
        nn.Conv2d(64, 64, 3, groups=64, bias=False),
        nn.BatchNorm2d(64),
        nn.Linear(64, 128),
        nn.LayerNorm(128),
    )
    for parameter in module.parameters():
        nn.init.constant_(parameter, 9.0)
    init_ocec_weights(module)
    return module


@pytest.mark.parametrize('index', [0, 1])
def test_convolutions_are_kaiming_normal(index):
    conv = make_module()[index]
    # gain sqrt(2) over sqrt(fan out); torch counts a depthwise kernel's fan out over
    # all channels
    std = math.sqrt(2 / (64 * 9))
    # a sample std of n normal numbers scatters by 1 / sqrt(2 n): 4 sigmas
    tolerance = 4 / math.sqrt(2 * conv.weight.numel())
    assert conv.weight.std().item() == pytest.approx(std, rel=tolerance)
    assert abs(conv.weight.mean().item()) < 4 * std / math.sqrt(conv.weight.numel())
    # a uniform number would not exceed sqrt(3) standard deviations
    assert conv.weight.abs().max() > 2.5 * std


def test_linear_layers_are_xavier_uniform():
    linear = make_module()[3]
    bound = math.sqrt(6 / (64 + 128))
    assert 0.99 * bound < linear.weight.abs().max().item() <= bound
    # the standard deviation of a uniform number is its bound / sqrt(3)
    assert linear.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.05)


def test_biases_and_norms():
    conv, _, batch_norm, linear, layer_norm = make_module()
    assert (conv.bias == 0).all()
    assert (linear.bias == 0).all()
    assert (batch_norm.weight == 1).all()
    assert (batch_norm.bias == 0).all()
    assert (layer_norm.weight == 9).all()  # left alone
    assert (layer_norm.bias == 9).all()
