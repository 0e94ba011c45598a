import numpy as np
import pytest

from ocec.functional import metric_interval as module
from ocec.functional.bootstrap import bootstrap_interval
from ocec.functional.classification import (
    accuracy,
    confusion_counts,
    f1_score,
    precision,
    recall,
    roc_auc,
)
from ocec.functional.metric_interval import count_groups, metric_interval


@pytest.fixture
def scores():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 60)
    return {
        'prob_B': (0.4 * label + 0.6 * rng.random(60)).astype(np.float32),
        'loss_B': rng.random(60).astype(np.float32),
        'label_B': label,
        'group_id_B': np.r_[np.repeat(np.arange(10), 5), np.full(10, -1)],
    }


@pytest.mark.parametrize(
    ('name', 'ratio'),
    [('f1', f1_score), ('precision', precision), ('recall', recall)]
    + [('accuracy', accuracy)],
)
def test_ratios_of_the_counts(scores, name, ratio):
    def statistic(prob, label):
        return ratio(confusion_counts(prob, label, threshold=0.6))

    expected = bootstrap_interval(
        statistic, scores['prob_B'], scores['label_B'], group_N=scores['group_id_B']
    )
    found = metric_interval(f'eye/{name}', scores, threshold=0.6)
    assert found == pytest.approx(expected)
    assert found.num_groups == 20


def test_area_and_loss(scores):
    group = scores['group_id_B']
    pair = scores['prob_B'], scores['label_B']
    assert metric_interval('eye/auc', scores) == pytest.approx(
        bootstrap_interval(roc_auc, *pair, group_N=group)
    )
    assert metric_interval('pair/loss', scores) == bootstrap_interval(
        np.mean, scores['loss_B'], group_N=group
    )


def test_a_metric_without_an_interval(scores):
    assert metric_interval('eye/fisher', scores) is None


def test_many_groups_are_drawn_less_often(scores, monkeypatch):
    assert metric_interval('f1', scores).num_resamples == 1000
    monkeypatch.setattr(module, 'MAX_DRAWS', 20 * 300)  # 20 groups
    assert metric_interval('f1', scores).num_resamples == 300
    monkeypatch.setattr(module, 'MAX_DRAWS', 20)
    assert metric_interval('f1', scores).num_resamples == 100


def test_groups_are_counted():
    assert count_groups(np.array([5, 5, 0, -1, -1])) == 4
    assert count_groups(np.empty(0)) == 0
