import pytest
import torch
from torch import nn

from ocec.models.backbones import OCECInvertedSE
from ocec.registry import MODELS


def count(module):
    return sum(p.numel() for p in module.parameters())


def count_by_hand(base_channels, num_blocks, expansion=4, se_reduction=8):
    """Weights, plus 2 per channel of each norm, plus the biases of the squeeze."""
    channels = base_channels
    total = 27 * channels + 9 * channels**2 + 4 * channels
    for index in range(num_blocks):
        out = channels * 2 if index in (2, 4, 6, 8) else channels
        wide = channels * expansion
        squeezed = max(1, wide // se_reduction)
        total += channels * wide + 2 * wide  # expand
        total += 9 * wide + 2 * wide  # depthwise
        total += 2 * wide * squeezed + squeezed + wide
        total += wide * out + 2 * out  # project
        channels = out
    return total


def head_by_hand(channels):
    """Mean and max, batch norm, linear, linear."""
    hidden = max(16, channels)
    return 2 * 2 * channels + 2 * channels * hidden + hidden + hidden + 1


@pytest.mark.parametrize(
    ('base_channels', 'num_blocks', 'published'),
    # upstream's table, less the head
    [
        (32, 4, 109_744),
        (32, 8, 1_454_544),
        (48, 4, 239_112),
        (48, 8, 3_239_352),
        (64, 4, 418_144),
        (64, 8, 5_729_184),
        (8, 3, None),
    ],
)
def test_parameters(base_channels, num_blocks, published):
    total = count(OCECInvertedSE(base_channels, num_blocks))
    assert total == count_by_hand(base_channels, num_blocks)
    assert published in (total, None)


@pytest.mark.parametrize(
    ('num_blocks', 'published'),
    # upstream's sizes P, N, S, C, M, L with their head
    [
        (1, 26_609),
        (2, 40_769),
        (4, 118_321),
        (5, 212_689),
        (6, 416_785),
        (8, 1_587_153),
    ],
)
def test_published_sizes(num_blocks, published):
    backbone = OCECInvertedSE(32, num_blocks)
    assert count(backbone) + head_by_hand(backbone.out_channels) == published


def test_other_expansion_and_reduction():
    backbone = OCECInvertedSE(8, 4, expansion=2, se_reduction=100)
    assert count(backbone) == count_by_hand(8, 4, 2, 100)


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
    backbone = OCECInvertedSE(8, num_blocks)
    feats = backbone(torch.zeros(2, 3, *size))
    assert isinstance(feats, tuple)
    assert [feat.shape for feat in feats] == [(2, channels, *cells)]
    assert backbone.out_channels == channels
    assert backbone.feature_size(size) == cells


@pytest.mark.parametrize('num_blocks', [1, 3, 8])
@pytest.mark.parametrize('size', [(1, 1), (2, 3), (9, 31), (16, 17), (33, 64)])
def test_size_of_the_map_is_known_beforehand(num_blocks, size):
    backbone = OCECInvertedSE(4, num_blocks).eval()
    feat = backbone(torch.zeros(1, 3, *size))[0]
    assert backbone.feature_size(size) == feat.shape[2:]


def test_no_size_of_an_image():
    message = r'input_size must be \(height, width\), both >= 1, got \(0, 40\)'
    with pytest.raises(ValueError, match=message):
        OCECInvertedSE(4).feature_size((0, 40))


def test_grey_images():
    feats = OCECInvertedSE(8, 1, in_channels=1)(torch.zeros(2, 1, 8, 8))
    assert feats[0].shape == (2, 8, 4, 4)


def test_the_first_convolution_runs_at_full_resolution():
    sizes = []
    backbone = OCECInvertedSE(4, 1)
    for layer in backbone.stem:
        layer.register_forward_hook(lambda *args: sizes.append(args[2].shape[2:]))
    backbone(torch.zeros(2, 3, 24, 40))
    assert sizes == [(24, 40)] * 3 + [(12, 20)] * 3
    assert [type(layer) for layer in backbone.stem[2::3]] == [nn.SiLU, nn.SiLU]


def test_weights_start_as_documented():
    backbone = OCECInvertedSE(8, 4)
    for parameter in backbone.parameters():
        nn.init.constant_(parameter, 9.0)
    backbone.init_weights()
    for name, parameter in backbone.named_parameters():
        if parameter.ndim == 4:
            assert abs(parameter.mean()) < 1, name
        else:
            expected = 0 if name.endswith('bias') else 1
            assert (parameter == expected).all(), name


def test_memory_format_changes_nothing():
    torch.manual_seed(0)
    backbone = OCECInvertedSE(8, 4)
    backbone.init_weights()
    x = torch.randn(4, 3, 24, 40)
    in_training = backbone(x)[0]  # moves the running statistics, so that they count
    backbone.eval()
    plain = backbone(x)[0]
    last = backbone.to(memory_format=torch.channels_last)(
        x.to(memory_format=torch.channels_last)
    )[0]
    assert not torch.allclose(plain, in_training)
    assert last.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(last, plain, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
@pytest.mark.parametrize('scale', [1.0, 1e4])
def test_gradients_are_finite(dtype, scale):
    torch.manual_seed(0)
    backbone = OCECInvertedSE(8, 4)
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
    grads, states = [], []
    for with_cp in (False, True):
        torch.manual_seed(0)
        backbone = OCECInvertedSE(8, 4, with_cp=with_cp, drop_path_rate=0.5)
        backbone.init_weights()
        autocasts = dtype != torch.float32
        with torch.autocast('cpu', dtype=torch.bfloat16, enabled=autocasts):
            loss = backbone(x)[0].float().square().mean()
        loss.backward()
        grads.append([loss, *(p.grad for p in backbone.parameters())])
        states.append(backbone.state_dict())  # with the running statistics
    torch.testing.assert_close(grads[1], grads[0])
    torch.testing.assert_close(states[1], states[0], rtol=0, atol=0)
    assert backbone.blocks[0].expand[1].num_batches_tracked == 1


def test_drop_path_skips_the_last_block_most():
    backbone = OCECInvertedSE(4, 6, drop_path_rate=0.5)
    rates = [block.drop_path.drop_prob for block in backbone.blocks]
    assert rates == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    x = torch.randn(8, 3, 16, 16)
    assert not torch.equal(backbone(x)[0], backbone(x)[0])
    backbone.eval()
    assert torch.equal(backbone(x)[0], backbone(x)[0])


def test_its_own_head():
    assert OCECInvertedSE(4).default_head == 'AvgMaxMLPHead'


@pytest.mark.parametrize(
    'name', ['base_channels', 'num_blocks', 'in_channels', 'expansion', 'se_reduction']
)
@pytest.mark.parametrize('value', [0, -1])
def test_arguments_that_are_not_positive_are_named(name, value):
    with pytest.raises(ValueError, match=f'{name} must be > 0, got {value}'):
        MODELS.build({'type': 'OCECInvertedSE', name: value})


def test_drop_path_out_of_range_is_named():
    message = r'drop_path_rate must be in \[0, 1\), got 1'
    with pytest.raises(ValueError, match=message):
        OCECInvertedSE(drop_path_rate=1)


def test_stages_from_the_image_on_hold_every_parameter():
    backbone = OCECInvertedSE(8, 3)
    stages = backbone.stage_modules()
    assert list(stages) == ['stem', 'blocks.0', 'blocks.1', 'blocks.2']
    held = [p for modules in stages.values() for m in modules for p in m.parameters()]
    assert [id(p) for p in held] == [id(p) for p in backbone.parameters()]
