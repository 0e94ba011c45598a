"""How the embeddings of B lie among those of A.

All are scaled to length 1. Shapes: N rows of A and B, M rows of B, D features.
"""

from __future__ import annotations

import warnings
from functools import partial

import numpy as np

from ocec.apis.drift_report_metrics import (
    bounded,
    decided_f1,
    f1_gain,
    finite_or_none,
    lone_groups,
)
from ocec.apis.drift_report_scores import ScoredRows
from ocec.apis.progress import track
from ocec.datasets.eye_table import NO_GROUP
from ocec.functional.bootstrap import bootstrap_interval
from ocec.functional.class_shift import ClassShift, class_shift
from ocec.functional.classification import roc_auc
from ocec.functional.metric_interval import count_groups
from ocec.functional.probability import CLASS_NAMES, CLOSED, OPEN
from ocec.functional.separation import fisher_ratio
from ocec.preparation.drift_classifier import NUM_CHANCE_DRAWS, tell_apart
from ocec.visualization.embedding_projection import draw_samples, project_pca

# of each set; more change little and take longer
MAX_CLASSIFIED = 2_000
# what the domain classifier and the probe see of the embeddings
NUM_COMPONENTS = 16
NUM_HALVES = 20
MIN_GROUPS_IN_HALVES = 4
# share of A beyond the limit
OUTLIER_QUANTILE = 0.99


def compare_embeddings(
    a: ScoredRows, b: ScoredRows, fold_a_N: np.ndarray | None, *, seed: int
) -> tuple[dict, np.ndarray | None]:
    """Compare the embeddings of two sets.

    Args:
        a: labelled rows of A, with embeddings and both classes.
        b: rows of B, with or without labels.
        fold_a_N: (N,) fold of each row of A; None leaves the outliers out.
        seed: of folds and draws.

    Returns:
        ``fisher`` of A and B; ``shift`` of each class in units of the spread within
        A's classes; ``domain``, how well A and B are told apart; ``outliers``, the
        share of B that lies farther from A's nearest class than 99 % of A's own. None
        where something is missing for it. And (M,) squared distances of B over the
        limit of outliers, None with them.
    """
    outliers, distance_M = None, None
    if fold_a_N is not None:
        outliers, distance_M = count_outliers(a, b, fold_a_N) or (None, None)
    found = {
        'fisher': {
            name: finite_or_none(fisher_ratio(part.embedding_ND, part.label_N))
            for name, part in (('A', a), ('B', b))
        },
        'shift': describe_shift(a, b, seed=seed),
        'domain': tell_embeddings_apart(a, b, seed=seed),
        'outliers': outliers,
    }
    return found, distance_M


def describe_shift(a: ScoredRows, b: ScoredRows, *, seed: int) -> dict | None:
    """Say how far the classes of B lie from those of A, and halves of A's groups.

    Args:
        a: labelled rows of A.
        b: rows of B.
        seed: of the halves.

    Returns:
        ``apart``, distance of A's class means; for ``closed`` and ``open`` the
        ``distance`` of B's mean from A's, its part ``along`` A's axis from closed to
        open, and ``by_chance``, the largest distance of 20 divisions of A's groups
        into halves (None with fewer than four groups). None if B has no label.
    """
    if not b.has_labels:
        return None
    shift = class_shift(a.embedding_ND, a.label_N, b.embedding_ND, b.label_N)
    chance_C = _shift_of_halves(a, seed)
    found = {'apart': finite_or_none(shift.apart)}
    for code, name in enumerate(CLASS_NAMES):
        found[name] = {
            'distance': finite_or_none(shift.distance_C[code]),
            'along': finite_or_none(shift.along_C[code]),
            'by_chance': finite_or_none(chance_C[code]),
        }
    return found


def tell_embeddings_apart(a: ScoredRows, b: ScoredRows, *, seed: int) -> dict | None:
    """Cross-validate a classifier of A against B on the embeddings.

    Args:
        a: rows of A.
        b: rows of B.
        seed: of draws, folds and classifier.

    Returns:
        ``auc``, ``auc_by_class``, ``chance`` and ``pictures``, as of
        :func:`ocec.preparation.drift_classifier.tell_apart`; None if a set has fewer
        than two groups.
    """
    if min(count_groups(a.group_N), count_groups(b.group_N)) < 2:
        return None
    a, b = (
        part.take(draw_samples(len(part.row_N), MAX_CLASSIFIED, seed=seed))
        for part in (a, b)
    )
    value_ND = np.concatenate(
        [unit_length(a.embedding_ND), unit_length(b.embedding_ND)]
    )
    result = tell_apart(
        project_pca(value_ND, num_components=NUM_COMPONENTS).point_NK,
        np.repeat([False, True], [len(a.row_N), len(b.row_N)]),
        np.concatenate([a.label_N, b.label_N]),
        joint_groups(a, b),
        seed=seed,
        num_chance_draws=NUM_CHANCE_DRAWS,
        progress=partial(
            track, total=NUM_CHANCE_DRAWS, what='embeddings of groups dealt at random'
        ),
    )
    return {
        'auc': result.auc,
        'auc_by_class': result.auc_by_class,
        'chance': None if result.chance is None else list(result.chance),
        'pictures': len(value_ND),
    }


def count_outliers(
    a: ScoredRows, b: ScoredRows, fold_N: np.ndarray
) -> tuple[dict, np.ndarray] | None:
    """Count rows of B that lie farther from A's classes than A's own rows do.

    Mahalanobis distance to the nearer class mean, with one covariance for both
    classes. Each row of A is measured against the classes of the other folds, so
    that its own subject does not help it; a row of B against each of them, the mean
    counts.

    Args:
        a: labelled rows of A.
        b: rows of B.
        fold_N: (N,) fold of each row of A.

    Returns:
        ``limit``, the 0.99 quantile of A's squared distances; ``share``, of B beyond
        it, with its interval over groups; ``expected``, 0.01. And (M,) squared
        distances of B over the limit. None without a limit: all folds but one lack a
        class each time, or all embeddings of A are equal.

    Raises:
        ImportError: scikit-learn is not installed.

    Source:
        Lee et al., A Simple Unified Framework for Detecting Out-of-Distribution
        Samples, 2018, arXiv:1807.03888, section 2.1; covariance of Ledoit and Wolf,
        Journal of Multivariate Analysis 88, 2004.
    """
    a_ND, b_MD = unit_length(a.embedding_ND), unit_length(b.embedding_ND)
    own_N, other_M, num_fits = np.full(len(fold_N), np.nan), np.zeros(len(b_MD)), 0
    for fold in np.unique(fold_N):
        held_N = fold_N == fold
        rest_N = ~held_N
        if len(np.unique(a.label_N[rest_N])) < 2:
            continue
        means_2D, precision_DD = _fit_classes(a_ND[rest_N], a.label_N[rest_N])
        own_N[held_N] = _nearest_distance(a_ND[held_N], means_2D, precision_DD)
        other_M += _nearest_distance(b_MD, means_2D, precision_DD)
        num_fits += 1
    limit = float(np.nanquantile(own_N, OUTLIER_QUANTILE)) if num_fits else 0.0
    if not limit > 0:
        return None
    other_M /= num_fits
    is_beyond_M = (other_M > limit).astype(np.float64)
    interval = bootstrap_interval(np.mean, is_beyond_M, group_N=b.group_N)
    found = {
        'limit': limit,
        'share': bounded(is_beyond_M.mean(), interval),
        'expected': 1 - OUTLIER_QUANTILE,
    }
    return found, other_M / limit


def probe_head(
    b: ScoredRows, fold_N: np.ndarray, own_says_N: np.ndarray, *, seed: int
) -> dict | None:
    """Learn a new last layer for B on the frozen embeddings, and measure it unseen.

    A logistic regression on standardised embeddings, its penalty chosen inside the
    folds it learns from; each fold is decided by what was learned on the others.

    Args:
        b: labelled rows of B, with both classes.
        fold_N: (N,) fold of each row, whole groups together.
        own_says_N: (N,) bool, decisions to compare with.
        seed: of the inner folds.

    Returns:
        ``f1`` and its ``gain`` over the decisions compared with, with intervals over
        groups; ``auc`` over all folds at once. None where some folds leave fewer than
        three rows of a class to learn from.

    Raises:
        ImportError: scikit-learn is not installed.
    """
    try:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegressionCV
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
    except ImportError as error:
        raise ImportError(
            'the probe needs scikit-learn: pip install scikit-learn'
        ) from (error)
    x_ND, prob_N = unit_length(b.embedding_ND), np.empty(len(fold_N))
    for fold in np.unique(fold_N):
        held_N = fold_N == fold
        if np.bincount(b.label_N[~held_N], minlength=2).min() < 3:
            return None  # the inner folds need each class
        probe = make_pipeline(
            StandardScaler(),
            LogisticRegressionCV(
                Cs=np.logspace(-4, 0, 5),
                cv=3,
                scoring='neg_log_loss',
                max_iter=200,
                random_state=seed,
            ),
        )
        with warnings.catch_warnings():
            # a weak penalty that has not converged loses against the others
            warnings.simplefilter('ignore', ConvergenceWarning)
            warnings.simplefilter('ignore', FutureWarning)
            probe.fit(x_ND[~held_N], b.label_N[~held_N])
        prob_N[held_N] = probe.predict_proba(x_ND[held_N])[:, 1]
    says_open_N = prob_N >= 0.5
    return {
        'f1': decided_f1(b, says_open_N),
        'gain': f1_gain(b, says_open_N, own_says_N),
        'auc': roc_auc(prob_N, b.label_N),
    }


def joint_groups(a: ScoredRows, b: ScoredRows) -> np.ndarray:
    """Codes of groups over both sets; one name is one group, to be on the safe side.

    Args:
        a: rows of A.
        b: rows of B.

    Returns:
        (N,) int64; -1 where a group is unknown.
    """
    codes: dict[str, int] = {}
    parts = []
    for part in (a, b):
        of_table = [codes.setdefault(g, len(codes)) for g in part.table.group_names]
        # NO_GROUP is -1: it takes the last entry
        parts.append(np.array([*of_table, NO_GROUP])[part.group_N])
    return np.concatenate(parts)


def unit_length(x_ND: np.ndarray) -> np.ndarray:
    """Scale embeddings to length 1; zeros stay.

    Args:
        x_ND: (N, D) embeddings.

    Returns:
        (N, D) float64.
    """
    x_ND = x_ND.astype(np.float64)
    length_N1 = np.linalg.norm(x_ND, axis=1, keepdims=True)
    return np.divide(x_ND, length_N1, out=np.zeros_like(x_ND), where=length_N1 > 0)


def _shift_of_halves(a: ScoredRows, seed: int) -> np.ndarray:
    """Largest shift of each class, (2,), between random halves of A's groups."""
    unit_N = np.unique(lone_groups(a.group_N), return_inverse=True)[1]
    num_units = unit_N.max() + 1
    if not a.has_groups or num_units < MIN_GROUPS_IN_HALVES:
        return np.full(2, np.nan)
    rng, shifts = np.random.default_rng(seed), []
    for _ in range(NUM_HALVES):
        is_first_N = np.isin(unit_N, rng.permutation(num_units)[: num_units // 2])
        halves = a.take(is_first_N), a.take(~is_first_N)
        if all(len(np.unique(half.label_N)) == 2 for half in halves):
            shifts.append(_shift_between(*halves).distance_C)
    return np.max(shifts, axis=0) if shifts else np.full(2, np.nan)


def _shift_between(a: ScoredRows, b: ScoredRows) -> ClassShift:
    return class_shift(a.embedding_ND, a.label_N, b.embedding_ND, b.label_N)


def _fit_classes(x_ND: np.ndarray, label_N: np.ndarray):
    """Return (2, D) class means and the (D, D) inverse of their common covariance."""
    try:
        from sklearn.covariance import LedoitWolf
    except ImportError as error:
        raise ImportError(
            'outliers need scikit-learn: pip install scikit-learn'
        ) from error
    means_2D = np.stack([x_ND[label_N == c].mean(axis=0) for c in (CLOSED, OPEN)])
    fitted = LedoitWolf(assume_centered=True).fit(x_ND - means_2D[label_N])
    return means_2D, fitted.precision_


def _nearest_distance(x_ND, means_2D, precision_DD) -> np.ndarray:
    """Squared Mahalanobis distance to the nearer class mean, (N,)."""
    centred = [x_ND - mean_D for mean_D in means_2D]
    return np.min([((y @ precision_DD) * y).sum(axis=1) for y in centred], axis=0)
