from itertools import product

import numpy as np
import pytest

from ocec.functional.splits import split_by_group, split_by_row

RATIOS = {'train': 0.7, 'val': 0.2, 'test': 0.1}


def make_groups(seed, num_groups=40, max_rows=30):
    """Groups of uneven size, each with a class share of its own."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, max_rows, num_groups)
    group = np.repeat([f'g{i}' for i in range(num_groups)], sizes)
    share_open = np.repeat(rng.random(num_groups), sizes)
    label = (rng.random(len(group)) < share_open).astype(np.int64)
    order = rng.permutation(len(group))
    return group[order], label[order]


@pytest.mark.parametrize('seed', range(5))
def test_no_group_lies_in_two_splits(seed):
    group, label = make_groups(seed)
    split = split_by_group(group, label, ratios=RATIOS, seed=seed)
    splits_of = {}
    for g, s in zip(group, split, strict=True):
        splits_of.setdefault(g, set()).add(s)
    assert {len(splits) for splits in splits_of.values()} == {1}
    assert set(split) == set(RATIOS)


@pytest.mark.parametrize('seed', range(5))
def test_shares_come_within_the_largest_group(seed):
    group, label = make_groups(seed)
    split = split_by_group(group, label, ratios=RATIOS, seed=seed)
    _, sizes = np.unique(group, return_counts=True)
    for name, share in RATIOS.items():
        num_rows = int((split == name).sum())
        assert abs(num_rows - share * len(group)) <= sizes.max()


@pytest.mark.parametrize('seed', range(5))
def test_class_shares_come_closer_than_by_chance(seed):
    group, label = make_groups(seed)
    split = split_by_group(group, label, ratios=RATIOS, seed=seed)
    for name in ('train', 'val'):
        assert label[split == name].mean() == pytest.approx(label.mean(), abs=0.08)
    # by chance: groups drawn at random until the share is reached
    rng = np.random.default_rng(seed)
    groups = np.unique(group)
    by_chance = []
    for _ in range(50):
        drawn = rng.permutation(groups)[: int(0.2 * len(groups))]
        by_chance.append(abs(label[np.isin(group, drawn)].mean() - label.mean()))
    ours = abs(label[split == 'val'].mean() - label.mean())
    assert ours < np.median(by_chance)


def make_unequal_groups(seed):
    """One to three giants, some of middle size and many of a few rows or one."""
    rng = np.random.default_rng(seed)
    sizes = np.r_[
        rng.integers(200, 1000, rng.integers(1, 4)),
        rng.integers(10, 100, rng.integers(5, 20)),
        rng.integers(1, 4, rng.integers(0, 60)),
    ]
    group = np.repeat(np.arange(len(sizes)), sizes)
    share_open = np.repeat(rng.random(len(sizes)), sizes)
    return group, (rng.random(len(group)) < share_open).astype(np.int64), sizes


@pytest.mark.parametrize('seed', range(100))
def test_no_group_is_ever_divided_however_unequal(seed):
    group, label, sizes = make_unequal_groups(seed)
    split = split_by_group(group, label, ratios=RATIOS, seed=seed)
    pairs = set(zip(group.tolist(), split.tolist(), strict=True))
    assert len(pairs) == len(sizes)  # each group in one split
    assert set(split) == set(RATIOS)


@pytest.mark.parametrize('seed', range(50))
def test_very_unequal_groups_fill_what_is_asked_for(seed):
    group, _, sizes = make_unequal_groups(seed)
    label = np.zeros(len(group), int)  # nothing to balance but the sizes
    split = split_by_group(group, label, ratios=RATIOS, seed=seed)
    # the best that can be done with those of 200 rows and more, if the others filled
    # every gap: what overflows
    giants = sizes[sizes >= 200]
    unavoidable = min(
        max(
            giants[np.array(codes) == code].sum() - share * len(group)
            for code, share in enumerate(RATIOS.values())
        )
        for codes in product(range(3), repeat=len(giants))
    )
    for name, share in RATIOS.items():
        over = (split == name).sum() - share * len(group)
        assert over <= max(unavoidable, 0) + 0.05 * len(group)


def cost_of(split_of_group, group, label, ratios):
    """The cost in the docstring, by loops."""
    cost = 0
    for code, share in enumerate(ratios.values()):
        for classes, weight in (([0], 1), ([1], 1), ([0, 1], 2)):
            counted = np.isin(label, classes)
            rows = (counted & (split_of_group[group] == code)).sum()
            off = (rows - share * counted.sum()) / counted.sum()
            cost += weight * off**2 / share
    return cost


@pytest.mark.parametrize('seed', range(20))
def test_few_groups_are_divided_almost_as_well_as_possible(seed):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 200, 6)
    group = np.repeat(np.arange(6), sizes)
    label = (rng.random(len(group)) < np.repeat(rng.random(6), sizes)).astype(int)
    split = split_by_group(group, label, ratios=RATIOS, seed=seed)
    ours = np.array([list(RATIOS).index(split[group == g][0]) for g in range(6)])
    # all 3^6 divisions that leave no split empty
    costs = sorted(
        cost_of(np.array(codes), group, label, RATIOS)
        for codes in product(range(3), repeat=6)
        if len(set(codes)) == 3
    )
    assert len(costs) == 540
    assert cost_of(ours, group, label, RATIOS) <= costs[5] + 1e-12


def test_lone_rows_meet_every_share_to_the_row():
    label = np.r_[np.zeros(70, int), np.ones(930, int)]
    split = split_by_group(np.arange(1000), label, ratios=RATIOS, seed=0)
    counts = {n: np.bincount(label[split == n]).tolist() for n in RATIOS}
    assert counts == {'train': [49, 651], 'val': [14, 186], 'test': [7, 93]}


def test_lone_rows_make_up_for_a_large_group():
    # a giant of 60 and 40 lone rows: with 0.5 each the other side gets all of them
    group = np.r_[np.zeros(60, int), np.arange(1, 41)]
    label = np.tile([0, 1], 50)
    split = split_by_group(group, label, ratios={'a': 0.5, 'b': 0.5}, seed=0)
    assert sorted([(split == 'a').sum(), (split == 'b').sum()]) == [40, 60]


def test_rows_on_their_own_meet_the_shares_and_forget_the_groups():
    group, label = make_groups(0)
    split = split_by_row(label, ratios=RATIOS, seed=0)
    for name, share in RATIOS.items():
        for c in (0, 1):
            rows = int(((split == name) & (label == c)).sum())
            assert abs(rows - share * (label == c).sum()) < 1
    shared = set(group[split == 'train']) & set(group[split == 'val'])
    assert len(shared) > 10
    again, other = (split_by_row(label, ratios=RATIOS, seed=s) for s in (0, 1))
    assert (again == split).all()
    assert (other != split).any()
    with pytest.raises(ValueError, match='must sum to 1, got 0.5'):
        split_by_row(label, ratios={'train': 0.5}, seed=0)


def test_equal_groups_are_shared_out_exactly():
    # 10 groups of 4 rows, 2 open: 7 + 2 + 1 groups meet every target
    group, label = np.repeat(np.arange(10), 4), np.tile([0, 1], 20)
    split = split_by_group(group, label, ratios=RATIOS, seed=3)
    assert {name: int((split == name).sum()) for name in RATIOS} == {
        'train': 28,
        'val': 8,
        'test': 4,
    }
    assert all(label[split == name].mean() == 0.5 for name in RATIOS)


def test_the_order_of_rows_does_not_matter():
    group, label = make_groups(0)
    split = split_by_group(group, label, ratios=RATIOS, seed=0)
    order = np.random.default_rng(1).permutation(len(group))
    shuffled = split_by_group(group[order], label[order], ratios=RATIOS, seed=0)
    assert (shuffled == split[order]).all()


def test_a_seed_is_one_split_and_another_seed_another():
    group, label = make_groups(0)
    splits = [
        split_by_group(group, label, ratios=RATIOS, seed=seed).tolist()
        for seed in (0, 0, 1)
    ]
    assert splits[0] == splits[1]
    assert splits[0] != splits[2]


@pytest.mark.parametrize('num_groups', [3, 4])
@pytest.mark.parametrize('seed', range(5))
def test_every_split_gets_a_group_even_if_one_group_has_almost_all_rows(
    num_groups, seed
):
    group = np.r_[np.zeros(500, np.int64), np.arange(1, num_groups)]
    label = np.arange(len(group)) % 2
    split = split_by_group(group, label, ratios=RATIOS, seed=seed)
    assert set(split) == set(RATIOS)


def test_a_class_that_is_absent_or_rare_does_no_harm():
    group, _ = make_groups(0)
    for label in (np.zeros(len(group), int), np.full(len(group), 2)):
        split = split_by_group(group, label, ratios={'train': 0.5, 'val': 0.5}, seed=0)
        assert (split == 'train').mean() == pytest.approx(0.5, abs=0.05)


def test_one_split_takes_all():
    group, label = make_groups(0, num_groups=3)
    assert set(split_by_group(group, label, ratios={'train': 1}, seed=0)) == {'train'}


@pytest.mark.parametrize(
    ('ratios', 'message'),
    [
        ({'train': 1.0, 'val': 0.0}, 'ratio of split "val" must be > 0, got 0.0'),
        ({'train': 1.5, 'val': -0.5}, 'ratio of split "val" must be > 0, got -0.5'),
        ({'train': 0.8, 'val': 0.1}, "must sum to 1, got 0.9 from {'train': 0.8"),
        ({'train': float('nan')}, 'ratio of split "train" must be > 0, got nan'),
        ({}, 'must sum to 1, got 0 from {}'),
    ],
)
def test_bad_ratios_are_named(ratios, message):
    with pytest.raises(ValueError, match=message):
        split_by_group(np.arange(4), np.zeros(4, int), ratios=ratios, seed=0)


def test_both_lengths_are_shown():
    with pytest.raises(ValueError, match='one length, got 4 and 3'):
        split_by_group(np.arange(4), np.zeros(3, int), ratios={'train': 1}, seed=0)


@pytest.mark.parametrize('num_rows', [0, 2])
def test_fewer_groups_than_splits_are_refused(num_rows):
    message = (
        rf'{num_rows} groups cannot be divided into 3 splits '
        r'\(train, val, test\): every split needs one'
    )
    rows = np.arange(num_rows)
    with pytest.raises(ValueError, match=message):
        split_by_group(rows, rows, ratios=RATIOS, seed=0)
