"""Runs that are stopped between any two batches equal those that are not."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import torch
from mmengine.runner import ValLoop

from ocec.apis.train import train
from ocec.engine.train_loop import EpochBasedTrainLoop

CLOCKS = {
    'seconds',
    'images_per_second',
    'seconds_per_batch',
    'wait_share',
    'peak_memory_mb',
}
# the time that a checkpoint was written, and what it was written by
NOT_OF_THE_RUN = {'meta', 'message_hub', 'logger'}

# everything with a state of its own; an epoch of 4 batches, which 3 do not divide
STATEFUL = """
model['head'] = dict(margin=dict(type='CosFace', warmup_epochs=2), dropout=0.3)
optim_wrapper = dict(
    type='AmpOptimWrapper', dtype='bfloat16', accumulative_counts=3,
    clip_grad=dict(max_norm=1.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=True, end=2,
         convert_to_iter_based=True),
    dict(type='ReduceOnPlateauLR', monitor='eye/loss', patience=0, threshold=10.0,
         begin=1),
]
custom_hooks = [
    dict(type='EMAHook', decay=0.9),
    dict(type='EarlyStoppingHook', monitor='eye/f1', patience=2, min_delta=2.0),
]
train_cfg = dict(max_epochs=4)
default_hooks = dict(logger=dict(interval=3), checkpoint=dict(max_keep_ckpts=-1))
"""
MIXED = """
model['data_preprocessor'] = dict(
    batch_augments=[dict(type='BatchRandomFlip'), dict(type='BatchGaussianNoise')],
    mix_augments=dict(augments=[dict(type='mmpretrain.Mixup', alpha=0.5)]),
)
train_dataloader['sampler'] = dict(_delete_=True, type='WeightedSampler')
train_cfg = dict(max_epochs=2)
"""
STAGED = """
optim_wrapper = dict(constructor='LayerWiseLR')
custom_hooks = [
    dict(type='EMAHook', decay=0.9),
    dict(type='FreezeHook', freeze='backbone', warmup_epochs=1.5, unfreeze=[
        dict(stages='all', monitor='eye/loss', value=100.0, epoch=1)]),
]
train_cfg = dict(max_epochs=3)
"""
# transforms of single pictures draw from numpy, in whatever process reads them
PIPELINE = """
train_dataloader['dataset']['pipeline'] = [
    dict(type='mmcv.RandomResize', scale=(64, 32), ratio_range=(0.8, 1.2)),
    dict(type='mmcv.RandomFlip', prob=0.5),
    dict(type='mmcv.Resize', scale=(64, 32)),
]
train_cfg = dict(max_epochs=2)
"""


ROOT = Path(__file__).parents[2]
TOOLS, BASES = ROOT / 'tools', ROOT / 'configs' / '_base_'
ON_RANKS = """
model['head'] = dict(dropout=0.3)
custom_hooks = [dict(type='EMAHook', decay=0.9)]
train_cfg = dict(max_epochs=6)
default_hooks = dict(logger=dict(interval=1))
"""


@pytest.fixture
def stop_at(monkeypatch):
    """Send this process a signal after some steps, and in a batch of a validation."""
    wanted = {'steps': (), 'validation': None}
    train_iter, val_iter = EpochBasedTrainLoop.run_iter, ValLoop.run_iter

    def run_train_iter(loop, number, batch):
        train_iter(loop, number, batch)
        if loop._iter in wanted['steps']:
            os.kill(os.getpid(), signal.SIGTERM)

    def run_val_iter(loop, number, batch):
        if wanted['validation'] == loop.runner.epoch:
            wanted['validation'] = None
            os.kill(os.getpid(), signal.SIGUSR1)
        val_iter(loop, number, batch)

    monkeypatch.setattr(EpochBasedTrainLoop, 'run_iter', run_train_iter)
    monkeypatch.setattr(ValLoop, 'run_iter', run_val_iter)

    def set_wanted(steps=(), validation=None):
        wanted.update(steps=steps, validation=validation)

    return set_wanted


def lines_of(work_dir):
    lines = map(json.loads, (work_dir / 'metrics.jsonl').open())
    return [{k: v for k, v in x.items() if k not in CLOCKS} for x in lines]


def assert_same(a, b, where):
    assert type(a) is type(b), where
    if isinstance(a, torch.Tensor):
        assert torch.equal(a, b), where
    elif isinstance(a, dict):
        assert a.keys() == b.keys(), where
        for key in a:
            assert_same(a[key], b[key], f'{where}.{key}')
    elif isinstance(a, list):
        assert len(a) == len(b), where
        for index, pair in enumerate(zip(a, b, strict=True)):
            assert_same(*pair, f'{where}[{index}]')
    else:
        assert a == b, where


def assert_same_run(whole, parts):
    name = (whole / 'last_checkpoint').read_text().rpartition('/')[2]
    expected, found = (
        torch.load(folder / name, weights_only=True) for folder in (whole, parts)
    )
    assert expected.keys() == found.keys()
    for part in expected.keys() - NOT_OF_THE_RUN:
        assert_same(expected[part], found[part], part)
    assert lines_of(whole) == lines_of(parts)
    best = [json.loads((folder / 'best.json').read_text()) for folder in (whole, parts)]
    for record in best:
        del record['sha256']  # the file holds the time
    assert best[0] == best[1]


def test_a_run_stopped_within_epochs_and_validation_is_the_same(
    tmp_path, write_config, stop_at, capsys
):
    config = write_config(STATEFUL, num_rows=112)
    whole, parts = tmp_path / 'whole', tmp_path / 'parts'
    train(config, work_dir=whole)
    # within the first window; in the second epoch, at its border; in a validation
    stops = [({'steps': [2]}, 3), ({'steps': [6]}, 6), ({'validation': 2}, 8)]
    for wanted, step in stops:
        stop_at(**wanted)
        result = train(config, work_dir=parts, resume='auto')
        assert result.stopped_by in ('SIGTERM', 'SIGUSR1')
        assert json.loads((parts / 'stopped.json').read_text())['step'] == step
        command = f'python tools/train.py {parts}/{config.name} --work-dir {parts}'
        assert f'resume with: {command} --resume\n' in capsys.readouterr().out
        assert (parts / 'last_checkpoint').read_text().endswith('/last.pth')
    stop_at()
    assert train(config, work_dir=parts, resume='auto').stopped_by is None
    assert_same_run(whole, parts)
    assert len([x for x in lines_of(whole) if x['phase'] == 'val']) == 3  # early
    left = {path.name for path in parts.iterdir()}
    assert not left & {'last.pth', 'last.pth.sha256', 'stopped.json', '.lock'}


@pytest.mark.slow
@pytest.mark.parametrize('extra', [MIXED, STAGED, PIPELINE])
def test_so_are_mixes_stages_and_pipelines(tmp_path, write_config, stop_at, extra):
    config = write_config(STATEFUL + extra, num_rows=112)
    whole, parts = tmp_path / 'whole', tmp_path / 'parts'
    train(config, work_dir=whole)
    stop_at(steps=[5])
    train(config, work_dir=parts)
    stop_at()
    # with other workers than before
    options = ['train_dataloader.num_workers=2']
    train(config, work_dir=parts, resume='auto', cfg_options=options)
    assert_same_run(whole, parts)


@pytest.mark.slow
def test_so_are_pairs_drawn_on_the_fly(tmp_path, make_pair_folder, stop_at):
    folder = make_pair_folder((48, 16, 16, 16))
    names = ['models/pair_compare', 'datasets/digit_pairs', 'schedules/pair_cosine_20e']
    bases = [str(BASES / f'{name}.py') for name in [*names, 'default_runtime']]
    config = tmp_path / 'pairs.py'
    config.write_text(
        f"""
_base_ = {bases}
train_dataloader = dict(batch_size=16, dataset=dict(
    _delete_=True, type='PairStream', length=48, data={str(folder)!r}))
val_dataloader = dict(batch_size=16, dataset=dict(data={str(folder)!r}))
test_dataloader = dict(dataset=dict(data={str(folder)!r}))
train_cfg = dict(max_epochs=2)
default_hooks = dict(checkpoint=dict(save_best='pair/accuracy'), diagnostics=None)
"""
    )
    whole, parts = tmp_path / 'whole', tmp_path / 'parts'
    train(config, work_dir=whole)
    stop_at(steps=[2])
    options = ['train_dataloader.num_workers=2']
    train(config, work_dir=parts, cfg_options=options)
    stop_at()
    train(config, work_dir=parts, resume='auto')
    assert_same_run(whole, parts)


def test_so_are_hard_samples(tmp_path, write_config, stop_at):
    (tmp_path / 'hard.csv').write_text('sample_id,weight\n3,9\n17,9\n40,4\n')
    sampler = dict(
        _delete_=True, type='WeightedSampler', hard_samples=str(tmp_path / 'hard.csv')
    )
    config = write_config(f"train_dataloader['sampler'] = {sampler}", num_rows=112)
    whole, parts = tmp_path / 'whole', tmp_path / 'parts'
    train(config, work_dir=whole)
    stop_at(steps=[3])
    train(config, work_dir=parts)
    stop_at()
    train(config, work_dir=parts, resume='auto')
    assert_same_run(whole, parts)


@pytest.mark.slow
def test_so_are_several_sources(tmp_path, make_eye_parquet, stop_at):
    names = ['models/ocec_baseline', 'datasets/eye_two_cameras', 'default_runtime']
    names.insert(2, 'schedules/adamw_cosine_20e')
    sources = {
        name: dict(data=str(make_eye_parquet(num_rows=rows, seed=rows)))
        for name, rows in (('home', 112), ('new', 64))
    }
    config = tmp_path / 'sources.py'
    config.write_text(
        f"""
_base_ = {[str(BASES / f'{name}.py') for name in names]}
model = dict(backbone=dict(base_channels=8, num_blocks=2))
train_dataloader = dict(batch_size=8, dataset=dict(sources={sources}))
val_dataloader = test_dataloader = dict(dataset=dict(sources={sources}))
train_cfg = dict(max_epochs=2)
default_hooks = dict(checkpoint=dict(save_best='mean/f1'), diagnostics=None)
"""
    )
    whole, parts = tmp_path / 'whole', tmp_path / 'parts'
    train(config, work_dir=whole)
    stop_at(steps=[2, 11])
    train(config, work_dir=parts)
    train(config, work_dir=parts, resume='auto')
    stop_at()
    train(config, work_dir=parts, resume='auto')
    assert_same_run(whole, parts)


@pytest.mark.slow
def test_so_are_actions(tmp_path, write_action_config, stop_at):
    config, data = write_action_config()
    whole, parts = tmp_path / 'whole', tmp_path / 'parts'
    train(config, data=data, work_dir=whole)
    stop_at(steps=[2])
    # the frames of a clip are drawn where it is read
    options = ['train_dataloader.num_workers=1']
    train(config, data=data, work_dir=parts, cfg_options=options)
    stop_at()
    train(config, data=data, work_dir=parts, resume='auto')
    assert_same_run(whole, parts)


def test_other_ranks_see_what_is_left_of_an_epoch(monkeypatch, write_config, tmp_path):
    seen = Counter()
    run_iter = EpochBasedTrainLoop.run_iter

    def note(loop, number, batch):
        if loop._epoch == 0:
            seen.update(batch['data_samples'].sample_id_B.tolist())
        run_iter(loop, number, batch)
        if loop._iter == 1 and not loop.runner._resume:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(EpochBasedTrainLoop, 'run_iter', note)
    # batches of 12 of 32 rows; the second half of the epoch was begun by two ranks
    config = write_config('train_dataloader.update(batch_size=12)', num_rows=64)
    train(config, work_dir=tmp_path)
    path = tmp_path / 'last.pth'
    checkpoint = torch.load(path, weights_only=True)
    assert checkpoint['train_loop']['seen'] == 12
    checkpoint['train_loop'].update(begun_with=2, seen=11)
    checkpoint['rng'] *= 2
    torch.save(checkpoint, path)
    (tmp_path / 'last.pth.sha256').unlink()
    train(config, work_dir=tmp_path, resume='auto')
    # one that both have seen comes twice
    assert len(seen) == 32
    assert seen.total() == 33


@pytest.fixture
def dist_train():
    """Return a function that starts two ranks; none of them outlives the test."""
    started = []

    def start(config, work_dir, *arguments):
        with socket.socket() as probe:
            probe.bind(('127.0.0.1', 0))
            port = probe.getsockname()[1]
        command = [TOOLS / 'dist_train.sh', config, 2, '--work-dir', work_dir]
        started.append(
            subprocess.Popen(
                ['bash', *map(str, [*command, *arguments])],
                env={
                    **os.environ,
                    'PYTHON': sys.executable,
                    'CUDA_VISIBLE_DEVICES': '',
                    'OMP_NUM_THREADS': '1',
                    'PORT': str(port),
                },
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            # the second signal ends the ranks at once
            process.send_signal(signal.SIGTERM)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)


def finish(process):
    out, _ = process.communicate(timeout=600)
    assert process.returncode == 0, out[-4000:]
    return out


def wait_for_steps(process, work_dir, number):
    """Wait until a run has trained so many steps."""
    path = work_dir / 'metrics.jsonl'
    while process.poll() is None:
        if path.exists() and path.read_text().count('"train"') >= number:
            return
        time.sleep(0.05)
    pytest.fail(process.communicate()[0][-4000:])


@pytest.mark.slow
def test_two_ranks_stop_together_and_go_on_exactly(tmp_path, write_config, dist_train):
    config = write_config(ON_RANKS, num_rows=400)
    whole, parts = tmp_path / 'whole', tmp_path / 'parts'
    finish(dist_train(config, whole))
    process = dist_train(config, parts)
    wait_for_steps(process, parts, 3)
    process.send_signal(signal.SIGTERM)
    out = finish(process)
    assert (
        f'tools/dist_train.sh {parts}/{config.name} 2 --work-dir {parts} --res' in out
    )
    stopped_at = json.loads((parts / 'stopped.json').read_text())['step']
    # 200 rows in batches of 2 x 16
    assert 3 <= stopped_at < 6 * 7
    alone = tmp_path / 'alone'
    shutil.copytree(parts, alone)
    finish(dist_train(config, parts, '--resume'))
    assert_same_run(whole, parts)
    # one rank takes the rest of the epoch over
    train(config, work_dir=alone, resume='auto')
    [log] = [p for p in alone.glob('*.log') if 'has 1:' in p.read_text()]
    assert 'holds random states of 2 ranks, this run has 1:' in log.read_text()
    steps = [x['step'] for x in lines_of(alone) if x['phase'] == 'train']
    left = 200 - stopped_at % 7 * 32
    assert steps[-1] == stopped_at + -(-left // 16) + 13 * (5 - stopped_at // 7)
