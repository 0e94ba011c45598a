import csv
import hashlib
import json
import re

import pyarrow.parquet as pq
import pytest

from ocec.apis.errors import ConfigError
from ocec.apis.merge_labels import merge_labels


@pytest.fixture
def files(make_eye_parquet, tmp_path):
    """A parquet of closed and open by turns, and corrections of it."""
    data = make_eye_parquet(num_rows=8)
    corrected = tmp_path / 'corrected.csv'
    corrected.write_text(
        'sample_id,path,label,new_label\r\n'
        '2,images/00002.png,closed,open\r\n'
        '3,images/00003.png,open,open\r\n'
        '4,images/00004.png,closed,\r\n'
    )
    return corrected, data


def labels(file):
    return pq.read_table(file).column('label').to_pylist()


def test_new_file_and_log(files, tmp_path, capsys):
    corrected, data = files
    before = data.read_bytes()
    merged = merge_labels(corrected, data, out=tmp_path / 'new' / 'eyes.parquet')
    assert data.read_bytes() == before
    expected = ['closed', 'open'] * 4
    expected[2] = 'open'
    assert labels(merged.out) == expected
    assert pq.read_table(merged.out).column('class_id').to_pylist()[2] == 1
    assert (len(merged.changed), merged.num_same, merged.num_blank) == (1, 1, 1)
    assert merged.log == tmp_path / 'new' / 'eyes.label_changes.json'
    log = json.loads(merged.log.read_text())
    assert log['changes'] == [
        {
            'sample_id': 2,
            'row': 2,
            'path': 'images/00002.png',
            'old_label': 'closed',
            'new_label': 'open',
        }
    ]
    assert log['data_sha256'] == hashlib.sha256(before).hexdigest()
    printed = capsys.readouterr().out
    assert '1 labels changed; 1 were so already, 1 lines have no new label' in printed


def test_in_place_and_again(files, tmp_path):
    corrected, data = files
    log = tmp_path / 'log.csv'
    assert merge_labels(corrected, data, in_place=True, log=log).out == data
    assert labels(data)[2] == 'open'
    with open(log, newline='') as stream:
        [row] = csv.DictReader(stream)
    assert (row['row'], row['old_label'], row['new_label']) == ('2', 'closed', 'open')
    # the same corrections again change nothing
    again = merge_labels(corrected, data, in_place=True, log=log, force=True)
    assert (again.changed, again.num_same) == ((), 2)


def test_refused_corrections_write_nothing(files, make_eye_parquet, tmp_path):
    corrected, _ = files
    other = make_eye_parquet(
        num_rows=8, image_path=[f'other/{row}.png' for row in range(8)]
    )
    before = sorted(tmp_path.iterdir())
    message = re.escape('row 2 is other/2.png, not images/00002.png')
    with pytest.raises(ValueError, match=message):
        merge_labels(corrected, other, out=tmp_path / 'new.parquet')
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({}, 'give an output file with -o, or in_place'),
        ({'out': 'a.parquet', 'in_place': True}, 'give either an output file or in_pl'),
        ({'out': 'a.csv'}, 'the output must be a .parquet file, got a.csv'),
        (
            {'out': 'a.parquet', 'log': 'a.txt'},
            'must be a .json or .csv file, got a.txt',
        ),
    ],
)
def test_arguments_that_contradict(files, arguments, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        merge_labels(*files, **arguments)


def test_the_input_is_not_overwritten_by_accident(files):
    corrected, data = files
    same = data.parent / '.' / data.name
    with pytest.raises(ConfigError, match='is the input itself; to replace it'):
        merge_labels(corrected, data, out=same, force=True)


@pytest.mark.parametrize('name', ['new.parquet', 'new.label_changes.json'])
def test_files_that_exist_are_kept(files, tmp_path, name):
    (tmp_path / name).write_text('mine')
    with pytest.raises(FileExistsError, match=rf'{re.escape(name)} exists; choose ano'):
        merge_labels(*files, out=tmp_path / 'new.parquet')
    assert (tmp_path / name).read_text() == 'mine'
    merge_labels(*files, out=tmp_path / 'new.parquet', force=True)
    assert labels(tmp_path / 'new.parquet')[2] == 'open'


def test_missing_files(files, tmp_path):
    corrected, data = files
    out = tmp_path / 'new.parquet'
    with pytest.raises(FileNotFoundError, match=r'gone\.csv: no such file'):
        merge_labels(tmp_path / 'gone.csv', data, out=out)
    with pytest.raises(FileNotFoundError, match=r'gone\.parquet: no such file'):
        merge_labels(corrected, tmp_path / 'gone.parquet', out=out)
