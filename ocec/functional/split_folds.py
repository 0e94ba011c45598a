"""Folds of whole groups, for cross-validation.

Shapes: N rows.
"""

import numpy as np

from ocec.functional.splits import split_by_group


def split_by_fold(
    group_N: np.ndarray, label_N: np.ndarray, *, fold: int, num_folds: int, seed: int
) -> np.ndarray:
    """Divide whole groups into folds of like size and class shares; take one for val.

    Args:
        group_N: (N,) subject or recording of each row, any dtype that sorts.
        label_N: (N,) class of each row, small non-negative integers.
        fold: which fold is ``val``, in [1, num_folds]; the others are ``train``.
        num_folds: number of folds, >= 2.
        seed: the same seed gives the same folds, whatever ``fold`` is.

    Returns:
        (N,) array of ``train`` and ``val``; every row is in val for exactly one fold.

    Raises:
        ValueError: a number is out of range, the lengths differ, or there are fewer
            groups than folds.

    Example:
        >>> group, label = np.arange(4), np.zeros(4, int)
        >>> split = split_by_fold(group, label, fold=1, num_folds=2, seed=0)
        >>> split.tolist().count('val')
        2
    """
    if num_folds < 2:
        raise ValueError(f'num_folds must be >= 2, got {num_folds}')
    if not 1 <= fold <= num_folds:
        raise ValueError(f'fold must be in [1, {num_folds}], got {fold}')
    names = [f'fold {number}' for number in range(1, num_folds + 1)]
    ratios = dict.fromkeys(names, 1 / num_folds)
    fold_N = split_by_group(group_N, label_N, ratios=ratios, seed=seed)
    return np.where(fold_N == names[fold - 1], 'val', 'train')
