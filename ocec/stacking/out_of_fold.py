"""Scores of a combiner for rows that it was not fitted on. Shapes: N rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ocec.stacking.base_scores import BaseScores
from ocec.stacking.combiner import Combiner


def out_of_fold(
    make: Callable[[], Combiner], scores: BaseScores, fold_N: np.ndarray
) -> np.ndarray:
    """Score each fold with a combiner that was fitted on the others.

    Args:
        make: returns a new combiner.
        scores: of the labelled rows.
        fold_N: (N,) fold of each row, of :func:`ocec.stacking.folds.assign_folds`.

    Returns:
        (N,) P(label 1).

    Example:
        >>> from ocec.stacking.averages import MeanCombiner
        >>> from ocec.stacking.base_scores import MemberScores, join_members
        >>> members = [MemberScores(name, np.array([0.0, 1.0])) for name in 'ab']
        >>> scores = join_members(members, np.array([0, 1]), np.array([-1, -1]))
        >>> out_of_fold(MeanCombiner, scores, np.array([0, 1]))
        array([0., 1.])
    """
    prob_N = np.full(len(scores), np.nan)
    for fold in np.unique(fold_N):
        held_N = fold_N == fold
        combiner = make()
        combiner.fit(scores.take(~held_N))
        prob_N[held_N] = combiner.predict(scores.take(held_N))
    return prob_N
