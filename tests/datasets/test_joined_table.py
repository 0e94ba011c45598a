"""Expected: a table of the same files, read as one."""

import numpy as np

from ocec.datasets.eye_table import read_eye_table
from ocec.datasets.joined_table import first_rows_of, join_tables

ARRAYS = ('first_row_F', 'split_N', 'label_N', 'group_N')


def test_a_joined_table_is_that_of_all_files(make_eye_parquet):
    # s000 ... s003 are in both files; the labels of the second break in row 1
    files = [
        make_eye_parquet(num_rows=16),
        make_eye_parquet(num_rows=24, groups=3, class_id=[0, 7] + [0, 1] * 11),
        make_eye_parquet(num_rows=8, split=['odd'] + ['val'] * 7, group=None),
    ]
    tables = [read_eye_table([file]) for file in files]
    joined, expected = join_tables(tables), read_eye_table(files)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(joined, name), getattr(expected, name))
    for name in (
        'files',
        'group_names',
        'bad_rows',
        'bad_split_rows',
        'files_without_group',
        'files_without_split',
    ):
        assert getattr(joined, name) == getattr(expected, name), name
    assert [row for row, _ in joined.bad_rows] == [17]
    assert [row for row, _ in joined.bad_split_rows] == [40]
    assert joined.locate(41) == (str(files[2]), 1)
    assert joined.group_N.dtype == np.int32


def test_first_rows(make_eye_parquet):
    tables = [
        read_eye_table([make_eye_parquet(num_rows=num_rows)]) for num_rows in (8, 12)
    ]
    assert first_rows_of(tables).tolist() == [0, 8, 20]
