import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ocec.preparation.picture_places import (
    FILES_PER_CHUNK,
    chunk_places,
    read_pictures,
)


@pytest.fixture
def parquet(tmp_path):
    path = tmp_path / 'a.parquet'
    table = pa.table({'image_bytes': [str(row).encode() for row in range(1000)]})
    pq.write_table(table, path, row_group_size=400)
    return str(path)


def test_rows_and_files_are_read_in_order(parquet, tmp_path):
    file = tmp_path / 'x.png'
    file.write_bytes(b'x')
    rows = [0, 5, 399, 400, 656, 999]
    places = [(parquet, row) for row in rows] + [(str(file), -1), (parquet, 3)]
    expected = [str(row).encode() for row in rows] + [b'x', b'3']
    assert list(read_pictures(places)) == expected
    # a group of rows in the middle is enough
    assert list(read_pictures([(parquet, 500)])) == [b'500']


def test_a_missing_file_is_told_and_the_rest_read(tmp_path):
    file = tmp_path / 'x.png'
    file.write_bytes(b'x')
    places = [(str(tmp_path / 'gone.png'), -1), (str(tmp_path), -1), (str(file), -1)]
    assert list(read_pictures(places)) == [
        'cannot be read: No such file or directory',
        'cannot be read: Is a directory',
        b'x',
    ]


def test_chunks_are_row_groups_or_some_files(parquet):
    rows = [(parquet, row) for row in range(0, 1000, 2)]
    files = [(f'{i}.png', -1) for i in range(FILES_PER_CHUNK + 1)]
    chunks = chunk_places(rows + files)
    assert [place for chunk in chunks for place in chunk] == rows + files
    assert [len(chunk) for chunk in chunks[:3]] == [200, 200, 100]
    assert all(len(chunk) <= FILES_PER_CHUNK for chunk in chunks[3:])
    assert chunk_places([]) == []
