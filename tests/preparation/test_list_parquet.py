import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ocec.preparation.list_parquet import list_parquet
from ocec.preparation.name_patterns import compile_pattern


def test_rows_are_read_with_what_else_they_hold(make_eye_parquet):
    path = make_eye_parquet(num_rows=8, sensor=list(range(8)))
    listing = list_parquet(path)
    first = listing.entries[0]
    assert (first.path, first.label, first.group) == ('images/00000.png', 0, 's000')
    assert (first.split, first.source) == ('train', 'drawn')
    assert (first.file, first.row) == (str(path), 0)
    assert [e.extras for e in listing.entries] == [{'sensor': i} for i in range(8)]
    assert [e.label for e in listing.entries] == [0, 1] * 4
    assert listing.told == (
        f'{path}: 8 rows of a parquet, 2 groups, further columns: sensor',
    )


def test_only_pictures_and_labels_are_needed(make_eye_parquet):
    names = ('split', 'label', 'image_path', 'source', 'group')
    path = make_eye_parquet(num_rows=2, **dict.fromkeys(names))
    first = list_parquet(path).entries[0]
    assert (first.path, first.group, first.split) == (f'{path.stem}/0000000', '', '')
    assert (first.source, first.extras) == (path.stem, None)


def test_groups_by_pattern(make_eye_parquet):
    path = make_eye_parquet(
        num_rows=2, group=None, image_path=['v1_0001.png', 'v2_0001.png']
    )
    pattern = compile_pattern('(?P<group>v[0-9])_', 'group')
    listing = list_parquet(path, group_pattern=pattern)
    assert [entry.group for entry in listing.entries] == ['v1', 'v2']


@pytest.mark.parametrize('name', ['subject', 'Recording'])
def test_the_group_has_other_names(make_eye_parquet, name):
    path = make_eye_parquet(
        num_rows=2, group=None, **{name: ['a', 'nan'], 'age': [1, 2]}
    )
    listing = list_parquet(path)
    assert [entry.group for entry in listing.entries] == ['a', '']
    assert listing.entries[0].extras == {'age': 1}
    assert f'1 groups from "{name}", further columns: age' in listing.told[0]
    pattern = compile_pattern('(?P<group>0000[0-9])', 'group')
    by_pattern = list_parquet(path, group_pattern=pattern).entries[0]
    assert (by_pattern.group, by_pattern.extras) == ('00000', {name: 'a', 'age': 1})


def test_the_column_group_comes_first(make_eye_parquet):
    path = make_eye_parquet(num_rows=1, subject=['a'])
    first = list_parquet(path).entries[0]
    assert (first.group, first.extras) == ('s000', {'subject': 'a'})


@pytest.mark.parametrize('bytes_of', [str, lambda row: {'bytes': b'x', 'path': 'a'}])
def test_pictures_must_be_binary(make_eye_parquet, bytes_of):
    path = make_eye_parquet(num_rows=2, image_bytes=[bytes_of(0), bytes_of(1)])
    message = r'column "image_bytes" must be binary, .*; found st(ring|ruct)'
    with pytest.raises(ValueError, match=message):
        list_parquet(path)


def test_rows_without_picture_are_no_duplicates(make_eye_parquet):
    path = make_eye_parquet(num_rows=2, image_path=['', None], image_bytes=None)
    entries = list_parquet(path).entries
    assert [entry.problem for entry in entries] == ['no picture'] * 2
    assert len({(entry.file, entry.row) for entry in entries}) == 2


def test_pictures_beside_the_parquet(make_eye_parquet, tmp_path):
    png = pq.read_table(make_eye_parquet(num_rows=1))['image_bytes'][0].as_py()
    path = make_eye_parquet(
        num_rows=3,
        image_path=['a.png', '../b.png', None],
        image_bytes=pa.array([None, None, png], pa.binary()),
    )
    beside, outside, embedded = list_parquet(path).entries
    assert (beside.file, beside.row) == (str(tmp_path / 'a.png'), -1)
    assert outside.problem.startswith('it leaves the data folder')
    assert (embedded.file, embedded.row) == (str(path), 2)
    path = make_eye_parquet(num_rows=1, image_path=[''], image_bytes=None)
    assert list_parquet(path).entries[0].problem == 'no picture'


@pytest.mark.parametrize(
    ('class_id', 'label', 'problem'),
    [
        ([1, 0], ['open', 'open'], 'class_id 0 and the label contradict each other'),
        ([1, 2], ['open', 'open'], 'label must be open, closed, 1 or 0, got 2'),
        ([1.0, float('nan')], None, 'the label is missing (nan)'),
        ([1, None], ['open', None], 'the label is missing (None)'),
        ([1, None], ['open', 'open'], ''),
        (['1', '0'], None, ''),
        (None, ['open', 'shut'], "label must be open, closed, 1 or 0, got 'shut'"),
    ],
)
def test_labels_are_checked(make_eye_parquet, class_id, label, problem):
    path = make_eye_parquet(num_rows=2, class_id=class_id, label=label)
    problems = [entry.problem for entry in list_parquet(path).entries]
    assert problems == ['', problem]


def test_an_unknown_split_is_a_problem(make_eye_parquet):
    path = make_eye_parquet(num_rows=2, split=['dev', 'holdout'])
    dev, unknown = list_parquet(path).entries
    assert dev.split == 'val'
    assert unknown.problem.startswith("unknown split 'holdout'")


def test_files_that_cannot_be_read_are_refused(make_eye_parquet):
    mixed = make_eye_parquet(num_rows=2, class_id=['open', '0'], label=None)
    with pytest.raises(
        ValueError, match='all names or all numbers; .*, row 0; .*row 1'
    ):
        list_parquet(mixed)
    bare = make_eye_parquet(num_rows=2, class_id=None, label=None)
    with pytest.raises(ValueError, match='needs a column "class_id" or "label"; found'):
        list_parquet(bare)
    bare = make_eye_parquet(num_rows=2, image_bytes=None, image_path=None)
    with pytest.raises(ValueError, match='needs a column "image_bytes" or "image_path'):
        list_parquet(bare)


@pytest.mark.parametrize('content', [b'', b'text', None])
def test_damaged_files_are_refused(make_eye_parquet, content):
    path = make_eye_parquet(num_rows=2)
    path.write_bytes(path.read_bytes()[:-100] if content is None else content)
    with pytest.raises(ValueError, match='not a readable parquet file'):
        list_parquet(path)


def test_an_empty_table_is_refused(tmp_path):
    empty = pa.table({'class_id': pa.array([], pa.int64()), 'image_path': []})
    pq.write_table(empty, tmp_path / 'a.parquet')
    with pytest.raises(ValueError, match='the file has no rows'):
        list_parquet(tmp_path / 'a.parquet')
