import lightgbm
import numpy as np
import pytest

from ocec.stacking.gradient_boosting import LightGBMCombiner


def fitted(scores, **settings):
    combiner = LightGBMCombiner(**settings)
    combiner.fit(scores)
    return combiner


def test_equals_lightgbm_of_scikit_learn_style(draw_scores):
    scores = draw_scores()
    model = lightgbm.LGBMClassifier(
        n_estimators=100,
        learning_rate=0.05,
        num_leaves=31,
        colsample_bytree=0.9,
        subsample=0.8,
        subsample_freq=5,
        random_state=42,
        n_jobs=1,
        deterministic=True,
        force_row_wise=True,
        verbosity=-1,
    ).fit(scores.prob_NM, scores.label_N)
    expected = model.predict_proba(scores.prob_NM)[:, 1]
    np.testing.assert_allclose(fitted(scores).predict(scores), expected, atol=1e-12)


def test_params_and_seed_count(draw_scores):
    scores = draw_scores()
    first = fitted(scores).predict(scores)
    assert first.tolist() == fitted(scores).predict(scores).tolist()
    for other in ({'seed': 1}, {'num_trees': 5}, {'params': {'num_leaves': 3}}):
        assert np.abs(fitted(scores, **other).predict(scores) - first).max() > 1e-3


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'num_trees': 0}, 'lightgbm: num_trees must be >= 1, got 0'),
        (
            {'params': {'n_estimators': 5}},
            'lightgbm: params.n_estimators is set by num_trees',
        ),
    ],
)
def test_wrong_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        LightGBMCombiner(**settings)


def test_text_model_predicts_the_same(draw_scores):
    scores = draw_scores()
    combiner, again = fitted(scores), LightGBMCombiner()
    state = combiner.state()
    assert state['texts']['model.txt'].startswith('tree\n')
    again.load_state(state)
    assert again.predict(scores).tolist() == combiner.predict(scores).tolist()
    assert again.importance() == pytest.approx(combiner.importance(), rel=1e-4)


def test_importance_finds_the_member_that_knows(draw_scores):
    shares = fitted(draw_scores()).importance()
    assert sum(shares.values()) == pytest.approx(1)
    assert max(shares, key=shares.get) == 'm0'  # has the least noise
