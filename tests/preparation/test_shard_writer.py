import os
import resource
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ocec.preparation import shard_writer
from ocec.preparation.shard_writer import eye_schema, shard_paths, write_shards


def make_rows(number, size=3):
    return [
        {
            'split': 'train',
            'label': 'open',
            'class_id': 1,
            'image_path': f'{i}.png',
            'source': 'a',
            'group': 'g',
            'image_bytes': bytes(size),
            'sensor': i,
        }
        for i in range(number)
    ]


SCHEMA = eye_schema({'sensor': [0, None]}, with_bytes=True)


@pytest.mark.parametrize(
    ('num_rows', 'max_rows', 'names'),
    [
        (5, None, ['a.parquet']),
        (5, 5, ['a_0001.parquet']),
        (6, 5, ['a_0001.parquet', 'a_0002.parquet']),
    ],
)
def test_a_limit_numbers_the_files(num_rows, max_rows, names):
    paths = shard_paths(Path('x/a.parquet'), num_rows, max_rows)
    assert paths == [Path('x') / name for name in names]


def test_many_files_have_longer_numbers():
    paths = shard_paths(Path('a.parquet'), 10_000, 1)
    assert (paths[0].name, paths[-1].name) == ('a_00001.parquet', 'a_10000.parquet')
    assert paths == sorted(paths)


def test_more_shards_than_files_may_be_open(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    next_handle = os.dup(0)
    os.close(next_handle)
    paths = shard_paths(tmp_path / 'a.parquet', 40, 1)
    resource.setrlimit(resource.RLIMIT_NOFILE, (next_handle + 20, hard))
    try:
        assert write_shards(make_rows(40), paths, SCHEMA, 1) == 40
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert pq.read_table(paths[-1])['sensor'].to_pylist() == [39]


def test_rows_are_shared_out_in_order(tmp_path):
    rows = make_rows(7)
    paths = shard_paths(tmp_path / 'a.parquet', 7, 3)
    assert write_shards(iter(rows), paths, SCHEMA, 3) == 7
    parts = [pq.read_table(path).to_pylist() for path in paths]
    assert [len(part) for part in parts] == [3, 3, 1]
    assert sum(parts, []) == rows


def test_failing_rows_leave_all_shards_as_they_were(tmp_path):
    paths = shard_paths(tmp_path / 'a.parquet', 6, 3)
    paths[0].write_bytes(b'old')

    def rows():
        yield from make_rows(5)
        raise RuntimeError('unplugged')

    with pytest.raises(RuntimeError, match='unplugged'):
        write_shards(rows(), paths, SCHEMA, 3)
    left = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert left == {'a_0001.parquet': b'old'}


def test_row_groups_are_bounded_in_rows_and_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(shard_writer, 'ROWS_PER_GROUP', 4)
    monkeypatch.setattr(shard_writer, 'BYTES_PER_GROUP', 100)
    for size, expected in ((3, [4, 4, 2]), (60, [2] * 5)):
        path = tmp_path / f'{size}.parquet'
        write_shards(make_rows(10, size), [path], SCHEMA, None)
        metadata = pq.read_metadata(path)
        groups = [metadata.row_group(g).num_rows for g in range(len(expected))]
        assert groups == expected


def test_paths_need_no_bytes():
    names = eye_schema({'age': ['old']}, with_bytes=False).names
    assert 'image_bytes' not in names
    assert names[-1] == 'age'
    assert SCHEMA.field('sensor').type == pa.int64()


def test_mixed_values_have_no_type():
    with pytest.raises(ValueError, match='column "age" has mixed values'):
        eye_schema({'age': [1, 'old']}, with_bytes=True)
