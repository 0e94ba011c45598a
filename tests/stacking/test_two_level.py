import re

import lightgbm
import numpy as np
import pytest
from scipy.special import logit
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from ocec.stacking.two_level import TwoLevelStacking, _groups

FIXED = {
    'n_jobs': 1,
    'deterministic': True,
    'force_row_wise': True,
    'verbosity': -1,
    'random_state': 42,
    'learning_rate': 0.05,
}


def boosted(**settings):
    defaults = {'colsample_bytree': 0.9, 'subsample': 0.8, 'subsample_freq': 5}
    return lightgbm.LGBMClassifier(**FIXED | defaults | settings)


def columns(first, last):
    def take(x):
        part = x[:, first:last]
        if last - first == 1:
            return part
        numbers = part.mean(1), part.max(1), part.min(1), part.std(1)
        return np.column_stack([part, *numbers])

    return FunctionTransformer(take)


def log_odds_but_the_last(x):
    return np.column_stack([logit(x[:, :-1]), x[:, -1]])


def test_equals_scikit_learns_stacking_classifier(draw_scores):
    scores = draw_scores(num_members=6)
    x, y, groups = scores.prob_NM, scores.label_N, scores.group_N
    splitter = StratifiedGroupKFold(5, shuffle=True, random_state=42)
    level1 = [
        make_pipeline(columns(0, 2), boosted()),
        make_pipeline(
            columns(2, 4),
            boosted(
                boosting_type='rf',
                max_depth=10,
                subsample=0.632,
                subsample_freq=1,
                colsample_bytree=0.7,
            ),
        ),
        make_pipeline(
            columns(4, 6),
            FunctionTransformer(log_odds_but_the_last),
            LogisticRegression(max_iter=1000),
        ),
    ]

    stacked = StackingClassifier(
        [(f'group{i}', model) for i, model in enumerate(level1)],
        boosted(),
        cv=list(splitter.split(x, y, groups)),
        stack_method='predict_proba',
    )
    # the second level also sees mean and deviation of all: done by hand
    stacked.fit(x, y)
    level1_oof = np.empty((len(y), 3))
    for train, held in splitter.split(x, y, groups):
        for i, model in enumerate(level1):
            model.fit(x[train], y[train])
            level1_oof[held, i] = model.predict_proba(x[held])[:, 1]
    level2 = boosted().fit(np.column_stack([level1_oof, x.mean(1), x.std(1)]), y)
    final1 = np.column_stack(
        [model.predict_proba(x)[:, 1] for model in stacked.estimators_]
    )
    inputs = np.column_stack([final1, x.mean(1), x.std(1)])
    expected = level2.predict_proba(inputs)[:, 1]
    combiner = TwoLevelStacking()
    combiner.fit(scores)
    np.testing.assert_allclose(combiner.predict(scores), expected, atol=1e-9)


@pytest.mark.parametrize(
    ('num_members', 'sizes'),
    [(2, [1, 1]), (3, [2, 1]), (5, [3, 2]), (6, [2, 2, 2]), (12, [3, 3, 2, 2, 2])],
)
def test_groups_of_neighbours(num_members, sizes):
    groups = _groups(num_members)
    assert [len(group) for group in groups] == sizes
    assert np.concatenate(groups).tolist() == list(range(num_members))


@pytest.mark.parametrize('num_members', [2, 3])
def test_few_members_will_do(num_members, draw_scores):
    scores = draw_scores(num_members=num_members)
    combiner = TwoLevelStacking()
    combiner.fit(scores)
    assert ((combiner.predict(scores) >= 0.5) == scores.label_N).mean() > 0.8


def test_importance_names_the_groups(draw_scores):
    combiner = TwoLevelStacking()
    combiner.fit(draw_scores())
    assert list(combiner.importance()) == [
        'm0+m1',
        'm2+m3',
        'mean of all',
        'std of all',
    ]


def test_too_few_groups_for_its_own_folds(draw_scores):
    scores = draw_scores(num_rows=40, group_size=10)
    message = 'two_level, folds of its first level: 4 groups cannot be dealt into 5'
    with pytest.raises(ValueError, match=re.escape(message)):
        TwoLevelStacking().fit(scores)
