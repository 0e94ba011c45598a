"""Fixtures of the tools: members of an ensemble, made without training."""

import json
from itertools import count
from pathlib import Path

import pytest
import torch

from ocec.apis.run_config import load_run_config
from ocec.engine.checkpoint_io import save_atomically
from ocec.engine.metrics_file import MetricsFile
from ocec.registry import MODELS


@pytest.fixture
def make_member(write_config, tmp_path):
    """Return a factory of checkpoints as a training leaves them, with random weights.

    Args of the factory:
        data: parquet file that the config in the checkpoint names.
        text: Python text put at the end of the config.
        seed: of the weights.

    Returns of the factory: the path of the checkpoint.
    """
    numbers = count()

    def make(data, text: str = '', seed: int = 0):
        config = write_config(text, num_rows=16)
        cfg = load_run_config(config, data=str(data))
        torch.manual_seed(seed)
        model = MODELS.build(cfg.model)
        model.head.loss_module.set_class_counts(16, 16)  # as training does
        weights = model.state_dict()
        path = tmp_path / f'run{next(numbers)}' / 'best.pth'
        save_atomically({'meta': {'cfg': cfg.pretty_text}, 'state_dict': weights}, path)
        return path

    return make


@pytest.fixture
def own_data(make_eye_parquet):
    """What members were trained on: subjects s000 to s015."""
    return make_eye_parquet(num_rows=64)


@pytest.fixture
def unseen_data(make_eye_parquet):
    """Subjects that no member has seen: 80 rows to stack on, 40 to test on."""
    return make_eye_parquet(
        num_rows=120,
        seed=7,
        splits={'val': 2 / 3, 'test': 1 / 3},
        group=[f'new{row // 4}' for row in range(120)],
    )


@pytest.fixture
def make_benchmark_setup(write_config, make_eye_parquet, tmp_path, monkeypatch):
    """Return a factory of tiny setups for the benchmark: 32 train rows, 16 val rows.

    Args of the factory:
        text: Python text put at the end of the config.
        **settings: further fields of ``BenchmarkSetup``.

    Returns of the factory: the setup; its pictures are written.
    """
    from ocec.apis.benchmark_setup import WORKERS, BenchmarkSetup, write_pictures

    monkeypatch.setitem(WORKERS, 'cpu', 1)

    def make(text: str = '', **settings) -> BenchmarkSetup:
        config = write_config(text, num_rows=4)
        data = make_eye_parquet(num_rows=64)
        folder = tmp_path / 'benchmark'
        folder.mkdir()
        setup = BenchmarkSetup(
            config=str(config),
            data=str(data),
            pictures=str(folder / 'pictures'),
            work_dir=str(folder / 'run'),
            **{'threads': 1, 'epochs': 1, **settings},
        )
        write_pictures(data, folder / 'pictures')
        (folder / 'run').mkdir()
        return setup

    return make


@pytest.fixture
def make_pair_run(tmp_path):
    """Return a factory of finished runs on digit pairs, with random weights.

    Args of the factory:
        data: folder of pairs that the config in the checkpoint names.
        name: stage and run; a name without a stage is a run of another tool.
        seed: of the weights.
        val: accuracy that ``best.json`` names.

    Returns of the factory: the work_dir.
    """

    def make(data, name='stage0/compare-s1', *, seed=1, val=0.75):
        bases = ('models/pair_compare', 'datasets/digit_pairs', 'pair_runtime')
        bases = [*bases, 'schedules/pair_cosine_20e']
        root = Path(__file__).parents[2] / 'configs' / '_base_'
        config = tmp_path / 'pair_run.py'
        config.write_text(f'_base_ = {[str(root / f"{base}.py") for base in bases]}\n')
        cfg = load_run_config(config, data=str(data))
        torch.manual_seed(seed)
        weights = MODELS.build(cfg.model).state_dict()
        folder = tmp_path / 'runs' / name
        save_atomically(
            {'meta': {'cfg': cfg.pretty_text}, 'state_dict': weights},
            folder / 'best.pth',
        )
        best = {'metric': 'pair/accuracy', 'value': val, 'epoch': 2, 'file': 'best.pth'}
        (folder / 'best.json').write_text(json.dumps(best))
        log = MetricsFile(folder / 'metrics.jsonl')
        for epoch in (1, 2):
            log.append('train_epoch', epoch, epoch, {'loss': 0.6, 'seconds': 50.0})
            log.append('val', epoch, epoch, {'pair/accuracy': val, 'seconds': 10.0})
        if '/' in name:
            member = {'stage': name.split('/')[0], 'seed': seed}
            (folder / 'member.json').write_text(json.dumps(member))
            (folder / 'finished.json').write_text('{}')
        return folder

    return make
