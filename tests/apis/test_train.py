import json
import re

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook

from ocec.apis.errors import ConfigError
from ocec.apis.train import _remove_validation, train
from ocec.engine.runner import Runner

PLATEAU = "dict(type='ReduceOnPlateauLR', monitor='eye/loss')"
EARLY = "custom_hooks = [dict(type='EarlyStoppingHook', monitor='eye/f1', patience=9)]"


def test_result_is_the_record_of_the_best(write_config, tmp_path, capsys):
    config = write_config('train_cfg = dict(max_epochs=1)', num_rows=32)
    result = train(config, work_dir=tmp_path / 'here')
    assert result.work_dir == tmp_path / 'here'
    assert result.best == json.loads((tmp_path / 'here' / 'best.json').read_text())
    assert result.best['epoch'] == 1
    assert (result.work_dir / result.best['file']).is_file()
    assert f'work_dir: {tmp_path / "here"}\n' in capsys.readouterr().out


def test_no_validate_trains_without_best(write_config, tmp_path, capsys):
    config = write_config('train_cfg = dict(max_epochs=1)', num_rows=32)
    result = train(config, no_validate=True)
    assert result.best is None
    assert (result.work_dir / 'epoch_1.pth').is_file()
    phases = {
        json.loads(line)['phase'] for line in (result.work_dir / 'metrics.jsonl').open()
    }
    assert 'val' not in phases
    line = "default_hooks.checkpoint.save_best: 'eye/f1' -> None"
    assert line in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ('text', 'names'),
    [
        (f'param_scheduler = [{PLATEAU}]', 'ReduceOnPlateauLR'),
        (EARLY, 'EarlyStoppingHook'),
        (
            f'{EARLY}\nparam_scheduler = [{PLATEAU}]',
            'EarlyStoppingHook, ReduceOnPlateauLR',
        ),
    ],
)
def test_no_validate_refuses_what_would_wait_for_ever(
    write_config, tmp_path, text, names
):
    message = f'--no-validate: {names} of this config needs validation'
    with pytest.raises(ConfigError, match=message):
        train(write_config(text), no_validate=True)
    assert not (tmp_path / 'run').exists()


def test_no_validate_sees_a_single_scheduler():
    cfg = Config(dict(param_scheduler=dict(type='ReduceOnPlateauLR')))
    with pytest.raises(ConfigError, match='--no-validate: ReduceOnPlateauLR of'):
        _remove_validation(cfg)


def test_auto_scale_lr_needs_a_batch_size_to_scale_from(write_config, tmp_path):
    config = write_config('auto_scale_lr = dict(_delete_=True, enable=False)')
    message = r'--auto-scale-lr needs auto_scale_lr=dict\(base_batch_size=...\)'
    with pytest.raises(ConfigError, match=message):
        train(config, auto_scale_lr=True)
    assert not (tmp_path / 'run').exists()


def test_auto_scale_lr_scales(write_config):
    config = write_config(
        'optim_wrapper = dict(optimizer=dict(lr=1e-3))\n'
        'auto_scale_lr = dict(base_batch_size=64)\n'
        'train_cfg = dict(max_epochs=1)\n'
        'param_scheduler = None',
        num_rows=32,
    )
    result = train(config, auto_scale_lr=True, no_validate=True)
    [log] = result.work_dir.glob('*.log')
    # one process with 16 images, meant for 64: 1e-3 * 16 / 64
    assert '= 16; lr 0.00025' in log.read_text()


def test_resume_from_a_missing_file(write_config, tmp_path):
    gone = tmp_path / 'gone.pth'
    message = re.escape(f'--resume {gone}: no such checkpoint')
    with pytest.raises(ConfigError, match=message):
        train(write_config(), resume=str(gone))
    assert not (tmp_path / 'run').exists()


def test_resume_auto_begins_anew_where_there_is_nothing(write_config, tmp_path):
    config = write_config('train_cfg = dict(max_epochs=1)', num_rows=32)
    result = train(config, resume='auto')
    assert (result.work_dir / 'epoch_1.pth').is_file()


def test_bad_config_is_refused_before_a_work_dir_is_made(write_config, tmp_path):
    config = write_config('model = dict(head=dict(num_clases=1))')
    with pytest.raises(ConfigError, match='num_clases'):
        train(config)
    assert not (tmp_path / 'run').exists()


def test_resume_finds_the_checkpoint_of_a_work_dir_that_was_moved(
    tmp_path, write_config
):
    config = write_config()
    train(config, work_dir=tmp_path / 'old', cfg_options=['train_cfg.max_epochs=1'])
    (tmp_path / 'old').rename(tmp_path / 'new')
    train(config, work_dir=tmp_path / 'new', resume='auto')
    assert (tmp_path / 'new' / 'epoch_2.pth').exists()
    assert not (tmp_path / 'old').exists()


def test_resume_without_a_checkpoint_begins_anew(tmp_path, write_config, capsys):
    train(write_config(), work_dir=tmp_path / 'run', resume='auto')
    assert 'holds no checkpoint: the training begins anew' in capsys.readouterr().out
    assert (tmp_path / 'run' / 'epoch_2.pth').exists()


def test_resume_when_the_recorded_checkpoint_is_gone(tmp_path, write_config, capsys):
    config = write_config()
    train(config, work_dir=tmp_path / 'run')
    (tmp_path / 'run' / 'epoch_2.pth').unlink()
    train(config, work_dir=tmp_path / 'run', resume='auto')
    out = capsys.readouterr().out
    assert 'epoch_2.pth: no such checkpoint. epoch_1.pth is taken instead' in out
    assert (tmp_path / 'run' / 'epoch_2.pth').exists()


def test_a_work_dir_in_use_is_refused(tmp_path, write_config):
    config = write_config()
    (tmp_path / 'run').mkdir()
    content = json.dumps({'pid': 1, 'host': 'elsewhere', 'started': 'then'})
    (tmp_path / 'run' / '.lock').write_text(content)
    with pytest.raises(ConfigError, match='is in use by process 1 on elsewhere since'):
        train(config, work_dir=tmp_path / 'run')
    assert [path.name for path in (tmp_path / 'run').iterdir()] == ['.lock']


@pytest.mark.parametrize('minutes', [0.0, -1.0])
def test_saving_within_epochs_needs_a_time(write_config, minutes):
    message = f'--save-every-minutes must be > 0, got {minutes:g}'
    with pytest.raises(ConfigError, match=message):
        train(write_config(), save_every_minutes=minutes)


def test_saving_within_epochs_needs_the_hook(write_config):
    config = write_config('default_hooks = dict(checkpoint=None)')
    with pytest.raises(ConfigError, match='config has no default_hooks.checkpoint'):
        train(config, save_every_minutes=1.0)


def test_saving_within_epochs_replaces_one_file(write_config, monkeypatch):
    saved = []
    save = Runner.save_checkpoint

    def note(runner, out_dir, filename, **kwargs):
        saved.append((filename, kwargs['meta']['iter']))
        return save(runner, out_dir, filename, **kwargs)

    monkeypatch.setattr(Runner, 'save_checkpoint', note)
    config = write_config('train_cfg = dict(max_epochs=1)', num_rows=64)
    result = train(config, save_every_minutes=1e-9)
    names = [('last.pth', 1), ('last.pth', 2), ('best_eye_f1_epoch_1.pth', 2)]
    assert saved == [*names, ('epoch_1.pth', 2)]
    assert not (result.work_dir / 'last.pth').exists()


def test_a_leak_is_in_the_log_before_the_first_epoch(write_config):
    config = write_config(
        'train_cfg = dict(max_epochs=1)', num_rows=32, group=['one'] * 32
    )
    result = train(config)
    [log] = result.work_dir.glob('*.log')
    text = log.read_text()
    leak = text.index('data check: LEAK: 1 groups are in train and val (one)')
    assert leak < text.index('Epoch(train)')
    assert 'python tools/misc/check_dataset.py' in text


def test_the_data_check_can_be_turned_off(write_config):
    config = write_config(
        'train_cfg = dict(max_epochs=1)', num_rows=32, group=['one'] * 32
    )
    result = train(config, data_check='never')
    [log] = result.work_dir.glob('*.log')
    assert 'data check' not in log.read_text()


@pytest.fixture
def first(tmp_path, write_config):
    """Folder of a run of two epochs."""
    return train(write_config(), work_dir=tmp_path / 'first').work_dir


FROZEN = """
optim_wrapper = dict(optimizer=dict(lr=0.0, weight_decay=0.0))
param_scheduler = None
train_cfg = dict(max_epochs=1)
"""


@pytest.mark.parametrize('how', ['work_dir', 'pattern', 'load_from'])
def test_weights_of_a_run_are_found(first, tmp_path, write_config, capsys, how):
    pattern = str(first / 'best_*.pth')
    text = FROZEN + (f'load_from = {pattern!r}' if how == 'load_from' else '')
    given = {'work_dir': [str(first)], 'pattern': [pattern], 'load_from': []}[how]
    result = train(write_config(text), work_dir=tmp_path / 'next', pretrain=given)
    best = json.loads((first / 'best.json').read_text())
    told = f'weights: {first / best["file"]} (eye/f1 {best["value"]:.4f} by best.json)'
    assert told in capsys.readouterr().out
    report = json.loads((result.work_dir / 'pretrained.json').read_text())
    assert report['checkpoint'] == str(first / best['file'])
    assert (report['share'], report['anew']) == (1.0, [])
    start = torch.load(first / best['file'])['state_dict']['head.fc.weight']
    end = torch.load(result.work_dir / 'epoch_1.pth')
    assert torch.equal(end['state_dict']['head.fc.weight'], start)


@pytest.mark.parametrize('which', ['ema', 'raw'])
def test_averaged_or_raw_weights(first, tmp_path, write_config, which):
    file = first / 'epoch_2.pth'
    config = write_config(FROZEN)
    train(config, work_dir=tmp_path / 'b', pretrain=[str(file)], load_weights=which)
    before, after = torch.load(file), torch.load(tmp_path / 'b' / 'epoch_1.pth')
    states = {
        'ema': before['state_dict']['head.fc.weight'],
        'raw': before['ema_state_dict']['module.head.fc.weight'],
    }
    assert not torch.equal(states['ema'], states['raw'])
    # with a rate of 0 the average stays with what it started from
    assert torch.equal(after['state_dict']['head.fc.weight'], states[which])
    raw = after['ema_state_dict']['module.head.fc.weight']
    assert torch.equal(raw, states[which])


def test_auto_resume_wins_over_the_weights_to_begin_with(
    first, tmp_path, write_config, capsys
):
    config, folder = write_config(), tmp_path / 'next'
    given = [str(first / 'epoch_2.pth')]
    options = ['train_cfg.max_epochs=1']
    train(config, work_dir=folder, pretrain=given, resume='auto', cfg_options=options)
    assert f'weights: {given[0]}' in capsys.readouterr().out
    train(config, work_dir=folder, pretrain=['gone.pth'], resume='auto')
    epochs = [json.loads(line)['epoch'] for line in (folder / 'metrics.jsonl').open()]
    assert sorted(set(epochs)) == [1, 2]


def test_what_does_not_go_together(first, write_config):
    file = str(first / 'epoch_2.pth')
    with pytest.raises(ConfigError, match='--pretrain begins .* give one of them'):
        train(write_config(), pretrain=[file], resume=file)
    config = write_config("load_weights = 'best'")
    with pytest.raises(ConfigError, match=r"one of \('ema', 'raw'\), got 'best'"):
        train(config, pretrain=[file])


def test_another_architecture_is_a_matter_of_the_config(first, tmp_path, write_config):
    options = ['model.backbone.base_channels=48']
    message = r'another model .*\n  checkpoint: base_channels=8, config: 48\nGive'
    with pytest.raises(ConfigError, match=message):
        train(
            write_config(),
            work_dir=tmp_path / 'next',
            pretrain=[str(first)],
            cfg_options=options,
        )


def test_no_checkpoint_of_that_name(write_config):
    config = write_config("load_from = 'gone/*.pth'")
    with pytest.raises(ConfigError, match=r'load_from gone/\*.pth: the pattern '):
        train(config)


def test_hooks_of_the_caller_are_registered(write_config):
    class Counter(Hook):
        epochs = 0

        def after_train_epoch(self, runner):
            self.epochs += 1

    hook = Counter()
    config = write_config('train_cfg = dict(max_epochs=1)', num_rows=32)
    train(config, data_check='never', hooks=[hook])
    assert hook.epochs == 1
