import json
import re
from datetime import timedelta
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ocec.apis.train import train
from ocec.engine.hooks import LoggerHook


def lines_of(folder, phase):
    lines = [json.loads(line) for line in (folder / 'metrics.jsonl').open()]
    return [line for line in lines if line['phase'] == phase]


def run(tmp_path, write_config, interval, name):
    # 112 rows: 56 to train on, 4 batches of 16 (the last of 8)
    config = write_config(
        f'default_hooks = dict(logger=dict(interval={interval}))', num_rows=112
    )
    train(config, work_dir=tmp_path / name)
    return tmp_path / name


def test_windows_are_means_and_the_last_batch_closes_one(tmp_path, write_config):
    single = lines_of(run(tmp_path, write_config, 1, 'a'), 'train')
    folder = run(tmp_path, write_config, 3, 'b')
    windows = lines_of(folder, 'train')
    assert [line['step'] for line in windows] == [3, 4, 7, 8]
    assert [line['epoch'] for line in windows] == [1, 1, 2, 2]
    for key in ('loss', 'grad_norm'):
        values = [line[key] for line in single]
        assert windows[0][key] == pytest.approx(sum(values[:3]) / 3, rel=1e-5)
        assert windows[1][key] == pytest.approx(values[3], rel=1e-5)
        epoch = lines_of(folder, 'train_epoch')[0]
        assert epoch[key] == pytest.approx(sum(values[:4]) / 4, rel=1e-5)


def test_tensorboard_has_the_step_as_x_everywhere(tmp_path, write_config):
    folder = run(tmp_path, write_config, 2, 'a')
    events = EventAccumulator(str(folder / 'vis_data')).Reload()
    for tag, steps in (
        ('train/loss', [2, 4, 6, 8]),
        ('train/lr', [2, 4, 6, 8]),
        ('train/grad_norm', [2, 4, 6, 8]),
        ('val/eye/f1', [4, 8]),
    ):
        assert [scalar.step for scalar in events.Scalars(tag)] == steps
    f1 = [line['eye/f1'] for line in lines_of(folder, 'val')]
    logged = [scalar.value for scalar in events.Scalars('val/eye/f1')]
    assert logged == pytest.approx(f1)


def test_the_line_of_a_validation_tells_the_best_so_far(tmp_path, write_config):
    config = write_config('train_cfg = dict(max_epochs=4)')
    folder = train(config, work_dir=tmp_path / 'run').work_dir
    [log] = folder.glob('*.log')
    found = re.findall(
        r'Epoch\(val\).* best eye/f1 (\S+) \(epoch (\d)\)', log.read_text()
    )
    values = [line['eye/f1'] for line in lines_of(folder, 'val')]
    expected = []
    for epoch in range(1, 5):
        best = max(values[:epoch])
        expected.append((f'{best:.4f}', str(values.index(best) + 1)))
    assert found == expected


def test_time_left_counts_validations(monkeypatch):
    hook = LoggerHook()
    runner = SimpleNamespace(iter=19, max_iters=100, epoch=2, max_epochs=10)
    runner._train_loop, runner.hooks = object(), []
    runner.logger = runner.visualizer = MagicMock()
    # two epochs of ten batches: 2 x 30 s of training, and one validation of 40 s
    hook._first_step, hook._run_seconds, hook._epoch_start = 0, 30.0, 1000.0
    hook._file, hook._eval_start = MagicMock(), 960.0
    monkeypatch.setattr('time.perf_counter', lambda: 1000.0)
    hook.after_val_epoch(runner, {'eye/f1': 0.5})
    # 100 s for 20 of 100 batches
    assert hook._eta(runner, now=1030.0) == timedelta(seconds=400)


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path, write_config):
    config = write_config(
        "optim_wrapper = dict(_delete_=True, type='OptimWrapper', "
        "optimizer=dict(type='SGD', lr=1e30))\n"
        'train_cfg = dict(max_epochs=20)'
    )
    with pytest.raises(
        FloatingPointError, match='the loss is nan in epoch .*clip_grad'
    ):
        train(config, work_dir=tmp_path / 'run')


def test_interval_out_of_range():
    with pytest.raises(ValueError, match='interval must be > 0, got 0'):
        LoggerHook(interval=0)


def test_rates_of_stages_are_logged_beside_the_highest(tmp_path, write_config):
    config = write_config(
        "optim_wrapper = dict(constructor='LayerWiseLR', paramwise_cfg=dict("
        'stem_lr_mult=0.25, head_lr_mult=2))\ntrain_cfg = dict(max_epochs=1)'
    )
    train(config, work_dir=tmp_path / 'run')
    line = lines_of(tmp_path / 'run', 'train')[0]
    names = ['lr', 'lr_stem', 'lr_blocks.0', 'lr_blocks.1', 'lr_head']
    assert [name for name in line if name.startswith('lr')] == names
    assert line['lr'] == line['lr_head'] == pytest.approx(8 * line['lr_stem'], rel=1e-3)


def test_images_are_counted_by_what_is_known_of_them():
    hook = LoggerHook(interval=10)
    hook.before_train_epoch(MagicMock(iter=0))
    inputs = {'keypoint': None, 'score': None, 'box': None, 'frame_hw': None}
    for size in (3, 5):
        batch = {'inputs': inputs, 'data_samples': [None] * size}
        hook.before_train_iter(MagicMock(), 0, batch)
    assert hook._window_images == 8
