import math

import pytest
import torch
from torch import nn

from ocec.models.backbones import OCECBaseline
from ocec.registry import MODELS


def count_by_hand(base_channels, num_blocks, in_channels=3):
    """Weights of convolutions without bias, plus 2 per channel of each norm."""
    channels = base_channels
    total = 9 * in_channels * channels + 2 * channels
    for index in range(num_blocks):
        out = channels * 2 if index in (2, 4, 6, 8) else channels
        total += 9 * channels + 2 * channels  # depthwise
        total += channels * out + 2 * out  # pointwise
        channels = out
    return total


@pytest.mark.parametrize(
    ('base_channels', 'num_blocks', 'published'),
    # upstream's table, less the head
    [(32, 4, 11_264), (48, 8, 311_328), (64, 8, 546_176), (8, 1, None), (8, 3, None)],
)
def test_parameters(base_channels, num_blocks, published):
    backbone = OCECBaseline(base_channels, num_blocks)
    total = sum(p.numel() for p in backbone.parameters())
    assert total == count_by_hand(base_channels, num_blocks)
    assert published in (total, None)


@pytest.mark.parametrize(
    ('num_blocks', 'size', 'channels', 'cells'),
    [
        (4, (32, 64), 16, (8, 16)),
        (4, (24, 40), 16, (6, 10)),
        (8, (32, 64), 64, (2, 4)),
        (8, (24, 40), 64, (2, 3)),  # 40 -> 20 -> 10 -> 5 -> 3, 24 -> 12 -> 6 -> 3 -> 2
        (1, (24, 40), 8, (12, 20)),
    ],
)
def test_size_of_the_map(num_blocks, size, channels, cells):
    backbone = OCECBaseline(8, num_blocks)
    feats = backbone(torch.zeros(2, 3, *size))
    assert isinstance(feats, tuple)
    assert [feat.shape for feat in feats] == [(2, channels, *cells)]
    assert backbone.out_channels == channels
    assert backbone.feature_size(size) == cells


@pytest.mark.parametrize('num_blocks', [1, 3, 8])
@pytest.mark.parametrize('size', [(1, 1), (2, 3), (9, 31), (16, 17), (33, 64)])
def test_size_of_the_map_is_known_beforehand(num_blocks, size):
    backbone = OCECBaseline(4, num_blocks).eval()
    feat = backbone(torch.zeros(1, 3, *size))[0]
    assert backbone.feature_size(size) == feat.shape[2:]


def test_no_size_of_an_image():
    message = r'input_size must be \(height, width\), both >= 1, got \(0, 40\)'
    with pytest.raises(ValueError, match=message):
        OCECBaseline(4).feature_size((0, 40))


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_checkpointing_changes_nothing(dtype):
    x = torch.randn(8, 3, 16, 32, generator=torch.Generator().manual_seed(0))
    grads, states = [], []
    for with_cp in (False, True):
        torch.manual_seed(0)
        backbone = OCECBaseline(8, 4, with_cp=with_cp, drop_path_rate=0.5)
        backbone.init_weights()
        autocasts = dtype != torch.float32
        with torch.autocast('cpu', dtype=torch.bfloat16, enabled=autocasts):
            loss = backbone(x)[0].float().square().mean()
        loss.backward()
        grads.append([loss, *(p.grad for p in backbone.parameters())])
        states.append(backbone.state_dict())  # with the running statistics
    torch.testing.assert_close(grads[1], grads[0])
    torch.testing.assert_close(states[1], states[0], rtol=0, atol=0)
    assert backbone.stem[1].num_batches_tracked == 1


def test_drop_path_skips_the_last_block_most():
    backbone = OCECBaseline(4, 6, drop_path_rate=0.5)
    rates = [block.drop_path.drop_prob for block in backbone.blocks]
    assert rates == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    x = torch.randn(8, 3, 16, 16)
    assert not torch.equal(backbone(x)[0], backbone(x)[0])
    backbone.eval()
    assert torch.equal(backbone(x)[0], backbone(x)[0])


def test_its_own_head():
    assert OCECBaseline(4).default_head == 'AvgHead'


def test_grey_images():
    feats = OCECBaseline(8, 1, in_channels=1)(torch.zeros(2, 1, 8, 8))
    assert feats[0].shape == (2, 8, 4, 4)


def test_weights_start_as_documented():
    torch.manual_seed(0)
    backbone = OCECBaseline(64, 4)
    for parameter in backbone.parameters():
        nn.init.constant_(parameter, 9.0)
    backbone.init_weights()
    for module in backbone.modules():
        if isinstance(module, nn.Conv2d):
            # gain sqrt(2) over sqrt(fan out); torch counts a depthwise kernel's
            # fan out over all channels
            std = math.sqrt(2 / (module.out_channels * module.kernel_size[0] ** 2))
            # a sample std of n normal numbers scatters by 1 / sqrt(2 n): 4 sigmas
            tolerance = 4 / math.sqrt(2 * module.weight.numel())
            assert module.weight.std().item() == pytest.approx(std, rel=tolerance)
            assert abs(module.weight.mean().item()) < 0.2 * std
        elif isinstance(module, nn.BatchNorm2d):
            assert (module.weight == 1).all()
            assert (module.bias == 0).all()


def test_memory_format_changes_nothing():
    torch.manual_seed(0)
    backbone = OCECBaseline(8, 4)
    backbone.init_weights()
    x = torch.randn(4, 3, 24, 40)
    in_training = backbone(x)[0]  # moves the running statistics, so that they count
    backbone.eval()
    plain = backbone(x)[0]
    last = backbone.to(memory_format=torch.channels_last)(
        x.to(memory_format=torch.channels_last)
    )[0]
    assert not torch.allclose(plain, in_training)
    torch.testing.assert_close(last, plain, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
@pytest.mark.parametrize('scale', [1.0, 1e4])
def test_gradients_are_finite(dtype, scale):
    torch.manual_seed(0)
    backbone = OCECBaseline(8, 4)
    backbone.init_weights()
    with torch.autocast('cpu', dtype=torch.bfloat16, enabled=dtype != torch.float32):
        feat = backbone(torch.randn(4, 3, 16, 32) * scale)[0]
    feat.float().square().mean().backward()
    for name, parameter in backbone.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize('name', ['base_channels', 'num_blocks', 'in_channels'])
@pytest.mark.parametrize('value', [0, -1])
def test_arguments_that_are_not_positive_are_named(name, value):
    with pytest.raises(ValueError, match=f'{name} must be > 0, got {value}'):
        MODELS.build({'type': 'OCECBaseline', name: value})


def test_drop_path_out_of_range_is_named():
    message = r'drop_path_rate must be in \[0, 1\), got 1'
    with pytest.raises(ValueError, match=message):
        OCECBaseline(drop_path_rate=1)


def test_stages_from_the_image_on_hold_every_parameter():
    backbone = OCECBaseline(8, 3)
    stages = backbone.stage_modules()
    assert list(stages) == ['stem', 'blocks.0', 'blocks.1', 'blocks.2']
    held = [p for modules in stages.values() for m in modules for p in m.parameters()]
    assert [id(p) for p in held] == [id(p) for p in backbone.parameters()]
