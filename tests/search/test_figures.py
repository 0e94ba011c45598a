import json

import optuna
import pytest

from ocec.search.figures import (
    copy_for_figures,
    draw_figures,
    measure_importance,
    short_names,
)

LR = optuna.distributions.FloatDistribution(0.0, 1.0)
WIDTH = optuna.distributions.CategoricalDistribution([8, 16])


def make_study(num_trials=12, directions=('maximize',), reports=False):
    study = optuna.create_study(directions=directions)
    for index in range(num_trials):
        lr, width = (index * 7 % num_trials) / num_trials, (8, 16)[index % 2]
        study.add_trial(
            optuna.create_trial(
                values=[lr + width / 1000, width][: len(directions)],
                params={'o.lr': lr, 'm.width': width},
                distributions={'o.lr': LR, 'm.width': WIDTH},
                intermediate_values={1: lr} if reports else None,
            )
        )
    return study


NAMES = {'o.lr': 'lr', 'm.width': 'width'}


def test_figures_of_one_objective():
    study = make_study(reports=True)
    shown = copy_for_figures(study, study.trials, NAMES)
    figures = draw_figures(shown, ['f1'])
    assert list(figures) == [
        'Metric of each epoch',
        'History',
        'One setting at a time',
        'All settings',
    ]
    history = json.loads(figures['History'])
    assert history['layout']['yaxis']['title']['text'] == 'f1'
    assert history['data'][0]['name'] == 'f1'


def test_figures_of_two_objectives():
    study = make_study(directions=('maximize', 'minimize'))
    shown = copy_for_figures(study, study.trials, NAMES)
    figures = draw_figures(shown, ['f1', 'params'])
    assert list(figures)[0] == 'Pareto front'
    assert {'History: f1', 'History: params'} <= set(figures)
    assert json.loads(figures['Pareto front'])['layout']['xaxis']['title'] == {
        'text': 'f1'
    }


def test_without_a_finished_trial_there_is_no_figure():
    study = optuna.create_study()
    assert draw_figures(copy_for_figures(study, [], {}), ['f1']) == {}


def test_importance_finds_what_matters():
    study = make_study()
    shown = copy_for_figures(study, study.trials, NAMES)
    shares, method = measure_importance(shown, 0)
    assert method == 'fANOVA'
    assert list(shares)[0] == 'lr'
    assert shares['lr'] > 0.9
    assert sum(shares.values()) == pytest.approx(1)


@pytest.mark.parametrize('num_trials', [0, 3])
def test_importance_of_few_trials_is_not_told(num_trials):
    study = make_study(num_trials)
    shown = copy_for_figures(study, study.trials, NAMES)
    assert measure_importance(shown, 0) == ({}, '')


def test_short_names_stay_unique():
    keys = ['a.lr', 'b.x.dropout', 'c.x.dropout', 'lr']
    assert short_names(keys) == {
        'a.lr': 'a.lr',
        'b.x.dropout': 'b.x.dropout',
        'c.x.dropout': 'c.x.dropout',
        'lr': 'lr',
    }
