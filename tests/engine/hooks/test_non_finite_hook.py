"""Real trainings in which one picture becomes NaN on its way into the network."""

import re
from unittest.mock import MagicMock

import pytest
import torch
from mmengine.config import Config

from ocec.apis.train import train
from ocec.engine.checkpoint_io import load_safely
from ocec.engine.hooks import NonFiniteHook
from ocec.engine.non_finite_file import read_bad_batch
from ocec.engine.runner import Runner
from ocec.models.data_preprocessors import ImagePreprocessor

BAD_ID = 5


@pytest.fixture
def spoil(monkeypatch):
    """Return a function that makes a picture NaN whenever it is trained on.

    Args of the function:
        epochs: the n-th times at which it is spoiled; all if not given.
    """

    def patch(times=range(1000)):
        forward, seen = ImagePreprocessor.forward, []

        def spoiled(self, data, training=False):
            data = forward(self, data, training)
            is_bad_B = data['data_samples'].sample_id_B == BAD_ID
            if training and is_bad_B.any():
                # a search sees the batch again
                if not seen or seen[-1] is not data['data_samples'].sample_id_B:
                    seen.append(data['data_samples'].sample_id_B)
                if times is None or len(seen) - 1 in times:
                    data['inputs'] = data['inputs'].clone()
                    data['inputs'][is_bad_B] = float('nan')
            return data

        monkeypatch.setattr(ImagePreprocessor, 'forward', spoiled)

    return patch


def write(write_config, text='', **hook):
    settings = ', '.join(f'{k}={v!r}' for k, v in hook.items())
    return write_config(
        f'default_hooks.update(non_finite=dict({settings}), logger=dict(interval=1))\n'
        f'{text}'
    )


def log_of(folder):
    (log,) = folder.glob('*.log')
    return log.read_text()


def is_finite(checkpoint):
    return all(
        x.isfinite().all()
        for part in ('state_dict', 'ema_state_dict')
        for x in checkpoint[part].values()
        if x.is_floating_point()
    )


def test_stop_names_batch_module_and_parameters(tmp_path, write_config, spoil):
    spoil()
    config = write(write_config)
    with pytest.raises(FloatingPointError) as caught:
        train(config, work_dir=tmp_path / 'run')
    lines = str(caught.value).splitlines()
    found = re.fullmatch(
        r'the loss is nan in epoch 1, step (\d). Lower the learning rate, .*clip_grad',
        lines[0],
    )
    step = int(found[1])
    assert lines[1].startswith('  batch of 16 samples: ')
    assert lines[2].endswith('that is not: data_preprocessor (ImagePreprocessor)')
    assert lines[3] == f'  samples: {BAD_ID}'
    assert re.match(r'  gradients that are not finite: \d+ of \d+ param', lines[4])
    path = tmp_path / 'run' / f'non_finite_epoch1_iter{step}.pth'
    assert lines[5] == f'  replay it: python tools/misc/replay_batch.py {path}'
    bad = read_bad_batch(path)
    assert (bad.epoch, bad.step, bad.rank, bad.steps_late) == (1, step, 0, 0)
    assert BAD_ID in bad.batch['data_samples'].sample_id_B
    assert all(x.isfinite().all() for x in bad.state_dict.values())


@pytest.mark.parametrize('amp', [False, True])
def test_skip_leaves_no_trace_in_weights_and_averages(
    tmp_path, write_config, spoil, amp
):
    spoil()
    # the base config has mixed precision
    kind = 'AmpOptimWrapper' if amp else 'OptimWrapper'
    config = write(write_config, f'optim_wrapper = dict(type={kind!r})', policy='skip')
    folder = train(config, work_dir=tmp_path / 'run').work_dir
    log = log_of(folder)
    assert 'The step is left out: 1 of at most 20 in this run, 1 of 5 in a row' in log
    # in a row only if it was the last of its epoch, and the first of the next
    assert re.search(r'left out: 2 of at most 20 in this run, [12] of 5 in a row', log)
    checkpoint = load_safely(folder / 'epoch_2.pth')
    assert is_finite(checkpoint)
    assert checkpoint['non_finite'] == {'num_skips': 2, 'num_rollbacks': 0}
    # 32 pictures, 2 batches an epoch, one of each left out
    assert checkpoint['ema_state_dict']['steps'] == 2
    steps = {s['step'].item() for s in checkpoint['optimizer']['state'].values()}
    assert steps == {2.0}
    # the log holds the finite losses only
    assert 'nan' not in (folder / 'metrics.jsonl').read_text().lower()


@pytest.mark.parametrize(
    ('limits', 'message'),
    [
        ({'max_skips': 1}, 'NonFiniteHook.max_skips=1 steps are left out already'),
        ({'max_consecutive': 0}, 'NonFiniteHook.max_consecutive=0 steps are left out'),
    ],
)
def test_skips_are_bounded(tmp_path, write_config, spoil, limits, message):
    spoil()
    config = write(write_config, policy='skip', **limits)
    with pytest.raises(FloatingPointError, match=message):
        train(config, work_dir=tmp_path / 'run')


def test_counts_go_on_after_a_resume(tmp_path, write_config, spoil):
    spoil()
    first = write(write_config, 'train_cfg = dict(max_epochs=1)', policy='skip')
    train(first, work_dir=tmp_path / 'run')
    config = write(write_config, policy='skip', max_skips=1)
    with pytest.raises(FloatingPointError, match='max_skips=1 steps'):
        train(config, work_dir=tmp_path / 'run', resume='auto')


def test_rollback_goes_on_from_the_checkpoint(tmp_path, write_config, spoil):
    spoil(times=[1])  # not in the first epoch
    config = write(write_config, policy='rollback', lr_factor=0.25)
    folder = train(config, work_dir=tmp_path / 'run').work_dir
    log = log_of(folder)
    assert 'Rolled back to epoch_1.pth, all learning rates times 0.25' in log
    assert '1 of at most 3 in this run' in log
    first, second = (load_safely(folder / f'epoch_{e}.pth') for e in (1, 2))
    assert is_finite(second)
    initial = [
        checkpoint['optimizer']['param_groups'][0]['initial_lr']
        for checkpoint in (first, second)
    ]
    assert initial[1] == pytest.approx(initial[0] / 4)


@pytest.mark.parametrize(
    ('settings', 'times', 'message'),
    [
        ({}, [0], 'There is no checkpoint to roll back to yet'),
        ({'max_rollbacks': 0}, [1], 'NonFiniteHook.max_rollbacks=0 are made already'),
    ],
)
def test_rollbacks_are_bounded(tmp_path, write_config, spoil, settings, times, message):
    spoil(times=times)
    config = write(write_config, policy='rollback', **settings)
    with pytest.raises(FloatingPointError, match=message):
        train(config, work_dir=tmp_path / 'run')


def test_another_wrapper_is_not_guarded(log_records):
    hook = NonFiniteHook()
    runner = MagicMock()
    hook.before_train(runner)
    (text,) = runner.logger.warning.call_args.args
    assert 'NonFiniteHook does nothing: it works with OptimWrapper' in text
    hook.before_train_iter(runner, 0, {})
    hook.after_train_iter(runner, 0)
    hook.after_train_epoch(runner)


def test_overflow_under_a_loss_scale_is_no_event(tmp_path, write_config):
    """The first scale is too high: its step is left out, and only the scale falls."""
    amp = "optim_wrapper = dict(type='AmpOptimWrapper', dtype='bfloat16')"
    cfg = Config.fromfile(write(write_config, amp, policy='stop'))
    cfg.work_dir = str(tmp_path / 'run')
    runner = Runner.from_cfg(cfg)
    build = runner.build_optim_wrapper

    def with_scaler(settings):
        wrapper = build(settings)
        wrapper.loss_scaler = torch.amp.GradScaler(
            'cpu', init_scale=2.0**127, backoff_factor=2.0**-64
        )
        wrapper.scale_loss = lambda loss: loss * 64
        return wrapper

    runner.build_optim_wrapper = with_scaler
    runner.train()
    assert runner.optim_wrapper.loss_scaler.get_scale() == 2.0**63
    assert 'not finite' not in log_of(tmp_path / 'run')
    checkpoint = load_safely(tmp_path / 'run' / 'epoch_2.pth')
    assert checkpoint['non_finite']['num_skips'] == 0
    # of 4 steps one was left out, by the averages too
    assert checkpoint['ema_state_dict']['steps'] == 3


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'policy': 'pray'}, r"policy must be one of \('stop', .*, got 'pray'"),
        ({'max_skips': -1}, 'max_skips must be >= 0, got -1'),
        ({'max_consecutive': -1}, 'max_consecutive must be >= 0, got -1'),
        ({'max_rollbacks': -1}, 'max_rollbacks must be >= 0, got -1'),
        ({'lr_factor': 0}, r'lr_factor must be in \(0, 1\], got 0'),
        ({'scale_floor': 0}, 'scale_floor must be > 0, got 0'),
        ({'scale_steps': 0}, 'scale_steps must be > 0, got 0'),
    ],
)
def test_arguments_out_of_range(settings, message):
    with pytest.raises(ValueError, match=message):
        NonFiniteHook(**settings)
