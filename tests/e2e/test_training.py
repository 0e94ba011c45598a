"""Whole runs, small: what a user relies on."""

import json
import shutil

import pytest
import torch

from ocec.apis.test import test as run_test
from ocec.apis.train import train

TEST_ON_VAL = "test_dataloader['dataset']['split'] = 'val'"

# everything with a state of its own: dropout, augmentation, EMA, bf16, a scheduler
# per iteration, plateau, early stopping
STATEFUL = """
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=True, end=2,
         convert_to_iter_based=True),
    dict(type='ReduceOnPlateauLR', monitor='eye/loss', rule='less', patience=0,
         threshold=10.0, begin=2),
]
custom_hooks = [
    dict(type='EMAHook', decay=0.9),
    dict(type='EarlyStoppingHook', monitor='eye/f1', patience=50),
]
train_cfg = dict(max_epochs=5)
default_hooks = dict(logger=dict(interval=1), checkpoint=dict(max_keep_ckpts=-1))
"""


def lines_of(work_dir, phase):
    text = (work_dir / 'metrics.jsonl').read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    clocks = (
        'seconds',
        'images_per_second',
        'seconds_per_batch',
        'wait_share',
        'peak_memory_mb',
    )
    return [
        {name: value for name, value in line.items() if name not in clocks}
        for line in lines
        if line['phase'] == phase
    ]


def assert_equal_nested(a, b, where=''):
    assert type(a) is type(b), where
    if isinstance(a, torch.Tensor):
        assert torch.equal(a, b), where
    elif isinstance(a, dict):
        assert a.keys() == b.keys(), where
        for key in a:
            assert_equal_nested(a[key], b[key], f'{where}.{key}')
    elif isinstance(a, list):
        assert len(a) == len(b), where
        for index, (x, y) in enumerate(zip(a, b, strict=True)):
            assert_equal_nested(x, y, f'{where}[{index}]')
    else:
        assert a == b, where


WORKERS = 'train_dataloader.update(num_workers=2, persistent_workers=True)'
# numpy draws the ratio of a mix, a sampler its own order, a margin grows by the epoch
MIXED = """
model['backbone']['drop_path_rate'] = 0.3
model['head'] = dict(margin=dict(type='ArcFace', m=0.3, warmup_epochs=4))
model['data_preprocessor'] = dict(
    batch_augments=[
        dict(type='BatchRandomFlip'),
        dict(type='BatchRandomAffine'),
        dict(type='BatchGaussianNoise', prob=0.5),
        dict(type='BatchJPEG', prob=0.5),
        dict(type='BatchRandomErasing'),
    ],
    mix_augments=dict(
        augments=[
            dict(type='mmpretrain.Mixup', alpha=0.5),
            dict(type='mmpretrain.CutMix', alpha=1.0),
        ],
        probs=[0.4, 0.4],
    ),
)
train_dataloader['sampler'] = dict(_delete_=True, type='WeightedSampler')
"""


@pytest.mark.parametrize(
    ('stop_after', 'extra'), [(2, ''), (3, ''), (2, WORKERS), (2, MIXED)]
)
def test_a_resumed_run_equals_the_uninterrupted_one(
    tmp_path, write_config, stop_after, extra
):
    config = write_config(STATEFUL + extra)
    train(config, work_dir=tmp_path / 'whole')
    # as if killed somewhere in the epoch after the checkpoint
    halves = tmp_path / 'halves'
    halves.mkdir()
    for name in (f'epoch_{stop_after}.pth', 'metrics.jsonl', 'provenance.json'):
        shutil.copy(tmp_path / 'whole' / name, halves)
    (halves / 'last_checkpoint').write_text(str(halves / f'epoch_{stop_after}.pth'))
    train(config, work_dir=halves, resume='auto')
    whole, halves = (
        torch.load(tmp_path / name / 'epoch_5.pth', weights_only=True)
        for name in ('whole', 'halves')
    )
    for part in (
        'state_dict',
        'ema_state_dict',
        'optimizer',
        'param_schedulers',
        'early_stopping',
        'thresholds',
        'advice',
        'verdict',
        'rng',
    ):
        assert_equal_nested(whole[part], halves[part], part)
    for phase in ('train', 'val'):
        assert lines_of(tmp_path / 'whole', phase) == lines_of(
            tmp_path / 'halves', phase
        )
    steps = [line['step'] for line in lines_of(tmp_path / 'halves', 'train')]
    assert steps == list(range(1, 11))  # 32 images, batch 16, 5 epochs
    sessions = json.loads((tmp_path / 'halves' / 'provenance.json').read_text())
    assert [s['resumed_at_step'] for s in sessions['sessions']] == [0, 2 * stop_after]


def test_a_run_leaves_what_it_promises(tmp_path, write_config):
    result = train(write_config(), work_dir=tmp_path / 'run')
    names = {path.name for path in result.work_dir.iterdir()}
    assert {'best.json', 'epoch_2.pth', 'epoch_2.pth.sha256', 'metrics.jsonl'} <= names
    assert {'provenance.json', 'tiny0.py', 'vis_data', 'last_checkpoint'} <= names
    assert sum(name.endswith('.log') for name in names) == 1
    assert result.best['metric'] == 'eye/f1'
    assert (result.work_dir / result.best['file']).exists()
    assert list((result.work_dir / 'vis_data').glob('events.out.tfevents.*'))


def test_the_best_checkpoint_scores_what_its_record_says(tmp_path, write_config):
    config = write_config(TEST_ON_VAL)
    result = train(config, work_dir=tmp_path / 'run')
    out = tmp_path / 'predictions.csv'
    metrics = run_test(
        config, result.work_dir / result.best['file'], work_dir=tmp_path, out=out
    )
    assert metrics['eye/f1'] == result.best['value']
    # with the decisions of the CSV counted by hand
    rows = [line.split(',') for line in out.read_text().splitlines()[1:]]
    said_open = [float(row[3]) >= 0.5 for row in rows]
    is_open = [row[2] == 'open' for row in rows]
    pairs = list(zip(said_open, is_open, strict=True))
    assert metrics['eye/tp'] == pairs.count((True, True))
    assert metrics['eye/fn'] == pairs.count((False, True))
    assert len(rows) == 16


def test_learning_happens(tmp_path, write_config):
    config = write_config('train_cfg = dict(max_epochs=12)', num_rows=256)
    result = train(config, work_dir=tmp_path / 'run')
    losses = [line['loss'] for line in lines_of(result.work_dir, 'train_epoch')]
    assert losses[-1] < 0.7 * losses[0]
    assert lines_of(result.work_dir, 'val')[-1]['eye/auc'] > 0.9
