import logging

import numpy as np
import pytest

from ocec.datasets.action_selection import check_choice, report_problems, select_clips
from ocec.datasets.action_table import read_action_table


@pytest.fixture
def table(annotate, write_pickle):
    """Clips a good, b empty, c with NaN, d of one frame, e of label 9, f bad."""
    nan = annotate('c')
    nan['keypoint'][0, 0, 0] = np.nan
    clips = [
        annotate('a'),
        annotate('b', 1, keypoint=np.zeros((1, 30, 17, 2), np.float16)),
        nan,
        annotate('d', frames=1),
        annotate('e', 9),
        annotate('f', -1),
    ]
    return read_action_table(write_pickle(clips, {'some': ['a', 'e', 'f', 'x', 'y']}))


def test_usable_clips_and_problems(table):
    rows, problems = select_clips(table, None, num_classes=9)
    assert rows.tolist() == [0, 1, 2, 3]
    assert problems == [
        'clip "f": label: it must be a whole number >= 0, got -1',
        'clip "e": label: 9 is not below num_classes, 9',
    ]
    rows, problems = select_clips(table, None, num_classes=10)
    assert rows.tolist() == [0, 1, 2, 3, 4]
    assert len(problems) == 1


def test_only_the_clips_of_the_split_count(table):
    rows, problems = select_clips(table, 'some', num_classes=10)
    assert rows.tolist() == [0, 4]
    assert problems == [
        'split "some" names 2 clips that are not in the annotations: x, y',
        'clip "f": label: it must be a whole number >= 0, got -1',
    ]


def test_clips_left_out_are_no_problem(table, tmp_path):
    chosen = ['b', 'e', 'f', 'unknown']
    rows, problems = select_clips(table, None, num_classes=9, left_out=chosen)
    assert rows.tolist() == [0, 2, 3]
    assert problems == []
    file = tmp_path / 'left_out.txt'
    file.write_text('\n'.join(chosen))
    from_file, _ = select_clips(table, None, num_classes=9, left_out=str(file))
    assert from_file.tolist() == rows.tolist()


def test_empty_clips(table):
    rows, problems = select_clips(table, None, num_classes=10, empty_clips='skip')
    assert rows.tolist() == [0, 2, 3, 4]
    assert len(problems) == 1
    rows, problems = select_clips(table, None, num_classes=10, empty_clips='error')
    assert rows.tolist() == [0, 2, 3, 4]
    assert problems[1] == 'clip "b": keypoint: no joint in any frame'
    with pytest.raises(ValueError, match=r"empty_clips must be one of .* got 'x'"):
        select_clips(table, None, num_classes=10, empty_clips='x')


def test_what_is_mended_is_said(table, log_records):
    select_clips(table, None, num_classes=10)
    said = [record.getMessage() for record in log_records]
    assert said == [
        '1 clips have no joint at all; they are kept (empty_clips): b',
        '1 clips have coordinates or scores that are no numbers: c',
        '1 clips have a single frame, which is repeated: d',
    ]
    log_records.clear()
    select_clips(table, 'some', num_classes=10)
    assert log_records == []


def test_problems_stop_or_are_counted(log_records):
    problems = [f'clip "{name}": label: bad' for name in 'abcdefg']
    report_problems([], 'error')
    with pytest.raises(ValueError, match='7 problems with the clips:') as caught:
        report_problems(problems, 'error')
    lines = str(caught.value).splitlines()
    assert lines[1] == '  clip "a": label: bad'
    assert lines[6] == '  and 2 more'
    assert "bad_clips='skip'" in lines[7]
    report_problems(problems[:1], 'skip')
    [record] = log_records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        '1 problems, their clips are left out:\n  clip "a": label: bad'
    )


def test_a_wrong_choice_is_named():
    check_choice('layout', 'a', ('a', 'b'))
    with pytest.raises(
        ValueError, match=r"layout must be one of \('a', 'b'\), got 'c'"
    ):
        check_choice('layout', 'c', ('a', 'b'))
    with pytest.raises(ValueError, match=r"bad_clips must be one of .* got 'drop'"):
        report_problems([], 'drop')
