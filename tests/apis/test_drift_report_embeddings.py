import sys
from dataclasses import replace

import numpy as np
import pytest

from ocec.apis import drift_report_embeddings as module
from ocec.apis.drift_report_embeddings import (
    compare_embeddings,
    count_outliers,
    describe_shift,
    joint_groups,
    probe_head,
    tell_embeddings_apart,
    unit_length,
)
from ocec.apis.drift_report_metrics import group_folds


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch):
    monkeypatch.setattr(module, 'NUM_CHANCE_DRAWS', 2)


def test_another_look_is_told_apart(make_scored_rows):
    a, b = make_scored_rows(), make_scored_rows(seed=1, turn=1.0)
    b.table.group_names[:] = [f'b{g}' for g in range(40)]
    found, outlier_M = compare_embeddings(a, b, group_folds(a, seed=0), seed=0)
    assert found['domain']['auc'] > 0.98
    assert found['domain']['chance'][1] < 0.8
    assert found['outliers']['share']['low'] > 0.9
    assert found['outliers']['share']['value'] == (outlier_M > 1).mean()
    for name in ('closed', 'open'):
        shift = found['shift'][name]
        assert shift['distance'] > shift['by_chance'] * 2
    assert found['fisher']['A'] > 1


def test_the_same_look_is_not(make_scored_rows):
    a, b = make_scored_rows(), make_scored_rows(seed=1)
    b.table.group_names[:] = [f'b{g}' for g in range(40)]
    found, _ = compare_embeddings(a, b, group_folds(a, seed=0), seed=0)
    assert found['domain']['auc'] < 0.65
    assert found['outliers']['share']['low'] <= 0.01
    assert found['shift']['open']['distance'] < 0.3


def test_outliers_are_held_out_from_their_own_fold(make_scored_rows):
    a, b = make_scored_rows(), make_scored_rows(seed=1)
    fold_N = group_folds(a, seed=0)
    found, outlier_M = count_outliers(a, b, fold_N)
    # the slow way: numpy's inverse of the shrunk covariance, row by row
    from sklearn.covariance import ledoit_wolf

    a_ND, b_MD = unit_length(a.embedding_ND), unit_length(b.embedding_ND)
    own, others = [], []
    for fold in range(5):
        rest = fold_N != fold
        means = [a_ND[rest & (a.label_N == c)].mean(axis=0) for c in (0, 1)]
        centred = np.array(
            [x - means[c] for x, c in zip(a_ND[rest], a.label_N[rest], strict=True)]
        )
        inverse = np.linalg.inv(ledoit_wolf(centred, assume_centered=True)[0])

        def distance(x, means=means, inverse=inverse):
            return min((x - m) @ inverse @ (x - m) for m in means)

        own += [distance(x) for x in a_ND[fold_N == fold]]
        others.append([distance(x) for x in b_MD])
    limit = np.quantile(own, 0.99)
    assert found['limit'] == pytest.approx(limit)
    np.testing.assert_allclose(outlier_M, np.mean(others, axis=0) / limit, rtol=1e-6)


def test_labels_and_groups_may_be_missing(make_scored_rows):
    a = make_scored_rows()
    b = make_scored_rows(seed=1, labelled=False, groups=1)
    found, _ = compare_embeddings(a, b, None, seed=0)
    assert found['domain'] is found['shift'] is found['outliers'] is None
    assert found['fisher']['B'] is None
    few = make_scored_rows(groups=3)
    assert describe_shift(few, few, seed=0)['open']['by_chance'] is None


def test_large_sets_are_drawn_from(make_scored_rows, monkeypatch):
    monkeypatch.setattr(module, 'MAX_CLASSIFIED', 60)
    found = tell_embeddings_apart(
        make_scored_rows(groups=0), make_scored_rows(groups=0, seed=1), seed=0
    )
    assert found['pictures'] == 120
    assert found['chance'] is None


def test_new_head_reads_what_the_old_one_misreads(make_scored_rows):
    part = make_scored_rows()
    fold_N = group_folds(part, seed=0)
    found = probe_head(part, fold_N, part.prob_N < 0.5, seed=0)
    assert found['f1']['value'] > 0.9
    assert found['gain']['low'] > 0.5
    assert found['auc'] > 0.95


def test_new_head_learns_nothing_from_noise(make_scored_rows):
    part = make_scored_rows()
    noise_ND = np.random.default_rng(0).normal(size=(400, 6)).astype(np.float32)
    part = replace(part, embedding_ND=noise_ND)
    found = probe_head(part, group_folds(part, seed=0), part.prob_N >= 0.5, seed=0)
    assert 0.4 < found['auc'] < 0.6
    assert found['gain']['high'] < 0


def test_fold_that_has_too_few_to_learn_from(make_scored_rows):
    part = make_scored_rows(num=12, groups=2)
    fold_N, says_N = np.repeat([0, 1], 6), part.prob_N >= 0.5
    enough = replace(part, label_N=np.tile([1, 0], 6).astype(np.int8))
    assert probe_head(enough, fold_N, says_N, seed=0) is not None
    # fold 1 leaves two open ones: no head was learned for it, so none is measured
    label_N = np.array([1, 1, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0], np.int8)
    assert probe_head(replace(part, label_N=label_N), fold_N, says_N, seed=0) is None


def test_no_limit_of_outliers(make_scored_rows):
    b = make_scored_rows(seed=1)
    a = make_scored_rows(groups=2)
    # each fold leaves one class to the other
    a = replace(a, label_N=a.group_N.astype(np.int8))
    found, outlier_M = compare_embeddings(a, b, group_folds(a, seed=0), seed=0)
    assert found['outliers'] is outlier_M is None
    a = make_scored_rows()
    dead = replace(a, embedding_ND=np.zeros_like(a.embedding_ND))
    assert count_outliers(dead, b, group_folds(a, seed=0)) is None


def test_one_name_is_one_group(make_scored_rows):
    a, b = make_scored_rows(num=4, groups=2), make_scored_rows(num=4, groups=2)
    b.table.group_names[:] = ['g1', 'other']
    assert joint_groups(a, b).tolist() == [0, 0, 1, 1, 1, 1, 2, 2]
    alone = make_scored_rows(num=2, groups=0)
    assert joint_groups(a, alone).tolist() == [0, 0, 1, 1, -1, -1]


def test_zeros_have_no_direction():
    x_ND = np.array([[3.0, 4.0], [0.0, 0.0]])
    np.testing.assert_allclose(unit_length(x_ND), [[0.6, 0.8], [0, 0]])


def test_missing_package_is_named(make_scored_rows, monkeypatch):
    part = make_scored_rows()
    fold_N = group_folds(part, seed=0)
    monkeypatch.setitem(sys.modules, 'sklearn.covariance', None)
    with pytest.raises(ImportError, match='outliers need scikit-learn: pip install'):
        count_outliers(part, part, fold_N)
    monkeypatch.setitem(sys.modules, 'sklearn.linear_model', None)
    with pytest.raises(ImportError, match='the probe needs scikit-learn: pip install'):
        probe_head(part, fold_N, part.prob_N >= 0.5, seed=0)
