import math

import numpy as np

from ocec.functional.split_shares import groups_in_two_splits, realised_shares

NAMES = ('train', 'val', 'test')


def test_images_groups_and_open_eyes_are_counted():
    split = np.array(['train'] * 6 + ['val'] * 2)
    label = np.array([1, 1, 1, 0, 0, 0, 1, 1])
    group = np.array(['a', 'a', 'b', 'b', 'b', '', 'c', ''])
    train, val = realised_shares(split, label, group, names=NAMES)
    assert (train.num_images, train.share, train.num_groups) == (6, 0.75, 2)
    assert (train.open_share, train.asked) == (0.5, None)
    assert (val.num_images, val.share, val.num_groups) == (2, 0.25, 1)
    assert val.open_share == 1.0


def test_what_was_asked_for_is_shown_even_if_nothing_came_of_it():
    shares = realised_shares(
        np.array(['train']),
        np.array([0]),
        np.array(['a']),
        names=NAMES,
        ratios={'train': 0.5, 'test': 0.5},
    )
    assert [(s.name, s.asked, s.share) for s in shares] == [
        ('train', 0.5, 1.0),
        ('test', 0.5, 0.0),
    ]
    assert math.isnan(shares[1].open_share)


def test_rows_left_out_are_no_part_of_the_whole():
    split = np.array(['train', '', '', 'val'])
    train, val = realised_shares(split, np.ones(4), np.full(4, 'a'), names=NAMES)
    assert train.share == val.share == 0.5


def test_shared_groups_are_named():
    split = np.array(['train', 'val', 'train', 'val', 'train', 'val'])
    group = np.array(['b', 'b', 'a', 'c', '', ''])
    assert groups_in_two_splits(split, group) == ['b']
    assert groups_in_two_splits(split[:0], group[:0]) == []
