import re
from dataclasses import replace

import numpy as np
import pytest

from ocec.preparation.eye_listing import EyeEntry
from ocec.preparation.split_plan import SplitPlan

ENTRIES = [
    EyeEntry(f'g{g}/{n:04d}.png', n % 2, f'g{g}', 'val' if g == 0 else 'train', 's', '')
    for g in range(5)
    for n in range(20)
]
GROUP = np.array([entry.group for entry in ENTRIES])


def splits_of_groups(split_N):
    return {g: set(split_N[g == GROUP].tolist()) for g in sorted(set(GROUP.tolist()))}


def test_keep_keeps():
    split, warnings = SplitPlan('keep').divide(ENTRIES)
    assert split.tolist() == [entry.split for entry in ENTRIES]
    assert warnings == []


@pytest.mark.parametrize('method', ['grouped', 'folds'])
def test_whole_groups(method):
    split, warnings = SplitPlan(method).divide(ENTRIES)
    assert all(len(splits) == 1 for splits in splits_of_groups(split).values())
    assert (split == 'val').sum() == 20
    assert warnings == []


def test_folds_take_turns():
    vals = [
        set(GROUP[SplitPlan('folds', fold=fold).divide(ENTRIES)[0] == 'val'])
        for fold in range(1, 6)
    ]
    assert set.union(*vals) == set(GROUP)


def test_rows_without_group_stand_alone_and_are_warned_of():
    # a picture that is named like a group is none
    lone = [replace(e, group='') for e in ENTRIES[:10]]
    lone[0] = replace(lone[0], path='g1')
    split, warnings = SplitPlan('grouped').divide(lone + ENTRIES[20:])
    assert (split == 'val').mean() == pytest.approx(0.2, abs=0.05)
    [warning] = warnings
    assert warning.startswith('10 of 90 rows have no known group and are divided one')


def test_random_leaks_aloud():
    split, warnings = SplitPlan('random').divide(ENTRIES)
    assert (split == 'val').sum() == 20
    assert warnings[0].startswith('THIS SPLIT LEAKS')
    assert warnings[1] == '5 groups are in more than one split: g0, g1, g2, ...'


def test_time_cuts_recordings():
    split, warnings = SplitPlan('time', gap=1).divide(ENTRIES)
    expected = ['train'] * 16 + [''] + ['val'] * 3
    assert split.tolist() == expected * 5
    assert warnings[0].startswith('every recording is in several splits, by design')


def test_time_needs_frames_and_recordings():
    nameless = [replace(ENTRIES[0], path='eye.png'), *ENTRIES[1:]]
    with pytest.raises(
        ValueError, match='1 names tell no frame, as eye.png; say where'
    ):
        SplitPlan('time').divide(nameless)
    lone = [replace(ENTRIES[0], group=''), *ENTRIES[1:]]
    with pytest.raises(ValueError, match='1 rows have no known group, so nobody knows'):
        SplitPlan('time').divide(lone)
    pattern = re.compile(r'eye(?P<frame>[0-9])')
    named = [replace(e, path=f'eye{n}_000.png') for n, e in enumerate(ENTRIES[:10])]
    split, _ = SplitPlan('time', frame_pattern=pattern).divide(named)
    assert split.tolist() == ['train'] * 8 + ['val'] * 2


def test_lists_are_read_from_files(tmp_path):
    (tmp_path / 'val.txt').write_text('g1\n\n g2 \n')
    plan = SplitPlan('lists', lists={'val': tmp_path / 'val.txt'})
    splits = splits_of_groups(plan.divide(ENTRIES)[0])
    val = {'val'}
    assert splits == {g: {'train'} for g in splits} | {'g1': val, 'g2': val}
    (tmp_path / 'train.txt').write_text('g0\ng3\n')
    lists = {name: tmp_path / f'{name}.txt' for name in ('train', 'val')}
    with pytest.raises(ValueError, match='20 of 100 rows are in no list'):
        SplitPlan('lists', lists=lists).divide(ENTRIES)


def test_a_split_of_other_classes_is_warned_of():
    changed = [
        replace(entry, split='test', label=1) if entry.group == 'g4' else entry
        for entry in ENTRIES
    ]
    _, warnings = SplitPlan('keep').divide(changed)
    # 40 of 80 and 20 of 20
    assert warnings == ['100% of test is open, 60% of all']


def test_a_split_that_comes_out_empty_is_refused(tmp_path):
    message = '"val" was asked for and is empty: 20 of 100 rows lie in gaps of 99 fra'
    with pytest.raises(ValueError, match=message):
        SplitPlan('time', gap=99).divide(ENTRIES)
    ratios = {'train': 0.98, 'val': 0.02}
    with pytest.raises(ValueError, match='is empty: make its share in --ratios larger'):
        SplitPlan('random', ratios=ratios).divide(ENTRIES[:4])
    (tmp_path / 'val.txt').write_text('\n')
    with pytest.raises(ValueError, match=r'"val" .* is empty: .*val.txt names nothing'):
        SplitPlan('lists', lists={'val': tmp_path / 'val.txt'}).divide(ENTRIES)


def test_the_table_shows_what_was_asked_for_and_what_came_of_it():
    plan = SplitPlan('grouped', ratios={'train': 0.5, 'val': 0.3, 'test': 0.2})
    split = np.array(['train'] * 60 + ['val'] * 40)
    assert plan.tell_shares(ENTRIES, split) == [
        'split    images   share   asked  groups    open',
        'train        60   60.0%   50.0%       3   50.0%',
        'val          40   40.0%   30.0%       2   50.0%',
        'test          0    0.0%   20.0%       0       -',
    ]
    kept = SplitPlan('keep').tell_shares(ENTRIES, split)
    assert kept[1] == 'train        60   60.0%       -       3   50.0%'
    folds = SplitPlan('folds', num_folds=4).tell_shares(ENTRIES, split)
    assert folds[1] == 'train        60   60.0%   75.0%       3   50.0%'


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'method': 'best'}, r"split must be one of \('keep', .*got 'best'"),
        ({'ratios': {'train': 0.8, 'dev': 0.2}}, "'test'\\), got 'dev'"),
        ({'ratios': {'train': 0.8}}, 'must sum to 1, got 0.8'),
        ({'method': 'lists', 'lists': {'dev': 'x'}}, "'test'\\), got 'dev'"),
        ({'method': 'folds', 'fold': 9}, r'fold must be in \[1, 5\], got 9'),
        ({'method': 'folds', 'num_folds': 1}, 'num_folds must be >= 2, got 1'),
        ({'method': 'lists'}, 'split lists needs a list, as val=val_groups.txt'),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        SplitPlan(**{'method': 'grouped'} | settings)
