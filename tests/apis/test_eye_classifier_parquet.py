import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ocec.apis.eye_classifier_parquet import count_rows, stream_parquet
from ocec.datasets.picture_decode import PictureError


@pytest.fixture
def write(tmp_path):
    def write_columns(**columns):
        path = tmp_path / 'data' / 'some.parquet'
        path.parent.mkdir(exist_ok=True)
        pq.write_table(pa.table(columns), path, row_group_size=2)
        return path

    return write_columns


def texts(rows):
    return [
        (row, content if isinstance(content, bytes) else str(content))
        for row, content in rows
    ]


def test_unlabelled_bytes_row_by_row(write):
    file = write(image_bytes=[b'one', None, b'three'])
    rows = list(stream_parquet(file))
    assert texts(rows) == [
        (0, b'one'),
        (1, 'neither image_bytes nor image_path'),
        (2, b'three'),
    ]
    assert isinstance(rows[1][1], PictureError)
    assert count_rows(file) == 3


def test_paths_are_relative_to_the_file_and_fenced(write, tmp_path):
    file = write(image_path=['in.png', '../out.png', 'gone.png'])
    (file.parent / 'in.png').write_bytes(b'in')
    (tmp_path / 'out.png').write_bytes(b'out')
    inside, outside, gone = texts(stream_parquet(file))
    assert inside == (0, b'in')
    assert 'lies outside the folder of its parquet file' in outside[1]
    assert gone[1].endswith('gone.png: No such file or directory')
    assert texts(stream_parquet(file, allow_outside=True))[1] == (1, b'out')


@pytest.mark.parametrize(
    'column',
    [
        pa.array([b'one', b'two']),
        pa.array([b'one', b'two'], pa.large_binary()),
        pa.array([{'bytes': b'one', 'path': None}, {'bytes': b'two', 'path': 'x.png'}]),
        pa.array(['one.png', 'two.png']),
        pa.array(['one.png', 'two.png']).dictionary_encode(),
    ],
)
def test_a_column_of_another_name(write, column):
    file = write(label=['a', 'b'], crop=column)
    for name in ('one', 'two'):
        (file.parent / f'{name}.png').write_text(name)
    assert texts(stream_parquet(file, column='crop')) == [(0, b'one'), (1, b'two')]


def test_a_null_in_a_struct_is_told(write):
    kind = pa.struct({'bytes': pa.binary(), 'path': pa.string()})
    file = write(image=pa.array([None, {'bytes': b'two'}], kind))
    found = texts(stream_parquet(file, column='image'))
    assert found == [(0, 'neither image_bytes nor image_path'), (1, b'two')]


@pytest.mark.parametrize(
    ('columns', 'column', 'message'),
    [
        (
            {'crop': [b'x']},
            None,
            'needs a column "image_bytes" or "image_path" with pictures; found '
            "['crop']. Name the one that holds them with --data-column",
        ),
        ({'crop': [b'x']}, 'crops', 'needs a column "crops" with pictures; found'),
        ({'crop': [1]}, 'crop', 'column "crop" must hold the bytes of picture files'),
        ({'image_bytes': ['x']}, None, 'column "image_bytes" must hold the bytes of'),
    ],
)
def test_columns_without_pictures_are_refused(write, columns, column, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        list(stream_parquet(write(**columns), column=column))


def test_a_file_that_is_no_parquet_is_one_bad_line(tmp_path):
    file = tmp_path / 'some.parquet'
    file.write_bytes(b'no parquet')
    ((row, content),) = stream_parquet(file)
    assert row is None
    assert str(content).startswith('not a readable parquet file: ')
    assert count_rows(file) == 1


def test_damage_is_told_behind_the_rows_that_are_whole(tmp_path):
    file = tmp_path / 'some.parquet'
    pictures = [bytes([row]) * 50_000 for row in range(40)]
    table = pa.table({'image_bytes': pictures})
    options = {'compression': 'none', 'use_dictionary': False}
    pq.write_table(table, file, row_group_size=10, **options)
    content = bytearray(file.read_bytes())
    # the header of the pages of the third group
    place = content.index(bytes([20]) * 50_000) - 4
    content[place - 60 : place] = b'\xff' * 60
    file.write_bytes(content)
    rows = texts(stream_parquet(file))
    good = [row for row, found in rows if isinstance(found, bytes)]
    assert good == list(range(len(good)))
    assert rows[-1][0] == len(good) < 40
    assert rows[-1][1].startswith(f'damaged from row {len(good):,} on: ')
