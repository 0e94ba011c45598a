import pytest

from ocec.datasets.action_split import read_names, rows_of_split, shown_names
from ocec.datasets.action_table import read_action_table

NTU_NAMES = [
    'S001C001P001R001A001',
    'S001C002P003R001A001',
    'S002C003P038R002A060',
    'S002C001P007R002A002',
]


@pytest.fixture
def table_of(annotate, write_pickle):
    def make(names, split=None):
        clips = [annotate(name, frames=1) for name in names]
        return read_action_table(write_pickle(clips, split))

    return make


def test_a_split_of_the_file(table_of):
    table = table_of('abc', {'train': ['c', 'a', 'x', 'y'], 'xsub_val': ['b']})
    rows, absent = rows_of_split(table, 'train')
    assert rows.tolist() == [0, 2]
    assert absent == ['x', 'y']
    # what the file says comes before any rule
    assert rows_of_split(table, 'xsub_val')[0].tolist() == [1]
    assert rows_of_split(table, None)[0].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ('split', 'expected'),
    [
        ('xsub_train', [0, 2]),  # subjects 1 and 38
        ('xsub_val', [1, 3]),
        ('xsub_test', [1, 3]),
        ('xview_train', [1, 2]),
        ('xview_val', [0, 3]),
        ('xset_train', [2, 3]),
        ('xset_test', [0, 1]),
    ],
)
def test_the_rules_of_ntu_serve_a_bare_list(table_of, split, expected):
    rows, absent = rows_of_split(table_of(NTU_NAMES), split)
    assert rows.tolist() == expected
    assert absent == []


def test_ntu_120_has_subjects_of_its_own(table_of):
    names = ['S020C001P045R001A061', 'S020C001P051R001A061']
    assert rows_of_split(table_of(names), 'xsub_train')[0].tolist() == [0]


def test_a_list_of_names(table_of, tmp_path):
    file = tmp_path / 'mine.txt'
    file.write_text('c\n\n  a \nz\n')
    rows, absent = rows_of_split(table_of('abc'), str(file))
    assert rows.tolist() == [0, 2]
    assert absent == ['z']


def test_an_unknown_split_lists_the_others(table_of):
    table = table_of('abc', {'train': ['a'], 'test': ['b']})
    expected = r'there is no split "val"; splits of the file: train, test\. Clips with'
    with pytest.raises(ValueError, match=expected) as caught:
        rows_of_split(table, 'val')
    assert str(table.file) in str(caught.value)
    with pytest.raises(ValueError, match=r'no split "xsub_train"; .* file: train, te'):
        rows_of_split(table, 'xsub_train')
    with pytest.raises(ValueError, match='file: none, it is a bare list of clips'):
        rows_of_split(table_of('abc'), 'train')
    with pytest.raises(ValueError, match='there is no split "xsub_all"'):
        rows_of_split(table_of(NTU_NAMES), 'xsub_all')


def test_ntus_list_of_missing_skeletons(tmp_path):
    file = tmp_path / 'missing.txt'
    file.write_text(
        'Samples with missing skeletons:\n\nS001C002P005R002A008\n'
        'S001C002P006R001A008.skeleton\nS002C003P001R001A049_rgb.avi\n'
    )
    expected = ['S001C002P005R002A008', 'S001C002P006R001A008', 'S002C003P001R001A049']
    assert read_names(file) == expected


def test_no_names(tmp_path):
    file = tmp_path / 'names.txt'
    file.write_text('\n \n')
    with pytest.raises(ValueError, match='names.txt: it holds no name of a clip'):
        read_names(file)
    file.write_bytes(b'\xff\xfe\x00')
    with pytest.raises(ValueError, match='names.txt: it is no text'):
        read_names(file)
    with pytest.raises(FileNotFoundError, match='no.txt'):
        read_names(tmp_path / 'no.txt')


def test_few_names_are_shown_whole():
    assert shown_names(['a']) == 'a'
    assert shown_names(list('abcde')) == 'a, b, c, d, e'
    assert shown_names(['a'] * 1005) == 'a, a, a, a, a and 1,000 more'
