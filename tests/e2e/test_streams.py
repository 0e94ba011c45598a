"""Trainings that read their data onwards, without a cache."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch

from ocec.apis.train import train
from ocec.engine.train_loop import EpochBasedTrainLoop

TOOLS = Path(__file__).parents[2] / 'tools'

STREAM = """
{name}_dataloader.update(
    sampler=dict(_delete_=True, type='ShardSampler', shuffle={shuffle}),
    batch_sampler=dict(type='ShardBatchSampler'),
)
{name}_dataloader['dataset'].update(
    type='EyeParquetStream', data={folder!r}, buffer_rows=16, lanes=2)
"""


@pytest.fixture
def config(tmp_path, write_config, make_eye_parquet):
    """A config that streams four files of 48 rows, of which 24 are train."""
    folder = tmp_path / 'shards'
    folder.mkdir()
    for number in range(4):
        table = pq.read_table(make_eye_parquet(num_rows=48, seed=number))
        pq.write_table(table, folder / f'{number}.parquet', row_group_size=10)
    texts = [
        STREAM.format(name=name, shuffle=name == 'train', folder=str(folder))
        for name in ('train', 'val', 'test')
    ]
    return write_config('\n'.join([*texts, 'train_cfg = dict(max_epochs=3)']))


@pytest.fixture
def seen(monkeypatch):
    """Samples of each epoch that a training has read, as counters."""
    epochs = {}
    run_iter = EpochBasedTrainLoop.run_iter

    def note(loop, number, batch):
        ids = batch['data_samples'].sample_id_B.tolist()
        epochs.setdefault(loop._epoch, Counter()).update(ids)
        run_iter(loop, number, batch)

    monkeypatch.setattr(EpochBasedTrainLoop, 'run_iter', note)
    return epochs


def weights_of(work_dir: Path):
    name = (work_dir / 'last_checkpoint').read_text().rpartition('/')[2]
    return torch.load(work_dir / name, weights_only=True)['state_dict']


def assert_same(whole, parts):
    expected, found = weights_of(whole), weights_of(parts)
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_every_epoch_has_all_samples_and_validation_too(tmp_path, config, seen):
    config.write_text(config.read_text() + 'auto_scale_lr = dict(base_batch_size=32)\n')
    train(config, work_dir=tmp_path / 'run', auto_scale_lr=True)
    [log] = (tmp_path / 'run').glob('*.log')
    # 0.008 for 32 images
    assert '1 ranks x 16 images x 1 accumulated = 16; lr 0.004' in log.read_text()
    assert [set(counter.values()) for counter in seen.values()] == [{1}] * 3
    assert [counter.total() for counter in seen.values()] == [96] * 3
    lines = map(json.loads, (tmp_path / 'run' / 'metrics.jsonl').open())
    assert len([line for line in lines if line['phase'] == 'val']) == 3


def test_a_run_stopped_within_an_epoch_is_the_same(tmp_path, config, seen, monkeypatch):
    whole, parts = tmp_path / 'whole', tmp_path / 'parts'
    train(config, work_dir=whole)
    expected = dict(seen)
    seen.clear()
    run_iter = EpochBasedTrainLoop.run_iter

    def stop(loop, number, batch):
        run_iter(loop, number, batch)
        if loop._iter == 8:  # in the second epoch of 6 steps
            os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(EpochBasedTrainLoop, 'run_iter', stop)
        train(config, work_dir=parts)
    assert json.loads((parts / 'stopped.json').read_text())['step'] == 8
    # with other workers than before
    options = ['train_dataloader.num_workers=2']
    train(config, work_dir=parts, resume='auto', cfg_options=options)
    assert_same(whole, parts)
    assert seen == expected


def test_one_rank_takes_over_what_two_have_begun(tmp_path, config, seen, monkeypatch):
    run_iter = EpochBasedTrainLoop.run_iter

    def stop(loop, number, batch):
        run_iter(loop, number, batch)
        if loop._iter == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(EpochBasedTrainLoop, 'run_iter', stop)
        train(config, work_dir=tmp_path, cfg_options=['train_cfg.max_epochs=1'])
    seen.clear()
    path = tmp_path / 'last.pth'
    checkpoint = torch.load(path, weights_only=True)
    assert checkpoint['train_loop']['seen'] == 32
    # as if the epoch had been begun by two ranks, of one step each
    checkpoint['train_loop'].update(begun_with=2)
    checkpoint['rng'] *= 2
    torch.save(checkpoint, path)
    path.with_name('last.pth.sha256').unlink()
    train(
        config, work_dir=tmp_path, resume='auto', cfg_options=['train_cfg.max_epochs=1']
    )
    assert set(seen[0].values()) == {1}
    assert seen[0].total() == 96 - 32


SHARED = """
model['head'] = dict(dropout=0.3)
optim_wrapper = dict(optimizer=dict(
    type='ZeroRedundancyOptimizer', optimizer_type='AdamW', fused=False))
custom_hooks = [
    dict(type='EMAHook', decay=0.9),
    dict(type='GradientCompressionHook', method='bf16'),
]
default_hooks = dict(checkpoint=dict(max_keep_ckpts=-1))
auto_scale_lr = dict(base_batch_size=16)
"""


@pytest.mark.slow
def test_ranks_that_share_stream_optimizer_and_gradients_resume(tmp_path, config):
    config.write_text(config.read_text() + SHARED)
    whole, parts = tmp_path / 'whole', tmp_path / 'parts'
    log = train_on_two_ranks(config, whole, '--auto-scale-lr')
    # 0.008 for 16 images
    assert '2 ranks x 16 images x 1 accumulated = 32; lr 0.016' in log
    optimizer = torch.load(whole / 'epoch_1.pth', weights_only=True)['optimizer']
    listed = [i for group in optimizer['param_groups'] for i in group['params']]
    assert sorted(optimizer['state']) == sorted(listed)
    train_on_two_ranks(
        config, parts, '--auto-scale-lr', '--resume', whole / 'epoch_1.pth'
    )
    assert_same(whole, parts)


@pytest.mark.slow
def test_batch_norm_over_ranks_without_a_gpu_is_refused(tmp_path, config):
    log = train_on_two_ranks(config, tmp_path, '--cfg-options', 'sync_bn=torch', code=1)
    assert "sync_bn='torch': batch norm over all ranks runs on GPUs only" in log


def train_on_two_ranks(config, work_dir, *arguments, code=0):
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    command = [TOOLS / 'dist_train.sh', config, 2, '--work-dir', work_dir, *arguments]
    done = subprocess.run(
        ['bash', *map(str, command)],
        env={
            **os.environ,
            'PYTHON': sys.executable,
            'CUDA_VISIBLE_DEVICES': '',
            'OMP_NUM_THREADS': '1',
            'PORT': str(port),
        },
        capture_output=True,
        text=True,
        timeout=500,
    )
    log = done.stdout + done.stderr
    assert done.returncode == code, log[-6000:]
    return log
