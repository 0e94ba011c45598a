import io
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ocec.preparation.label_corrections import (
    Correction,
    check_corrections,
    corrections_of_file,
    read_corrections,
    write_corrected,
)

HEADER = 'sample_id,path,file,row,label,prob_open,new_label'


@pytest.fixture
def write_csv(tmp_path):
    def write(*lines, header=HEADER):
        path = tmp_path / 'corrected.csv'
        path.write_text('\n'.join([header, *lines]) + '\n')
        return path

    return write


def correction(row, new, *, path=None, old='', file='', line=2):
    path = f'images/{row:05d}.png' if path is None else path
    return Correction(line, file, row, row, path, old, new)


def test_lines_are_read(write_csv):
    file = write_csv(
        '70,"a,b.png",x.parquet,7,closed,0.9,Open ',
        '71,c.png,x.parquet,8,open,0.9,',
        '72,d.png,x.parquet,9,open,0.9,0',
    )
    found, num_blank = read_corrections(file)
    assert num_blank == 1
    assert found == [
        Correction(2, 'x.parquet', 70, 7, 'a,b.png', 'closed', 'open'),
        Correction(4, 'x.parquet', 72, 9, 'd.png', 'open', 'closed'),
    ]


def test_the_row_is_the_sample_id_where_it_is_not_told(write_csv):
    file = write_csv('5,a.png,open', header='\ufeffsample_id,path,new_label')
    assert read_corrections(file)[0] == [Correction(2, '', 5, 5, 'a.png', '', 'open')]


@pytest.mark.parametrize(
    ('lines', 'message'),
    [
        (
            ['5,a,f,5,open,1,maybe'],
            'line 2: new_label must be open, closed, 1 or 0, go',
        ),
        (['x,a,f,5,open,1,open'], "line 2: sample_id must be a whole number, got 'x'"),
        (['5,a,f,1.5,open,1,open'], "line 2: row must be a whole number, got '1.5'"),
        (
            ['5,a,f,5,,1,open', '5,a,f,5,,1,closed'],
            'line 3: sample 5 is in line 2 alre',
        ),
        ([f'{i},a,f,x,,1,open' for i in range(7)], 'and 2 more'),
    ],
)
def test_lines_that_cannot_be_read(write_csv, lines, message):
    file = write_csv(*lines)
    start = re.escape(f'{file}: no label was merged:')
    with pytest.raises(ValueError, match=start + r'[\s\S]*' + re.escape(message)):
        read_corrections(file)


def test_missing_columns(write_csv):
    message = "columns ['path', 'new_label'] are missing; found ['sample_id', 'label']"
    with pytest.raises(ValueError, match=re.escape(message)):
        read_corrections(write_csv(header='sample_id,label'))
    empty = write_csv()
    empty.write_text('')
    with pytest.raises(ValueError, match='are missing; found None'):
        read_corrections(empty)


def test_a_csv_about_several_files(tmp_path):
    first, second = (correction(1, 'open', file=f'/old/{n}.parquet') for n in 'ab')
    assert corrections_of_file([first], tmp_path / 'renamed.parquet') == [first]
    assert corrections_of_file([first, second], tmp_path / 'b.parquet') == [second]
    message = 'about /old/a.parquet, /old/b.parquet, none of which is c.parquet'
    with pytest.raises(ValueError, match=message):
        corrections_of_file([first, second], tmp_path / 'c.parquet')


def test_labels_of_the_rows_are_told(make_eye_parquet):
    file = make_eye_parquet(num_rows=8)  # closed and open by turns
    found = [correction(3, 'closed', old='open'), correction(0, 'closed', old='open')]
    # the second has the new label already
    assert check_corrections(found, file) == ['open', 'closed']
    by_id = make_eye_parquet(num_rows=8, label=None)
    assert check_corrections([correction(3, 'closed')], by_id) == ['open']
    blank = make_eye_parquet(num_rows=2, class_id=None, label=['', 'open'])
    assert check_corrections([correction(0, 'closed')], blank) == ['']


@pytest.mark.parametrize(
    ('found', 'message'),
    [
        (correction(8, 'open'), 'line 2: there is no row 8, only 8 rows'),
        (correction(-1, 'open'), 'line 2: there is no row -1, only 8 rows'),
        (correction(3, 'open', path='x.png'), 'row 3 is images/00003.png, not x.png'),
        # neither the label of the CSV nor the new one: changed since
        (
            correction(3, 'closed', old='closed'),
            'row 3 is labelled open, in the CSV cl',
        ),
    ],
)
def test_corrections_of_another_file(make_eye_parquet, found, message):
    file = make_eye_parquet(num_rows=8)
    start = re.escape(f'these corrections are not of {file}:')
    with pytest.raises(ValueError, match=start + r'\n  .*' + re.escape(message)):
        check_corrections([found], file)


def test_rows_without_a_path(make_eye_parquet):
    file = make_eye_parquet(num_rows=8, image_path=None)
    good = correction(3, 'closed', path='/else/where.parquet#3')
    assert check_corrections([good], file) == ['open']
    bad = correction(3, 'closed', path='/else/where.parquet#4')
    with pytest.raises(ValueError, match='row 3 is without a path, not /else/where'):
        check_corrections([bad], file)


def test_no_ocec_parquet(tmp_path):
    path = tmp_path / 'a.parquet'
    path.write_bytes(b'no parquet')
    with pytest.raises(ValueError, match=r'a\.parquet: not a readable parquet file'):
        check_corrections([], path)
    pq.write_table(pa.table({'x': [1]}), path)
    message = 'no column "label" or "class_id"; found [\'x\']'
    with pytest.raises(ValueError, match=re.escape(message)):
        check_corrections([], path)


def test_only_the_labels_change(make_eye_parquet, tmp_path):
    source = tmp_path / 'source.parquet'
    table = pq.read_table(make_eye_parquet(num_rows=10))
    label = table.column('label').dictionary_encode()
    table = table.set_column(1, 'label', label)
    table = table.set_column(2, 'class_id', table.column('class_id').cast(pa.int8()))
    table = table.replace_schema_metadata({'made': 'by hand'})
    pq.write_table(table, source, row_group_size=4, compression='zstd')
    stream = io.BytesIO()
    write_corrected(source, [correction(1, 'closed'), correction(8, 'open')], stream)
    written = pq.ParquetFile(stream)
    found = written.read()
    assert found.schema.equals(pq.read_schema(source), check_metadata=True)
    expected = [row % 2 for row in range(10)]
    expected[1], expected[8] = 0, 1
    assert found.column('class_id').to_pylist() == expected
    names = [('closed', 'open')[x] for x in expected]
    assert found.column('label').to_pylist() == names
    others = ['split', 'image_path', 'source', 'group', 'image_bytes']
    assert found.select(others).equals(table.select(others))
    metadata = written.metadata
    sizes = [metadata.row_group(g).num_rows for g in range(metadata.num_row_groups)]
    assert sizes == [4, 4, 2]
    assert metadata.row_group(0).column(0).compression == 'ZSTD'
