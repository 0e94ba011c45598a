"""A mean whose weights differ from row to row. Shapes: N rows, M members."""

from __future__ import annotations

import numpy as np

from ocec.stacking.base_scores import BaseScores
from ocec.stacking.combiner import Combiner

MIN_WEIGHT = 0.01
TEMPERATURES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
# a probability cannot spread further than between 0 and 1
MAX_SPREAD = 0.5


class DynamicWeights(Combiner):
    """Weights each member by how sure it is of a row, and by how good it is overall.

    ``weight = softmax(merit / temperature)`` over the members, kept above 0.01, with
    ``merit = confidence_share * (1 - entropy) + certainty_share * (1 - 2 * spread) +
    accuracy_share * accuracy``. Entropy is in bits, of the member's probability;
    spread is the standard deviation over passes with dropout, and counts for members
    that were run so; accuracy is that on the rows to learn from. All lie in [0, 1], and
    a member that is sure gets more weight.

    Args:
        confidence_share: of 1 - entropy, >= 0.
        certainty_share: of 1 - 2 * spread, >= 0.
        accuracy_share: of the accuracy, >= 0.
        temperature: > 0; None chooses the one with the lowest log loss on the rows to
            learn from.

    Raises:
        ValueError: an argument is out of range.
    """

    type = 'dynamic'

    def __init__(
        self,
        confidence_share: float = 0.6,
        certainty_share: float = 0.4,
        accuracy_share: float = 1.0,
        temperature: float | None = None,
    ) -> None:
        shares = {
            'confidence_share': confidence_share,
            'certainty_share': certainty_share,
            'accuracy_share': accuracy_share,
        }
        for name, share in shares.items():
            if not share >= 0:
                raise ValueError(f'dynamic: {name} must be >= 0, got {share}')
        if temperature is not None and not temperature > 0:
            raise ValueError(f'dynamic: temperature must be > 0, got {temperature}')
        self.shares = shares
        self.wanted_temperature = temperature
        self.temperature: float | None = None
        self.accuracy_M: np.ndarray | None = None

    def fit(self, scores: BaseScores) -> None:
        """Measure each member's accuracy, and choose the temperature."""
        self.accuracy_M = scores.accuracy_M
        choices = (
            TEMPERATURES
            if self.wanted_temperature is None
            else (self.wanted_temperature,)
        )
        losses = []
        for temperature in choices:
            self.temperature = temperature
            prob_N = self.predict(scores)
            right_N = np.where(scores.label_N == 1, prob_N, 1 - prob_N)
            losses.append(-np.log(np.maximum(right_N, 1e-12)).mean())
        self.temperature = choices[int(np.argmin(losses))]

    def predict(self, scores: BaseScores) -> np.ndarray:
        """Return the weighted mean of each row, (N,)."""
        return (self.weights(scores) * scores.prob_NM).sum(1)

    def weights(self, scores: BaseScores) -> np.ndarray:
        """Weigh the members of each row.

        Args:
            scores: of the members it was fitted on.

        Returns:
            (N, M) > 0; each row sums to 1.
        """
        merit_NM = self.shares['confidence_share'] * (1 - entropy_bits(scores.prob_NM))
        merit_NM = merit_NM + self.shares['accuracy_share'] * self.accuracy_M
        certainty_NM = _certainty(scores.spread_NM)
        merit_NM = merit_NM + self.shares['certainty_share'] * certainty_NM
        logit_NM = merit_NM / self.temperature
        weight_NM = np.exp(logit_NM - logit_NM.max(1, keepdims=True))
        weight_NM /= weight_NM.sum(1, keepdims=True)
        weight_NM = np.maximum(weight_NM, MIN_WEIGHT)
        return weight_NM / weight_NM.sum(1, keepdims=True)

    def state(self) -> dict:
        """Return the accuracies and the temperature."""
        return {
            'accuracies': self.accuracy_M.tolist(),
            'temperature': self.temperature,
        }

    def load_state(self, state: dict) -> None:
        """Take the accuracies and the temperature over."""
        self.accuracy_M = np.array(state['accuracies'])
        self.temperature = state['temperature']


def _certainty(spread_NM: np.ndarray) -> np.ndarray:
    """1 - 2 * spread; a member that was run once gets the mean of the others."""
    known_NM = np.isfinite(spread_NM)
    certainty_NM = np.where(known_NM, 1 - spread_NM / MAX_SPREAD, 0.0)
    num_known_N1 = known_NM.sum(1, keepdims=True)
    mean_N1 = certainty_NM.sum(1, keepdims=True) / np.maximum(num_known_N1, 1)
    return np.where(known_NM, certainty_NM, mean_N1)


def entropy_bits(prob: np.ndarray) -> np.ndarray:
    """Return the entropy of yes-or-no probabilities.

    Args:
        prob: any shape, in [0, 1].

    Returns:
        The same shape, in bits in [0, 1]; 0 at 0 and at 1.

    Example:
        >>> entropy_bits(np.array([0.5, 1.0]))
        array([1., 0.])
    """
    prob = np.asarray(prob, np.float64)
    bits = np.zeros_like(prob)
    for share in (prob, 1 - prob):
        bits -= share * np.log2(np.where(share > 0, share, 1.0))
    return bits + 0.0
