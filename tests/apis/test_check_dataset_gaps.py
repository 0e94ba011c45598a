import numpy as np
import pytest

from ocec.apis.check_dataset_gaps import find_gaps
from ocec.datasets.eye_table import read_eye_table


@pytest.fixture
def find(make_eye_parquet):
    def find(unreadable=(), **columns):
        table = read_eye_table([make_eye_parquet(**columns)])
        readable_N = np.ones(len(table), bool)
        readable_N[list(unreadable)] = False
        return list(find_gaps(table, readable_N))

    return find


def test_a_whole_file_has_none(find):
    assert find() == []


def test_rows_of_no_split(find):
    split = ['train'] * 32 + ['val'] * 16 + ['holdout'] * 15 + [None]
    assert find(split=split) == ['16 of 64 rows have no known split']
    assert find(split=None) == ['64 of 64 rows have no known split']


@pytest.mark.parametrize('only', ['train', 'val', 'test'])
def test_one_split_is_compared_with_nothing(find, only):
    assert find(split=[only] * 64) == [
        f'{only} is the only split: there is nothing to compare it with'
    ]


def test_unreadable_pictures_count_by_split(find):
    # rows 0 to 199 are train, 200 to 299 val, 300 to 399 test: 1 % are 2, 1 and 1
    assert find(num_rows=400, unreadable=[0, 1, 200, 300]) == []
    assert find(num_rows=400, unreadable=[0, 1, 200, 201, 300]) == [
        '2 of 100 pictures of val cannot be read (more than 1%)'
    ]


def test_rows_of_no_group(find):
    assert find(group=['s1'] * 60 + ['unknown', None, '', 'nan']) == [
        '4 of 64 rows have no known group'
    ]


def test_all_gaps_are_named(find):
    split = ['train'] * 60 + ['eval'] * 4
    assert len(find(split=split, group=None, unreadable=range(57))) == 4
