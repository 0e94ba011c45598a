import numpy as np
import pytest

from ocec.functional.split_times import split_by_time

RATIOS = {'train': 0.5, 'val': 0.25, 'test': 0.25}


def test_the_end_of_each_recording_is_validated():
    # a: frames 0 to 7, shuffled; b: 10 to 13
    frame = np.r_[[7, 0, 3, 1, 2, 6, 5, 4], [13, 12, 11, 10]]
    recording = np.array(['a'] * 8 + ['b'] * 4)
    split = split_by_time(recording, frame, ratios=RATIOS)
    by_frame = dict(zip(zip(recording, frame, strict=True), split, strict=True))
    in_a = [by_frame['a', number] for number in range(8)]
    assert in_a == ['train'] * 4 + ['val'] * 2 + ['test'] * 2
    in_b = [by_frame['b', number] for number in range(10, 14)]
    assert in_b == ['train', 'train', 'val', 'test']


def test_a_gap_is_left_out_after_each_cut():
    # cuts before frames 10 and 15 of 20: 10, 11 and 15, 16 are left out
    split = split_by_time(np.zeros(20), np.arange(20), ratios=RATIOS, gap=2)
    expected = ['train'] * 10 + [''] * 2 + ['val'] * 3 + [''] * 2 + ['test'] * 3
    assert split.tolist() == expected


def test_the_gap_counts_frames_not_rows():
    # every 5th frame: frames 5 to 8 hold one row, frame 5
    frame = np.arange(0, 50, 5)
    ratios = {'train': 0.1, 'val': 0.9}
    split = split_by_time(np.zeros(10), frame, ratios=ratios, gap=4)
    assert split.tolist() == ['train', ''] + ['val'] * 8


def test_both_eyes_of_a_frame_stay_together():
    # 3 frames of 2 eyes: half of 6 rows lies inside frame 1; the cut before is as
    # near as the one behind, and the earlier is taken
    frame = np.array([0, 0, 1, 1, 2, 2])
    split = split_by_time(np.zeros(6), frame, ratios={'train': 0.5, 'val': 0.5})
    assert split.tolist() == ['train'] * 2 + ['val'] * 4


def test_rows_come_in_any_order():
    rng = np.random.default_rng(0)
    recording, frame = rng.integers(0, 5, 200), rng.permutation(200)
    split = split_by_time(recording, frame, ratios=RATIOS, gap=3)
    order = rng.permutation(200)
    again = split_by_time(recording[order], frame[order], ratios=RATIOS, gap=3)
    assert (again == split[order]).all()
    for number in range(5):  # in time: train, then val, then test
        here = (recording == number) & (split != '')
        rank = np.array([list(RATIOS).index(name) for name in split[here]])
        assert (np.diff(rank[np.argsort(frame[here])]) >= 0).all()


def test_a_recording_of_one_frame_is_not_cut():
    split = split_by_time(np.zeros(3), np.zeros(3, int), ratios={'a': 0.7, 'b': 0.3})
    assert split.tolist() == ['a'] * 3


def test_no_rows_give_no_splits():
    assert len(split_by_time(np.zeros(0), np.zeros(0, int), ratios=RATIOS)) == 0


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match='gap must be >= 0 frames, got -1'):
        split_by_time(np.zeros(2), np.zeros(2, int), ratios=RATIOS, gap=-1)
    with pytest.raises(ValueError, match='one length, got 2 and 3'):
        split_by_time(np.zeros(2), np.zeros(3, int), ratios=RATIOS)
    with pytest.raises(ValueError, match='must sum to 1, got 0.5'):
        split_by_time(np.zeros(2), np.zeros(2, int), ratios={'train': 0.5})
