"""Folds stratified by label, groups kept together. Shapes: N rows."""

from __future__ import annotations

import numpy as np

from ocec.stacking.base_scores import NO_GROUP
from ocec.stacking.extras import import_sklearn


def assign_folds(
    label_N: np.ndarray, group_N: np.ndarray, *, num_folds: int, seed: int
) -> np.ndarray:
    """Deal rows into folds, so that no group is in two of them.

    scikit-learn's ``StratifiedGroupKFold``, and ``StratifiedKFold`` where every row
    stands alone, both shuffled.

    Args:
        label_N: (N,) 0 or 1.
        group_N: (N,) whole numbers; -1 stands alone.
        num_folds: >= 2.
        seed: the same seed gives the same folds.

    Returns:
        (N,) int64 in [0, num_folds), the fold in which a row is held out.

    Raises:
        ImportError: scikit-learn is not installed.
        ValueError: there are fewer groups than folds, of all rows or of a class, or a
            fold would have to be fitted without one of the classes.
    """
    model_selection = import_sklearn('sklearn.model_selection')
    if num_folds < 2:
        raise ValueError(f'folds must be >= 2, got {num_folds}')
    unit_N = units_of(group_N)
    _check_enough(label_N, unit_N, num_folds)
    stands_alone = len(np.unique(unit_N)) == len(unit_N)
    kind = 'StratifiedKFold' if stands_alone else 'StratifiedGroupKFold'
    splitter = getattr(model_selection, kind)(
        num_folds, shuffle=True, random_state=seed
    )
    fold_N = np.full(len(label_N), -1, np.int64)
    groups = None if stands_alone else unit_N
    for fold, (_, held) in enumerate(splitter.split(label_N, label_N, groups)):
        fold_N[held] = fold
    for fold in range(num_folds):
        _check_fold(label_N, fold_N == fold, fold)
    return fold_N


def units_of(group_N: np.ndarray) -> np.ndarray:
    """Number what stays together.

    Args:
        group_N: (N,) whole numbers; -1 stands alone.

    Returns:
        (N,) codes from 0 on.

    Example:
        >>> units_of(np.array([7, 7, -1, -1]))
        array([0, 0, 1, 2])
    """
    group_N = np.asarray(group_N, np.int64)
    lone_N = group_N == NO_GROUP
    alone_N = group_N.max(initial=NO_GROUP) + 1 + np.arange(len(group_N))
    return np.unique(np.where(lone_N, alone_N, group_N), return_inverse=True)[1]


def _check_enough(label_N, unit_N, num_folds: int) -> None:
    num_units = len(np.unique(unit_N))
    if num_units < num_folds:
        raise ValueError(
            f'{num_units} groups cannot be dealt into {num_folds} folds: choose '
            f'folds <= {num_units}'
        )
    for label in (0, 1):
        of_label = len(np.unique(unit_N[label_N == label]))
        if of_label < num_folds:
            raise ValueError(
                f'label {label} is in {of_label} groups only, fewer than the '
                f'{num_folds} folds: choose fewer folds or more data'
            )


def _check_fold(label_N, held_N, fold: int) -> None:
    # groups of one class each can end up so
    if not held_N.any() or len(np.unique(label_N[~held_N])) < 2:
        raise ValueError(
            f'fold {fold + 1} cannot be used: {int(held_N.sum()):,} rows are held out '
            f'and the others have labels {np.unique(label_N[~held_N]).tolist()}. '
            'Groups are too few or too uneven: choose fewer folds'
        )
