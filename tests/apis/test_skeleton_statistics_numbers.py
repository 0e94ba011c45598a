from pathlib import Path

import numpy as np
import pytest

from ocec.apis.skeleton_statistics_numbers import summarise
from ocec.apis.skeleton_statistics_scan import ScannedClip, SkeletonSet
from ocec.functional.ntu import CLASSES_60, parse_ntu_name
from ocec.preparation.skeleton_facts import describe_skeletons


def make_set(labels, *, joints=17, names=None, **fields):
    names = names or [f'clip{number}' for number in range(len(labels))]
    facts = describe_skeletons(np.ones((1, 3, joints, 2), np.float32), None)
    clips = {
        name: ScannedClip(name, label, (96, 128), facts, parse_ntu_name(name))
        for name, label in zip(names, labels, strict=True)
    }
    return SkeletonSet(Path('x.pkl'), 2, joints, clips, **fields)


def test_an_empty_set_has_numbers():
    numbers = summarise(make_set([], bad_clips=['clip "a": broken']))
    assert (numbers['clips'], numbers['bad_clips']) == (0, 1)
    assert numbers['frames'] is None
    assert numbers['frames_histogram'] is None
    assert numbers['scores'] is None
    assert numbers['classes'] == []
    assert {joint['share'] for joint in numbers['missing_joints']} == {0.0}


@pytest.mark.parametrize(
    ('joints', 'last'), [(17, '16 right_ankle'), (25, '24 right_thumb'), (14, '13')]
)
def test_joints_have_the_names_of_their_layout(joints, last):
    numbers = summarise(make_set([0], joints=joints))
    assert len(numbers['missing_joints']) == joints
    assert numbers['missing_joints'][-1]['joint'] == last


def test_classes_are_named_by_the_file_or_by_ntu():
    numbers = summarise(make_set([1, 1], classes=('walk', 'sit')))
    assert [(c['name'], c['clips']['all']) for c in numbers['classes']] == [
        ('walk', 0),
        ('sit', 2),
    ]
    ntu = summarise(make_set([59], names=['S001C001P001R001A060']))
    assert [c['name'] for c in ntu['classes']] == list(CLASSES_60)
    assert summarise(make_set([59]))['classes'][0]['name'] == ''


def test_overlaps_of_splits():
    splits = {'xsub_train': ['clip0', 'clip1', 'gone'], 'xsub_val': ['clip1']}
    numbers = summarise(make_set([0, 1], splits=splits))
    assert numbers['overlaps'] == [{'splits': ['xsub_train', 'xsub_val'], 'clips': 1}]
    assert [(s['split'], s['clips']) for s in numbers['splits']] == [
        ('all', 2),
        ('xsub_train', 2),
        ('xsub_val', 1),
    ]
