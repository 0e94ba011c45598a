import numpy as np
import pytest

from ocec.datasets.samplers.hard_samples import read_hard_samples


@pytest.fixture
def write_csv(tmp_path):
    def write(text, encoding='utf-8'):
        path = tmp_path / 'hard.csv'
        path.write_text(text, encoding=encoding)
        return path

    return write


def test_ids_get_the_default_weight(write_csv):
    ids, weights = read_hard_samples(
        write_csv('image_path,sample_id\na.png,7\nb.png,3\n'), default_weight=2.5
    )
    assert ids.tolist() == [7, 3]
    assert weights.tolist() == [2.5, 2.5]
    assert (ids.dtype, weights.dtype) == (np.int64, np.float64)


def test_the_column_of_weights_wins(write_csv):
    ids, weights = read_hard_samples(
        write_csv('sample_id,weight\n7,0.5\n3, 4e0\n'), default_weight=2.5
    )
    assert ids.tolist() == [7, 3]
    assert weights.tolist() == [0.5, 4.0]


def test_a_list_without_lines_is_empty(write_csv):
    ids, weights = read_hard_samples(write_csv('sample_id\n'), default_weight=2.0)
    assert (len(ids), len(weights)) == (0, 0)


def test_a_table_saved_by_a_spreadsheet_is_read(write_csv):
    # with a byte order mark
    path = write_csv('sample_id,weight\r\n7,2\r\n', encoding='utf-8-sig')
    ids, _ = read_hard_samples(str(path), default_weight=1.0)
    assert ids.tolist() == [7]


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (
            'id,weight\n1,2\n',
            r'hard.csv: column "sample_id" is missing; found \[.id',
        ),
        ('', r'hard.csv: column "sample_id" is missing; found \[\]'),
        ('sample_id\n1\nx\n', "hard.csv, line 3: sample_id must be a whole .* got 'x'"),
        ('sample_id\n1.5\n', "hard.csv, line 2: sample_id must be .*, got '1.5'"),
        ('weight,sample_id\n1\n', 'hard.csv, line 2: sample_id must be .*, got None'),
        ('sample_id,weight\n1,0\n', "line 2: weight must be > 0, got '0'"),
        ('sample_id,weight\n1,2\n2,-1\n', "line 3: weight must be > 0, got '-1'"),
        ('sample_id,weight\n1,nan\n', "line 2: weight must be > 0, got 'nan'"),
        ('sample_id,weight\n1,inf\n', "line 2: weight must be > 0, got 'inf'"),
        ('sample_id,weight\n1,high\n', "line 2: weight must be > 0, got 'high'"),
        ('sample_id,weight\n1\n', 'line 2: weight must be > 0, got None'),
        (
            'sample_id\n5\n1\n5\n2\n1\n1\n',
            r'hard.csv: 2 of 3 samples are listed more than once \(1, 5\); leave one',
        ),
    ],
)
def test_a_wrong_list_is_told_where(write_csv, text, message):
    with pytest.raises(ValueError, match=message):
        read_hard_samples(write_csv(text), default_weight=2.0)


def test_a_missing_file_is_named():
    message = 'hard_samples: nowhere.csv: no such file. Give a CSV with a column "samp'
    with pytest.raises(FileNotFoundError, match=message):
        read_hard_samples('nowhere.csv', default_weight=2.0)
