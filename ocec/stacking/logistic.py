"""Logistic regression on the log-odds of the members. Shapes: N rows, F features."""

from __future__ import annotations

import numpy as np

from ocec.stacking.base_scores import BaseScores, logit, sigmoid
from ocec.stacking.combiner import Combiner
from ocec.stacking.extras import import_sklearn


class LogisticCombiner(Combiner):
    """Weighted sum of log-odds, with an L2 penalty.

    Features that are no probabilities (the spread over passes with dropout) are taken
    as they are.

    Args:
        C: inverse strength of the penalty, > 0, as in scikit-learn.

    Raises:
        ValueError: ``C`` is out of range.
    """

    type = 'logistic'

    def __init__(self, C: float = 1.0) -> None:
        if not C > 0:
            raise ValueError(f'logistic: C must be > 0, got {C}')
        self.C = C
        self.weight_F: np.ndarray | None = None
        self.bias = 0.0
        self.feature_names: tuple[str, ...] = ()

    def fit(self, scores: BaseScores) -> None:
        """Fit scikit-learn's ``LogisticRegression``."""
        linear_model = import_sklearn('sklearn.linear_model')
        model = linear_model.LogisticRegression(C=self.C, max_iter=1000)
        model.fit(_inputs(scores), scores.label_N)
        self.weight_F, self.bias = model.coef_[0], float(model.intercept_[0])
        self.feature_names = scores.feature_names

    def predict(self, scores: BaseScores) -> np.ndarray:
        """Return P(label 1) of each row, (N,)."""
        return sigmoid(_inputs(scores) @ self.weight_F + self.bias)

    def state(self) -> dict:
        """Return weights and bias."""
        return {
            'features': list(self.feature_names),
            'weights': self.weight_F.tolist(),
            'bias': self.bias,
        }

    def load_state(self, state: dict) -> None:
        """Take weights and bias over."""
        self.feature_names = tuple(state['features'])
        self.weight_F, self.bias = np.array(state['weights']), state['bias']

    def importance(self) -> dict[str, float]:
        """Return the share of each absolute weight."""
        share_F = np.abs(self.weight_F) / max(np.abs(self.weight_F).sum(), 1e-300)
        return dict(zip(self.feature_names, share_F.tolist(), strict=True))


def _inputs(scores: BaseScores) -> np.ndarray:
    """Log-odds of the features that are probabilities, the others unchanged."""
    return np.where(
        scores.is_prob_F, logit(np.clip(scores.feature_NF, 0, 1)), scores.feature_NF
    )
