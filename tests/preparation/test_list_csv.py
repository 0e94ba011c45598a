import pytest

from ocec.preparation.list_csv import list_csv
from ocec.preparation.name_patterns import compile_pattern


@pytest.fixture
def listed(tmp_path):
    """List a CSV file of some text."""

    def read(text, **options):
        file = tmp_path / 'eyes.csv'
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return list_csv(file, **options)

    return read


def rows_of(listing):
    return [(e.path, e.label, e.group, e.problem) for e in listing.entries]


def test_rows_without_header(listed, tmp_path):
    listing = listed('a/1.png,1,s1\n\n"b,c.png",0\n')
    assert rows_of(listing) == [('a/1.png', 1, 's1', ''), ('b,c.png', 0, '', '')]
    first = listing.entries[0]
    assert (first.source, first.file) == ('eyes', str(tmp_path / 'a/1.png'))
    assert listing.told == (
        f'{tmp_path}/eyes.csv: 2 rows without header, read as path,label[,group]; '
        '1 groups',
    )
    assert listing.files == (tmp_path / 'eyes.csv',)


def test_a_header_names_the_columns_in_any_order(listed):
    listing = listed('\ufeffClass,note,file_name,Video,split\nopen,x,1.png,v1,valid\n')
    [entry] = listing.entries
    assert (entry.path, entry.label, entry.group) == ('1.png', 1, 'v1')
    assert entry.split == 'val'
    assert 'path from "file_name", label from "class"' in listing.told[0]
    assert 'ignored: note' in listing.told[0]


def test_paths_are_relative_to_another_folder_if_given(listed, tmp_path):
    [entry] = listed('x\\1.png,open\n', data_root=tmp_path / 'pictures').entries
    assert entry.file == str(tmp_path / 'pictures/x/1.png')
    assert entry.path == 'x/1.png'


def test_groups_by_pattern(listed):
    pattern = compile_pattern('(?P<group>s[0-9])', 'group')
    listing = listed('s7/1.png,1,other\n', group_pattern=pattern)
    assert listing.entries[0].group == 's7'


def test_bad_rows_have_a_problem(listed):
    text = b'1.png,1\n2.png,2\n3.png,nan\n../4.png,1\n/5.png,1\n,1\nx\xff.png,0\n'
    listing = listed(text)
    assert [(e.path, e.problem) for e in listing.entries] == [
        ('1.png', ''),
        ('2.png', "label must be open, closed, 1 or 0, got '2'"),
        ('3.png', "the label is missing ('nan')"),
        (
            '../4.png',
            'it leaves the data folder by ".."; allow it with --allow-outside',
        ),
        ('/5.png', 'an absolute path; allow it with --allow-outside'),
        ('eyes.csv, line 6', 'the path is missing'),
        ('x\\xff.png', 'the file name is not UTF-8; rename it'),
    ]
    allowed = listed(text, allow_outside=True)
    assert [e.problem for e in allowed.entries[3:5]] == ['', '']


def test_class_id_and_label_must_agree(listed):
    text = 'path,label,class_id\n1.png,open,1\n2.png,open,0\n3.png,closed,\n'
    listing = listed(text)
    assert [(e.label, e.problem) for e in listing.entries] == [
        (1, ''),
        (-1, 'class_id 0 and the label contradict each other'),
        (0, ''),
    ]
    assert 'class_id from "class_id"' in listing.told[0]
    assert listed('path,class_id\n1.png,0\n').entries[0].label == 0


def test_rows_without_path_are_no_duplicates(listed):
    first, second = listed(',1\n,0\n').entries
    assert (first.file, first.row) != (second.file, second.row)


def test_an_unknown_split_is_a_problem(listed):
    [entry] = listed('path,label,split\n1.png,1,holdout\n').entries
    assert entry.problem.startswith("unknown split 'holdout'; known: ['dev', ")


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', 'eyes.csv: the file has no rows'),
        ('\n\n', 'eyes.csv: the file has no rows'),
        ('path,label\n', 'eyes.csv: a header and no rows'),
        ('path,note\n1.png,1\n', r"lacks a column for the label, .*\['path', 'note'\]"),
        ('1.png,1\n2.png\n', 'line 2: 1 columns; needed are path,label'),
        ('1.png,1\n2.png,1,s,t\n', 'line 2: 4 columns; needed are path,label'),
        ('path,label,group\n2.png,1\n', 'line 2: 2 columns; needed are as many as'),
        (
            '1.png,1\n2.png,open\n3.png,0\n',
            'all numbers; names: .*, line 2; numbers: .*, line 1; .*, line 3',
        ),
    ],
)
def test_files_that_cannot_be_read_are_refused(listed, text, message):
    with pytest.raises(ValueError, match=message):
        listed(text)
