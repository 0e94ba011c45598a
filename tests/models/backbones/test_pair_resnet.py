import pytest
import torch
from torch import nn

from ocec.models.backbones import PairResNet
from ocec.registry import MODELS

TINY = {'layers': (1, 1, 1), 'width_mult': 0.125, 'feat_dim': 8}


@pytest.mark.parametrize(
    ('layers', 'width_mult', 'published'),
    [
        ((2, 2, 2), 1.0, 2_917_312),
        ((3, 3, 3), 1.0, 4_467_392),
        ((2, 2, 2), 1.25, 4_498_512),
    ],
)
def test_parameters_are_those_of_the_original(layers, width_mult, published):
    tower = PairResNet(layers, width_mult)
    assert sum(p.numel() for p in tower.parameters()) == published


def test_cbam_has_other_parameters_than_squeeze_and_excite():
    # each of the three: the same two matrices, and a 7x7 kernel on two maps
    counts = {
        attention: sum(p.numel() for p in PairResNet(attention=attention).parameters())
        for attention in ('se', 'cbam', 'none')
    }
    assert counts['cbam'] == counts['se'] + 3 * 98
    # 2 C^2 / 16 for 64, 128 and 256 channels
    assert counts['se'] == counts['none'] + 512 + 2048 + 8192


@pytest.mark.parametrize('block', ['basic', 'bottleneck'])
@pytest.mark.parametrize('attention', ['se', 'cbam', 'none'])
@pytest.mark.parametrize('stem_stride', [1, 2])
def test_features(block, attention, stem_stride):
    torch.manual_seed(0)
    tower = PairResNet(
        **TINY, block=block, attention=attention, stem_stride=stem_stride
    )
    tower.init_weights()
    feat = tower(torch.randn(16, 1, 28, 28))
    assert feat.shape == (16, tower.out_channels) == (16, 8)
    # the square of a normalised value sums to a constant: take another function
    feat.mul(torch.randn_like(feat)).sum().backward()
    for name, parameter in tower.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


def test_checkpointing_changes_nothing():
    x = torch.randn(8, 1, 14, 14, generator=torch.Generator().manual_seed(0))
    results = []
    for with_cp in (False, True):
        torch.manual_seed(0)
        tower = PairResNet(**TINY, with_cp=with_cp)
        torch.manual_seed(1)  # dropout
        feat = tower(x)
        feat.square().mean().backward()
        results.append([feat, *(p.grad for p in tower.parameters())])
    torch.testing.assert_close(results[1], results[0])


def test_memory_format_changes_nothing():
    torch.manual_seed(0)
    tower = PairResNet(**TINY)
    x = torch.randn(4, 1, 28, 28)
    tower(x)  # moves the running statistics, so that they count
    tower.eval()
    plain = tower(x)
    last = tower.to(memory_format=torch.channels_last)(x)
    torch.testing.assert_close(last, plain, rtol=1e-4, atol=1e-5)


def test_dropouts_are_where_they_belong():
    tower = PairResNet(**TINY, dropout=(0.4, 0.3))
    rates = [m.p for m in tower.modules() if isinstance(m, nn.Dropout)]
    assert rates == [0.4, 0.3]


def test_a_bad_setting_of_a_config_is_named():
    with pytest.raises(ValueError, match="attention must be one of .* got 'eca'"):
        MODELS.build({'type': 'PairResNet', 'attention': 'eca'})


def test_stages_from_the_image_on_hold_every_parameter():
    tower = PairResNet(**TINY)
    stages = tower.stage_modules()
    assert list(stages) == ['stem', 'blocks.0', 'blocks.1', 'blocks.2', 'neck']
    held = [p for modules in stages.values() for m in modules for p in m.parameters()]
    assert len(held) == len(set(map(id, held)))
    assert set(map(id, held)) == set(map(id, tower.parameters()))
