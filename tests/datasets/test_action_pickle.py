import io
import os
import pickle
import struct

import numpy as np
import pytest

from ocec.datasets.action_pickle import read_pickle
from ocec.datasets.pickle_array import PickleError


@pytest.fixture
def write(tmp_path):
    def to_file(content: bytes):
        path = tmp_path / 'clips.pkl'
        path.write_bytes(content)
        return path

    return to_file


def assert_same(found, expected):
    assert type(found) is type(expected)
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for key in expected:
            assert_same(found[key], expected[key])
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            assert_same(a, b)
    elif isinstance(expected, np.ndarray):
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
    else:
        assert found == expected


RNG = np.random.default_rng(0)
SHARED = RNG.normal(size=(2, 3))
CONTENT = {
    'numbers': [0, 1, -1, 255, 256, 65536, -(2**31), 2**40, -(2**70), 0.5, -1e300],
    'others': (None, True, False, '', 'ä' * 300, ()),
    'tuples': [(1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)],
    'half': RNG.normal(size=(1, 5, 17, 2)).astype(np.float16),
    'fortran': np.asfortranarray(RNG.normal(size=(4, 3)).astype(np.float32)),
    'big': np.arange(5, dtype='>i4'),
    'bool': np.array([True, False]),
    'text': np.array(['a', 'bcd']),
    'none': np.zeros((0, 17, 2), np.float32),
    'twice': [SHARED, SHARED],
    'scalars': [np.float32(1.5), np.int64(-3), np.bool_(True)],
    3: 'a whole number as key',
}


@pytest.mark.parametrize('protocol', [2, 3, 4, 5])
def test_plain_data_are_read_as_pickle_reads_them(write, protocol):
    path = write(pickle.dumps(CONTENT, protocol))
    assert_same(read_pickle(path), CONTENT)


def test_the_python_pickler_writes_the_same_language(write):
    # another program for one value: it puts numbers on its memo in its own way
    stream = io.BytesIO()
    pickle._Pickler(stream, 4).dump(CONTENT)
    assert_same(read_pickle(write(stream.getvalue())), CONTENT)


def test_older_names_of_numpys_modules_are_known(write):
    content = pickle.dumps(CONTENT, 2)
    assert b'numpy._core.multiarray' in content
    old = content.replace(b'numpy._core.multiarray', b'numpy.core.multiarray')
    assert_same(read_pickle(write(old)), CONTENT)


class Call:
    def __init__(self, function, *arguments):
        self.parts = function, arguments

    def __reduce__(self):
        return self.parts


class Plain:
    pass


def with_state(state):
    value = Plain()
    value.__dict__.update(state)
    return value


@pytest.mark.parametrize('protocol', [2, 3, 4, 5])
@pytest.mark.parametrize(
    'make',
    [
        lambda target: Call(os.system, f'touch {target}'),
        lambda target: Call(eval, f'open({str(target)!r}, "w")'),
        lambda target: Call(getattr, os, 'system'),
        lambda target: np.array([Call(os.system, f'touch {target}')], dtype=object),
        lambda target: with_state({'a': Call(os.system, f'touch {target}')}),
    ],
    ids=['system', 'eval', 'getattr', 'object array', 'instance'],
)
def test_code_is_refused_and_not_executed(write, tmp_path, protocol, make):
    target = tmp_path / 'executed'
    clip = {'annotations': [{'frame_dir': 'a', 'keypoint': make(target)}]}
    try:
        content = pickle.dumps(clip, protocol)
    except (pickle.PicklingError, TypeError, AttributeError):
        # a module cannot be pickled: written by hand
        content = b'\x80\x02cbuiltins\ngetattr\ncos\nsystem\n\x86R.'
    path = write(content)
    with pytest.raises(PickleError, match='no plain data|does not belong') as caught:
        read_pickle(path)
    assert str(path) in str(caught.value)
    assert not target.exists()


def test_the_refusal_names_the_code(write):
    path = write(pickle.dumps(Call(os.system, 'true')))
    expected = r'it names posix.system, which is no plain data; nothing .* executed'
    with pytest.raises(PickleError, match=expected):
        read_pickle(path)


NAME = b'cnumpy\ndtype\n'


@pytest.mark.parametrize(
    ('program', 'message'),
    [
        (b'cos\nsystem\n.', 'it names os.system'),
        (b'\x8c\x02os\x8c\x06system\x93.', 'it names os.system'),
        (b'K\x01K\x02\x93.', 'a name at byte .* is no text'),
        (b'(ios\nsystem\n.', 'the operation INST'),
        (b'(cos\nsystem\no.', 'it names os.system'),
        (NAME + b')\x81.', 'the operation NEWOBJ'),
        (NAME + b')}\x92.', 'the operation NEWOBJ_EX'),
        (b'\x82\x01.', 'the operation EXT1'),
        (b'K\x01Q.', 'the operation BINPERSID'),
        (b'\x97.', 'the operation NEXT_BUFFER'),
        (b'\x8f.', 'the operation EMPTY_SET'),
        (b'\xff.', 'the byte 255'),
        (NAME + b'K\x01\x85R.', 'a call at byte'),
        (b'K\x01)R.', 'a call at byte'),
        (NAME + b'}b.', 'what is filled in at byte .* is no array of numbers'),
        (b']}b.', 'what is filled in at byte'),
        (NAME + b'\x8c\x02O8\x85R.', 'an array of objects'),
        (b'K\x01K\x02a.', 'appends to no list'),
        (b'K\x01K\x02K\x03s.', 'fills no dict'),
        (b'}(K\x01u.', 'fills no dict'),
        (b'})K\x03s.', 'has keys that are neither text nor whole numbers'),
        (b'}NK\x03s.', 'has keys that are neither text nor whole numbers'),
        (b'K\x01\x87.', 'finds no values'),
        (b'h\x07.', 'damaged at byte'),
        (b'e.', 'damaged at byte'),
        (b'.', 'damaged at byte'),
        (b'c' + b'x' * 500, 'does not end'),
        (b'\x8c\x02\xff\xff.', 'damaged at byte'),
        (b']', 'cut off after 3 bytes'),
    ],
)
def test_hostile_and_damaged_programs(write, program, message):
    path = write(b'\x80\x04' + program)
    with pytest.raises(PickleError, match=message) as caught:
        read_pickle(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ('operation', 'size'),
    [(b'B', '<I'), (b'\x8e', '<Q'), (b'\x8d', '<Q'), (b'X', '<I')],
)
def test_a_huge_declared_size_takes_no_memory(write, operation, size):
    declared = 2 ** (8 * struct.calcsize(size)) - 1
    path = write(b'\x80\x04' + operation + struct.pack(size, declared) + b'abc.')
    with pytest.raises(PickleError, match=rf'{declared:,} bytes are declared .* 4 are'):
        read_pickle(path)


def test_a_huge_number_of_the_memo_takes_no_memory(write):
    content = b'\x80\x02]r' + struct.pack('<I', 2**32 - 1)
    content += b'j' + struct.pack('<I', 2**32 - 1) + b'\x86.'
    assert read_pickle(write(content)) == ([], [])


def test_a_huge_shape_takes_no_memory(write):
    honest = pickle.dumps(np.zeros(3, np.float16), 2)
    huge = honest.replace(b'K\x03\x85', b'J\xff\xff\xff\x7f\x85')
    assert huge != honest
    with pytest.raises(PickleError, match=r'declares 4,294,967,294 bytes and holds 6'):
        read_pickle(write(huge))


@pytest.mark.parametrize(
    'nest', [b']' * 200_000 + b'a' * 199_999, b')' + b'\x85' * 200_000]
)
def test_deep_nesting_is_read_without_recursion(write, nest):
    value, depth = read_pickle(write(b'\x80\x04' + nest + b'.')), 0
    while value:
        [value] = value
        depth += 1
    assert depth >= 199_999


def test_deep_nesting_is_no_key(write):
    # hashing it would overrun the interpreter's own stack
    path = write(b'\x80\x04})' + b'\x85' * 200_000 + b'Ns.')
    with pytest.raises(PickleError, match='has keys that are neither text'):
        read_pickle(path)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'', 'the file is empty'),
        (b'x', 'does not begin as a pickle'),
        (b'hello', 'does not begin as a pickle of protocol 2 to 5'),
        (pickle.dumps({'a': 1}, 0), 'does not begin as a pickle'),
        (b'\x80\x06N.', 'does not begin as a pickle'),
    ],
)
def test_other_files(write, content, message):
    with pytest.raises(PickleError, match=message):
        read_pickle(write(content))


def test_every_cut_is_noticed(write):
    content = pickle.dumps(CONTENT, 4)
    for length in range(1, len(content), 7):
        with pytest.raises(PickleError, match='cut off|damaged|begin'):
            read_pickle(write(content[:length]))


def test_random_damage_does_not_get_out(write):
    content = bytearray(pickle.dumps(CONTENT, 4))
    rng = np.random.default_rng(0)
    outcomes = set()
    for _ in range(300):
        spoilt = content.copy()
        for place in rng.integers(2, len(content), 3):
            spoilt[place] = rng.integers(256)
        try:
            read_pickle(write(bytes(spoilt)))
            outcomes.add('read')
        except PickleError:
            outcomes.add('refused')
    assert outcomes == {'read', 'refused'}


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match='no.pkl'):
        read_pickle(tmp_path / 'no.pkl')


@pytest.mark.parametrize('name', ['hrnet16_2d.pkl', 'jhmdb14_gt2d.pkl'])
def test_real_files_are_read_as_pickle_reads_them(real_data, name):
    path = real_data / 'skeleton' / name
    with open(path, 'rb') as stream:
        assert_same(read_pickle(path), pickle.load(stream))


@pytest.mark.parametrize('order', [b'(9,9)', b'os(', b'<<', b'4i4,'])
def test_the_order_of_bytes_is_no_expression(write, order):
    # NumPy takes a text with commas and brackets apart and evaluates its parts
    content = pickle.dumps(np.dtype('<i4'), 2)
    assert content.count(b'X\x01\x00\x00\x00<') == 1
    size = len(order).to_bytes(4, 'little')
    path = write(content.replace(b'X\x01\x00\x00\x00<', b'X' + size + order))
    with pytest.raises(
        PickleError, match=r'clips\.pkl: an array of .* is no plain data'
    ):
        read_pickle(path)
