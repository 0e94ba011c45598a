import lightgbm
import numpy as np
import pytest
from scipy.special import logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import StratifiedGroupKFold

from ocec.stacking import assign_folds, build_combiner, out_of_fold


def independent(x, y, groups, make):
    """Twenty lines of scikit-learn and LightGBM, without anything of the package."""
    oof = np.empty(len(y))
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=42)
    for train, held in folds.split(x, y, groups):
        model = make().fit(x[train], y[train])
        oof[held] = model.predict_proba(x[held])[:, 1]
    return oof, accuracy_score(y, oof >= 0.5)


def lightgbm_of_the_reference():
    return lightgbm.LGBMClassifier(
        objective='binary',
        boosting_type='gbdt',
        n_estimators=100,
        learning_rate=0.05,
        num_leaves=31,
        feature_fraction=0.9,
        bagging_fraction=0.8,
        bagging_freq=5,
        random_state=42,
        n_jobs=1,
        deterministic=True,
        force_row_wise=True,
        verbosity=-1,
    )


@pytest.mark.parametrize(
    ('name', 'inputs', 'make'),
    [
        ('lightgbm', lambda p: p, lightgbm_of_the_reference),
        ('logistic', logit, lambda: LogisticRegression(max_iter=1000)),
    ],
)
def test_out_of_fold_equals_an_independent_script(name, inputs, make, draw_scores):
    scores = draw_scores(num_rows=600)
    x, y, groups = inputs(scores.prob_NM), scores.label_N, scores.group_N
    expected, accuracy = independent(x, y, groups, make)
    fold_N = assign_folds(y, groups, num_folds=5, seed=42)
    found = out_of_fold(lambda: build_combiner(name, seed=42), scores, fold_N)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    assert accuracy_score(y, found >= 0.5) == pytest.approx(accuracy, abs=1e-9)


def test_no_row_is_scored_by_what_was_fitted_on_it(draw_scores):
    # labels by chance: a combiner that saw them would do better than that
    scores = draw_scores(num_rows=600, group_size=1)
    label = np.random.default_rng(1).integers(0, 2, 600)
    chance = type(scores)(**{**vars(scores), 'label_N': label})
    fold_N = assign_folds(label, chance.group_N, num_folds=5, seed=0)
    make = lambda: build_combiner('lightgbm')  # noqa: E731
    found = out_of_fold(make, chance, fold_N)
    combiner = make()
    combiner.fit(chance)
    in_sample = ((combiner.predict(chance) >= 0.5) == label).mean()
    assert in_sample > 0.8
    assert ((found >= 0.5) == label).mean() < 0.58
