from pathlib import Path

import numpy as np

from ocec.apis.skeleton_statistics_findings import find_problems, opposite_splits
from ocec.apis.skeleton_statistics_scan import ScannedClip, SkeletonSet
from ocec.functional.ntu import parse_ntu_name
from ocec.preparation.skeleton_facts import SkeletonFacts


def clip(name, label=0, *, skeletons=5, frames=5, nan=0, digest=None):
    facts = SkeletonFacts(
        num_persons=1,
        num_frames=frames,
        num_skeletons=skeletons,
        num_missing_K=np.zeros(17, np.int64),
        num_not_numbers=nan,
        score_range=None,
        dtype='float16',
        digest=digest or name,
    )
    return ScannedClip(name, label, (96, 128), facts, parse_ntu_name(name))


def ntu(setup=1, camera=1, subject=1, action=1):
    return f'S{setup:03d}C{camera:03d}P{subject:03d}R001A{action:03d}'


def find(clips, splits=None, *, bad=(), num_classes=None, video_frames=None):
    data = SkeletonSet(
        Path('x.pkl'), 2, 17, {c.name: c for c in clips}, list(bad), splits or {}
    )
    found = find_problems(data, num_classes=num_classes, video_frames=video_frames)
    return [(finding.level, finding.title, finding.clips) for finding in found]


def test_opposite_splits():
    splits = dict.fromkeys(('a_train', 'a_val', 'a_test', 'b_val', 'train', 'val', 'c'))
    assert opposite_splits(splits) == [
        ('a_train', 'a_val'),
        ('a_train', 'a_test'),
        ('train', 'val'),
    ]


def test_a_good_set_has_no_findings():
    clips = [clip(ntu(subject=1)), clip(ntu(subject=3))]
    splits = {'xsub_train': [clips[0].name], 'xsub_val': [clips[1].name]}
    assert find(clips, splits) == []


def test_a_clip_on_both_sides():
    splits = {'train': ['a', 'b'], 'val': ['b']}
    found = find([clip('a'), clip('b')], splits)
    assert ('leak', '1 clips are in train and val', ('b',)) in found


def test_subjects_cameras_and_setups_on_both_sides():
    one, two = ntu(1, 1, 1), ntu(1, 2, 1, action=2)
    for protocol, title in (
        ('xsub', '1 subjects are in xsub_train and xsub_val: 1'),
        ('xset', '1 setups are in xset_train and xset_val: 1'),
    ):
        splits = {f'{protocol}_train': [one], f'{protocol}_val': [two]}
        assert ('leak', title, (two,)) in find([clip(one), clip(two)], splits)
    # two cameras: what xview keeps apart
    splits = {'xview_train': [one], 'xview_val': [two]}
    assert 'leak' not in {level for level, *_ in find([clip(one), clip(two)], splits)}
    same = ntu(2, 1, 9)
    splits = {'xview_train': [one], 'xview_val': [same]}
    title = '1 cameras are in xview_train and xview_val: 1'
    assert ('leak', title, (same,)) in find([clip(one), clip(same)], splits)


def test_equal_skeletons_under_two_names():
    clips = [clip('a', digest='1'), clip('b', digest='1')]
    clips += [clip(name, digest='0', skeletons=0) for name in 'cd']
    found = find(clips, {'train': ['a', 'c'], 'val': ['b', 'd']})
    leaks = [finding for finding in found if finding[0] == 'leak']
    title = '1 skeletons are in train and val under two names'
    assert leaks == [('leak', title, ('a = b',))]


def test_clips_of_no_use():
    clips = [clip('a', skeletons=0), clip('b', label=3)]
    found = find(
        clips, {'mine': ['a', 'b', 'c', 'd']}, bad=['clip "d": broken'], num_classes=3
    )
    assert [finding for finding in found if finding[0] == 'unusable'] == [
        ('unusable', '1 clips cannot be read', ('clip "d": broken',)),
        ('unusable', '1 clips have no joint in any frame', ('a',)),
        ('unusable', '1 labels are not below 3 classes', ('b: label 3',)),
        ('unusable', '1 clips of split mine are not in the annotations', ('c',)),
    ]


def test_videos():
    clips = [clip(name) for name in 'abcd']
    frames = {'a': 4, 'b': 10, 'c': 11, 'd': 'clip "d": no video'}
    found = find(clips, video_frames=frames)
    told = '{}: 5 frames annotated, the video has {}'
    assert found[:3] == [
        ('unusable', '1 clips have no video to read', ('clip "d": no video',)),
        (
            'unusable',
            '1 videos are shorter than their annotation',
            (told.format('a', 4),),
        ),
        ('note', '1 videos are more than 5 frames longer', (told.format('c', 11),)),
    ]


def test_notes():
    clips = [clip('a', nan=2), clip('b', frames=1), clip('c', label=2)]
    found = find(clips, {'mine': ['a', 'b']})
    titles = {title: names for level, title, names in found if level == 'note'}
    assert titles == {
        '1 clips have NaN or infinite values: those joints are missing': ('a',),
        '1 clips have a single frame, which is repeated': ('b',),
        '3 clips have no NTU name: their subjects are not known': ('a', 'b', 'c'),
        '1 clips are in no split': ('c',),
        '2 classes have no clip in mine': ('class 1', 'class 2'),
    }
    assert len(found) == len(titles)
