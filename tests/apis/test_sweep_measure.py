import json

import pytest

from ocec.apis.errors import ConfigError
from ocec.apis.run_config import load_run_config
from ocec.apis.sweep_config import Objective
from ocec.apis.sweep_measure import (
    measure_model,
    metrics_of_run,
    minutes_of_run,
    objectives_of_runs,
    read_validations,
)

F1, LOSS = Objective('eye/f1', 'maximize'), Objective('eye/loss', 'minimize')
PARAMS = Objective('params', 'minimize')


def test_the_first_metric_chooses_the_epoch(make_work_dir):
    folder = make_work_dir(f1=(0.5, 0.9, 0.8), val_loss=(0.9, 0.3, 0.2))
    best = ({'eye/f1': 0.9, 'eye/loss': 0.3}, 2)
    assert metrics_of_run(folder, [F1, LOSS], 'best') == best
    last = ({'eye/loss': 0.2, 'eye/f1': 0.8}, 3)
    assert metrics_of_run(folder, [LOSS, F1], 'best') == last
    assert metrics_of_run(folder, [F1, LOSS], 'last')[1] == 3


def test_minutes_of_epochs_and_validations(make_work_dir):
    # three epochs of a minute, and their validations of a tenth of one
    assert minutes_of_run(make_work_dir(seconds=60.0)) == pytest.approx(3.3)


def test_a_torn_last_line_is_left_out_but_no_other(make_work_dir):
    folder = make_work_dir()
    log = folder / 'metrics.jsonl'
    whole = log.read_text()
    log.write_text(whole + '{"phase": "val", "ep')
    assert len(read_validations(folder)) == 3
    log.write_text('{"phase"\n' + whole)
    with pytest.raises(json.JSONDecodeError):
        read_validations(folder)


def test_what_cannot_be_scored_is_told(make_work_dir, tmp_path):
    with pytest.raises(ValueError, match='was never validated'):
        metrics_of_run(tmp_path, [F1], 'best')
    folder = make_work_dir(f1=(float('nan'), float('nan')))
    with pytest.raises(ValueError, match='eye/f1 is not finite in epoch 2'):
        metrics_of_run(folder, [F1], 'best')


def test_a_model_is_measured_without_its_training(write_config):
    cfg = load_run_config(write_config(num_rows=16))
    found = measure_model(cfg, ['params', 'macs', 'latency_ms'])
    # 8 channels and 2 blocks: tests/models count the baseline by hand
    assert found['params'] == sum(
        p.numel() for p in _build(cfg).parameters() if p.requires_grad
    )
    assert found['macs'] > 1000
    assert found['latency_ms'] > 0
    assert measure_model(cfg, []) == {}
    del cfg.train_dataloader.dataset['image_size']
    with pytest.raises(ConfigError, match='macs and latency_ms need'):
        measure_model(cfg, ['macs'])


def _build(cfg):
    from ocec.registry import MODELS

    return MODELS.build(cfg.model)


def test_a_trial_is_the_mean_of_its_runs(make_work_dir, write_config):
    folders = [make_work_dir('a', f1=(0.5, 0.7)), make_work_dir('b', f1=(0.9, 0.8))]
    values, runs = objectives_of_runs(
        folders,
        [F1, PARAMS],
        epoch='best',
        base=write_config(num_rows=16),
        cfg_options=['model.backbone.base_channels=16'],
    )
    assert values[0] == pytest.approx((0.7 + 0.9) / 2)
    assert [(run['eye/f1'], run['epoch']) for run in runs] == [(0.7, 2), (0.9, 1)]
    assert values[1] > 1000
