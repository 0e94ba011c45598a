import pytest
import torch

from ocec.apis.convert_checkpoint import convert_checkpoint
from ocec.apis.errors import ConfigError
from ocec.apis.train import train

pytest.importorskip('safetensors')


def same(a, b):
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


def test_there_and_back_no_bit_is_lost(tmp_path, write_config, capsys):
    # with optimizer, EMA, random states and thresholds
    run = train(write_config(), work_dir=tmp_path / 'run').work_dir
    first, between = run / 'epoch_2.pth', tmp_path / 'a.safetensors'
    digest = convert_checkpoint(first, between)
    assert f'SHA-256 {digest}' in capsys.readouterr().out
    convert_checkpoint(between, tmp_path / 'b.pth')
    expected, found = (
        torch.load(file, weights_only=True) for file in (first, tmp_path / 'b.pth')
    )
    assert {'optimizer', 'ema_state_dict', 'rng', 'thresholds'} <= set(expected)
    assert same(expected, found)
    # a run goes on from it
    folder = tmp_path / 'more'
    more = train(
        write_config('train_cfg = dict(max_epochs=3)'),
        work_dir=folder,
        resume=str(between),
    )
    assert (more.work_dir / 'epoch_3.pth').is_file()


@pytest.mark.parametrize(
    ('files', 'message'),
    [
        (('a.pth', 'b.pt'), 'a.pth and b.pt are of one format: one of the two must'),
        (('a.safetensors', 'b.safetensors'), 'are of one format'),
        (('a.onnx', 'b.pth'), 'a.onnx: a checkpoint ends in .pth, .pt or .safetensors'),
        (('gone.pth', 'b.safetensors'), 'gone.pth: no such checkpoint'),
    ],
)
def test_wrong_usage(files, message):
    with pytest.raises(ConfigError, match=message):
        convert_checkpoint(*files)
