from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ocec.functional.parquet_limits import check_parquet_claims, touch_column


def claims(num_rows=4, groups=(2, 2), size=20):
    rows = [SimpleNamespace(num_rows=n, total_byte_size=size) for n in groups]
    return SimpleNamespace(
        num_rows=num_rows, num_row_groups=len(rows), row_group=rows.__getitem__
    )


def test_a_real_file_passes(tmp_path):
    path = tmp_path / 'a.parquet'
    pq.write_table(pa.table({'group': ['a'] * 100_000}), path, row_group_size=1000)
    check_parquet_claims(pq.ParquetFile(path).metadata, path.stat().st_size)
    check_parquet_claims(claims(), 100)


@pytest.mark.parametrize(
    ('made', 'message'),
    [
        (claims(num_rows=5), 'it claims 5 rows, and 4 in its row groups'),
        (claims(num_rows=-4, groups=(-2, -2)), 'it claims -4 rows'),
        (
            claims(num_rows=2**21, groups=(2**21,)),
            'it claims 2,097,152 rows in 1,000 bytes, which are not read',
        ),
        (claims(size=-1), 'row group 0 unpacks to -1 bytes'),
        (
            claims(size=2**27),
            'row group 0 unpacks to 134,217,728 bytes from a file of 1,000, which are',
        ),
    ],
)
def test_what_cannot_be_is_refused(made, message):
    with pytest.raises(ValueError, match=message):
        check_parquet_claims(made, 1000)


def test_many_rows_of_a_large_file_pass():
    check_parquet_claims(claims(num_rows=2**21, groups=(2**21,)), 2**19)


def test_a_large_group_that_shrinks_a_little_passes():
    check_parquet_claims(claims(size=2**28), 2**21)


def test_a_damaged_column_is_an_error_when_it_is_touched(tmp_path):
    path = tmp_path / 'a.parquet'
    pq.write_table(pa.table({'label': ['open', 'closed']}), path)
    touch_column(pq.ParquetFile(path), 0, 'label')
    content = path.read_bytes()
    # the header of the first page
    path.write_bytes(content[:4] + b'\xff' * 12 + content[16:])
    with pytest.raises(OSError, match='thrift'):
        touch_column(pq.ParquetFile(path), 0, 'label')
