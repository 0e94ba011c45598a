import numpy as np
import pytest

from ocec.functional.split_folds import split_by_fold


def make_groups(seed, num_groups=23):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 40, num_groups)
    group = np.repeat(np.arange(num_groups), sizes)
    return group, rng.integers(0, 2, len(group))


@pytest.mark.parametrize('seed', range(10))
def test_folds_divide_the_groups(seed):
    group, label = make_groups(seed)
    in_val = np.stack(
        [
            split_by_fold(group, label, fold=fold, num_folds=5, seed=seed) == 'val'
            for fold in range(1, 6)
        ]
    )
    # every row is validated once, with its whole group
    assert (in_val.sum(0) == 1).all()
    for name in np.unique(group):
        assert (in_val[:, group == name].std(1) == 0).all()
    # 23 groups of up to 39 rows: a fifth is met within a few rows
    assert in_val.mean(1) == pytest.approx(0.2, abs=0.02)


def test_another_seed_gives_other_folds():
    group, label = make_groups(0)
    first, again, other = (
        split_by_fold(group, label, fold=1, num_folds=5, seed=seed).tolist()
        for seed in (0, 0, 1)
    )
    assert first == again != other


@pytest.mark.parametrize(
    ('fold', 'num_folds', 'message'),
    [
        (1, 1, 'num_folds must be >= 2, got 1'),
        (0, 5, r'fold must be in \[1, 5\], got 0'),
        (6, 5, r'fold must be in \[1, 5\], got 6'),
        (1, 24, '23 groups cannot be divided into 24 splits'),
    ],
)
def test_bad_numbers_are_named(fold, num_folds, message):
    group, label = make_groups(0)
    with pytest.raises(ValueError, match=message):
        split_by_fold(group, label, fold=fold, num_folds=num_folds, seed=0)
