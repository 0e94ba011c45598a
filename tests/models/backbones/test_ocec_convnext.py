import math

import pytest
import torch
from torch import nn

from ocec.models.backbones import OCECConvNeXt
from ocec.registry import MODELS


def count_by_hand(base_channels, num_blocks, expansion=4):
    """Weights and biases, plus 2 per channel of each norm."""
    channels = base_channels
    total = 48 * channels + channels + 2 * channels
    for index in range(num_blocks):
        if index in (2, 4, 6, 8):
            total += 2 * channels + 4 * channels * 2 * channels + 2 * channels
            channels *= 2
        wide = channels * expansion
        total += 49 * channels + channels + 2 * channels  # depthwise, norm
        total += channels * wide + wide + wide * channels + channels  # MLP
        total += channels  # layer scale
    return total


@pytest.mark.parametrize(
    ('base_channels', 'num_blocks', 'published'),
    # upstream's table, less the head
    [
        (32, 4, 103_008),
        (32, 8, 1_622_880),
        (48, 4, 222_096),
        (48, 8, 3_607_824),
        (64, 4, 386_240),
        (64, 8, 6_375_104),
        (8, 3, None),
    ],
)
def test_parameters(base_channels, num_blocks, published):
    backbone = OCECConvNeXt(base_channels, num_blocks)
    total = sum(p.numel() for p in backbone.parameters())
    assert total == count_by_hand(base_channels, num_blocks)
    assert published in (total, None)


def test_other_expansion():
    total = sum(p.numel() for p in OCECConvNeXt(8, 4, expansion=2).parameters())
    assert total == count_by_hand(8, 4, 2)


@pytest.mark.parametrize(
    ('num_blocks', 'size', 'channels', 'cells'),
    [
        (4, (32, 64), 16, (4, 8)),
        (4, (24, 40), 16, (3, 5)),
        (8, (32, 64), 64, (1, 2)),
        (6, (24, 40), 32, (1, 2)),  # 24 -> 6 -> 3 -> 1, 40 -> 10 -> 5 -> 2
        (1, (24, 40), 8, (6, 10)),
    ],
)
def test_size_of_the_map(num_blocks, size, channels, cells):
    backbone = OCECConvNeXt(8, num_blocks)
    feats = backbone(torch.zeros(2, 3, *size))
    assert isinstance(feats, tuple)
    assert [feat.shape for feat in feats] == [(2, channels, *cells)]
    assert backbone.out_channels == channels
    assert backbone.feature_size(size) == cells


@pytest.mark.parametrize('num_blocks', [1, 2, 3, 5, 7, 8])
def test_size_of_the_map_is_known_beforehand(num_blocks):
    backbone = OCECConvNeXt(2, num_blocks).eval()
    for size in ((3, 8), (4, 4), (8, 7), (9, 31), (16, 17), (31, 64), (32, 33)):
        x = torch.zeros(1, 3, *size)
        try:
            cells = backbone.feature_size(size)
        except ValueError:
            with pytest.raises(RuntimeError, match='Kernel size'):
                backbone(x)
        else:
            assert backbone(x)[0].shape[2:] == cells


@pytest.mark.parametrize('num_blocks', [7, 8])
def test_too_many_blocks_for_the_image(num_blocks):
    message = (
        f'OCECConvNeXt with num_blocks={num_blocks}: a 24x40 image leaves block 6 '
        r'\(from 0\) a 1x2 map before its 2x2 convolution of stride 2. Take num_blocks '
        '<= 6 or an image of at least 32x32'
    )
    with pytest.raises(ValueError, match=message):
        OCECConvNeXt(4, num_blocks).feature_size((24, 40))


@pytest.mark.parametrize(
    ('num_blocks', 'size'), [(8, (24, 40)), (4, (7, 64)), (10, (63, 63)), (3, (4, 4))]
)
def test_both_ways_out_work(num_blocks, size):
    with pytest.raises(ValueError, match='num_blocks') as error:
        OCECConvNeXt(2, num_blocks).feature_size(size)
    words = str(error.value).split()
    fewer = int(words[words.index('<=') + 1])
    assert min(OCECConvNeXt(2, fewer).feature_size(size)) >= 1
    with pytest.raises(ValueError, match='num_blocks'):
        OCECConvNeXt(2, fewer + 1).feature_size(size)
    least = int(words[-1].split('x')[0])
    assert OCECConvNeXt(2, num_blocks).feature_size((least, least)) == (1, 1)
    with pytest.raises(ValueError, match='num_blocks'):
        OCECConvNeXt(2, num_blocks).feature_size((least - 1, least))


def test_an_image_smaller_than_a_patch():
    message = (
        'OCECConvNeXt with num_blocks=4: a 3x64 image is smaller than the 4x4 patches '
        'of the stem. Take an image of at least 8x8'
    )
    with pytest.raises(ValueError, match=message):
        OCECConvNeXt(4, 4).feature_size((3, 64))


def test_no_size_of_an_image():
    message = r'input_size must be \(height, width\), both >= 1, got \(0, 40\)'
    with pytest.raises(ValueError, match=message):
        OCECConvNeXt(4).feature_size((0, 40))


def test_grey_images():
    feats = OCECConvNeXt(8, 1, in_channels=1)(torch.zeros(2, 1, 8, 8))
    assert feats[0].shape == (2, 8, 2, 2)


def test_weights_start_as_documented():
    torch.manual_seed(0)
    backbone = OCECConvNeXt(32, 4, layer_scale_init=0.25)
    before = {name: p.clone() for name, p in backbone.named_parameters()}
    backbone.init_weights()
    for name, module in backbone.named_modules():
        if isinstance(module, nn.Conv2d):
            std = math.sqrt(2 / (module.out_channels * module.kernel_size[0] ** 2))
            tolerance = 4 / math.sqrt(2 * module.weight.numel())
            assert module.weight.std().item() == pytest.approx(std, rel=tolerance), name
            assert (module.bias == 0).all(), name
        elif isinstance(module, nn.Linear):
            bound = math.sqrt(6 / (module.in_features + module.out_features))
            assert 0.99 * bound < module.weight.abs().max().item() <= bound, name
            assert (module.bias == 0).all(), name
    for name, parameter in backbone.named_parameters():
        if 'gamma' in name:
            assert (parameter == 0.25).all()
        if 'norm' in name:
            assert torch.equal(parameter, before[name])


def test_memory_format_changes_nothing():
    torch.manual_seed(0)
    backbone = OCECConvNeXt(8, 4, layer_scale_init=0.5)
    backbone.init_weights()
    x = torch.randn(4, 3, 24, 40)
    plain = backbone(x)[0]
    last = backbone.to(memory_format=torch.channels_last)(
        x.to(memory_format=torch.channels_last)
    )[0]
    assert last.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(last, plain, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
@pytest.mark.parametrize('scale', [1.0, 1e4])
def test_gradients_are_finite(dtype, scale):
    torch.manual_seed(0)
    backbone = OCECConvNeXt(8, 4)
    backbone.init_weights()
    with torch.autocast('cpu', dtype=torch.bfloat16, enabled=dtype != torch.float32):
        feat = backbone(torch.randn(4, 3, 16, 32) * scale)[0]
    feat.float().square().mean().backward()
    for name, parameter in backbone.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_checkpointing_changes_nothing(dtype):
    x = torch.randn(8, 3, 16, 32, generator=torch.Generator().manual_seed(0))
    grads = []
    for with_cp in (False, True):
        torch.manual_seed(0)
        backbone = OCECConvNeXt(
            8, 4, layer_scale_init=0.5, with_cp=with_cp, drop_path_rate=0.5
        )
        backbone.init_weights()
        autocasts = dtype != torch.float32
        with torch.autocast('cpu', dtype=torch.bfloat16, enabled=autocasts):
            loss = backbone(x)[0].float().square().mean()
        loss.backward()
        grads.append([loss, *(p.grad for p in backbone.parameters())])
    torch.testing.assert_close(grads[1], grads[0])


def test_drop_path_skips_the_last_block_most():
    backbone = OCECConvNeXt(4, 6, drop_path_rate=0.5, layer_scale_init=1.0)
    rates = [block.drop_path.drop_prob for block in backbone.blocks]
    assert rates == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    x = torch.randn(8, 3, 16, 16)
    assert not torch.equal(backbone(x)[0], backbone(x)[0])
    backbone.eval()
    assert torch.equal(backbone(x)[0], backbone(x)[0])


def test_its_own_head():
    assert OCECConvNeXt(4).default_head == 'TransformerHead'


@pytest.mark.parametrize(
    'name',
    ['base_channels', 'num_blocks', 'in_channels', 'expansion', 'layer_scale_init'],
)
@pytest.mark.parametrize('value', [0, -1])
def test_arguments_that_are_not_positive_are_named(name, value):
    with pytest.raises(ValueError, match=f'{name} must be > 0, got {value}'):
        MODELS.build({'type': 'OCECConvNeXt', name: value})


def test_drop_path_out_of_range_is_named():
    message = r'drop_path_rate must be in \[0, 1\), got 1'
    with pytest.raises(ValueError, match=message):
        OCECConvNeXt(drop_path_rate=1)


def test_stages_from_the_image_on_hold_every_parameter():
    backbone = OCECConvNeXt(8, 3)
    stages = backbone.stage_modules()
    assert list(stages) == ['stem', 'blocks.0', 'blocks.1', 'blocks.2']
    held = [p for modules in stages.values() for m in modules for p in m.parameters()]
    assert [id(p) for p in held] == [id(p) for p in backbone.parameters()]
