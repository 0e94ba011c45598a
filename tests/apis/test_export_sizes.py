import json
from pathlib import Path

import pytest
import torch
from torch import nn

from ocec.apis import export_sizes as module
from ocec.apis.errors import ConfigError
from ocec.apis.export_sizes import (
    PUBLISHED_KB,
    ExportSize,
    export_sizes,
    randomize,
    sizes_text,
)

pytest.importorskip('onnxruntime')

ROOT = Path(__file__).parents[2]
ROW = ExportSize(
    config='configs/ocec/ocec-inverted-se-p_1xb256-50e_eye-24x40.py',
    params=26609,
    bytes=110250,
    published_kb=112,
    torch_ms=0.75,
    onnx_ms=0.15,
    max_gap=1e-7,
)


@pytest.fixture
def config(write_config):
    return write_config()


def test_a_row_and_the_file_of_numbers(config, tmp_path, capsys):
    [row] = export_sizes([config], out=tmp_path / 'new' / 'a.json', calls=20)
    # 8 channels, 2 blocks: see test_publish_model_facts.py
    assert row.params == 593
    # batch norms are folded, so that each convolution has a bias: 216 + 8 weights of
    # the stem, 72 + 8 and 64 + 8 twice, and 8 + 1 of the last layer; four bytes each.
    # The batch norm of the head may stay, or go into the last layer
    assert row.bytes > 4 * (224 + 2 * (80 + 72) + 9)
    assert row.bytes < 10_000
    assert row.published_kb is None
    assert 0 <= row.max_gap <= 1e-4
    assert row.torch_ms > 0 < row.onnx_ms
    [found] = json.loads((tmp_path / 'new' / 'a.json').read_text())
    assert found['speedup'] == row.torch_ms / row.onnx_ms
    assert found['bytes'] == row.bytes
    assert '593' in capsys.readouterr().out
    assert torch.get_num_threads() == 1


def test_tables():
    head, line = sizes_text([ROW]).splitlines()
    assert ' '.join(head.split()) == (
        'model params ONNX KB published KB torch ms ORT ms x'
    )
    cells = ['26,609', '110.2', '112', '0.75', '0.150', '5.0']
    assert line.split() == ['ocec-inverted-se-p', *cells]
    marked = sizes_text([ROW], markdown=True).splitlines()
    assert marked[1].startswith('| --- | ---: |')
    assert marked[2] == '| ocec-inverted-se-p | ' + ' | '.join(cells) + ' |'


def test_published_sizes_belong_to_configs_that_exist():
    names = {config.split('/')[-1].split('_')[0] for config in module.DEFAULT_CONFIGS}
    assert names == set(PUBLISHED_KB)
    # float32 weights alone; counted upstream
    params = [26_609, 40_769, 118_321, 212_689, 416_785, 1_587_153]
    for count, kilobytes in zip(params, PUBLISHED_KB.values(), strict=True):
        assert 0.9 < 4 * count / 1000 / kilobytes < 1


def test_batch_norms_get_statistics_of_their_own():
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.BatchNorm1d(4))
    kept = net[0].weight.clone()
    randomize(net)
    assert torch.equal(net[0].weight, kept)
    for norm in net[1:]:
        assert (norm.running_mean != 0).all()
        assert (norm.running_var != 1).all()
        assert (norm.running_var >= 0.5).all()
        assert (norm.weight != 1).all()
    assert not torch.equal(net[1].running_mean, net[2].running_mean)


def test_an_export_with_other_numbers_fails(config, monkeypatch):
    monkeypatch.setattr(module, 'MAX_GAP', -1.0)
    with pytest.raises(
        ValueError, match='exported file differs by .* from that of tor'
    ):
        export_sizes([config], calls=20)


def test_wrong_settings():
    with pytest.raises(ValueError, match='calls must be >= 20, got 3'):
        export_sizes(calls=3)
    with pytest.raises(ConfigError, match='gone.py: no such config'):
        export_sizes(['gone.py'])
    pair = 'configs/pair/pair-antisymmetric_1xb64-50e_digits-28x28.py'
    with pytest.raises(ConfigError, match='no classifier of single images'):
        export_sizes([ROOT / pair], calls=20)
