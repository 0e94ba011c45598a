import pytest
import torch
from torch import nn

from ocec.models.backbones import ZooBackbone
from ocec.registry import MODELS


class LateConvolution(nn.Module):
    """Holds its convolutions in another order than it runs them."""

    def __init__(self):
        super().__init__()
        self.second = nn.Conv2d(4, 6, 3, stride=2, padding=1)
        self.first = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.dropout = nn.Dropout()

    def forward(self, x):
        x = self.first(x)
        return x, self.dropout(self.norm(self.second(x)))


class PooledBackbone(nn.Conv2d):
    def forward(self, x):
        return (super().forward(x).mean((2, 3)),)


@pytest.mark.parametrize(
    ('config', 'stem_stride', 'channels', 'cells'),
    [
        # 32x64 and 24x40, strides 32 and 16, rounded upwards
        ({'type': 'MobileNetV3', 'arch': 'small'}, None, 576, [(1, 2), (1, 2)]),
        ({'type': 'MobileNetV3', 'arch': 'small'}, 1, 576, [(2, 4), (2, 3)]),
        # stride 8
        ({'type': 'ResNet_CIFAR', 'depth': 18}, None, 512, [(4, 8), (3, 5)]),
        ({'type': 'ResNet_CIFAR', 'depth': 18}, 2, 512, [(2, 4), (2, 3)]),
    ],
)
def test_backbones_of_mmpretrain(config, stem_stride, channels, cells):
    config = {**config, 'type': f'mmpretrain.{config["type"]}'}
    backbone = MODELS.build(
        {'type': 'ZooBackbone', 'backbone': config, 'stem_stride': stem_stride}
    )
    backbone.init_weights()
    assert backbone.out_channels == channels
    for size, expected in zip([(32, 64), (24, 40)], cells, strict=True):
        assert backbone.feature_size(size) == expected
        assert backbone(torch.randn(2, 3, *size))[-1].shape == (2, channels, *expected)


def test_the_convolution_that_runs_first_gets_the_stride():
    backbone = ZooBackbone(LateConvolution(), stem_stride=1)
    assert backbone.backbone.first.stride == (1, 1)
    assert backbone.backbone.second.stride == (2, 2)
    assert backbone.feature_size((16, 24)) == (8, 12)
    assert ZooBackbone(LateConvolution()).feature_size((16, 24)) == (4, 6)


def test_the_last_map_counts():
    backbone = ZooBackbone(LateConvolution())
    assert backbone.out_channels == 6
    feats = backbone(torch.randn(2, 3, 16, 16))
    assert [feat.shape for feat in feats] == [(2, 4, 8, 8), (2, 6, 4, 4)]


def test_a_single_map_becomes_a_tuple():
    conv = nn.Conv2d(3, 5, 3)
    x = torch.randn(2, 3, 8, 8)
    (feat,) = ZooBackbone(conv)(x)
    assert torch.equal(feat, conv(x))


def test_dry_runs_leave_no_trace():
    inner = LateConvolution()
    inner.norm.eval()
    before = {key: value.clone() for key, value in inner.state_dict().items()}
    state = torch.get_rng_state()
    backbone = ZooBackbone(inner, stem_stride=1)
    backbone.feature_size((24, 40))
    assert torch.equal(torch.get_rng_state(), state)
    assert inner.state_dict().keys() == before.keys()
    for key, value in inner.state_dict().items():
        assert torch.equal(value, before[key]), key
    assert (inner.training, inner.norm.training) == (True, False)
    assert not any(module._forward_hooks for module in inner.modules())
    assert all(p.grad is None for p in inner.parameters())


def test_dry_runs_draw_no_random_numbers_outside():
    class Noisy(nn.Conv2d):
        def forward(self, x):
            return super().forward(x) + torch.randn(1)

    inner = Noisy(3, 4, 3)
    state = torch.get_rng_state()
    ZooBackbone(inner, stem_stride=1)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_converted_model_still_knows_its_size():
    backbone = ZooBackbone(LateConvolution()).bfloat16()
    assert backbone.feature_size((16, 16)) == (4, 4)
    assert backbone.backbone.first.weight.dtype == torch.bfloat16


def test_first_values_are_those_of_the_backbone():
    class Inner(nn.Conv2d):
        def init_weights(self):
            nn.init.constant_(self.weight, 3.0)

    backbone = ZooBackbone(Inner(3, 4, 3))
    backbone.init_weights()
    assert (backbone.backbone.weight == 3).all()


def test_the_config_is_left_alone():
    config = {'type': 'OCECBaseline', 'base_channels': 4}
    backbone = ZooBackbone(config, stem_stride=1)
    assert config == {'type': 'OCECBaseline', 'base_channels': 4}
    assert backbone.feature_size((32, 64)) == (16, 32)
    assert backbone.default_head == 'AvgHead'


@pytest.mark.parametrize('size', [(2, 64), (64, 2)])
def test_an_image_that_is_too_small(size):
    backbone = ZooBackbone(nn.Conv2d(3, 4, 3))
    message = f'Conv2d cannot take a {size[0]}x{size[1]} image: .*Kernel size'
    with pytest.raises(ValueError, match=message):
        backbone.feature_size(size)


def test_no_size_of_an_image():
    message = r'input_size must be \(height, width\), both >= 1, got \(0, 40\)'
    with pytest.raises(ValueError, match=message):
        ZooBackbone(nn.Conv2d(3, 4, 3)).feature_size((0, 40))


@pytest.mark.parametrize('stem_stride', [0, -1])
def test_a_stride_that_is_not_positive(stem_stride):
    message = f'stem_stride must be > 0, got {stem_stride}'
    with pytest.raises(ValueError, match=message):
        ZooBackbone(nn.Conv2d(3, 4, 3), stem_stride=stem_stride)


def test_a_backbone_without_convolution():
    message = 'AvgPool2d has no convolution whose stride stem_stride could set'
    with pytest.raises(ValueError, match=message):
        ZooBackbone(nn.AvgPool2d(2), stem_stride=1)


def test_a_backbone_without_feature_maps():
    message = (
        r'PooledBackbone must return feature maps of shape \(B, C, h, w\), got \(1, 4\)'
    )
    with pytest.raises(ValueError, match=message):
        ZooBackbone(PooledBackbone(3, 4, 3))
    with pytest.raises(ValueError, match=r'\(B, C, h, w\), got dict'):
        ZooBackbone(ReturnsDict())


class ReturnsDict(nn.Module):
    def forward(self, x):
        return {'feat': x}


def test_stages_from_the_image_on_in_the_order_of_running():
    zoo = ZooBackbone(LateConvolution())
    inner = zoo.backbone
    # the norm goes with the convolution before it
    expected = {'stem': [inner.first], 'blocks.0': [inner.second, inner.norm]}
    assert zoo.stage_modules() == expected


def test_lists_of_blocks_are_taken_apart_and_blocks_are_not():
    def block():
        return nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4))

    stem = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU())
    inner = nn.Sequential(stem, nn.Sequential(block(), block()), block())
    stages = ZooBackbone(inner).stage_modules()
    assert list(stages) == ['stem', 'blocks.0', 'blocks.1', 'blocks.2']
    expected = [inner[0], inner[1][0], inner[1][1], inner[2]]
    assert list(stages.values()) == [[module] for module in expected]
