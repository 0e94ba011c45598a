import json

import numpy as np
import pytest
from scipy.special import logit
from sklearn.linear_model import LogisticRegression

from ocec.stacking import MemberScores, join_members
from ocec.stacking.logistic import LogisticCombiner


def test_equals_scikit_learn_on_log_odds(draw_scores):
    scores = draw_scores()
    x, y = logit(scores.prob_NM), scores.label_N
    expected = LogisticRegression(max_iter=1000).fit(x, y).predict_proba(x)[:, 1]
    combiner = LogisticCombiner()
    combiner.fit(scores)
    np.testing.assert_allclose(combiner.predict(scores), expected, atol=1e-12)


def test_spread_is_taken_as_it_is():
    rng = np.random.default_rng(0)
    prob, spread = rng.uniform(0.1, 0.9, (2, 40))
    label = rng.integers(0, 2, 40)
    features = {'a': prob, 'a:spread': spread}
    members = [
        MemberScores('a', prob, features, ('a',), spread),
        MemberScores('b', rng.uniform(0.1, 0.9, 40)),
    ]
    scores = join_members(members, label, np.full(40, -1))
    x = np.stack([logit(prob), spread, logit(members[1].prob_N)], 1)
    expected = LogisticRegression(max_iter=1000).fit(x, label).predict_proba(x)[:, 1]
    combiner = LogisticCombiner()
    combiner.fit(scores)
    np.testing.assert_allclose(combiner.predict(scores), expected, atol=1e-12)


def test_penalty(draw_scores):
    strong, weak = LogisticCombiner(C=1e-4), LogisticCombiner(C=10)
    for combiner in (strong, weak):
        combiner.fit(draw_scores())
    assert np.abs(strong.weight_F).sum() < 0.2 * np.abs(weak.weight_F).sum()
    with pytest.raises(ValueError, match='logistic: C must be > 0, got 0'):
        LogisticCombiner(C=0)


def test_state_passes_through_json(draw_scores):
    scores, again = draw_scores(), LogisticCombiner()
    combiner = LogisticCombiner()
    combiner.fit(scores)
    again.load_state(json.loads(json.dumps(combiner.state())))
    assert again.predict(scores).tolist() == combiner.predict(scores).tolist()


def test_importance_is_the_share_of_absolute_weights():
    combiner = LogisticCombiner()
    combiner.load_state({'features': ['a', 'b'], 'weights': [-3.0, 1.0], 'bias': 0.0})
    assert combiner.importance() == {'a': 0.75, 'b': 0.25}
