import re

import pytest

from ocec.apis.stack_submission import check_submission, write_submission

IDS = ['PUB_0000000', 'PUB_0000001', 'PUB_0000002', 'PUB_0000003']


def test_written_file_passes_its_own_check(tmp_path):
    path = tmp_path / 'new' / 'pred.csv'
    write_submission(IDS, [1, 0, 0, 1], path)
    assert path.read_text().splitlines() == [
        'id,label',
        'PUB_0000000,1',
        'PUB_0000001,0',
        'PUB_0000002,0',
        'PUB_0000003,1',
    ]
    check_submission(path, IDS)
    check_submission(path, IDS[::-1])  # any order


@pytest.mark.parametrize(
    ('ids', 'labels', 'message'),
    [
        (['a', 'a'], [0, 1], '1 ids occur more than once (a)'),
        (['a', 'b'], [0, 2], "line 3: label must be 0 or 1, got '2'"),
    ],
)
def test_wrong_decisions_are_not_written(tmp_path, ids, labels, message):
    path = tmp_path / 'pred.csv'
    with pytest.raises(ValueError, match=re.escape(message)):
        write_submission(ids, labels, path)
    assert not path.exists()


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', 'the columns must be exactly id,label, found nothing'),
        ('id,prediction\na,1\n', 'must be exactly id,label, found id,prediction'),
        ('id,label,p\na,1,2\n', 'must be exactly id,label, found id,label,p'),
        ('id,label\na,1\nb\n', 'line 3: there must be 2 values, found 1'),
        ('id,label\na,1\nb,\n', "line 3: label must be 0 or 1, got ''"),
        ('id,label\na,1\nb,nan\n', "line 3: label must be 0 or 1, got 'nan'"),
        ('id,label\na,1\nb,1.0\n', "line 3: label must be 0 or 1, got '1.0'"),
        ('id,label\na,1\na,1\nb,0\n', '1 ids occur more than once (a)'),
        ('id,label\na,1\n', '1 of 2 ids are missing (b)'),
        ('id,label\na,1\nb,1\nc,1\nd,1\ne,1\nf,1\n', '4 ids are not in the data (c, d'),
    ],
)
def test_files_that_do_not_fit(tmp_path, text, message):
    path = tmp_path / 'pred.csv'
    path.write_text(text)
    with pytest.raises(ValueError, match=re.escape(f'{path}')) as error:
        check_submission(path, ['a', 'b'])
    assert message in str(error.value)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match='gone.csv: no such file of decisions'):
        check_submission(tmp_path / 'gone.csv', IDS)
