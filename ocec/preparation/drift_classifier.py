"""A small classifier that tells two data sets apart by statistics of their pictures.

Shapes: N pictures of both sets, K statistics, F folds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from ocec.functional.classification import roc_auc
from ocec.functional.probability import CLASS_NAMES

NUM_FOLDS = 5
# more draws of chance take longer; the largest of 19 is exceeded by luck once in 20
NUM_CHANCE_DRAWS = 19
LONE = -1


@dataclass(frozen=True)
class DomainResult:
    """How well two data sets are told apart.

    Args:
        auc: mean over the folds of the area under the ROC curve on pictures that the
            classifier has not seen; 0.5: not at all, 1: every one.
        auc_by_class: the same within ``closed`` and ``open``; None where a set lacks
            the class.
        chance: lowest and highest AUC when whole groups are given to A and B at
            random; None where a set has no known groups.
        num_folds: of the cross-validation.
        score_N: (N,) out-of-fold P(B); NaN for pictures that were not used.
    """

    auc: float
    auc_by_class: dict[str, float | None]
    chance: tuple[float, float] | None
    num_folds: int
    score_N: np.ndarray


def tell_apart(
    value_NK: np.ndarray,
    is_b_N: np.ndarray,
    label_N: np.ndarray,
    group_N: np.ndarray,
    *,
    seed: int = 0,
    num_chance_draws: int = NUM_CHANCE_DRAWS,
    progress: Callable[[Iterable], Iterable] = iter,
) -> DomainResult:
    """Cross-validate a classifier of A against B, whole groups together.

    Args:
        value_NK: (N, K) statistics.
        is_b_N: (N,) bool, which pictures are those of B.
        label_N: (N,) 1 open, 0 closed, -1 unknown; only for the AUC by class.
        group_N: (N,) subject or recording; -1 is unknown and stands alone. A group
            may lie in both sets.
        seed: of folds and classifier.
        num_chance_draws: how often the groups are dealt out at random, >= 0.
        progress: passes these draws through and shows how far they are.

    Returns:
        The result.

    Raises:
        ImportError: scikit-learn is not installed.
        ValueError: a set has fewer than two groups or lone pictures.
    """
    unit_N = _units(group_N)
    fold_N = deal_folds(unit_N, is_b_N, seed=seed)
    score_N = _out_of_fold(value_NK, is_b_N, fold_N, seed)
    by_class = {
        name: _mean_auc(score_N, is_b_N, fold_N, label_N == code)
        for code, name in enumerate(CLASS_NAMES)
    }
    aucs = []
    if num_chance_draws and not (group_N == LONE).any():
        rng = np.random.default_rng(seed)
        for _ in progress(range(num_chance_draws)):
            dealt_N = _deal_groups(unit_N, is_b_N, rng)
            if dealt_N is not None:
                folds_N = deal_folds(unit_N, dealt_N, seed=seed)
                scores_N = _out_of_fold(value_NK, dealt_N, folds_N, seed)
                aucs.append(_mean_auc(scores_N, dealt_N, folds_N))
    return DomainResult(
        auc=_mean_auc(score_N, is_b_N, fold_N),
        auc_by_class=by_class,
        chance=(min(aucs), max(aucs)) if aucs else None,
        num_folds=int(fold_N.max()) + 1,
        score_N=score_N,
    )


def deal_folds(unit_N: np.ndarray, is_b_N: np.ndarray, *, seed: int) -> np.ndarray:
    """Deal whole units into folds, so that each fold has pictures of both sets.

    The largest unit goes first, each into the fold that has the least of the sets
    which the unit is from.

    Args:
        unit_N: (N,) what stays together, codes from 0 on without gaps.
        is_b_N: (N,) bool, which pictures are those of B.
        seed: of the order of units of one size.

    Returns:
        (N,) number of the fold, from 0 on: five, or fewer where a set has fewer units.

    Raises:
        ValueError: a set has fewer than two units.
    """
    counts_U2 = np.stack(
        [np.bincount(unit_N, ~is_b_N), np.bincount(unit_N, is_b_N)], axis=1
    )
    num_units = (counts_U2 > 0).sum(axis=0)
    if num_units.min() < 2:
        raise ValueError(
            'a classifier of A against B needs two groups (or pictures without a known '
            f'group) in each, got {num_units[0]} in A and {num_units[1]} in B'
        )
    num_folds = min(NUM_FOLDS, *num_units.tolist())
    order = np.random.default_rng(seed).permutation(len(counts_U2))
    order = order[np.argsort(-counts_U2[order].sum(axis=1), kind='stable')]
    # shares of the sets, not pictures: a small set must not fill one fold only
    share_U2 = counts_U2 / counts_U2.sum(axis=0)
    filled_F2 = np.zeros((num_folds, 2))
    fold_U = np.zeros(len(order), np.int64)
    for unit in order.tolist():
        fold_U[unit] = fold = (filled_F2 @ share_U2[unit]).argmin()
        filled_F2[fold] += share_U2[unit]
    return fold_U[unit_N]


def _units(group_N: np.ndarray) -> np.ndarray:
    """Codes from 0 on; a picture of no known group is a unit of its own."""
    lone_N = group_N == LONE
    alone_N = group_N.max(initial=LONE) + 1 + np.arange(len(group_N))
    return np.unique(np.where(lone_N, alone_N, group_N), return_inverse=True)[1]


def _deal_groups(unit_N, is_b_N, rng) -> np.ndarray | None:
    """Give as many whole units as B has to a random B; None if a set has too few."""
    num_units = unit_N.max() + 1
    num_b = len(np.unique(unit_N[is_b_N]))
    if not 2 <= num_b <= num_units - 2:
        return None
    return np.isin(unit_N, rng.choice(num_units, num_b, replace=False))


def _out_of_fold(value_NK, is_b_N, fold_N, seed: int) -> np.ndarray:
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
    except ImportError as error:
        raise ImportError(
            'the domain classifier needs scikit-learn: pip install scikit-learn'
        ) from error
    score_N = np.full(len(fold_N), np.nan)
    for fold in range(fold_N.max() + 1):
        held_N = fold_N == fold
        # small trees: ten statistics need no more, and nothing is tuned here
        model = HistGradientBoostingClassifier(
            max_iter=50,
            max_leaf_nodes=8,
            max_bins=63,  # a third of the time of 255
            early_stopping=False,
            class_weight='balanced',
            random_state=seed,
        )
        model.fit(value_NK[~held_N], is_b_N[~held_N])
        score_N[held_N] = model.predict_proba(value_NK[held_N])[:, 1]
    return score_N


def _mean_auc(score_N, is_b_N, fold_N, wanted_N=None) -> float | None:
    """Mean over the folds in which both sets have wanted pictures.

    Scores of different folds come from different classifiers and are not comparable.
    """
    wanted_N = np.ones(len(fold_N), bool) if wanted_N is None else wanted_N
    folds = [wanted_N & (fold_N == fold) for fold in range(fold_N.max() + 1)]
    aucs = np.array([roc_auc(score_N[rows], is_b_N[rows]) for rows in folds])
    return None if np.isnan(aucs).all() else float(np.nanmean(aucs))
