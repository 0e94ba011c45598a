"""A seeded run gives the losses it gave before.

A refactoring must not move these numbers. A change that should move them replaces
them, and says so in CHANGELOG. In float32 on one thread; the tolerance is what other
CPUs' kernels round differently.
"""

import json

import pytest

from ocec.apis.sample_data import make_sample_eyes
from ocec.apis.train import train

FIRST_LOSSES = [1.215585, 0.978800, 1.029258, 1.071887, 1.218295]

CONFIG = """
optim_wrapper = dict(
    _delete_=True, type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3)
)
default_hooks = dict(logger=dict(interval=1))
"""


def test_first_losses_on_generated_eyes(tmp_path, write_config):
    data = make_sample_eyes(
        tmp_path / 'eyes.parquet', num_subjects=6, crops_per_subject=20, jobs=1
    )
    result = train(write_config(CONFIG), work_dir=tmp_path / 'run', data=str(data))
    lines = [json.loads(line) for line in (result.work_dir / 'metrics.jsonl').open()]
    losses = [line['loss'] for line in lines if line['phase'] == 'train'][:5]
    assert losses == pytest.approx(FIRST_LOSSES, rel=1e-4)
