import statistics

import numpy as np
import pytest

from ocec.visualization.run_groups import (
    find_config_differences,
    group_runs,
    mean_and_spread,
    mean_curve,
)
from ocec.visualization.run_log import read_run
from ocec.visualization.run_records import Curve


@pytest.fixture
def make_run(make_work_dir):
    return lambda name, **values: read_run(make_work_dir(name, **values))


def test_seeds_of_one_config_are_a_group(make_run):
    runs = [
        make_run('base-1', seed=1),
        make_run('wide-1', seed=1, settings='model = dict(width=16)'),
        make_run('base-42', seed=42),
    ]
    groups = group_runs(runs)
    assert [(g.name, g.runs) for g in groups] == [('base', (0, 2)), ('wide-1', (1,))]
    assert groups[0].messages == ()


def test_other_data_is_another_group(make_run):
    runs = [make_run('a-1', seed=1), make_run('a-2', seed=2, val_set='b')]
    assert [g.runs for g in group_runs(runs)] == [(0,), (1,)]


def test_runs_without_a_config_stand_alone(make_run):
    runs = [make_run('a-1', seed=1), make_run('a-2', seed=2)]
    for run in runs:
        run.settings = {}
    assert [g.name for g in group_runs(runs)] == ['a-1', 'a-2']


def test_a_repeated_seed_is_told(make_run):
    [group] = group_runs([make_run('x', seed=3), make_run('y', seed=3)])
    assert group.name == 'x and 1 more'
    [message] = group.messages
    assert message.startswith('x and 1 more: seed 3 ran more than once')


@pytest.mark.parametrize(
    ('names', 'expected'),
    [
        (['cos-1', 'cos-2'], 'cos'),
        (['net_seed1', 'net_seed12'], 'net'),
        (['net-s1', 'net-s2', 'again'], 'net'),
        (['lr6-1', 'lr6-2'], 'lr6'),
    ],
)
def test_names_of_groups(make_run, names, expected):
    runs = [make_run(name, seed=seed) for seed, name in enumerate(names)]
    assert [group.name for group in group_runs(runs)] == [expected]


def test_groups_of_one_name_are_numbered(make_run):
    runs = [
        make_run(f'{folder}/a-{seed}', seed=seed, settings=f'x = {folder!r}')
        for folder in 'pq'
        for seed in (1, 2)
    ]
    assert [group.name for group in group_runs(runs)] == ['a', 'a #2']


def test_config_differences():
    settings = {
        'a': {'lr': 0.1, 'same': 1, 'flag': True},
        'b': {'lr': 0.2, 'same': 1, 'flag': 1, 'more': 'x'},
        'none': {},
    }
    assert find_config_differences(settings) == {
        'flag': [True, 1],
        'lr': [0.1, 0.2],
        'more': [None, 'x'],
    }


def curve(steps, values):
    step_N = np.array(steps, dtype=float)
    return Curve(step_N / 10, step_N, step_N * 2, np.array(values, dtype=float), 'x')


def test_mean_over_the_common_steps():
    mean, spread_N = mean_curve(
        [curve([10, 20, 30], [1, 2, 3]), curve([20, 30], [4, 9])]
    )
    np.testing.assert_array_equal(mean.step_N, [20, 30])
    np.testing.assert_array_equal(mean.epoch_N, [2, 3])
    np.testing.assert_array_equal(mean.value_N, [3, 6])
    expected = [statistics.stdev([2, 4]), statistics.stdev([3, 9])]
    np.testing.assert_allclose(spread_N, expected)


def test_curves_without_steps_meet_by_epoch():
    unknown_N = np.full(2, np.nan)
    first = Curve(np.array([1.0, 2.0]), unknown_N, unknown_N, np.array([1.0, 2.0]), 'x')
    mean, spread_N = mean_curve([first])
    np.testing.assert_array_equal(mean.value_N, [1, 2])
    np.testing.assert_array_equal(spread_N, [0, 0])


def test_mean_and_spread_against_the_standard_library():
    values = [0.9, None, 0.95, 0.7]
    known = [0.9, 0.95, 0.7]
    mean, spread = mean_and_spread(values)
    assert mean == pytest.approx(statistics.mean(known))
    assert spread == pytest.approx(statistics.stdev(known))
    assert mean_and_spread([None, 2.0]) == (2.0, None)
    assert mean_and_spread([None]) == (None, None)
