import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ocec.datasets.shard_chunks import cut_into_chunks


@pytest.fixture
def files(tmp_path):
    """Two files: row groups of 5, 5 and 2 rows; one of 3 rows."""
    paths = []
    for name, num_rows, per_group in (('a', 12, 5), ('b', 3, 5)):
        columns = {'class_id': [0] * num_rows, 'image_bytes': [b'x'] * num_rows}
        paths.append(tmp_path / f'{name}.parquet')
        pq.write_table(pa.table(columns), paths[-1], row_group_size=per_group)
    return paths


def test_chunks_end_with_their_row_groups(files):
    table = cut_into_chunks(files, rows_per_chunk=4)
    assert table.files == tuple(files)
    # 4 + 1, 4 + 1, 2 | 3
    assert table.first_row_C.tolist() == [0, 4, 5, 9, 10, 12, 15]
    assert table.file_C.tolist() == [0, 0, 0, 0, 0, 1]
    assert table.row_group_C.tolist() == [0, 0, 1, 1, 2, 0]
    assert table.place_C.tolist() == [0, 1, 0, 1, 0, 0]


def test_row_groups_are_counted_over_all_files(files):
    table = cut_into_chunks(files, rows_per_chunk=4)
    assert table.num_row_groups == 4
    assert table.number_of_row_group_C.tolist() == [0, 0, 1, 1, 2, 3]


def test_a_file_without_rows_has_no_chunk(tmp_path, files):
    empty = tmp_path / 'empty.parquet'
    schema = {
        'class_id': pa.array([], pa.int64()),
        'image_bytes': pa.array([], 'binary'),
    }
    pq.write_table(pa.table(schema), empty)
    table = cut_into_chunks([empty, files[1]])
    assert table.first_row_C.tolist() == [0, 3]
    assert table.file_C.tolist() == [1]


def test_no_file_at_all_has_no_chunk():
    table = cut_into_chunks([])
    assert table.first_row_C.tolist() == [0]
    assert table.num_row_groups == 0
