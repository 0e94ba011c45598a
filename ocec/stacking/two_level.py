"""Two levels: combiners of groups of members, and one that combines these.

Shapes: N rows, M members, G groups of members.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ocec.stacking.base_scores import BaseScores
from ocec.stacking.combiner import Combiner
from ocec.stacking.folds import assign_folds
from ocec.stacking.gradient_boosting import LightGBMCombiner
from ocec.stacking.logistic import LogisticCombiner

MIN_GROUPS, MAX_GROUPS = 2, 5
FOREST_PARAMS = {
    'boosting': 'rf',
    'max_depth': 10,
    'bagging_fraction': 0.632,
    'bagging_freq': 1,
    'feature_fraction': 0.7,
}


class TwoLevelStacking(Combiner):
    """Stacking of stackings.

    Neighbouring members form two to five groups, about two in each. The first level has
    one combiner for each group, by turns LightGBM, a random forest (LightGBM's) and a
    logistic regression, on the probabilities of the group, their mean, standard
    deviation, maximum and minimum. The second level is LightGBM on what the first says
    and on the mean and standard deviation over all members. It learns from
    out-of-fold scores of the first level, which is then fitted once more on all rows:
    so it never sees a score of a row that this score was fitted on.

    Args:
        folds: of the first level, >= 2.
        seed: of folds and trees.
    """

    type = 'two_level'

    def __init__(self, folds: int = 5, *, seed: int = 42) -> None:
        self.folds, self.seed = folds, seed
        self.level1: list[Combiner] = []
        self.level2 = LightGBMCombiner(seed=seed)
        self.names: tuple[str, ...] = ()

    def fit(self, scores: BaseScores) -> None:
        """Fit the first level out of fold and on all rows, then the second."""
        self.names = scores.names
        groups = _groups(len(self.names))
        try:
            fold_N = assign_folds(
                scores.label_N, scores.group_N, num_folds=self.folds, seed=self.seed
            )
        except ValueError as error:
            raise ValueError(f'two_level, folds of its first level: {error}') from error
        prob_NG = np.empty((len(scores), len(groups)))
        for fold in range(self.folds):
            held_N = fold_N == fold
            level1 = self._fit_level1(scores.take(~held_N), groups)
            prob_NG[held_N] = self._predict_level1(level1, scores.take(held_N), groups)
        self.level1 = self._fit_level1(scores, groups)
        self.level2.fit(_level2_scores(scores, prob_NG))

    def predict(self, scores: BaseScores) -> np.ndarray:
        """Return P(label 1) of each row, (N,)."""
        groups = _groups(len(scores.names))
        prob_NG = self._predict_level1(self.level1, scores, groups)
        return self.level2.predict(_level2_scores(scores, prob_NG))

    def state(self) -> dict:
        """Return the names of the members; the levels are parts."""
        return {'members': list(self.names)}

    def load_state(self, state: dict) -> None:
        """Prepare the combiners whose states follow as parts."""
        self.names = tuple(state['members'])
        self.level1 = [
            self._make_level1(index) for index in range(len(_groups(len(self.names))))
        ]

    def parts(self) -> dict[str, Combiner]:
        """Return the combiners of both levels."""
        named = {f'level1_{i}': combiner for i, combiner in enumerate(self.level1, 1)}
        return {**named, 'level2': self.level2}

    def importance(self) -> dict[str, float]:
        """Return the share of each input of the second level in its gain."""
        return self.level2.importance()

    def _fit_level1(
        self, scores: BaseScores, groups: Sequence[np.ndarray]
    ) -> list[Combiner]:
        combiners = [self._make_level1(index) for index in range(len(groups))]
        for combiner, members in zip(combiners, groups, strict=True):
            combiner.fit(_level1_scores(scores, members))
        return combiners

    @staticmethod
    def _predict_level1(
        level1: Sequence[Combiner], scores: BaseScores, groups: Sequence[np.ndarray]
    ) -> np.ndarray:
        probs = [
            combiner.predict(_level1_scores(scores, members))
            for combiner, members in zip(level1, groups, strict=True)
        ]
        return np.stack(probs, 1)

    def _make_level1(self, index: int) -> Combiner:
        kinds = (
            lambda: LightGBMCombiner(seed=self.seed),
            lambda: LightGBMCombiner(params=FOREST_PARAMS, seed=self.seed),
            LogisticCombiner,
        )
        return kinds[index % len(kinds)]()


def _groups(num_members: int) -> list[np.ndarray]:
    """Indices of the members of each group, neighbours together."""
    num_groups = min(max(num_members // 2, MIN_GROUPS), MAX_GROUPS)
    return np.array_split(np.arange(num_members), num_groups)


def _level1_scores(scores: BaseScores, members: np.ndarray) -> BaseScores:
    prob_NK = scores.prob_NM[:, members]
    columns = {scores.names[m]: prob_NK[:, i] for i, m in enumerate(members)}
    is_prob = [True] * len(columns)
    if len(members) > 1:  # of one member they say nothing new
        columns |= {
            'mean': prob_NK.mean(1),
            'max': prob_NK.max(1),
            'min': prob_NK.min(1),
            'std': prob_NK.std(1),
        }
        is_prob += [True, True, True, False]
    return replace(
        scores,
        feature_names=tuple(columns),
        feature_NF=np.stack(list(columns.values()), 1),
        is_prob_F=np.array(is_prob),
    )


def _level2_scores(scores: BaseScores, prob_NG: np.ndarray) -> BaseScores:
    groups = _groups(len(scores.names))
    names = ['+'.join(scores.names[m] for m in members) for members in groups]
    prob_NM = scores.prob_NM
    statistics_N2 = np.stack([prob_NM.mean(1), prob_NM.std(1)], 1)
    return replace(
        scores,
        feature_names=(*names, 'mean of all', 'std of all'),
        feature_NF=np.concatenate([prob_NG, statistics_N2], 1),
        is_prob_F=np.array([True] * (len(groups) + 1) + [False]),
    )
