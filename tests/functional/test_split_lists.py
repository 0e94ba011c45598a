import numpy as np
import pytest

from ocec.functional.split_lists import split_by_lists

GROUP = np.array(['a', 'a', 'b', 'c', ''])
PATH = np.array(['a/1.png', 'a/2.png', 'b/1.png', 'c/1.png', 'x.png'])


def split(lists, rest='train'):
    return split_by_lists(GROUP, PATH, lists=lists, rest=rest).tolist()


def test_groups_and_paths_may_be_mixed():
    given = {'val': ['a'], 'test': ['x.png', 'c/1.png']}
    assert split(given) == ['val', 'val', 'train', 'test', 'test']


def test_without_a_rest_the_lists_must_name_all():
    lists = {'train': ['a', 'b'], 'val': ['c', 'x.png']}
    assert split(lists, rest=None) == ['train'] * 3 + ['val'] * 2
    lists = {'train': ['a', 'b']}
    with pytest.raises(ValueError, match='2 of 5 rows are in no list: c/1.png, x.png'):
        split(lists, rest=None)


@pytest.mark.parametrize(
    ('lists', 'message'),
    [
        ({'val': ['q', 'z', 'a']}, '2 names of the lists are neither .*: q, z'),
        ({'val': ['']}, '1 names of the lists are neither'),
        ({'val': ['a'], 'test': ['a']}, '"a" is in the lists of "val" and "test"'),
        (
            {'val': ['a'], 'test': ['a/2.png']},
            'a/2.png is in the list of "test", its group a in that of "val"',
        ),
        ({'val': ['a/2.png']}, 'divide 1 groups between splits, .*: a. List whole'),
    ],
)
def test_contradicting_lists_are_refused(lists, message):
    with pytest.raises(ValueError, match=message):
        split(lists)


def test_long_lists_of_names_are_cut():
    with pytest.raises(ValueError, match='q0, q1, q2, q3, q4, ...$'):
        split({'val': [f'q{number}' for number in range(7)]})
