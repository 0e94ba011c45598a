import csv
import os

import numpy as np
import pyarrow.parquet as pq
import pytest

from ocec.apis import infer_output
from ocec.apis.errors import ConfigError
from ocec.apis.eye_classifier_predictions import Prediction
from ocec.apis.infer_output import check_output, open_output

FOREIGN = os.fsdecode(b'\xffa.png')  # a name that is no UTF-8
ITEMS = [
    Prediction(FOREIGN, None, 0.25, is_open=False),
    Prediction('a, "b".parquet', 7, 0.1234567, is_open=True),
    Prediction('c.png', None, float('nan'), is_open=False, error='line\nbreak'),
]


def write_all(path, items=ITEMS):
    with open_output(path) as write:
        for item in items:
            write(item)


def test_csv(tmp_path):
    write_all(tmp_path / 'p.csv')
    with open(tmp_path / 'p.csv', newline='', encoding='utf-8') as stream:
        rows = list(csv.reader(stream))
    assert rows == [
        ['path', 'row', 'prob_open', 'state', 'error'],
        [r'\xffa.png', '', '0.250000', 'closed', ''],
        ['a, "b".parquet', '7', '0.123457', 'open', ''],
        ['c.png', '', '', '', 'line\nbreak'],
    ]


@pytest.mark.parametrize('rows_per_group', [1, 2, 100])
def test_parquet_in_groups_of_bounded_size(tmp_path, monkeypatch, rows_per_group):
    monkeypatch.setattr(infer_output, 'ROWS_PER_GROUP', rows_per_group)
    write_all(tmp_path / 'p.parquet')
    table = pq.read_table(tmp_path / 'p.parquet')
    assert table.column('path').to_pylist() == [r'\xffa.png', 'a, "b".parquet', 'c.png']
    assert table.column('row').to_pylist() == [None, 7, None]
    assert table.column('prob_open').to_pylist() == [0.25, np.float32(0.1234567), None]
    assert table.column('state').to_pylist() == ['closed', 'open', None]
    assert table.column('error').to_pylist() == [None, None, 'line\nbreak']
    metadata = pq.ParquetFile(tmp_path / 'p.parquet').metadata
    assert metadata.num_row_groups == -(-3 // rows_per_group)


@pytest.mark.parametrize('name', ['p.csv', 'p.parquet'])
def test_no_rows_are_a_file_all_the_same(tmp_path, name):
    write_all(tmp_path / name, [])
    assert (tmp_path / name).stat().st_size > 0


@pytest.mark.parametrize('name', ['p.csv', 'p.parquet'])
def test_an_old_file_stays_when_the_work_fails(tmp_path, name):
    (tmp_path / name).write_text('old')
    items = (1 / item for item in [1, 0])
    with pytest.raises(ZeroDivisionError):
        write_all(tmp_path / name, (item and ITEMS[0] for item in items))
    assert (tmp_path / name).read_text() == 'old'
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize('name', ['p.txt', 'p', 'p.csv'])
def test_other_names_are_refused_before_the_work(tmp_path, name):
    (tmp_path / 'p.csv').mkdir()
    with pytest.raises(ConfigError, match=f'{name}: name a file that ends in .csv or'):
        check_output(tmp_path / name)
