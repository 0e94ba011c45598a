import numpy as np
import pytest

from ocec.apis.compare_datasets_verdict import MEANINGS, format_labels, judge
from ocec.preparation.drift_classifier import DomainResult


def result(auc, chance=None):
    return DomainResult(auc, {}, chance, 5, np.zeros(0))


def statistic(name, auc, larger='B'):
    return {'statistic': name, 'auc': auc, 'larger': larger}


@pytest.mark.parametrize(
    ('auc', 'chance', 'verdict'),
    [
        (0.42, None, 'ALIKE'),
        (0.55, (0.45, 0.58), 'ALIKE'),  # many groups: chance is narrow
        (0.42, (0.2, 0.8), 'NOT ABOVE CHANCE'),  # few groups say nothing
        (0.7, (0.3, 0.75), 'NOT ABOVE CHANCE'),
        (0.7, (0.3, 0.65), 'SOME DRIFT'),
        (0.6, None, 'SOME DRIFT'),
        (0.8, None, 'CLEAR DRIFT'),
        (0.95, None, 'ANOTHER DOMAIN'),
        (1.0, (0.3, 0.7), 'ANOTHER DOMAIN'),
    ],
)
def test_verdict(auc, chance, verdict):
    headline, meaning = judge(result(auc, chance), [])
    assert headline == f'{verdict}: domain classifier AUC {auc:.3f}'
    assert meaning == MEANINGS[verdict]


def test_separating_statistics_are_named():
    statistics = [
        statistic('width', 0.99),  # of the file, which a model does not see
        statistic('contrast', 0.91, 'A'),
        statistic('red_std', 0.91, 'A'),  # a grey picture: says the same
        statistic('sharpness', 0.8),
        statistic('red', 0.7),
        statistic('green', 0.65),
    ]
    headline, _ = judge(result(0.97), statistics)
    assert headline.endswith(
        'AUC 0.970, most by contrast (0.91, higher in A), sharpness (0.80, higher in B)'
        ', red (0.70, higher in B)'
    )


def test_weak_statistics_are_not_named():
    headline, _ = judge(result(0.5), [statistic('red', 0.59)])
    assert 'red' not in headline


def test_labels_in_a_line():
    labels = {'A': {'open_share': 0.5}, 'B': {'open_share': 0.2}}
    shift = {'log_odds_shift': -1.386}
    assert format_labels(labels | shift) == (
        'share of open eyes: A 50.0%, B 20.0% (log-odds of open move by -1.39)'
    )
    labels['B'] = {'open_share': None}
    assert format_labels(labels | {'log_odds_shift': None}) == (
        'share of open eyes: A 50.0%, B unknown'
    )
