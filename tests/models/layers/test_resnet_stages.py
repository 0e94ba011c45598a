import pytest
import torch
from torch import nn

from ocec.models.layers import CBAM, ResNetStages, SqueezeExcite


@pytest.mark.parametrize(('stem_stride', 'sizes'), [(1, [28, 14, 7]), (2, [14, 7, 4])])
@pytest.mark.parametrize(
    ('block', 'channels'), [('basic', (8, 16, 32)), ('bottleneck', (32, 64, 128))]
)
@pytest.mark.parametrize('attention', ['se', 'cbam', 'none'])
def test_maps(stem_stride, sizes, block, channels, attention):
    stages = ResNetStages(
        (1, 1, 1),
        width_mult=0.125,
        block=block,
        attention=attention,
        stem_stride=stem_stride,
    )
    maps = stages(torch.zeros(2, 1, 28, 28))
    assert stages.stage_channels == channels
    shapes = [(2, c, s, s) for c, s in zip(channels, sizes, strict=True)]
    assert [tuple(x.shape) for x in maps] == shapes


@pytest.mark.parametrize(
    ('name', 'kind'), [('se', SqueezeExcite), ('cbam', CBAM), ('none', nn.Identity)]
)
def test_attention_ends_each_stage(name, kind):
    stages = ResNetStages((1, 2, 1), width_mult=0.125, attention=name).eval()
    assert [type(a) for a in stages.attentions] == [kind] * 3
    assert [len(s) for s in stages.stages] == [1, 2, 1]
    x = torch.randn(2, 1, 12, 12)
    expected = []
    y = stages.stem(x)
    for stage, attention in zip(stages.stages, stages.attentions, strict=True):
        y = attention(stage(y))
        expected.append(y)
    assert all(map(torch.equal, stages(x), expected))


@pytest.mark.parametrize(
    ('width_mult', 'hidden'), [(2.0, [8, 16, 32]), (1.0, [4, 8, 16]), (0.25, [4, 4, 4])]
)
def test_width_of_the_attention(width_mult, hidden):
    stages = ResNetStages((1, 1, 1), width_mult=width_mult)
    assert [a.gate[0].out_channels for a in stages.attentions] == hidden


@pytest.mark.parametrize('block', ['basic', 'bottleneck'])
@pytest.mark.parametrize('attention', ['se', 'cbam', 'none'])
def test_every_weight_trains(block, attention):
    torch.manual_seed(0)
    stages = ResNetStages((1, 1, 2), width_mult=0.25, block=block, attention=attention)
    stages(torch.randn(8, 1, 14, 14))[-1].square().mean().backward()
    for name, parameter in stages.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


def test_checkpointing_changes_nothing():
    x = torch.randn(4, 1, 14, 14, generator=torch.Generator().manual_seed(0))
    grads, states = [], []
    for with_cp in (False, True):
        torch.manual_seed(0)
        stages = ResNetStages((1, 1, 1), width_mult=0.125, with_cp=with_cp)
        loss = sum(feat.square().mean() for feat in stages(x))
        loss.backward()
        grads.append([loss, *(p.grad for p in stages.parameters())])
        states.append(stages.state_dict())
    torch.testing.assert_close(grads[1], grads[0])
    torch.testing.assert_close(states[1], states[0], rtol=0, atol=0)


@pytest.mark.parametrize(
    ('setting', 'message'),
    [
        ({'layers': (2, 2)}, r'layers must be 3 numbers >= 1.*got \(2, 2\)'),
        ({'layers': (2, 0, 2)}, r'layers must be 3 numbers >= 1.*got \(2, 0, 2\)'),
        ({'width_mult': 0.01}, 'width_mult must be >= 1/64, .*, got 0.01'),
        ({'block': 'wide'}, r"block must be one of \('basic', 'bottleneck'\), got 'wi"),
        ({'attention': 'eca'}, "attention must be one of .*'none'.*, got 'eca'"),
        ({'stem_stride': 3}, 'stem_stride must be 1 or 2, got 3'),
    ],
)
def test_arguments_out_of_range_are_named(setting, message):
    with pytest.raises(ValueError, match=message):
        ResNetStages(**setting)


def test_stages_from_the_image_on():
    stages = ResNetStages((1, 2, 1), width_mult=0.125)
    named = stages.stage_modules()
    assert list(named) == ['stem', 'blocks.0', 'blocks.1', 'blocks.2', 'blocks.3']
    # attention is at the end of a stage, with its last block
    assert named['blocks.1'] == [stages.stages[1][0]]
    assert named['blocks.2'] == [stages.stages[1][1], stages.attentions[1]]
