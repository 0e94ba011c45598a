"""Staged fine-tuning: head, last block, everything; interrupted in each stage."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ocec.apis.train import train

TOOLS = Path(__file__).parents[2] / 'tools'

# everything with a state of its own, and groups whose rates differ; 2 batches an epoch
STAGED = """
model['head'] = dict(margin=dict(type='CosFace'), dropout=0.1)
optim_wrapper = dict(
    type='AmpOptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.1, fused=True),
    constructor='LayerWiseLR',
    paramwise_cfg=dict(
        stem_lr_mult=0.2, head_lr_mult=2, margin_lr_mult=4, norm_decay_mult=0
    ),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.5, by_epoch=True, end=1,
         convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', eta_min_ratio=0.1, begin=1, by_epoch=True),
    dict(type='ReduceOnPlateauLR', monitor='eye/loss', patience=0, threshold=10.0,
         begin=1),
]
custom_hooks = [
    dict(type='EMAHook', decay=0.9),
    dict(
        type='FreezeHook',
        freeze='backbone',
        unfreeze=[
            dict(stages='blocks[-1:]', epoch=2),
            dict(stages='all', monitor='eye/loss', value=100.0, epoch=4),
        ],
        warmup_epochs=1.5,
    ),
]
train_cfg = dict(max_epochs=6)
default_hooks = dict(logger=dict(interval=1), checkpoint=dict(max_keep_ckpts=-1))
"""
BACKBONE = ('backbone.stem.', 'backbone.blocks.')
STATE = (
    'state_dict',
    'ema_state_dict',
    'optimizer',
    'param_schedulers',
    'freeze',
    'rng',
)


_WHOLE_RUN = []


@pytest.fixture
def staged(tmp_path, write_config):
    """Return the config and the work_dir of an uninterrupted run, trained once."""
    if not _WHOLE_RUN:
        config = write_config(STAGED)
        train(config, work_dir=tmp_path / 'whole')
        _WHOLE_RUN.extend([config, tmp_path / 'whole'])
    return tuple(_WHOLE_RUN)


def load(work_dir, epoch):
    return torch.load(work_dir / f'epoch_{epoch}.pth', weights_only=True)


def train_lines(work_dir):
    lines = map(json.loads, (work_dir / 'metrics.jsonl').open())
    return [line for line in lines if line['phase'] == 'train']


def assert_equal(a, b, where):
    assert type(a) is type(b), where
    if isinstance(a, torch.Tensor):
        assert torch.equal(a, b), where
    elif isinstance(a, dict):
        assert a.keys() == b.keys(), where
        for key in a:
            assert_equal(a[key], b[key], f'{where}.{key}')
    elif isinstance(a, list):
        assert len(a) == len(b), where
        for index, pair in enumerate(zip(a, b, strict=True)):
            assert_equal(*pair, f'{where}[{index}]')
    else:
        assert a == b, where


def test_a_run_interrupted_in_any_stage_equals_the_uninterrupted_one(staged, tmp_path):
    config, whole = staged
    # head only; in the block's warmup; just before the rest; in its warmup
    for stop_after in (1, 3, 4, 5):
        halves = tmp_path / f'halves{stop_after}'
        halves.mkdir()
        for name in (f'epoch_{stop_after}.pth', 'metrics.jsonl', 'provenance.json'):
            shutil.copy(whole / name, halves)
        (halves / 'last_checkpoint').write_text(str(halves / f'epoch_{stop_after}.pth'))
        train(config, work_dir=halves, resume='auto')
        expected, found = load(whole, 6), load(halves, 6)
        assert expected['freeze']['made_at'] == [4, 8]
        for part in STATE:
            assert_equal(expected[part], found[part], f'{stop_after}: {part}')
        rates = [
            [{k: v for k, v in line.items() if k.startswith('lr')} for line in lines]
            for lines in (train_lines(whole), train_lines(halves))
        ]
        assert rates[0] == rates[1]


def test_what_is_frozen_does_not_move_and_what_is_unfrozen_does(staged):
    _, whole = staged
    checkpoints = {epoch: load(whole, epoch) for epoch in range(1, 7)}

    def moved(first, second, part):
        before, after = (checkpoints[epoch][part] for epoch in (first, second))
        return {
            name.removeprefix('module.')
            for name in before
            if not torch.equal(before[name], after[name])
        }

    for part in ('state_dict', 'ema_state_dict'):  # averaged weights, raw weights
        # buffers included: the statistics of a frozen norm
        assert not any(n.startswith(BACKBONE) for n in moved(1, 2, part))
        in_second = moved(2, 4, part)
        assert not any(
            n.startswith(('backbone.stem', 'backbone.blocks.0')) for n in in_second
        )
        block = [n for n in checkpoints[1]['state_dict'] if 'blocks.1.' in n]
        assert in_second.issuperset(block)
        assert 'backbone.stem.0.weight' in moved(4, 6, part)
    for name in checkpoints[2]['state_dict']:
        if name.startswith(BACKBONE):
            averaged, raw = (
                checkpoints[2]['state_dict'][name],
                checkpoints[2]['ema_state_dict'][f'module.{name}'],
            )
            assert torch.equal(averaged, raw), name


def test_frozen_parameters_are_in_the_optimizer_without_a_state(staged):
    _, whole = staged
    for epoch, steps in ((2, {4}), (4, {8, 4}), (6, {12, 8, 4})):
        optimizer = load(whole, epoch)['optimizer']
        members = [i for group in optimizer['param_groups'] for i in group['params']]
        assert len(members) == len(set(members)) == 18
        # how often each was updated: since the start, 2 and 4 epochs later
        counts = {int(state['step']) for state in optimizer['state'].values()}
        assert counts == steps


def test_each_stage_has_its_rate_and_warms_up_when_unfrozen(staged):
    _, whole = staged
    lines = train_lines(whole)
    assert len(lines) == 12
    first, mid, last = lines[0], lines[4], lines[-1]
    assert {k for k in first if k.startswith('lr_')} == {'lr_head', 'lr_margin'}
    assert first['lr_margin'] == pytest.approx(2 * first['lr_head'])
    assert first['lr'] == first['lr_margin'] == pytest.approx(1e-3 * 4 * 0.5)
    # 1.5 epochs of 2 batches: a third, two thirds, whole
    for line, share in zip(lines[4:8], (1 / 3, 2 / 3, 1, 1), strict=True):
        assert 'lr_stem' not in line
        assert line['lr_blocks.1'] == pytest.approx(line['lr_head'] / 2 * share)
    for line, share in zip(lines[8:], (1 / 3, 2 / 3, 1, 1), strict=True):
        assert line['lr_stem'] == pytest.approx(line['lr_head'] / 10 * share)
        assert line['lr_blocks.1'] == pytest.approx(line['lr_head'] / 2)
    assert mid['lr_head'] > last['lr_head'] > 0


@pytest.mark.slow
def test_two_ranks_freeze_and_unfreeze(tmp_path, write_config):
    config = write_config(STAGED)
    environment = {
        **os.environ,
        'PYTHON': sys.executable,
        'CUDA_VISIBLE_DEVICES': '',
        'OMP_NUM_THREADS': '1',
    }
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        environment['PORT'] = str(probe.getsockname()[1])
    command = [TOOLS / 'dist_train.sh', config, 2, '--work-dir', tmp_path / 'two']
    done = subprocess.run(
        ['bash', *map(str, command)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    states = [load(tmp_path / 'two', epoch)['state_dict'] for epoch in (1, 2, 4, 6)]
    stem = 'backbone.stem.0.weight'
    block = next(n for n in states[0] if n.startswith('backbone.blocks.1.'))
    assert torch.equal(states[0][block], states[1][block])
    assert not torch.equal(states[1][block], states[2][block])
    assert torch.equal(states[0][stem], states[2][stem])
    assert not torch.equal(states[2][stem], states[3][stem])
