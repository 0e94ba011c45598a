import re

import numpy as np
import pytest
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from ocec.stacking.folds import assign_folds, units_of

RNG = np.random.default_rng(0)
LABEL = RNG.integers(0, 2, 200)
GROUP = RNG.integers(0, 30, 200)
LONE = np.full(200, -1)


def folds_of(splitter, *arrays):
    fold_N = np.full(200, -1)
    for fold, (_, held) in enumerate(splitter.split(np.zeros(200), *arrays)):
        fold_N[held] = fold
    return fold_N


def test_groups_stay_together():
    fold_N = assign_folds(LABEL, GROUP, num_folds=5, seed=42)
    assert set(fold_N) == {0, 1, 2, 3, 4}
    for group in range(30):
        assert len(set(fold_N[group == GROUP])) == 1


def test_folds_are_those_of_scikit_learn():
    expected = folds_of(
        StratifiedGroupKFold(5, shuffle=True, random_state=42), LABEL, GROUP
    )
    found = assign_folds(LABEL, GROUP, num_folds=5, seed=42)
    assert found.tolist() == expected.tolist()
    expected = folds_of(StratifiedKFold(5, shuffle=True, random_state=42), LABEL)
    assert assign_folds(LABEL, LONE, num_folds=5, seed=42).tolist() == expected.tolist()


def test_rows_of_unknown_group_stand_alone_beside_groups():
    group = np.where(np.arange(200) < 100, 7, -1)
    fold_N = assign_folds(LABEL, group, num_folds=3, seed=0)
    assert len(set(fold_N[:100])) == 1
    assert len(set(fold_N[100:])) > 1


@pytest.mark.filterwarnings('error')
def test_seed_changes_folds_and_nothing_warns():
    one, other = (assign_folds(LABEL, LONE, num_folds=5, seed=s) for s in (1, 2))
    assert (one != other).any()


@pytest.mark.parametrize(
    ('label', 'group', 'folds', 'message'),
    [
        (LABEL, LONE, 1, 'folds must be >= 2, got 1'),
        (
            LABEL,
            np.arange(200) % 4,
            5,
            '4 groups cannot be dealt into 5 folds: choose folds <= 4',
        ),
        (
            (np.arange(200) < 3).astype(int),
            LONE,
            5,
            'label 1 is in 3 groups only, fewer than the 5 folds',
        ),
    ],
)
def test_too_little_is_refused(label, group, folds, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        assign_folds(label, group, num_folds=folds, seed=0)


def test_a_fold_that_leaves_one_class_is_refused(monkeypatch):
    # scikit-learn's own folds do so for some uneven groups only: take a simple dealer
    class Uneven:
        def __init__(self, *args, **kwargs):
            pass

        def split(self, x, y, groups):
            is_one = np.flatnonzero(y == 1)
            return [(np.flatnonzero(y == 0), is_one), (is_one, np.flatnonzero(y == 0))]

    monkeypatch.setattr('sklearn.model_selection.StratifiedGroupKFold', Uneven)
    message = re.escape('the others have labels [0]. Groups are too few or too uneven')
    with pytest.raises(ValueError, match=message):
        assign_folds(LABEL, GROUP, num_folds=2, seed=0)


def test_units():
    assert units_of(np.array([3, -1, 3, 0, -1])).tolist() == [1, 2, 1, 0, 3]
