import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ocec.datasets import eye_columns
from ocec.datasets.eye_table import SPLITS, find_parquet_files, read_eye_table

TRAIN, VAL, TEST = range(3)


@pytest.fixture
def read(tmp_path):
    """Write columns to a file and read its table; pictures by path, all in train."""

    def write_and_read(**columns):
        file = tmp_path / 'rows.parquet'
        num_rows = len(next(iter(columns.values())))
        columns = {
            'image_path': [f'{row}.png' for row in range(num_rows)],
            'split': ['train'] * num_rows,
            **columns,
        }
        columns = {name: rows for name, rows in columns.items() if rows is not None}
        pq.write_table(pa.table(columns), file)
        return read_eye_table([file])

    return write_and_read


def problems_of(table):
    return [(bad.row, bad.problem) for _, bad in table.bad_rows]


# finding files


@pytest.fixture
def three_files(make_eye_parquet, tmp_path):
    return [
        make_eye_parquet(tmp_path / 'data' / name, num_rows=4)
        for name in ('b.parquet', 'a.parquet', 'deep/c.parquet')
    ]


def test_a_file_a_folder_a_pattern_and_a_list_are_found(three_files, tmp_path):
    b, a, c = three_files
    (tmp_path / 'data' / 'notes.txt').write_text('no parquet')
    folder = tmp_path / 'data'
    assert find_parquet_files(str(b)) == (b,)
    assert find_parquet_files(folder) == (a, b)
    assert find_parquet_files(f'{folder}/*.parquet') == (a, b)
    assert find_parquet_files(f'{folder}/**/*.parquet') == (a, b, c)
    assert find_parquet_files([c, f'{folder}/a*']) == (c, a)


def test_a_pattern_takes_no_folders(three_files, tmp_path):
    (tmp_path / 'data' / 'old.parquet').mkdir()
    b, a, _ = three_files
    assert find_parquet_files(f'{tmp_path}/data/*.parquet') == (a, b)


def test_a_file_given_twice_is_read_once(three_files, tmp_path, monkeypatch):
    b, a, _ = three_files
    assert find_parquet_files([b, tmp_path / 'data', str(b)]) == (b, a)
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'link.parquet').symlink_to(b)
    assert find_parquet_files([b, 'data/b.parquet', 'link.parquet']) == (b,)


def test_a_name_with_pattern_characters_is_a_file(make_eye_parquet, tmp_path):
    file = make_eye_parquet(tmp_path / 'eyes[1].parquet', num_rows=4)
    assert find_parquet_files(file) == (file,)


def test_a_tilde_is_the_home_folder(make_eye_parquet, tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    file = make_eye_parquet(tmp_path / 'eyes.parquet', num_rows=4)
    assert find_parquet_files('~/eyes.parquet') == (file,)


@pytest.mark.parametrize('missing', ['gone.parquet', 'gone/*.parquet', 'empty'])
def test_what_matches_nothing_is_named(make_eye_parquet, tmp_path, missing):
    (tmp_path / 'empty').mkdir()
    present = make_eye_parquet(num_rows=4)
    given = str(tmp_path / missing)
    with pytest.raises(FileNotFoundError) as caught:
        find_parquet_files([present, given])
    assert str(caught.value) == (
        f'{given}: no such parquet file, folder with *.parquet, or pattern. '
        'Name your own data with --data PATH'
    )


def test_an_empty_list_is_refused():
    with pytest.raises(FileNotFoundError, match='"data" is an empty list'):
        find_parquet_files([])


# columns


def test_columns_of_a_whole_file(make_eye_parquet):
    table = read_eye_table([make_eye_parquet(num_rows=16, groups=4)])
    assert len(table) == 16
    assert table.label_N.tolist() == [0, 1] * 8
    assert table.label_N.dtype == table.split_N.dtype == np.int8
    assert table.group_N.dtype == np.int32
    # subjects of 4 rows: 2 train, 1 val, 1 test
    assert table.split_N.tolist() == [TRAIN] * 8 + [VAL] * 4 + [TEST] * 4
    assert table.group_names == ('s000', 's001', 's002', 's003')
    assert table.group_N.tolist() == np.repeat([0, 1, 2, 3], 4).tolist()
    assert table.image_paths([3]) == ['images/00003.png']
    assert table.bad_rows == table.bad_split_rows == ()


def test_rows_of_several_files_are_located(make_eye_parquet):
    files = [make_eye_parquet(num_rows=n) for n in (4, 0, 6)]
    table = read_eye_table(files)
    assert table.first_row_F.tolist() == [0, 4, 4, 10]
    located = [table.locate(row) for row in (0, 3, 4, 9)]
    assert located == [
        (str(files[0]), 0),
        (str(files[0]), 3),
        (str(files[2]), 0),
        (str(files[2]), 5),
    ]


def test_paths_are_read_in_any_order_and_streamed(make_eye_parquet):
    files = [
        make_eye_parquet(num_rows=num, image_path=[f'{name}{n}' for n in range(num)])
        for name, num in (('a', 4), ('b', 0), ('c', 6))
    ]
    table = read_eye_table(files)
    assert table.image_paths([9, 0, 4, 0]) == ['c5', 'a0', 'c0', 'a0']
    assert table.image_paths([]) == []
    streamed = [
        path for part in table.stream_image_paths() for path in part.to_pylist()
    ]
    assert streamed == table.image_paths(range(10))


def test_what_is_kept_of_a_row_does_not_depend_on_batches(
    make_eye_parquet, monkeypatch
):
    # groups appear in another order than they sort in, and go over batches and files
    groups = [f's{row * 7 % 10}' for row in range(20)]
    columns = dict(
        group=groups,
        split=['train', 'val', 'x', 'test'] * 5,
        label=['open', None, 'closed', 'half'] * 5,
        class_id=[1, 1, None, None] * 5,
    )
    files = [make_eye_parquet(num_rows=20, **columns) for _ in range(2)]
    whole = read_eye_table(files)
    monkeypatch.setattr(eye_columns, 'ROWS_PER_BATCH', 3)
    pieces = read_eye_table(files)
    assert [pieces.group_names[code] for code in pieces.group_N] == groups * 2
    assert pieces.group_names == tuple(sorted(set(groups)))
    assert [row for row, _ in pieces.bad_split_rows] == list(range(2, 40, 4))
    assert [row for row, _ in pieces.bad_rows] == list(range(3, 40, 4))
    for name in ('split_N', 'label_N', 'group_N', 'bad_rows', 'bad_split_rows'):
        np.testing.assert_array_equal(getattr(pieces, name), getattr(whole, name))


@pytest.mark.parametrize(
    ('text', 'split'),
    [
        ('train', 'train'),
        ('training', 'train'),
        ('VAL', 'val'),
        (' Valid ', 'val'),
        ('validation', 'val'),
        ('dev', 'val'),
        ('test', 'test'),
        ('Testing', 'test'),
    ],
)
def test_names_of_splits(read, text, split):
    assert SPLITS[read(class_id=[1], split=[text]).split_N[0]] == split


def test_an_unknown_split_names_file_and_row(read):
    table = read(class_id=[0, 1, 1], split=['train', 'holdout', None])
    assert table.split_N.tolist() == [TRAIN, -1, -1]
    assert table.bad_rows == ()
    (row, bad), (_, missing) = table.bad_split_rows
    assert row == bad.row == 1
    assert str(bad).endswith(
        "rows.parquet, row 1: unknown split 'holdout'; known: ['train', 'training', "
        "'val', 'valid', 'validation', 'dev', 'test', 'testing']"
    )
    assert missing.problem.startswith('unknown split None; known:')


@pytest.mark.parametrize(
    'kind', [pa.int8(), pa.uint8(), pa.int64(), pa.float32(), pa.bool_()]
)
def test_a_class_id_may_be_any_number(read, kind):
    table = read(class_id=pa.array([0, 1, None]).cast(kind), label=[None, None, 'open'])
    assert table.label_N.tolist() == [0, 1, 1]
    assert table.bad_rows == ()


def test_either_column_will_do(read):
    assert read(class_id=[0, 1]).label_N.tolist() == [0, 1]
    assert read(label=['closed', ' Open ']).label_N.tolist() == [0, 1]
    assert read(class_id=[0, None], label=[None, 'open']).label_N.tolist() == [0, 1]


@pytest.mark.parametrize(
    ('class_id', 'label', 'problem'),
    [
        (0, 'open', "class_id 0 and label 'open' disagree"),
        (1, 'closed', "class_id 1 and label 'closed' disagree"),
        (2, 'open', 'class_id must be 0 (closed) or 1 (open), got 2'),
        (-1, 'open', 'class_id must be 0 (closed) or 1 (open), got -1'),
        (0.5, None, 'class_id must be 0 (closed) or 1 (open), got 0.5'),
        (None, 'half', "label must be closed or open, got 'half'"),
        (None, '', 'neither a class_id nor a label'),
        (None, None, 'neither a class_id nor a label'),
    ],
)
def test_a_bad_label_names_its_row(read, class_id, label, problem):
    table = read(
        class_id=pa.array([0, class_id, 1], pa.float64()),
        label=pa.array(['closed', label, 'open'], pa.string()),
    )
    assert problems_of(table) == [(1, problem)]


def test_a_bad_label_without_class_id_column(read):
    table = read(label=['open', 'opne'])
    assert problems_of(table) == [(1, "label must be closed or open, got 'opne'")]
    assert table.label_N.tolist() == [1, -1]


def test_a_bad_row_of_the_second_file_is_located_in_it(make_eye_parquet):
    good = make_eye_parquet(num_rows=4)
    bad = make_eye_parquet(num_rows=4, class_id=[0, 1, 0, 7], label=None)
    ((row, problem),) = read_eye_table([good, bad]).bad_rows
    assert row == 7
    assert str(problem) == (
        f'{bad}, row 3: class_id must be 0 (closed) or 1 (open), got 7'
    )


def test_groups_that_nobody_knows(read):
    group = ['b', None, '', 'unknown', 'None', ' NaN ', 'a', ' b ']
    table = read(class_id=[1] * 8, group=group)
    assert table.group_names == ('a', 'b')
    assert table.group_N.tolist() == [1, -1, -1, -1, -1, -1, 0, 1]


def test_groups_may_be_numbers(read):
    table = read(class_id=[1] * 3, group=[7, None, 7])
    assert table.group_names == ('7',)
    assert table.group_N.tolist() == [0, -1, 0]


def test_missing_optional_columns_are_told_by_file(make_eye_parquet):
    whole, bare = (
        make_eye_parquet(num_rows=4),
        make_eye_parquet(num_rows=2, group=None, split=None, image_path=None),
    )
    table = read_eye_table([whole, bare])
    assert table.files_without_group == table.files_without_split == (bare,)
    assert table.group_N.tolist() == [0, 0, 0, 0, -1, -1]
    assert table.image_paths([5, 3]) == [None, 'images/00003.png']
    alone = read_eye_table([bare])
    assert alone.split_N.tolist() == alone.group_N.tolist() == [-1, -1]
    assert alone.group_names == alone.bad_split_rows == ()


def test_files_by_different_writers_go_together(make_eye_parquet):
    encoded = {
        'split': pa.array(['val'] * 4).dictionary_encode(),
        'label': pa.array(['open'] * 4).dictionary_encode(),
        'class_id': pa.array([1] * 4, pa.uint8()),
        'group': [3, 3, 4, 4],
    }
    table = read_eye_table(
        [make_eye_parquet(num_rows=4), make_eye_parquet(num_rows=4, **encoded)]
    )
    assert table.bad_rows == table.bad_split_rows == ()
    assert table.label_N.tolist() == [0, 1, 0, 1, 1, 1, 1, 1]
    assert table.group_names == ('3', '4', 's000')


# files that cannot be used


@pytest.mark.parametrize(
    ('dropped', 'needs'),
    [
        ('class_id label', 'needs a column "class_id" or "label"'),
        ('image_bytes image_path', 'needs a column "image_bytes" or "image_path"'),
    ],
)
def test_a_missing_column_names_the_file_and_what_it_has(
    make_eye_parquet, dropped, needs
):
    file = make_eye_parquet(num_rows=4, **dict.fromkeys(dropped.split()))
    with pytest.raises(ValueError, match=f'{file}: {needs}; found .*source'):
        read_eye_table([make_eye_parquet(num_rows=4), file])


@pytest.mark.parametrize('content', [b'', b'split,label\ntrain,open\n'])
def test_what_is_no_parquet_is_named(tmp_path, content):
    file = tmp_path / 'table.parquet'
    file.write_bytes(content)
    with pytest.raises(ValueError, match=f'{file}: not a readable parquet file: '):
        read_eye_table([file])


def test_a_column_of_the_wrong_type_is_named(make_eye_parquet):
    file = make_eye_parquet(num_rows=2, class_id=['0', 'open'])
    message = f'{file}: column "class_id" cannot be read as double: .*open'
    with pytest.raises(ValueError, match=message):
        read_eye_table([file])


def test_class_ids_of_several_kinds_go_together(make_eye_parquet):
    kinds = (['0', '1'], pa.array([0.0, 1.0]), pa.array([False, True]))
    files = [make_eye_parquet(num_rows=2, class_id=kind) for kind in kinds]
    table = read_eye_table(files)
    assert table.label_N.tolist() == [0, 1] * 3
    assert table.bad_rows == ()


@pytest.mark.parametrize(
    ('pictures', 'found'),
    [
        (['text', 'text'], 'string'),
        ([1, 2], 'int64'),
        ([{'bytes': b'a'}, {'bytes': b'b'}], 'struct<bytes: binary>'),
    ],
)
def test_pictures_of_the_wrong_type_are_refused(make_eye_parquet, pictures, found):
    file = make_eye_parquet(num_rows=2, image_bytes=pictures)
    message = f'{file}: column "image_bytes" must be binary, .*; found {found}'
    with pytest.raises(ValueError, match=message):
        read_eye_table([file])


@pytest.mark.parametrize('kind', [pa.binary(), pa.string()])
@pytest.mark.parametrize('column', ['image_path', 'group', 'label'])
def test_text_that_is_no_utf8_names_the_column(make_eye_parquet, column, kind):
    latin = pa.array([b'plain', 'gr\xfcn.png'.encode('latin-1')])
    wrong = pa.Array.from_buffers(kind, 2, latin.buffers())
    file = make_eye_parquet(num_rows=2, **{column: wrong})
    message = f'{file}: column "{column}" cannot be read as string: .*(?i:utf8)'
    with pytest.raises(ValueError, match=message):
        read_eye_table([file])


@pytest.mark.parametrize('share', [0.5, 0.95])
def test_a_truncated_parquet_is_named(make_eye_parquet, share):
    file = make_eye_parquet(num_rows=16)
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ValueError, match=f'{file}: not a readable parquet file: '):
        read_eye_table([file])


def test_a_damaged_column_is_named(make_eye_parquet):
    file = make_eye_parquet(num_rows=64)
    row_group = pq.ParquetFile(file).metadata.row_group(0)
    names = [row_group.column(n).path_in_schema for n in range(7)]
    column = row_group.column(names.index('image_path'))
    start = column.dictionary_page_offset or column.data_page_offset
    content = bytearray(file.read_bytes())
    content[start : start + 60] = bytes(60)
    file.write_bytes(content)
    with pytest.raises(ValueError, match=f'{file}: column "image_path" is damaged: '):
        read_eye_table([file])


def test_real_rows(real_data):
    # counted when the file was made: its provenance is in its own README
    table = read_eye_table([real_data / 'eyes' / 'mrl.parquet'])
    assert len(table) == 14_685
    counts = {
        (SPLITS[split], label): int(
            ((table.split_N == split) & (table.label_N == label)).sum()
        )
        for split in (TRAIN, VAL)
        for label in (0, 1)
    }
    assert counts == {
        ('train', 0): 5_809,
        ('train', 1): 6_450,
        ('val', 0): 1_236,
        ('val', 1): 1_190,
    }
    assert len(table.group_names) == 29
    groups = [set(table.group_N[table.split_N == split]) for split in (TRAIN, VAL)]
    assert not groups[0] & groups[1]
    assert table.bad_rows == ()
