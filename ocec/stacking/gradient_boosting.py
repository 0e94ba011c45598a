"""LightGBM on the scores of the members. Shapes: N rows, F features."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ocec.stacking.base_scores import BaseScores
from ocec.stacking.combiner import Combiner
from ocec.stacking.extras import import_lightgbm

NUM_TREES = 100
PARAMS = {
    'objective': 'binary',
    'metric': 'binary_logloss',
    'boosting': 'gbdt',
    'learning_rate': 0.05,
    'num_leaves': 31,
    'feature_fraction': 0.9,
    'bagging_fraction': 0.8,
    'bagging_freq': 5,
}
# the same model on every machine, whatever its cores
FIXED_PARAMS = {
    'num_threads': 1,
    'deterministic': True,
    'force_row_wise': True,
    'verbosity': -1,
}
# LightGBM's own names of what is set here
NUM_TREES_NAMES = ('num_iterations', 'n_estimators', 'num_boost_round', 'num_trees')


class LightGBMCombiner(Combiner):
    """Gradient-boosted trees on the features of the members.

    Args:
        num_trees: boosting rounds, >= 1.
        params: parameters of LightGBM in place of the defaults, by its names.
        seed: of bagging and of the choice of features.

    Raises:
        ValueError: ``num_trees`` is out of range, or ``params`` sets it too.
    """

    type = 'lightgbm'

    def __init__(
        self,
        num_trees: int = NUM_TREES,
        params: Mapping[str, object] | None = None,
        *,
        seed: int = 42,
    ) -> None:
        params = dict(params or {})
        if num_trees < 1:
            raise ValueError(f'lightgbm: num_trees must be >= 1, got {num_trees}')
        if twice := sorted(set(params) & set(NUM_TREES_NAMES)):
            raise ValueError(f'lightgbm: params.{twice[0]} is set by num_trees')
        self.num_trees = num_trees
        self.params = {**PARAMS, 'seed': seed, **params, **FIXED_PARAMS}
        self._booster = None

    def fit(self, scores: BaseScores) -> None:
        """Grow the trees."""
        lightgbm = import_lightgbm()
        data = lightgbm.Dataset(scores.feature_NF, scores.label_N)
        self._booster = lightgbm.train(self.params, data, self.num_trees)
        self._feature_names = scores.feature_names

    def predict(self, scores: BaseScores) -> np.ndarray:
        """Return P(label 1) of each row, (N,)."""
        return np.asarray(self._booster.predict(scores.feature_NF, num_threads=1))

    def state(self) -> dict:
        """Return LightGBM's text model, and the names of its columns."""
        return {
            'features': list(self._feature_names),
            'texts': {'model.txt': self._booster.model_to_string()},
        }

    def load_state(self, state: dict) -> None:
        """Take the text model over."""
        lightgbm = import_lightgbm()
        self._feature_names = tuple(state['features'])
        self._booster = lightgbm.Booster(model_str=state['texts']['model.txt'])

    def importance(self) -> dict[str, float]:
        """Return the share of each feature in the total gain."""
        gain_F = self._booster.feature_importance('gain')
        share_F = gain_F / max(gain_F.sum(), 1e-300)
        return dict(zip(self._feature_names, share_F.tolist(), strict=True))
