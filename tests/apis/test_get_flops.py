import json

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ocec.apis.errors import ConfigError
from ocec.apis.get_flops import (
    ModelSize,
    count_macs,
    count_parameters,
    find_configs,
    format_sizes,
    get_flops,
)
from ocec.registry import MODELS

HEADS = {
    'OCECBaseline': 'AvgHead',
    'OCECInvertedSE': 'AvgMaxMLPHead',
    'OCECConvNeXt': 'TransformerHead',
}
# backbone, base, blocks, params (total, backbone, head), M MACs (32x64, 24x40),
# measured on the upstream models by counting their convolutions and linear layers
TABLE = [
    ('OCECBaseline', 32, 4, (11_457, 11_264, 193), (2.68, 1.26)),
    ('OCECBaseline', 32, 8, (142_785, 142_016, 769), (4.34, 2.26)),
    ('OCECBaseline', 48, 4, (23_329, 23_040, 289), (5.40, 2.53)),
    ('OCECBaseline', 48, 8, (312_481, 311_328, 1_153), (9.06, 4.76)),
    ('OCECBaseline', 64, 4, (39_297, 38_912, 385), (9.04, 4.24)),
    ('OCECBaseline', 64, 8, (547_713, 546_176, 1_537), (15.49, 8.16)),
    ('OCECInvertedSE', 32, 4, (118_321, 109_744, 8_577), (23.88, 11.21)),
    ('OCECInvertedSE', 32, 8, (1_587_153, 1_454_544, 132_609), (39.42, 20.29)),
    ('OCECInvertedSE', 48, 4, (258_121, 239_112, 19_009), (51.18, 24.03)),
    ('OCECInvertedSE', 48, 8, (3_536_569, 3_239_352, 297_217), (85.90, 44.31)),
    ('OCECInvertedSE', 64, 4, (451_681, 418_144, 33_537), (88.72, 41.67)),
    ('OCECInvertedSE', 64, 8, (6_256_545, 5_729_184, 527_361), (150.23, 77.59)),
    ('OCECConvNeXt', 32, 4, (170_145, 103_008, 67_137), (5.26, 2.46)),
    ('OCECConvNeXt', 48, 4, (371_953, 222_096, 149_857), (11.23, 5.26)),
    ('OCECConvNeXt', 64, 4, (651_585, 386_240, 265_345), (19.42, 9.11)),
]


class Products(nn.Module):
    """Calls a function of one tensor."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def self_attention(**settings):
    attention = nn.MultiheadAttention(8, 2, batch_first=True, **settings)
    return Products(lambda x: attention.eval()(x, x, x, need_weights=False)[0])


@pytest.mark.parametrize(
    ('module', 'shape', 'expected'),
    [
        # 12 x 5 x 6 outputs, each of 8 / 4 channels x 3 x 3 cells; the bias is free
        (nn.Conv2d(8, 12, 3, 2, 1, groups=4), (1, 8, 9, 11), 12 * 5 * 6 * 2 * 9),
        (nn.Conv2d(3, 5, 1, bias=False), (1, 3, 4, 4), 5 * 16 * 3),
        (nn.Conv2d(6, 6, 3, padding=1, groups=6), (1, 6, 4, 5), 6 * 20 * 9),
        (nn.Linear(5, 7), (1, 5), 35),
        (nn.Linear(5, 7, bias=False), (1, 3, 5), 3 * 35),
        (Products(lambda x: x @ x.mT), (2, 3, 4), 2 * 3 * 3 * 4),
        (Products(lambda x: torch.einsum('bij,bkj->bik', x, x)), (2, 3, 4), 72),
        # 2 heads, 6 tokens, 4 channels: scores and mixing, 6 x 6 x 4 each
        (
            Products(lambda x: F.scaled_dot_product_attention(x, x, x)),
            (1, 2, 6, 4),
            2 * 2 * 6 * 6 * 4,
        ),
        # 5 tokens: q, k, v and output 8 x 8 each; scores and mixing 5 x 5 x 8
        (self_attention(), (1, 5, 8), 4 * 5 * 64 + 2 * 5 * 5 * 8),
        # that, and 8 x 16 there and back for each token
        (
            nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval(),
            (1, 5, 8),
            1680 + 2 * 5 * 8 * 16,
        ),
        # element-wise work is not counted
        (
            nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(), nn.AvgPool2d(2)).eval(),
            (1, 3, 8, 8),
            0,
        ),
    ],
)
def test_macs_counted_by_hand(module, shape, expected):
    assert count_macs(module, torch.zeros(shape)) == expected


@pytest.mark.parametrize('is_fused', [True, False])
def test_setting_of_torch_is_put_back(is_fused):
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(is_fused)
    try:
        with pytest.raises(RuntimeError):
            count_macs(nn.Linear(2, 2), torch.zeros(1, 3))
        assert torch.backends.mha.get_fastpath_enabled() is is_fused
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def test_shared_parameters_count_once():
    first, second = nn.Linear(3, 4), nn.Linear(3, 4)
    second.weight = first.weight
    assert count_parameters(nn.Sequential(first, second)) == 12 + 4 + 4
    assert count_parameters(None) is None


@pytest.mark.parametrize(('name', 'base', 'blocks', 'params', 'macs'), TABLE)
def test_published_sizes(name, base, blocks, params, macs):
    for image_size, grid, expected in (
        ((32, 64), (2, 4), macs[0]),
        ((24, 40), (3, 5), macs[1]),
    ):
        head = dict(type=HEADS[name])
        if name == 'OCECConvNeXt':
            head['token_grid'] = grid
        backbone = dict(type=name, base_channels=base, num_blocks=blocks)
        model = MODELS.build(
            dict(
                type='ImageClassifier',
                input_size=image_size,
                backbone=backbone,
                head=head,
            )
        ).eval()
        assert params == (
            count_parameters(model),
            count_parameters(model.backbone),
            count_parameters(model.head),
        )
        counted = count_macs(model, torch.zeros(1, 3, *image_size))
        # the table leaves the encoder layers out
        counted -= encoder_macs(2 * base, grid[0] * grid[1]) * (len(head) > 1)
        assert counted / 1e6 == pytest.approx(expected, abs=0.0055)


def encoder_macs(channels, tokens):
    """Two layers: four projections, a feed-forward net, scores and mixing."""
    ffn = max(128, 2 * channels)
    linear = tokens * (4 * channels**2 + 2 * channels * ffn)
    return 2 * (linear + 2 * tokens**2 * channels)


@pytest.mark.parametrize(('channels', 'millions'), [(64, 0.54), (96, 1.20)])
def test_encoder_layers_that_the_table_leaves_out(channels, millions):
    assert encoder_macs(channels, 8) / 1e6 == pytest.approx(millions, abs=0.005)


def test_table_and_json_of_two_configs(write_config, tmp_path, capsys):
    first = write_config()
    second = write_config("model['backbone']['base_channels'] = 16")
    out = tmp_path / 'new' / 'sizes.json'
    sizes = get_flops([first, second], json_file=out)
    # stem 27 c at 16x32, two blocks of 9 c and c^2 at 16x32, head c
    assert [size.macs for size in sizes] == [
        512 * (27 * c + 2 * (9 * c + c * c)) + c for c in (8, 16)
    ]
    assert [size.input_size for size in sizes] == [(32, 64)] * 2
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ['config', 'input', 'params', 'backbone', 'head', 'MACs']
    # stem 216 + 16, two blocks of 72 + 16 + 64 + 16; head 16 + 9
    assert lines[1].split() == [str(first), '32x64', '593', '568', '25', '0.25', 'M']
    assert len({len(line) for line in lines[:3]}) == 1
    content = json.loads(out.read_text())
    assert [row['params'] for row in content] == [size.params for size in sizes]
    assert content[1]['input_size'] == [32, 64]


def test_options_and_shape_win_over_the_config(write_config):
    options = ['model.backbone.base_channels=16']
    [size] = get_flops([write_config()], shape=(16, 32), cfg_options=options)
    assert size.input_size == (16, 32)
    assert size.macs == 128 * (27 * 16 + 2 * (9 * 16 + 256)) + 16


def test_model_that_cannot_take_the_image(write_config, tmp_path, capsys):
    good = write_config()
    bad = write_config(
        "model = dict(backbone=dict(_delete_=True, type='OCECConvNeXt', num_blocks=8))"
    )
    out = tmp_path / 'sizes.json'
    message = rf'{bad}: the model cannot take 24x40: '
    with pytest.raises(ValueError, match=message) as caught:
        get_flops([bad, good], shape=(24, 40), json_file=out)
    assert str(good) not in str(caught.value)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].endswith('cannot run')
    assert lines[2].endswith(' M')
    assert [row['macs'] is None for row in json.loads(out.read_text())] == [True, False]


def test_image_size_that_nobody_tells(write_config):
    config = write_config(
        "train_dataloader['dataset'] = dict(_delete_=True, type='EyeParquet')\n"
        "val_dataloader['dataset'] = dict(_delete_=True, type='EyeParquet')\n"
        "test_dataloader['dataset'] = dict(_delete_=True, type='EyeParquet')"
    )
    with pytest.raises(ConfigError, match='no image_size; give --shape H W'):
        get_flops([config], no_check=True)
    [size] = get_flops([config], shape=(32, 64), no_check=True)
    assert size.params == 593


@pytest.mark.parametrize('shape', [(0, 64), (1, 2, 3)])
def test_shape_that_is_none(write_config, shape):
    with pytest.raises(ConfigError, match=r'tiny0.py: image_size must be \(H, W\)'):
        get_flops([write_config()], shape=shape)


def test_configs_of_a_folder(tmp_path):
    for name in ('b.py', 'a/c.py', '_base_/models/d.py', 'a/notes.md'):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    single = tmp_path / '_base_/models/d.py'
    found = find_configs([single, tmp_path])
    assert found == [single, tmp_path / 'a/c.py', tmp_path / 'b.py']


@pytest.mark.parametrize('name', ['gone', 'empty'])
def test_folder_without_configs(tmp_path, name):
    (tmp_path / 'empty').mkdir()
    with pytest.raises(ConfigError, match=f'{name}: no such config file, nor a fold'):
        find_configs([tmp_path / name])


def test_missing_parts_are_dashes():
    size = ModelSize('a.py', (8, 16), 1234, None, None, 2_500_000)
    row = format_sizes([size]).splitlines()[1]
    assert row.split() == ['a.py', '8x16', '1,234', '-', '-', '2.50', 'M']
