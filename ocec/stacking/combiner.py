"""What every combiner of member scores can do. Shapes: N rows, M members."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from ocec.stacking.base_scores import BaseScores


class Combiner(ABC):
    """Turns the scores of all members into one score.

    A combiner learns from the rows it is fitted on and from no others, keeps plain
    values only, and gives them back as :meth:`state`, so that an ensemble is saved
    without pickle.
    """

    #: as in a config
    type: str

    @abstractmethod
    def fit(self, scores: BaseScores) -> None:
        """Learn from labelled rows.

        Args:
            scores: of the rows.
        """

    @abstractmethod
    def predict(self, scores: BaseScores) -> np.ndarray:
        """Combine the scores of each row.

        Args:
            scores: of the members it was fitted on, in their order.

        Returns:
            (N,) float64 P(label 1) in [0, 1].
        """

    @abstractmethod
    def state(self) -> dict:
        """Return what was learned, as values for JSON; texts go under ``texts``."""

    @abstractmethod
    def load_state(self, state: dict) -> None:
        """Take over what :meth:`state` returned.

        Args:
            state: of a fitted combiner with the same settings.
        """

    def parts(self) -> dict[str, Combiner]:
        """Return the combiners inside this one, by a name for their folder."""
        return {}

    def importance(self) -> dict[str, float]:
        """Return how much each feature counts, by its name; empty where unknown.

        Shares that sum to 1.
        """
        return {}
