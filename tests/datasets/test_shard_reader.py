import pickle

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ocec.datasets import shard_reader
from ocec.datasets.picture_decode import PictureError
from ocec.datasets.shard_chunks import cut_into_chunks
from ocec.datasets.shard_reader import ShardReader

ROWS_PER_GROUP, ROWS_PER_CHUNK = 10, 4


def picture_of(row: int) -> bytes:
    return f'picture {row}'.encode()


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(shard_reader, 'ROWS_PER_CHUNK', ROWS_PER_CHUNK)


@pytest.fixture
def files(tmp_path):
    """Three files of 25 rows, in row groups of 10, 10 and 5."""
    paths = []
    for number in range(3):
        rows = range(25 * number, 25 * number + 25)
        paths.append(tmp_path / f'{number}.parquet')
        columns = {'class_id': [0] * 25, 'image_bytes': [picture_of(r) for r in rows]}
        pq.write_table(
            pa.table(columns),
            paths[-1],
            row_group_size=ROWS_PER_GROUP,
            compression='none',
        )
    return paths


def reader_of(files, rows=range(75), **settings):
    table = cut_into_chunks(files, ROWS_PER_CHUNK)
    return ShardReader(table, np.array(rows), **{'window': 8, **settings})


def read(reader, indices):
    return [
        p if isinstance(p, PictureError) else p.tobytes() for p in reader.read(indices)
    ]


def test_samples_come_in_the_order_asked_for(files):
    reader = reader_of(files)
    indices = [74, 0, 33, 0, 12, 11]
    assert read(reader, indices) == [picture_of(row) for row in indices]


def test_samples_are_numbered_without_the_rows_left_out(files):
    rows = [3, 4, 30, 31, 60]
    reader = reader_of(files, rows)
    assert read(reader, range(5)) == [picture_of(row) for row in rows]
    # chunks begin at 0 4 8 | 10 14 18 | 20 24 || 25 29 33 ...
    assert reader.first_index_C[:11].tolist() == [0, 1, 2, 2, 2, 2, 2, 2, 2, 2, 4]


@pytest.mark.parametrize(
    ('rows', 'num_chunks'),
    # of each file 3 + 3 + 2; no multiple of 3 is in the chunk of rows 43 and 44
    [(range(75), 24), (range(0, 75, 3), 23)],
)
def test_a_window_that_moves_on_reads_each_chunk_once(files, rows, num_chunks):
    reader = reader_of(files, rows)
    rng = np.random.default_rng(0)
    for begin in range(0, len(rows), 8):
        window = rng.permutation(np.arange(begin, min(begin + 8, len(rows))))
        for part in np.split(window, [3, 6]):
            assert read(reader, part) == [picture_of(rows[index]) for index in part]
    assert reader.num_reads == num_chunks


def test_it_keeps_a_window_and_two_chunks_at_most(files):
    reader = reader_of(files, window=8)
    for index in range(75):
        reader.read([index])
        assert reader._kept.num_samples <= 8 + 2 * ROWS_PER_CHUNK
        kept = sum(batch.num_rows for batch in reader._kept.chunks.values())
        assert kept == reader._kept.num_samples


def test_a_row_group_is_entered_in_its_middle(files):
    reader = reader_of(files)
    assert read(reader, [9, 8]) == [picture_of(9), picture_of(8)]
    assert reader.num_reads == 3


def test_going_back_reads_again(files):
    reader = reader_of(files, window=1)
    assert read(reader, [74, 0, 40]) == [picture_of(row) for row in (74, 0, 40)]
    assert read(reader, [1]) == [picture_of(1)]


def test_a_process_keeps_nothing_of_its_parent(files, monkeypatch):
    reader = reader_of(files)
    reader.read([0])
    monkeypatch.setattr(shard_reader.os, 'getpid', lambda: -1)
    assert read(reader, [4]) == [picture_of(4)]
    assert reader._kept.process == -1
    assert reader.num_reads == 3  # the first chunk again, on the way


def test_it_can_be_sent_to_a_spawned_process(files):
    reader = reader_of(files)
    reader.read([0])
    assert read(pickle.loads(pickle.dumps(reader)), [7]) == [picture_of(7)]


@pytest.mark.parametrize(
    ('lanes', 'num_workers', 'expected'), [(4, 0, 4), (4, 2, 2), (4, 4, 1), (4, 3, 4)]
)
def test_a_worker_keeps_a_window_of_each_lane_it_gets(
    files, monkeypatch, lanes, num_workers, expected
):
    class Info:
        pass

    Info.num_workers = num_workers
    monkeypatch.setattr(
        shard_reader, 'get_worker_info', lambda: Info if num_workers else None
    )
    reader = reader_of(files, lanes=lanes)
    reader.read([0])
    assert reader._kept.max_samples == expected * (8 + 2 * ROWS_PER_CHUNK)


def test_damaged_bytes_are_told_for_each_sample(files):
    table = pq.ParquetFile(files[1])
    column = table.metadata.row_group(1).column(1)
    begin = column.dictionary_page_offset or column.data_page_offset
    content = bytearray(files[1].read_bytes())
    content[begin : begin + 20] = b'\xff' * 20
    reader = reader_of(files)
    files[1].write_bytes(content)
    good, bad, also_bad, behind = read(reader, [34, 35, 44, 45])
    assert (good, behind) == (picture_of(34), picture_of(45))
    assert 'row group 1 is damaged from its row 0 on: ' in str(bad)
    assert str(also_bad) == str(bad)


def test_a_file_that_vanished_is_told(files):
    reader = reader_of(files)
    files[0].unlink()
    assert 'row group 0 is damaged from its row 0 on: ' in str(read(reader, [3])[0])


def test_a_file_that_was_replaced_by_a_shorter_one_is_told(files):
    reader = reader_of(files)
    columns = {'class_id': [0] * 6, 'image_bytes': [b'other'] * 6}
    pq.write_table(pa.table(columns), files[0])
    assert read(reader, [3]) == [b'other']
    fewer, none = read(reader, [5, 9])
    assert 'damaged from its row 4 on: 2 rows in place of 4' in str(fewer)
    assert 'damaged from its row 4 on' in str(none)
