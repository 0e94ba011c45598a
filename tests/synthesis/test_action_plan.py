import re
from collections import Counter

import pytest

from ocec.synthesis.action_plan import (
    ACTIONS,
    SPLITS,
    PlannedClip,
    best_accuracy,
    choose_persons,
    in_split,
    plan_clips,
    pose_twins,
    rgb_twins,
)

NAMES = list(ACTIONS)
# X-Sub of NTU RGB+D 60, Shahroudy et al., CVPR 2016, section 4.2
NTU_TRAIN = {1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38}


def test_clips_are_spread_evenly_and_have_names_of_their_own():
    clips = plan_clips(300, NAMES, 12)
    assert len({clip.name for clip in clips}) == 300
    for what, tolerance in (('action', 1), ('camera', 2), ('person', 12)):
        counts = Counter(getattr(clip, what) for clip in clips).values()
        assert max(counts) - min(counts) <= tolerance, what
    assert len({clip.setup for clip in clips}) == 4
    pattern = re.compile(r'S\d{3}C00[123]P\d{3}R\d{3}A0(0[1-9]|1[0-6])')
    assert all(pattern.fullmatch(clip.name) for clip in clips)


def test_more_clips_than_combinations_are_replications():
    clips = plan_clips(40, ['wave', 'clap'], 3)
    # 2 actions of 3 subjects before 3 cameras are 18 clips
    assert Counter(clip.replication for clip in clips) == {1: 18, 2: 18, 3: 4}
    assert len({clip.name for clip in clips}) == 40


def test_labels_follow_the_order_of_the_classes():
    clips = plan_clips(30, ['phone', 'nod', 'drink'], 3)
    assert {(c.action, c.label, c.name[-4:]) for c in clips} == {
        ('phone', 0, 'A001'),
        ('nod', 1, 'A002'),
        ('drink', 2, 'A003'),
    }


@pytest.mark.parametrize('num_subjects', [3, 12, 30])
def test_splits_share_no_subject_or_camera(num_subjects):
    clips = plan_clips(1200, NAMES, num_subjects)
    for part in ('train', 'val'):
        for kind in ('xsub', 'xview'):
            assert any(in_split(clip, f'{kind}_{part}') for clip in clips)
    subjects = {s: {c.person for c in clips if in_split(c, s)} for s in SPLITS}
    assert subjects['xsub_train'] <= NTU_TRAIN
    assert not subjects['xsub_val'] & NTU_TRAIN
    assert len(subjects['xsub_val']) == num_subjects // 3
    cameras = {s: {c.camera for c in clips if in_split(c, s)} for s in SPLITS}
    assert cameras['xview_train'] == {2, 3}
    assert cameras['xview_val'] == {1}
    for clip in clips:
        assert sum(in_split(clip, split) for split in SPLITS) == 2


def test_every_room_has_subjects_of_both_splits():
    clips = plan_clips(300, NAMES, 12)
    for setup in range(1, 5):
        persons = {clip.person for clip in clips if clip.setup == setup}
        assert persons & NTU_TRAIN
        assert persons - NTU_TRAIN


def test_who_cannot_be_told_apart():
    assert {n: pose_twins(n, NAMES) for n in NAMES if pose_twins(n, NAMES)} == {
        'drink': ['phone'],
        'phone': ['drink'],
        'read': ['tablet'],
        'tablet': ['read'],
    }
    assert {n: rgb_twins(n, NAMES) for n in NAMES if rgb_twins(n, NAMES)} == {
        'nod': ['shake_head'],
        'shake_head': ['nod'],
    }
    assert pose_twins('drink', ['drink', 'nod']) == []
    for name in ('drink', 'read'):
        [twin] = pose_twins(name, NAMES)
        assert ACTIONS[name].held != ACTIONS[twin].held


def test_best_accuracy_by_hand():
    def clips(**counts):
        return [
            PlannedClip(1, 1, 1, 1, 0, name)
            for name, n in counts.items()
            for _ in 'x' * n
        ]

    some = clips(drink=3, phone=2, nod=4, shake_head=1, wave=2)
    assert best_accuracy(some, 'pose') == pytest.approx((3 + 4 + 1 + 2) / 12)
    assert best_accuracy(some, 'rgb') == pytest.approx((3 + 2 + 4 + 2) / 12)
    assert best_accuracy(clips(drink=3, wave=1), 'pose') == 1


def test_persons_are_those_of_ntu():
    assert choose_persons(9) == [1, 2, 3, 4, 5, 6, 8, 9, 7]


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ((9, ['wave', 'fly'], 3), 'classes must be some of wave, clap, .*; got fly'),
        ((9, [], 3), 'classes must be some of .*; got none'),
        ((9, ['wave', 'wave'], 3), 'classes must differ, got wave, wave'),
        ((0, ['wave'], 3), 'num_clips must be >= 1, got 0'),
        ((9, ['wave'], 2), r'num_subjects must be in \[3, 30\], got 2'),
        ((9, ['wave'], 31), r'num_subjects must be in \[3, 30\], got 31'),
        (
            (4, ['wave'], 3),
            'must leave some for xsub_val, got 4; with 1 classes 9 are enough',
        ),
    ],
)
def test_bad_plans_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        plan_clips(*arguments)


@pytest.mark.parametrize('num_classes', [1, 2, 5, 16])
@pytest.mark.parametrize('num_subjects', [3, 12])
def test_nine_clips_of_each_class_are_enough(num_classes, num_subjects):
    plan_clips(9 * num_classes, NAMES[:num_classes], num_subjects)
