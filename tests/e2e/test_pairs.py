"""Pairs of digits through the tools: trained, resumed, checked, tested."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from ocec.apis.test import test as run_test
from ocec.apis.train import train

BASES = Path(__file__).parents[2] / 'configs' / '_base_'
STREAM = "length=48, type='PairStream', _delete_=True, "
RANDOM = """
model = dict(data_preprocessor=dict(
    swap_prob=0.5,
    batch_augments=[
        dict(type='BatchRandomAffine', degrees=(-15, 15), fill='zero', prob=1.0),
        dict(type='BatchRandAugment'),
        dict(type='BatchRandomErasing', fill=0),
        dict(type='BatchRandomLines'),
    ],
))
"""


@pytest.fixture
def write_pair_config(tmp_path, make_pair_folder):
    """Return a factory of configs of the smallest pair network."""

    def write(text='', *, train_dataset='', folder=None):
        folder = folder or make_pair_folder((48, 16, 16, 16))
        bases = [
            'models/pair_compare.py',
            'datasets/digit_pairs.py',
            'schedules/pair_cosine_20e.py',
            'default_runtime.py',
        ]
        loaders = '\n'.join(
            f'{split}_dataloader = dict(batch_size=16, dataset=dict('
            f'{train_dataset if split == "train" else ""}'
            f'data={str(folder)!r}, split={split!r}))'
            for split in ('train', 'val', 'test')
        )
        path = tmp_path / 'pairs.py'
        path.write_text(
            f'_base_ = {[str(BASES / base) for base in bases]}\n{loaders}\n'
            'train_cfg = dict(max_epochs=2)\n'
            "default_hooks = dict(checkpoint=dict(save_best='pair/accuracy'))\n"
            f'work_dir = {str(tmp_path / "run")!r}\n{text}\n'
        )
        return path

    return write


def lines_of(work_dir, phase):
    lines = (work_dir / 'metrics.jsonl').read_text().splitlines()
    clocks = (
        'seconds',
        'images_per_second',
        'seconds_per_batch',
        'wait_share',
        'peak_memory_mb',
    )
    return [
        {name: value for name, value in line.items() if name not in clocks}
        for line in map(json.loads, lines)
        if line['phase'] == phase
    ]


def flatten(value, name=''):
    """Yield (name, number or tensor) of nested containers."""
    if isinstance(value, dict | list | tuple):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from flatten(item, f'{name}.{key}')
    else:
        yield name, value


@pytest.mark.parametrize('train_dataset', ['', STREAM])
def test_a_resumed_run_equals_the_uninterrupted_one(
    tmp_path, write_pair_config, train_dataset
):
    config = write_pair_config(RANDOM, train_dataset=train_dataset)
    train(config, work_dir=tmp_path / 'whole')
    halves = tmp_path / 'halves'
    halves.mkdir()
    for name in ('epoch_1.pth', 'metrics.jsonl', 'provenance.json'):
        shutil.copy(tmp_path / 'whole' / name, halves)
    (halves / 'last_checkpoint').write_text(str(halves / 'epoch_1.pth'))
    train(config, work_dir=halves, resume='auto')
    whole, resumed = (
        torch.load(tmp_path / name / 'epoch_2.pth', weights_only=True)
        for name in ('whole', 'halves')
    )
    for part in ('state_dict', 'optimizer', 'param_schedulers', 'rng'):
        pairs = list(zip(flatten(whole[part]), flatten(resumed[part]), strict=True))
        assert pairs
        for (name, one), (same_name, other) in pairs:
            assert name == same_name
            assert np.array_equal(one, other), f'{part}{name}'
    for phase in ('train', 'val'):
        lines = [lines_of(tmp_path / name, phase) for name in ('whole', 'halves')]
        assert lines[0] == lines[1]


def test_a_run_on_pairs_leaves_what_it_promises(
    tmp_path, write_pair_config, log_records
):
    config = write_pair_config(train_dataset=STREAM)
    result = train(config, work_dir=tmp_path / 'run')
    assert result.best['metric'] == 'pair/accuracy'
    sessions = json.loads((tmp_path / 'run' / 'provenance.json').read_text())
    data = sessions['sessions'][0]['data']
    assert data['train']['source_digits'] == 120
    assert data['val']['source_fingerprint'] == data['train']['source_fingerprint']
    log = next((tmp_path / 'run').glob('*.log')).read_text()
    assert 'data check: train and val share no source digit and no pair' in log


def test_a_leak_is_reported(tmp_path, write_pair_config, make_pair_folder):
    folder = make_pair_folder((48, 16, 16, 16))
    shutil.copy(folder / 'train.npz', folder / 'val.npz')
    train(write_pair_config(folder=folder), work_dir=tmp_path / 'run')
    log = next((tmp_path / 'run').glob('*.log')).read_text()
    assert 'source digits are in train and val' in log
    assert 'LEAK: 48 pairs are in train and val, pixel for pixel' in log


def test_predictions_name_pairs_and_classes(
    tmp_path, write_pair_config, make_pair_folder
):
    folder = make_pair_folder((48, 16, 16, 16))
    config = write_pair_config(folder=folder)
    result = train(config, work_dir=tmp_path / 'run')
    out = tmp_path / 'predictions.csv'
    metrics = run_test(
        config, result.work_dir / result.best['file'], work_dir=tmp_path, out=out
    )
    with open(out, newline='') as stream:
        rows = list(csv.DictReader(stream))
    arrays = np.load(folder / 'test.npz')
    assert [row['path'] for row in rows] == arrays['id'].tolist()
    names = np.array(['left_smaller', 'left_larger'])
    assert [row['label'] for row in rows] == names[arrays['y']].tolist()
    said = np.array([float(row['prob_left_larger']) >= 0.5 for row in rows])
    assert metrics['pair/accuracy'] == (said == arrays['y']).mean()
