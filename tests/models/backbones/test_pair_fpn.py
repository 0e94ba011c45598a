import pytest
import torch
from torch.nn import functional as F

from ocec.models.backbones import PairFPN

TINY = {'layers': (1, 1, 1), 'width_mult': 0.125, 'feat_dim': 8, 'pyramid_channels': 4}


def make_tower(**kwargs):
    torch.manual_seed(0)
    return PairFPN(**{**TINY, **kwargs})


def test_pyramid_by_hand():
    tower = make_tower().eval()
    x = torch.randn(2, 1, 28, 28)
    fine, middle, coarse = tower.stages(x)

    def lateral(index, feat):
        conv = tower.laterals[index]
        return (
            torch.einsum('oc,bchw->bohw', conv.weight[:, :, 0, 0], feat)
            + (conv.bias[:, None, None])
        )

    def doubled(feat):  # every cell becomes 2x2
        return feat.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)

    top = lateral(2, coarse)
    centre = lateral(1, middle) + doubled(top)
    bottom = lateral(0, fine) + doubled(centre)
    for smooth, level, got in zip(
        tower.smooths, (bottom, centre, top), tower.pyramid(x), strict=True
    ):
        expected = F.conv2d(level, smooth.weight, smooth.bias, padding=1)
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)
        assert got.shape == (2, 4, *level.shape[2:])


def test_all_levels_reach_the_features():
    tower = make_tower().eval()
    x = torch.randn(2, 1, 28, 28)
    means = [level.mean(dim=(2, 3)) for level in tower.pyramid(x)]
    expected = tower.projection(torch.cat(means, dim=1))
    torch.testing.assert_close(tower(x), expected)
    assert tower.projection.layers[0].in_features == 12


def test_parameters():
    # those of the stages; three laterals and three 3x3 of width 4 with biases; the
    # projection of 3 x 4 means
    tower = make_tower()
    pyramid = (8 + 16 + 32) * 4 + 3 * 4 + 3 * (9 * 16 + 4)
    projection = 12 * 8 + 3 * 8 + 8 * 8 + 3 * 8
    stages = sum(p.numel() for p in tower.stages.parameters())
    total = sum(p.numel() for p in tower.parameters())
    assert total == stages + pyramid + projection


@pytest.mark.parametrize('block', ['basic', 'bottleneck'])
@pytest.mark.parametrize('stem_stride', [1, 2])  # 14, 7, 4: no exact halves
def test_every_weight_trains(block, stem_stride):
    tower = make_tower(block=block, stem_stride=stem_stride, width_mult=0.25)
    tower.init_weights()
    feat = tower(torch.randn(16, 1, 28, 28))
    assert feat.shape == (16, 8)
    feat.mul(torch.randn_like(feat)).sum().backward()
    for name, parameter in tower.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


def test_checkpointing_changes_nothing():
    x = torch.randn(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    results = []
    for with_cp in (False, True):
        tower = make_tower(with_cp=with_cp)
        torch.manual_seed(1)
        feat = tower(x)
        feat.square().mean().backward()
        results.append([feat, *(p.grad for p in tower.parameters())])
    torch.testing.assert_close(results[1], results[0])


def test_width_out_of_range():
    with pytest.raises(ValueError, match='pyramid_channels must be >= 1, got 0'):
        make_tower(pyramid_channels=0)


def test_stages_from_the_image_on_hold_every_parameter():
    tower = PairFPN(**TINY)
    stages = tower.stage_modules()
    assert list(stages) == ['stem', 'blocks.0', 'blocks.1', 'blocks.2', 'neck']
    held = [p for modules in stages.values() for m in modules for p in m.parameters()]
    assert len(held) == len(set(map(id, held)))
    assert set(map(id, held)) == set(map(id, tower.parameters()))
