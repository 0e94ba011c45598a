"""Parquet files whose few bytes stand for many, or that hold more than data."""

import io
import pickle
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ocec.functional.parquet_limits import FEW_ROWS

READERS = ['parquet', 'infer_parquet', 'list_parquet', 'corrected']


class Touch:
    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        import os

        return os.system, (f'touch {self.canary}',)


@cache
def many():
    """The bytes of a parquet with more rows than can name pictures."""
    codes = pa.array(np.zeros(2 * FEW_ROWS, np.int8))
    text = pa.DictionaryArray.from_arrays(codes, ['open'])
    columns = {name: text for name in ('label', 'image_path')}
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream, compression='zstd')
    assert len(stream.getvalue()) < 100_000
    return stream.getvalue()


def many_rows(path, canary):
    path.write_bytes(many())


@cache
def zeros_in(name):
    """The bytes of a parquet with a value of 68 MB, which shrinks to nothing."""
    columns = {'label': ['open'], 'image_bytes': [b'P'], 'group': ['a']}
    size = 65 * 2**20
    columns[name] = [bytes(size)] if name == 'image_bytes' else ['a' * size]
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream, compression='zstd')
    assert len(stream.getvalue()) < 10**6
    return stream.getvalue()


def column_of_zeros(name):
    return lambda path, canary: path.write_bytes(zeros_in(name))


def changed(where, what):
    """A good file with other bytes, counted from the end."""

    def write(path, canary):
        pq.write_table(pa.table({'label': ['open'], 'image_bytes': [b'P']}), path)
        content = bytearray(path.read_bytes())
        content[where : where + len(what) or None] = what
        path.write_bytes(content)

    return write


def nested(path, canary):
    kind = pa.int8()
    for _ in range(120):
        kind = pa.struct([('a', kind)])
    schema = pa.schema([('label', pa.string()), ('image_bytes', kind)])
    pq.write_table(schema.empty_table(), path)


def other_types(**kinds):
    def write(path, canary):
        columns = {'label': ['open'], 'image_bytes': [b'P'], **kinds}
        pq.write_table(pa.table(columns), path)

    return write


FILES = {
    'two million rows in some bytes': many_rows,
    'a picture of 68 MB of zeros': column_of_zeros('image_bytes'),
    'a footer of 4 GB': changed(-8, b'\xff\xff\xff\xffPAR1'),
    'a footer of less than nothing': changed(-8, b'\xff\xff\xff\x80PAR1'),
    'an encrypted footer': changed(-4, b'PARE'),
    'a footer of lists': changed(-60, b'\x19\xf9\xff\xff\xff\x0f' * 5),
    'a footer of structs': changed(-60, b'\x1c' * 40),
    'no rows at all': other_types(label=pa.array([], pa.string()), image_bytes=[]),
    'pictures that are lists': other_types(image_bytes=[[1, 2]]),
    'pictures that are text': other_types(image_bytes=['P']),
    'pictures that are structs': nested,
    'only the magic': lambda path, canary: path.write_bytes(b'PAR1' * 3),
    'a pickle': lambda path, canary: path.write_bytes(pickle.dumps(Touch(canary))),
    'a feather file': lambda path, canary: path.write_bytes(b'ARROW1\0\0' + bytes(99)),
}


@pytest.mark.parametrize('reader', READERS)
@pytest.mark.parametrize('name', FILES)
def test_files_that_claim_too_much(
    assert_refused, read, tmp_path, canary, name, reader
):
    path = tmp_path / 'eyes.parquet'
    FILES[name](path, canary)
    can_use = {
        # what has no pictures may still have its labels corrected
        'corrected': ('no rows', 'pictures that', 'a picture of'),
        # the pictures are read later, one by one
        'list_parquet': ('a picture of',) if name.startswith('no such') else (),
        'infer_parquet': ('no rows',),
        'parquet': ('no rows',),
    }[reader]
    if name.startswith(can_use) and can_use:
        read(reader, path)
    else:
        assert_refused(reader, path)


@pytest.mark.parametrize('reader', [*READERS, 'cache_key'])
@pytest.mark.parametrize('column', ['label', 'image_bytes', 'group'])
def test_levels_that_do_not_fit(read, tmp_path, column, reader):
    # asked for the statistics of such a column, pyarrow 26 ends the whole process:
    # its schema says that no value is missing, and its histogram that some may be
    path = tmp_path / 'eyes.parquet'
    columns = {'label': ['open'], 'image_bytes': [b'P'], 'group': ['a']}
    pq.write_table(pa.table(columns), path)
    name = bytes([len(column)]) + column.encode()
    old, new = b'%\x02\x18' + name, b'%\x00\x18' + name
    content = path.read_bytes()
    assert content.count(old) == 1
    path.write_bytes(content.replace(old, new))
    read(reader, path)


@pytest.mark.parametrize('reader', READERS)
def test_a_group_of_68_mb_of_zeros(assert_refused, tmp_path, reader, canary):
    path = tmp_path / 'eyes.parquet'
    column_of_zeros('group')(path, canary)
    assert 'unpacks to' in assert_refused(reader, path)


@pytest.mark.parametrize(
    'name', ['arrow.py_extension_type', 'arrow.python.pickle', 'pandas']
)
def test_metadata_are_not_unpickled(read, tmp_path, canary, name):
    hostile = pickle.dumps(Touch(canary))
    field = pa.field(
        'label',
        pa.string(),
        metadata={'ARROW:extension:name': name, 'ARROW:extension:metadata': hostile},
    )
    schema = pa.schema(
        [field, ('image_bytes', pa.binary())],
        metadata={'pandas': hostile, b'\xff': hostile, 'huggingface': '[' * 10**5},
    )
    path = tmp_path / 'eyes.parquet'
    pq.write_table(pa.table([['open'], [b'P']], schema=schema), path)
    for reader in READERS:
        read(reader, path)


def csv(*lines, header='path,label,group'):
    return '\n'.join([header, *lines, '']).encode()


CSVS = {
    'formulas': csv('=cmd|"/C calc"!A0,open,a', '@SUM(1+1),closed,b'),
    'a null byte': csv('eye\0.png,open,a'),
    'a cell of 1 MB': csv(f'{"x" * 2**20},open,a'),
    'a quote without an end': csv('"' + 'x\n' * 10**5),
    'a million columns': csv('x' + ',' * 10**6),
    'other bytes': b'path,label\n\xff\xfe,open\n',
    'UTF-16': 'path,label\na.png,open\n'.encode('utf-16'),
    'terminal codes': csv('\x1b]0;title\x07\x1b[2J.png,open,a'),
    'a line of commas': csv(','),
    'nothing': b'',
    'binary': bytes(range(256)) * 100,
}


@pytest.mark.parametrize('name', CSVS)
def test_lists_of_pictures(read, tmp_path, name):
    path = tmp_path / 'eyes.csv'
    path.write_bytes(CSVS[name])
    answer = read('list_csv', path)
    if answer['error'] is None:
        # such pictures are not there; control characters reach no terminal
        assert '\x1b' not in answer['value']
        assert '\\x89PNG' not in answer['value']
    else:
        assert 'eyes.csv' in answer['error']


@pytest.mark.parametrize('reader', ['hard_samples', 'boxes', 'corrections'])
@pytest.mark.parametrize('name', CSVS)
def test_other_csvs(assert_refused, read, tmp_path, name, reader):
    header = {
        'hard_samples': b'sample_id,weight',
        'boxes': b'frame,eye,x1,y1,x2,y2',
        'corrections': b'sample_id,path,new_label',
    }[reader]
    path = tmp_path / 'list.csv'
    content = CSVS[name].replace(b'path,label,group', header)
    path.write_bytes(content.replace(b'path,label', header))
    if reader == 'corrections' and name == 'a line of commas':
        assert read(reader, path)['value'] == '([], 1)'  # a row without a label
        return
    assert_refused(reader, path)
