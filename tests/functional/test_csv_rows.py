import csv

import pytest

from ocec.functional.csv_rows import NamedRows


def rows_of(tmp_path, content: bytes):
    path = tmp_path / 'labels.csv'
    path.write_bytes(content)
    with open(path, newline='', encoding='utf-8-sig') as stream:
        return list(NamedRows(stream, path))


def test_rows_are_those_of_the_standard_library(tmp_path):
    content = '\ufeffid,label\na,1\n\n"b,\nc",0\nshort\n'.encode()
    # csv.DictReader
    assert rows_of(tmp_path, content) == [
        {'id': 'a', 'label': '1'},
        {'id': 'b,\nc', 'label': '0'},
        {'id': 'short', 'label': None},
    ]


def test_line_numbers_count_lines_of_the_file(tmp_path):
    reader = NamedRows(['id,label\n', '"a\n', 'b",1\n', 'c,0\n'], 'x.csv')
    assert [(row['id'], reader.line_num) for row in reader] == [('a\nb', 3), ('c', 4)]


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'id,label\na,1\nb,1,2,3\n', 'line 3: 4 cells, the header has 2'),
        (b'id,label\n\xff,1\n', "line 1: 'utf-8' codec can't decode byte 0xff"),
        (b'id,label\n' + b'x' * 200_000 + b',1\n', 'line 2: field larger than'),
        (b'x' * 200_000 + b'\n', 'line 1: field larger than'),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(tmp_path, content, message):
    with pytest.raises(ValueError, match=rf'labels\.csv, {message}'):
        rows_of(tmp_path, content)


def test_an_empty_file_has_no_columns(tmp_path):
    assert NamedRows([], 'x.csv').columns == []
    assert rows_of(tmp_path, b'') == []


def test_it_is_a_reader_of_the_standard_library():
    assert issubclass(NamedRows, csv.DictReader)
