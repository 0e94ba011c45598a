"""Expected numbers: the interval of one model, a loop over rows, scikit-learn 1.9."""

import numpy as np
import pytest
from sklearn import metrics

from ocec.functional.bootstrap import (
    bootstrap_auc_interval,
    bootstrap_counts_interval,
    bootstrap_interval,
)
from ocec.functional.classification import confusion_counts, f1_score
from ocec.functional.weighted_bootstrap import (
    bootstrap_weights_interval,
    weighted_metric,
)

RNG = np.random.default_rng(4)
LABEL = RNG.integers(0, 2, 120)
# ties among them
PROB = np.round(np.clip(0.3 * LABEL + RNG.uniform(0, 0.7, 120), 0, 1), 1)
OTHER = np.clip(0.5 * LABEL + RNG.uniform(0, 0.5, 120), 0, 1)
GROUP = np.where(RNG.uniform(size=120) < 0.1, -1, RNG.integers(3, 15, 120))


@pytest.mark.parametrize(
    ('name', 'expected'),
    [
        ('f1', lambda y, p, w: metrics.f1_score(y, p >= 0.4, sample_weight=w)),
        (
            'accuracy',
            lambda y, p, w: metrics.accuracy_score(y, p >= 0.4, sample_weight=w),
        ),
        ('auc', lambda y, p, w: metrics.roc_auc_score(y, p, sample_weight=w)),
    ],
)
def test_weights_count(name, expected):
    weight = RNG.integers(0, 4, 120)
    found = weighted_metric(name, PROB, LABEL, threshold=0.4)(weight)
    assert found == pytest.approx(expected(LABEL, PROB, weight), abs=1e-12)


def test_area_without_a_class_is_undefined():
    area = weighted_metric('auc', PROB, LABEL)
    assert np.isnan(area(LABEL))


def test_one_model_has_the_usual_interval():
    settings = {'group_N': GROUP, 'num_resamples': 60, 'seed': 2}
    found = bootstrap_weights_interval(
        weighted_metric('f1', PROB, LABEL, threshold=0.4), **settings
    )
    usual = bootstrap_counts_interval(PROB, LABEL, threshold=0.4, **settings)
    assert found == pytest.approx(usual, abs=1e-12)
    area = bootstrap_weights_interval(weighted_metric('auc', PROB, LABEL), **settings)
    assert area == pytest.approx(
        bootstrap_auc_interval(PROB, LABEL, **settings), abs=1e-12
    )


def test_difference_of_two_models_on_the_same_draw():
    first, second = (weighted_metric('f1', p, LABEL) for p in (PROB, OTHER))
    settings = {'group_N': GROUP, 'num_resamples': 60}
    found = bootstrap_weights_interval(lambda w: first(w) - second(w), **settings)

    def by_rows(p, q, y):
        scores = [f1_score(confusion_counts(x, y)) for x in (p, q)]
        return scores[0] - scores[1]

    expected = bootstrap_interval(by_rows, PROB, OTHER, LABEL, **settings)
    assert found == pytest.approx(expected, abs=1e-12)
    assert found.low < found.high < 0


def test_number_of_resamples():
    assert bootstrap_weights_interval(np.mean, np.arange(5)).num_resamples == 1000
    many = bootstrap_weights_interval(np.mean, np.full(20_000, -1))
    assert (many.num_groups, many.num_resamples) == (20_000, 500)
    one = bootstrap_weights_interval(np.mean, np.zeros(9, int))
    assert one.num_groups == 1
    assert np.isnan(one.low)


def test_wrong_metric_and_scores():
    with pytest.raises(ValueError, match="name must be one of .*, got 'recall'"):
        weighted_metric('recall', PROB, LABEL)
    with pytest.raises(ValueError, match='a score is NaN'):
        weighted_metric('f1', np.full(3, np.nan), np.zeros(3, int))
