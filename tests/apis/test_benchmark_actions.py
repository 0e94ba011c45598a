"""Times are whatever the machine gives; checked is what is computed of them."""

import json

import numpy as np
import pytest

from ocec.apis import benchmark_actions as module
from ocec.apis.benchmark_actions import (
    benchmark_actions,
    format_actions,
    list_ratios,
)
from ocec.apis.errors import ConfigError


@pytest.fixture
def found():
    """Figures whose ratios are easy."""
    return {
        'machine': {'processor': 'abacus', 'threads': 1},
        'config': 'epam.py',
        'device': 'cpu',
        'step': {
            'batch_size': 2,
            'seconds': {'2d': [1.0, 2.0, 1.0], 'conv3d': [4.0, 4.0, 2.0]},
            'peak_mb': {'2d': 1000.0, 'conv3d': None},
        },
        'heatmaps': {
            'joints': {
                'loop': [1.0, 1.0],
                'kept memory': [0.04, 0.04],
                'new memory': [0.1, 0.1],
                'difference': 2e-7,
            }
        },
        'reading': {'bytes_per_clip': 2.4e6, 'clips_per_second': [10.0, 30.0, 20.0]},
        'training': {
            'wait': [0.1, 0.0, 0.0],
            'step': [0.9, 2.0, 1.0],
            'batch_size': 8,
            'workers': 2,
            'peak_mb': 3000.0,
        },
    }


def test_ratios_by_hand(found):
    step, kept, fresh, wait = list_ratios(found)
    assert (step.value, step.low, step.high) == (2.0, 2.0, 4.0)
    assert (step.target, step.is_met) == ('>= 3', False)
    assert kept.value == pytest.approx(25)
    assert kept.is_met
    assert fresh.value == pytest.approx(10)
    assert not fresh.is_met
    assert (wait.value, wait.low) == (0.0, 0.0)
    assert wait.high == pytest.approx(0.1)
    assert (wait.target, wait.is_met) == ('< 0.05', True)


def test_the_text_tells_all(found):
    text = format_actions(found)
    assert 'Measured on: processor abacus, threads 1.' in text
    row = '| 2D network on frames / the same with Conv3d, clips/s of a step | 2 | 2, 4 '
    assert row + '| >= 3, **not met** |' in text
    assert '| waiting for data, share of a step, 2 workers | 0 | 0, 0.1 ' in text
    assert '| step, 2D network on frames, batch 2 | 2.00 | 1,000 | 1,000 |' in text
    assert '| step, the same with Conv3d, batch 2 | 0.50 | 2,000 |  |' in text
    assert '| training with 2 workers, batch 8 | 8.00 | 1,000 | 3,000 |' in text
    assert 'loop 1000.00 ms, kept memory 40.00 ms, new memory 100.00 ms' in text
    assert 'reads 20.0 clips/s and hands over 2.400 MB a clip' in text
    assert '(target <= 2.5, met)' in text


def test_parts_that_were_not_measured_are_left_out(found):
    kept = ('machine', 'config', 'device', 'reading')
    text = format_actions({name: found[name] for name in kept})
    assert '|' not in text
    assert '2.400 MB a clip' in text


def test_all_parts_of_a_tiny_run(make_action_run, tmp_path, monkeypatch, capsys):
    def here(function, setup, *args):
        return function(setup, *args), 7.0

    monkeypatch.setattr(module, 'in_own_process', here)
    run, file = make_action_run(), tmp_path / 'new' / 'figures.json'
    settings = {'repeats': 2, 'batch_size': 1, 'train_batch_size': 2, 'workers': 1}
    found = benchmark_actions(run.config, str(run.folder), **settings, json_file=file)
    assert json.loads(file.read_text()) == found
    assert found['step']['peak_mb'] == {'2d': 7.0, 'conv3d': 7.0}
    for times in (*found['step']['seconds'].values(), found['training']['step']):
        assert len(times) == 2
        assert np.isfinite(times).all()
        assert min(times) > 0
    # 3 frames of 32 x 32, box and size of the frame; joints of 1 or 2 persons
    rest = 3 * 32 * 32 * 3 + 4 * 4 + 2 * 8
    joints = 6 * 17 * 3 * 4
    assert found['reading']['bytes_per_clip'] in (rest + joints, rest + 2 * joints)
    assert set(found['heatmaps']) == {'joints', 'limbs'}
    assert found['heatmaps']['limbs']['difference'] < 1e-4
    assert '| ratio |' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'device': 'tpu'}, "--device must be 'cpu' or 'cuda', got 'tpu'"),
        ({'parts': ['step', 'all']}, r"--parts: unknown \['all'\], choose of"),
        ({'repeats': 0}, '--repeats must be >= 1, got 0'),
        ({'train_batch_size': 0}, '--train-batch-size must be >= 1, got 0'),
    ],
)
def test_arguments_are_checked(settings, message):
    with pytest.raises(ConfigError, match=message):
        benchmark_actions('epam.py', 'data', **settings)


def test_a_config_of_images_is_refused(write_config, make_eye_parquet):
    with pytest.raises(ConfigError, match='model.type must be ActionRecognizer'):
        benchmark_actions(write_config(num_rows=4), str(make_eye_parquet()))
