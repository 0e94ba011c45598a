"""Averages of the members, their vote, and the best of them.

Shapes: N rows, M members.
"""

from __future__ import annotations

import numpy as np

from ocec.stacking.base_scores import BaseScores, logit, sigmoid
from ocec.stacking.combiner import Combiner


class MeanCombiner(Combiner):
    """Mean of the probabilities: what every other combiner has to beat."""

    type = 'mean'

    def fit(self, scores: BaseScores) -> None:
        """Learn nothing."""

    def predict(self, scores: BaseScores) -> np.ndarray:
        """Return the mean probability of each row, (N,)."""
        return scores.prob_NM.mean(1)

    def state(self) -> dict:
        """Return nothing: nothing was learned."""
        return {}

    def load_state(self, state: dict) -> None:
        """Take nothing over."""


class LogitMeanCombiner(MeanCombiner):
    """Mean of the log-odds: members that are sure weigh more."""

    type = 'logit_mean'

    def predict(self, scores: BaseScores) -> np.ndarray:
        """Return the sigmoid of the mean log-odds of each row, (N,)."""
        return sigmoid(logit(scores.prob_NM).mean(1))


class MajorityVote(MeanCombiner):
    """Share of the members that say 1; a tie goes as the mean does."""

    type = 'majority_vote'

    def predict(self, scores: BaseScores) -> np.ndarray:
        """Return the share of votes of each row, (N,).

        The mean probability counts as one more vote: it decides where the votes are
        equal and turns over no majority.
        """
        num_votes_N = (scores.prob_NM >= 0.5).sum(1)
        return (num_votes_N + scores.prob_NM.mean(1)) / (len(scores.names) + 1)


class WeightedMeanCombiner(Combiner):
    """Mean of the probabilities, each weighted by the accuracy of its member."""

    type = 'weighted_mean'

    def __init__(self) -> None:
        self.weight_M: np.ndarray | None = None

    def fit(self, scores: BaseScores) -> None:
        """Measure the accuracy of each member on the rows to learn from."""
        self.weight_M = scores.accuracy_M / scores.accuracy_M.sum()

    def predict(self, scores: BaseScores) -> np.ndarray:
        """Return the weighted mean of each row, (N,)."""
        return scores.prob_NM @ self.weight_M

    def state(self) -> dict:
        """Return the weights, which sum to 1."""
        return {'weights': self.weight_M.tolist()}

    def load_state(self, state: dict) -> None:
        """Take the weights over."""
        self.weight_M = np.array(state['weights'])


class BestSingle(Combiner):
    """The member with the highest accuracy on the rows to learn from."""

    type = 'best_single'

    def __init__(self) -> None:
        self.name: str | None = None

    def fit(self, scores: BaseScores) -> None:
        """Choose the member; of equally good ones the one with the lower log loss."""
        is_one_N1 = scores.label_N[:, None] == 1
        right_NM = np.where(is_one_N1, scores.prob_NM, 1 - scores.prob_NM)
        loss_M = -np.log(np.maximum(right_NM, 1e-12)).mean(0)
        self.name = scores.names[np.lexsort((loss_M, -scores.accuracy_M))[0]]

    def predict(self, scores: BaseScores) -> np.ndarray:
        """Return the probability of the chosen member, (N,)."""
        return scores.prob_NM[:, scores.names.index(self.name)]

    def state(self) -> dict:
        """Return the name of the member."""
        return {'member': self.name}

    def load_state(self, state: dict) -> None:
        """Take the name over."""
        self.name = state['member']
