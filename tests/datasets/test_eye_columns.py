import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ocec.datasets import eye_columns
from ocec.datasets.eye_columns import (
    COLUMNS,
    open_eye_file,
    open_piecewise,
    read_image_paths,
    stream_columns,
    stream_image_paths,
)


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(eye_columns, 'ROWS_PER_BATCH', 5)


def write_row_groups(file, size):
    pq.write_table(pq.read_table(file), file, row_group_size=size)


def test_batches_together_are_the_columns(make_eye_parquet, small_batches):
    file = make_eye_parquet(num_rows=23)
    write_row_groups(file, 7)
    batches = list(stream_columns(file))
    assert max(len(batch['label']) for batch in batches) == 5
    expected = pq.read_table(file)
    for name in COLUMNS:
        found = [value for batch in batches for value in batch[name].to_pylist()]
        assert found == expected[name].to_pylist()


def test_columns_have_one_type_whatever_wrote_them(make_eye_parquet):
    file = make_eye_parquet(
        num_rows=2,
        class_id=pa.array(['0', '1']).dictionary_encode(),
        group=[7, None],
        split=pa.array([b'train', b'val']),
    )
    [batch] = stream_columns(file)
    assert batch['class_id'].to_pylist() == [0.0, 1.0]
    assert batch['group'].to_pylist() == ['7', None]
    assert batch['split'].to_pylist() == ['train', 'val']


def test_a_column_that_is_missing_is_left_out(make_eye_parquet):
    file = make_eye_parquet(num_rows=2, group=None, image_path=None)
    [batch] = stream_columns(file)
    assert list(batch) == ['split', 'label', 'class_id']
    assert list(stream_columns(file, ['group'])) == []
    assert list(stream_image_paths(file)) == []
    assert read_image_paths(file, [1, 0, 1]) == [None] * 3


def test_a_file_without_rows_has_no_batches(make_eye_parquet):
    file = make_eye_parquet(num_rows=0)
    assert [row for part in stream_image_paths(file) for row in part] == []


def test_paths_of_some_rows(make_eye_parquet, monkeypatch):
    paths = [f'{row}.png' if row % 4 else None for row in range(23)]
    file = make_eye_parquet(num_rows=23, image_path=paths)
    write_row_groups(file, 7)
    read, real = [], pq.ParquetFile.read_row_group

    def look(parquet, group, **kwargs):
        read.append((group, kwargs['columns']))
        return real(parquet, group, **kwargs)

    monkeypatch.setattr(pq.ParquetFile, 'read_row_group', look)
    rows = [22, 1, 0, 8, 1]
    assert read_image_paths(file, rows) == [paths[row] for row in rows]
    # the third group holds none of them, no column but this one is wanted
    assert read == [(group, ['image_path']) for group in (0, 1, 3)]
    assert read_image_paths(file, []) == []


@pytest.mark.parametrize('rows_per_batch', [5, 1000])
@pytest.mark.parametrize('column', ['group', 'image_path'])
def test_a_damaged_column_is_found_among_all(
    make_eye_parquet, monkeypatch, rows_per_batch, column
):
    monkeypatch.setattr(eye_columns, 'ROWS_PER_BATCH', rows_per_batch)
    file = make_eye_parquet(num_rows=64)
    row_group = pq.ParquetFile(file).metadata.row_group(0)
    names = [row_group.column(n).path_in_schema for n in range(7)]
    chunk = row_group.column(names.index(column))
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    content = bytearray(file.read_bytes())
    content[start : start + 60] = bytes(60)
    file.write_bytes(content)
    with pytest.raises(ValueError, match=f'{file}: column "{column}" is damaged: '):
        list(stream_columns(file))


def test_a_column_is_not_read_whole(tmp_path, monkeypatch):
    # a row group may be as large as its file
    monkeypatch.setattr(eye_columns, 'BUFFER_BYTES', 4096)
    noise = [f'{row * 2654435761 % 2**32:032b}' for row in range(20_000)]
    file = tmp_path / 'noise.parquet'
    pq.write_table(
        pa.table({'noise': noise}),
        file,
        use_dictionary=False,
        compression='none',
        data_page_size=10_000,
    )
    assert file.stat().st_size > 36 * 20_000
    before = pa.total_allocated_bytes()
    batches = open_piecewise(file).iter_batches(10)
    assert next(batches)['noise'].to_pylist() == noise[:10]
    assert 0 < pa.total_allocated_bytes() - before < 200_000


def test_what_cannot_be_used_is_named(make_eye_parquet, tmp_path):
    text = tmp_path / 'text.parquet'
    text.write_text('split,label\n')
    with pytest.raises(ValueError, match=f'{text}: not a readable parquet file: '):
        open_eye_file(text)
    file = make_eye_parquet(num_rows=2, image_bytes=['a', 'b'])
    with pytest.raises(ValueError, match=f'{file}: column "image_bytes" must be bin'):
        open_eye_file(file)
    file = make_eye_parquet(num_rows=2, class_id=['zero', 'one'])
    with pytest.raises(ValueError, match='"class_id" cannot be read as double: .*'):
        list(stream_columns(file))
    file = make_eye_parquet(num_rows=2, class_id=None, label=None)
    with pytest.raises(ValueError, match='needs a column "class_id" or "label"; found'):
        list(stream_columns(file))


def test_a_file_that_claims_too_many_rows_is_refused(tmp_path):
    path = tmp_path / 'eyes.parquet'
    codes = pa.array([0] * 2**21, pa.int8())
    text = pa.DictionaryArray.from_arrays(codes, ['open'])
    pq.write_table(pa.table({'label': text, 'image_path': text}), path)
    with pytest.raises(ValueError, match=r'eyes\.parquet: .* claims 2,097,152 rows in'):
        open_eye_file(path)
