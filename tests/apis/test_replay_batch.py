"""From a training that goes wrong to the file and back."""

import dataclasses

import pytest

from ocec.apis.errors import ConfigError
from ocec.apis.replay_batch import replay_batch
from ocec.apis.train import train
from ocec.engine.non_finite_file import read_bad_batch, write_bad_batch


@pytest.fixture
def bad_file(tmp_path, write_config):
    """File of a training that overflows in its second or third step."""
    config = write_config(
        "optim_wrapper = dict(_delete_=True, type='OptimWrapper', "
        "optimizer=dict(type='SGD', lr=1e30))\n"
        'train_cfg = dict(max_epochs=20)'
    )
    with pytest.raises(FloatingPointError, match='replay it: python tools/misc/repl'):
        train(config, work_dir=tmp_path / 'run')
    (path,) = (tmp_path / 'run').glob('non_finite_*.pth')
    return path


def test_the_same_is_found_again(bad_file, capsys):
    stored = read_bad_batch(bad_file)
    capsys.readouterr()
    found = replay_batch(bad_file)
    assert found.is_found
    assert found.module == stored.found['module']
    assert found.sample_ids == stored.found['sample_ids']
    assert found.gradients == stored.found['gradients'] != []
    lines = capsys.readouterr().out.splitlines()
    place = f'epoch {stored.epoch}, step {stored.step}, rank 0'
    assert lines[0] == f'REPRODUCED: {place}'
    assert lines[1] == f'loss {found.loss}; in the run {stored.found["loss"]}'
    assert lines[2:] == found.lines()


def test_torch_names_the_line(bad_file):
    with pytest.raises(RuntimeError, match='returned nan values in its 0th output'):
        replay_batch(bad_file, detect_anomaly=True)


def test_good_weights_reproduce_nothing(bad_file, capsys):
    bad = read_bad_batch(bad_file)
    small = {
        name: x * 0 if name.endswith(('.weight', '.bias')) else x
        for name, x in bad.state_dict.items()
        if 'running' not in name
    }
    small = {**bad.state_dict, **small}
    for late in (0, 1):
        other = dataclasses.replace(bad, state_dict=small, steps_late=late)
        write_bad_batch(other, bad_file)
        capsys.readouterr()
        assert not replay_batch(bad_file, full_precision=True).is_found
        text = capsys.readouterr().out
        assert text.startswith('NOT REPRODUCED: epoch')
        assert ('the weights in the file are those of one step later' in text) == late


def test_mixed_precision_is_that_of_the_run(bad_file, monkeypatch):
    import torch

    used, autocast = [], torch.autocast

    def note(*args, **kwargs):
        used.append((args, kwargs))
        return autocast(*args, **kwargs)

    bad = read_bad_batch(bad_file)
    amp = {'device_type': 'cpu', 'dtype': 'bfloat16'}
    write_bad_batch(dataclasses.replace(bad, amp=amp), bad_file)
    monkeypatch.setattr(torch, 'autocast', note)
    replay_batch(bad_file)
    assert used[0] == (('cpu',), {'dtype': torch.bfloat16})
    used.clear()
    replay_batch(bad_file, full_precision=True)
    assert used == []


def test_a_config_that_runs_code_is_refused(bad_file):
    bad = dataclasses.replace(read_bad_batch(bad_file), cfg='import os\n')
    write_bad_batch(bad, bad_file)
    with pytest.raises(ConfigError, match='the config in it could run code'):
        replay_batch(bad_file)


def test_a_device_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setattr('torch.cuda.is_available', lambda: False)
    with pytest.raises(ValueError, match='--device cuda: there is no GPU here'):
        replay_batch(tmp_path / 'a.pth', device='cuda')
