import math

import pytest
import torch
from torch import nn

from ocec.models.backbones import CompareTower


def test_parameters():
    total = sum(p.numel() for p in CompareTower().parameters())
    widths = [1, 32, 64, 128]
    # convolutions with biases, norms; one linear layer
    convs = sum(9 * i * o + 3 * o for i, o in zip(widths, widths[1:], strict=False))
    assert total == convs + 128 * 128 + 128 == 109_632


def test_features_by_hand():
    torch.manual_seed(0)
    tower = CompareTower((4, 6), 5, dropout=0.0).eval()
    x = torch.randn(3, 1, 8, 8)
    conv1, _, _, _, conv2, _, _ = tower.convs
    one = 1 / math.sqrt(1 + 1e-5)  # a fresh norm in evaluation
    y = (nn.functional.conv2d(x, conv1.weight, conv1.bias, padding=1) * one).relu()
    y = y.reshape(3, 4, 4, 2, 4, 2).amax(dim=(3, 5))
    y = (nn.functional.conv2d(y, conv2.weight, conv2.bias, padding=1) * one).relu()
    linear = tower.projection[0]
    expected = (y.mean(dim=(2, 3)) @ linear.weight.T + linear.bias).relu()
    torch.testing.assert_close(tower(x), expected)
    assert tower.out_channels == 5


def test_weights_start_as_documented():
    torch.manual_seed(0)
    tower = CompareTower()
    for parameter in tower.parameters():
        nn.init.constant_(parameter, 9.0)
    tower.init_weights()
    conv = tower.convs[4]
    std = math.sqrt(2 / (64 * 9))
    assert conv.weight.std().item() == pytest.approx(std, rel=0.03)
    assert not any((parameter == 9).any() for parameter in tower.parameters())


@pytest.mark.parametrize(('widths', 'dim'), [((), 8), ((4, 0), 8), ((4,), 0)])
def test_sizes_out_of_range(widths, dim):
    with pytest.raises(ValueError, match='widths and feat_dim must be >= 1, got'):
        CompareTower(widths, dim)


def test_dropout_out_of_range():
    with pytest.raises(ValueError, match=r'dropout must be in \[0, 1\), got 1'):
        CompareTower(dropout=1)


def test_stages_from_the_image_on_hold_every_parameter():
    tower = CompareTower()
    stages = tower.stage_modules()
    assert list(stages) == ['stem', 'blocks.0', 'blocks.1', 'neck']
    held = [p for modules in stages.values() for m in modules for p in m.parameters()]
    assert len(held) == len(set(map(id, held)))
    assert set(map(id, held)) == set(map(id, tower.parameters()))
