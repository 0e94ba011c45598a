from pathlib import Path

import numpy as np
import pytest

from ocec.apis.skeleton_statistics_findings import Finding
from ocec.apis.skeleton_statistics_numbers import summarise
from ocec.apis.skeleton_statistics_scan import ScannedClip, SkeletonSet
from ocec.apis.skeleton_statistics_text import format_statistics
from ocec.preparation.skeleton_facts import describe_skeletons


@pytest.fixture
def numbers():
    facts = describe_skeletons(np.ones((1, 3, 2, 2), np.float32), None)
    clips = {
        f'c{n}': ScannedClip(f'c{n}', n, (90 + n, 128), facts, None) for n in range(10)
    }
    splits = {'train': ['c0', 'c1'], 'val': ['c1']}
    data = SkeletonSet(Path('x.pkl'), 2, 2, clips, splits=splits)
    return summarise(data, {'c0': 5, 'c1': 'lost'})


def test_the_headline_is_first_and_findings_are_cut_short(numbers):
    clips = tuple(f'clip{n}' for n in range(7))
    finding = Finding('leak', '7 clips are in train and val', clips)
    lines = format_statistics('LEAK FOUND: why', numbers, [finding]).splitlines()
    assert lines[0] == 'LEAK FOUND: why'
    assert lines[-7:] == [
        'leak: 7 clips are in train and val',
        *(f'  clip{n}' for n in range(5)),
        '  and 2 more',
    ]


def test_what_there_is_none_of_is_said(numbers):
    text = format_statistics('x', numbers, [])
    assert 'scores: none' in text
    assert 'subjects: ' not in text
    assert '128 x 97: 1 and 2 more' in text
    assert 'videos: 1 read, 1 not; frames more than annotated: 2: 1' in text
    assert 'in train and val: 1 clips' in text


def test_classes_by_split(numbers):
    text = format_statistics('x', numbers, [])
    row = next(line for line in text.splitlines() if line.startswith('   1 '))
    assert row.split() == ['1', '1', '1', '1']
    assert text.splitlines()[-1].split() == ['1', '0.00%']
