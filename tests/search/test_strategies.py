import optuna
import pytest

from ocec.search.parameters import read_space
from ocec.search.strategies import build_pruner, build_sampler, check_sampler

RANGES = read_space(
    {k: {'type': 'float', 'low': 0, 'high': 1} for k in ('first', 'second')}
)


@pytest.mark.parametrize(
    ('name', 'kind'),
    [
        ('random', optuna.samplers.RandomSampler),
        ('tpe', optuna.samplers.TPESampler),
        ('cmaes', optuna.samplers.CmaEsSampler),
    ],
)
def test_samplers_repeat_themselves_by_their_seed(name, kind):
    def draw(seed):
        sampler = build_sampler(name, seed)
        assert type(sampler) is kind
        study = optuna.create_study(sampler=sampler)
        trial = study.ask()
        return [RANGES[key].suggest(trial) for key in RANGES]

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)


@pytest.mark.parametrize(
    ('name', 'space', 'objectives', 'message'),
    [
        ('tpee', RANGES, 1, "got 'tpee'; did you mean tpe"),
        ('cmaes', read_space({'a': [1, 2]}), 1, 'cmaes needs ranges, but a is a list'),
        ('cmaes', {'first': RANGES['first']}, 1, 'cmaes needs two settings'),
        ('cmaes', RANGES, 2, 'cmaes has one objective'),
    ],
)
def test_samplers_that_cannot_are_refused(name, space, objectives, message):
    with pytest.raises(ValueError, match=message):
        check_sampler(name, space, num_objectives=objectives)


def test_samplers_that_can_are_let_through():
    for name in ('grid', 'random', 'tpe', 'cmaes'):
        check_sampler(name, RANGES, num_objectives=1)


def test_pruners_get_their_arguments():
    assert type(build_pruner(None, max_epochs=3)) is optuna.pruners.NopPruner
    median = build_pruner({'type': 'median', 'n_startup_trials': 7}, max_epochs=3)
    assert type(median) is optuna.pruners.MedianPruner
    assert median._n_startup_trials == 7
    hyperband = build_pruner('hyperband', max_epochs=27)
    assert type(hyperband) is optuna.pruners.HyperbandPruner
    assert (hyperband._min_resource, hyperband._max_resource) == (1, 27)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ('medain', "got 'medain'; did you mean median"),
        ({'n_startup_trials': 3}, 'pruner must be None or one of'),
        (
            {'type': 'median', 'n_startup': 3},
            "MedianPruner takes no 'n_startup'; did you mean n_startup_trials",
        ),
    ],
)
def test_wrong_pruners_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        build_pruner(settings, max_epochs=3)
