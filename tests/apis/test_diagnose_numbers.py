import math

import numpy as np
import pytest
from sklearn import metrics

from ocec.apis.diagnose_numbers import diagnostic_numbers
from ocec.functional.separation import fisher_ratio

RNG = np.random.default_rng(0)
LABEL = np.tile([0, 1], 60)
PROB = (0.3 * LABEL + 0.7 * RNG.random(120)).astype(np.float32)
SCORES = {
    'prob_B': PROB,
    'label_B': LABEL,
    'loss_B': RNG.random(120).astype(np.float32),
    'embedding_BD': RNG.normal(size=(120, 7)).astype(np.float32) + LABEL[:, None],
}
OF_EMBEDDINGS = {
    'fisher',
    'fisher_original',
    'intra_class_distance',
    'inter_class_distance',
    'bhattacharyya',
    *(f'pca_energy_{k}' for k in range(5)),
}


def test_numbers_that_scikit_learn_has_too():
    found = diagnostic_numbers(SCORES, threshold=0.6)
    called = PROB >= 0.6
    tn, fp, fn, tp = metrics.confusion_matrix(LABEL, called).ravel().tolist()
    assert [found[name] for name in ('tp', 'fp', 'fn', 'tn')] == [tp, fp, fn, tn]
    for name, reference in (
        ('precision', metrics.precision_score(LABEL, called)),
        ('recall', metrics.recall_score(LABEL, called)),
        ('f1', metrics.f1_score(LABEL, called)),
        ('accuracy', metrics.accuracy_score(LABEL, called)),
        ('auc', metrics.roc_auc_score(LABEL, PROB)),
        ('ap', metrics.average_precision_score(LABEL, PROB)),
    ):
        assert found[name] == pytest.approx(reference)
    fpr, tpr, _ = metrics.roc_curve(LABEL, PROB)
    assert found['ks'] == pytest.approx((tpr - fpr).max())
    assert found['loss'] == pytest.approx(SCORES['loss_B'].mean(), rel=1e-5)
    assert found['margin_mean'] == pytest.approx(np.abs(PROB - 0.6).mean(), rel=1e-5)
    threshold = found['threshold_best_f1']
    best = max(metrics.f1_score(LABEL, at <= PROB) for at in PROB)
    assert metrics.f1_score(LABEL, threshold <= PROB) == pytest.approx(best)


def test_numbers_of_embeddings_are_there_where_embeddings_are():
    found = diagnostic_numbers(SCORES, threshold=0.5)
    assert set(found) >= OF_EMBEDDINGS
    assert found['fisher'] == fisher_ratio(SCORES['embedding_BD'], LABEL)
    without = {name: SCORES[name] for name in ('prob_B', 'label_B')}
    found = diagnostic_numbers(without, threshold=0.5)
    assert not OF_EMBEDDINGS & set(found)
    assert 'loss' not in found


@pytest.mark.parametrize('rows', [LABEL == 1, LABEL == 2], ids=['open', 'none'])
def test_what_needs_both_classes_is_nan_or_none(rows, recwarn):
    found = diagnostic_numbers(
        {name: values[rows] for name, values in SCORES.items()}, threshold=0.5
    )
    for name in ('auc', 'eer', 'ks', 'js', 'fisher', 'bhattacharyya', 'bayes_error'):
        assert math.isnan(found[name]), name
    assert found['threshold_best_f1'] is None
    assert [str(warning.message) for warning in recwarn] == []
