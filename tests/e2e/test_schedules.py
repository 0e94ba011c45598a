"""The learning rates that the shipped schedules really train with."""

import json
import math
from pathlib import Path

import pytest
from mmengine.config import Config

from ocec.apis.config_check import check_config
from ocec.engine.runner import Runner

SCHEDULES = Path(__file__).parents[2] / 'configs' / '_base_' / 'schedules'
# 32 images of the train split in batches of 16
BATCHES = 2


def rates(write_config, name, epochs, text=''):
    """Rate of every iteration of a run."""
    cfg = Config.fromfile(write_config(f'custom_hooks = []\n{text}'))
    cfg.update(Config.fromfile(SCHEDULES / name).to_dict())
    cfg.train_cfg.max_epochs = epochs
    cfg.default_hooks.logger.interval = 1
    cfg.visualizer.vis_backends = []
    assert [str(finding) for finding in check_config(cfg)] == []
    Runner.from_cfg(cfg).train()
    lines = map(json.loads, (Path(cfg.work_dir) / 'metrics.jsonl').open())
    found = [line['lr'] for line in lines if line['phase'] == 'train']
    assert len(found) == epochs * BATCHES
    return found


def test_warmup_then_plateau(write_config):
    found = rates(write_config, 'adamw_warmup_plateau_1000e.py', epochs=7)
    warmup = [1e-4 * (epoch + 1) / 5 for epoch in range(5)]
    assert found[::BATCHES] == found[1::BATCHES]
    assert found[::BATCHES] == pytest.approx([*warmup, 1e-4, 1e-4], rel=1e-12)
    # exactly the rate of the config, not only nearly
    assert found[-1] == 1e-4


def test_a_plateau_that_a_short_run_never_reaches(write_config, tmp_path):
    found = rates(write_config, 'adamw_warmup_plateau_1000e.py', epochs=1)
    assert found == pytest.approx([2e-5, 2e-5])
    [log] = (tmp_path / 'run').glob('*.log')
    told = 'ReduceOnPlateauLR begins after 5 epochs and ends after 1, the length'
    assert log.read_text().count(told) == 1


def test_cosine_ends_with_the_run(write_config):
    found = rates(write_config, 'adamw_cosine_1000e.py', epochs=4)
    # in epoch t of 4: 1e-6 + (1e-4 - 1e-6) (1 + cos(pi t / 4)) / 2
    halves = [1, (1 + math.sqrt(0.5)) / 2, 0.5, (1 - math.sqrt(0.5)) / 2]
    expected = [1e-6 + 99e-6 * half for half in halves]
    assert found[::BATCHES] == pytest.approx(expected)
    assert found[1::BATCHES] == pytest.approx(expected)


def test_warmup_then_cosine(write_config):
    found = rates(write_config, 'adamw_warmup_cosine_1000e.py', epochs=8)
    for epoch, rate in enumerate(found[::BATCHES]):
        warmup = min(1, (epoch + 1) / 5)
        cosine = 1e-6 + 99e-6 * (1 + math.cos(math.pi * epoch / 8)) / 2
        # the lower bound is not warmed up with the rest, hence the tolerance
        assert rate == pytest.approx(warmup * cosine, abs=1e-6)


def test_cycles_are_counted_in_iterations(write_config):
    found = rates(write_config, 'adamw_cyclic_1000e.py', epochs=2)
    # 990e-6 in 2,000 steps
    expected = [1e-5 + step * 990e-6 / 2000 for step in range(2 * BATCHES)]
    assert found == pytest.approx(expected, rel=1e-9)


def test_one_cycle_is_as_long_as_the_run(write_config):
    # 10 epochs of 2: up in steps 0 to 0.3 * 20 - 1, down in the rest
    found = rates(write_config, 'adamw_onecycle_20e.py', epochs=10)
    assert found[0] == pytest.approx(1e-4)
    assert found[5] == max(found) == pytest.approx(1e-3)
    assert found[-1] == pytest.approx(1e-4 / 1e4)
    rises = [after > before for before, after in zip(found, found[1:], strict=False)]
    assert rises == [True] * 5 + [False] * 14


@pytest.mark.parametrize('path', sorted(SCHEDULES.glob('*.py')), ids=lambda p: p.name)
def test_the_name_of_a_schedule_tells_its_length(path):
    cfg = Config.fromfile(path)
    assert path.stem.endswith(f'_{cfg.train_cfg.max_epochs}e')
