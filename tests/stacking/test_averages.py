import numpy as np
import pytest

from ocec.stacking import MemberScores, join_members
from ocec.stacking.averages import (
    BestSingle,
    LogitMeanCombiner,
    MajorityVote,
    MeanCombiner,
    WeightedMeanCombiner,
)


def scores_of(*columns, label=(0, 1, 0, 1)):
    members = [MemberScores(f'm{i}', np.array(c)) for i, c in enumerate(columns)]
    return join_members(members, np.array(label), np.full(len(label), -1))


def combine(combiner, scores):
    combiner.fit(scores)
    return combiner.predict(scores)


def test_mean():
    scores = scores_of([0.1, 0.9, 0.2, 0.8], [0.3, 0.5, 0.4, 0.0])
    assert combine(MeanCombiner(), scores) == pytest.approx([0.2, 0.7, 0.3, 0.4])


def test_mean_of_logits():
    # odds 1/9 and 9 cancel; odds 9 and 1 give 3
    scores = scores_of([0.1, 0.9, 0.5, 0.5], [0.9, 0.5, 0.5, 0.5])
    assert combine(LogitMeanCombiner(), scores)[:2] == pytest.approx([0.5, 0.75])


def test_weights_are_accuracies_of_the_rows_learned_from():
    # right: m0 4 of 4, m1 2 of 4; weights 2/3 and 1/3
    scores = scores_of([0.1, 0.9, 0.2, 0.8], [0.6, 0.7, 0.4, 0.2])
    combiner = WeightedMeanCombiner()
    combiner.fit(scores)
    assert combiner.weight_M == pytest.approx([2 / 3, 1 / 3])
    new = scores_of([0.3] * 4, [0.9] * 4)
    assert combiner.predict(new) == pytest.approx([0.5] * 4)


def test_best_single_keeps_its_choice():
    scores = scores_of([0.6, 0.7, 0.4, 0.2], [0.1, 0.9, 0.2, 0.8])
    combiner = BestSingle()
    combiner.fit(scores)
    assert combiner.name == 'm1'
    # on these rows m0 is the better one, but that is not to be known
    new = scores_of([0.0, 1.0, 0.0, 1.0], [0.9, 0.1, 0.9, 0.1])
    assert combiner.predict(new).tolist() == [0.9, 0.1, 0.9, 0.1]


def test_best_single_takes_the_lower_loss_of_equals():
    scores = scores_of([0.4, 0.6, 0.4, 0.6], [0.1, 0.9, 0.1, 0.9])
    combiner = BestSingle()
    combiner.fit(scores)
    assert combiner.name == 'm1'


@pytest.mark.parametrize('num_members', [2, 3, 4, 5])
def test_vote_is_the_majority_and_a_tie_goes_with_the_mean(num_members):
    prob_NM = np.random.default_rng(0).uniform(size=(500, num_members))
    label = np.arange(500) % 2
    said_N = combine(MajorityVote(), scores_of(*prob_NM.T, label=label)) >= 0.5
    for row, said in zip(prob_NM, said_N, strict=True):
        votes = sum(p >= 0.5 for p in row)
        tied = 2 * votes == num_members
        assert said == (np.mean(row) >= 0.5 if tied else 2 * votes > num_members)


@pytest.mark.parametrize('kind', [WeightedMeanCombiner, BestSingle, MeanCombiner])
def test_state_comes_back(kind, draw_scores):
    scores = draw_scores()
    combiner, again = kind(), kind()
    combiner.fit(scores)
    again.load_state(combiner.state())
    assert again.predict(scores).tolist() == combiner.predict(scores).tolist()
