"""What EyeParquet makes of it is in test_eye_parquet.py."""

import numpy as np
import pytest

from ocec.datasets.eye_split import assign_splits, warn_of_shared_groups
from ocec.datasets.eye_table import SPLITS, read_eye_table

TRAIN, VAL, TEST = range(3)
HALVES = {'train': 0.5, 'val': 0.5}


@pytest.fixture
def make_table(make_eye_parquet):
    return lambda **columns: read_eye_table([make_eye_parquet(**columns)])


def test_without_ratios_the_column_counts(make_table):
    table = make_table(num_rows=4, split=['val', 'train', 'test', 'val'])
    code_N = assign_splits(table, None, seed=0, group_by='group')
    assert code_N.tolist() == [VAL, TRAIN, TEST, VAL]


def test_groups_stay_whole_under_any_seed(make_table):
    table = make_table(num_rows=40, groups=10)
    for seed in range(5):
        code_N = assign_splits(table, HALVES, seed=seed, group_by='group')
        assert code_N.dtype == np.int8
        assert (code_N.reshape(10, 4) == code_N[::4, None]).all()
        assert np.bincount(code_N).tolist() == [20, 20]


def test_rows_of_no_group_are_dealt_one_by_one(make_table, log_records):
    group = ['a'] * 10 + [None] * 30
    table = make_table(num_rows=40, group=group)
    code_N = assign_splits(table, HALVES, seed=1, group_by='group')
    assert len(set(code_N[:10])) == 1
    assert set(code_N[10:]) == {TRAIN, VAL}
    assert log_records[-1].getMessage().startswith('30 rows have no known group and')


def test_without_groups_each_row_stands_alone(make_table, log_records):
    table = make_table(num_rows=40, groups=1)
    code_N = assign_splits(table, HALVES, seed=1, group_by=None)
    assert np.bincount(code_N).tolist() == [20, 20]
    assert log_records == []


@pytest.mark.parametrize(
    ('columns', 'ratios', 'message'),
    [
        ({'split': None}, None, 'column "split" is missing; add it, or let the data'),
        ({'group': None}, HALVES, 'column "group" is missing, so a split by ratio'),
        ({}, {'fold': 1.0}, r"split_ratios key must be one of \('train', .*, got 'fol"),
        ({}, {'train': 0.5}, 'split ratios must sum to 1, got 0.5'),
    ],
)
def test_what_cannot_be_split_is_told(make_table, columns, ratios, message):
    table = make_table(num_rows=8, **columns)
    with pytest.raises(ValueError, match=message):
        assign_splits(table, ratios, seed=0, group_by='group')


@pytest.mark.parametrize(
    ('usable', 'warning'),
    [
        ([1, 1, 1, 1], '2 groups of split "train" are in another split too (a, b,'),
        # the row of b in val is left out
        ([1, 1, 1, 0], '1 groups of split "train" are in another split too (a,'),
        ([1, 1, 0, 0], None),
    ],
)
def test_shared_groups_are_those_of_usable_rows(
    make_table, log_records, usable, warning
):
    table = make_table(
        num_rows=4, group=['a', 'b', 'a', 'b'], split=['train'] * 2 + ['val'] * 2
    )
    split_N, usable_N = table.split_N, np.array(usable, bool)
    warn_of_shared_groups(table, SPLITS[TRAIN], split_N, usable_N)
    messages = [record.getMessage() for record in log_records]
    expected = (
        [] if warning is None else [f'{warning} ...): its metrics will be too good']
    )
    assert messages == expected


def test_folds_are_whole_groups_and_leave_the_test_rows_out(make_table):
    split = ['train'] * 20 + ['val'] * 12 + ['test'] * 8
    table = make_table(num_rows=40, groups=10, split=split)
    times_in_val = np.zeros(40, int)
    for number in (1, 2, 3, 4):
        code_N = assign_splits(table, None, seed=0, group_by='group', fold=(number, 4))
        assert (code_N[32:] == TEST).all()
        assert set(code_N[:32]) == {TRAIN, VAL}
        # 4 rows of a subject lie together
        assert (code_N.reshape(10, 4) == code_N[::4, None]).all()
        times_in_val += code_N == VAL
    assert times_in_val.tolist() == [1] * 32 + [0] * 8


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'fold': (1, 2), 'ratios': HALVES}, 'split_ratios and fold exclude each'),
        ({'fold': 3}, r'fold must be \(number, count\), got 3'),
        ({'fold': (3, 2)}, r'fold must be in \[1, 2\], got 3'),
        ({'fold': (1, 11)}, 'groups'),
    ],
)
def test_folds_that_cannot_be_are_refused(make_table, settings, message):
    table = make_table(num_rows=40, groups=10)
    settings = {'ratios': None, **settings}
    with pytest.raises(ValueError, match=message):
        assign_splits(table, seed=0, group_by='group', **settings)
