import numpy as np
import pytest

from ocec.datasets.pickle_array import PickleError, array_of_bytes, checked_code


@pytest.mark.parametrize('code', ['f2', '<f4', '>f8', 'i1', '|u1', 'b1', 'U20', 'S3'])
def test_numbers_and_text_pass(code):
    assert checked_code(code) == code


@pytest.mark.parametrize(
    ('code', 'shown'),
    [
        ('O8', 'objects'),
        ('|O', 'objects'),
        ('V8', "'V8'"),
        ('M8[s]', "'M8"),
        ('', "''"),
    ],
)
def test_other_types_are_refused(code, shown):
    with pytest.raises(PickleError, match='is no plain data') as caught:
        checked_code(code)
    assert f'array of {shown}' in str(caught.value)


@pytest.mark.parametrize('is_fortran', [False, True])
def test_bytes_become_an_array(is_fortran):
    array = np.random.default_rng(0).normal(size=(2, 3, 4)).astype('>f4')
    raw = memoryview(array.tobytes(order='F' if is_fortran else 'C'))
    found = array_of_bytes(array.dtype, (2, 3, 4), raw, is_fortran=is_fortran)
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype


def test_nothing_is_an_array_too():
    found = array_of_bytes(np.dtype('f4'), (0, 17, 2), memoryview(b''))
    assert found.shape == (0, 17, 2)


@pytest.mark.parametrize(
    ('shape', 'raw', 'message'),
    [
        ((3,), memoryview(b'12345678'), 'declares 12 bytes and holds 8'),
        ((10**9, 10**9, 10**9), memoryview(b''), r'declares more than 2\*\*64 bytes'),
        ((10**30,) * 200, memoryview(b''), r'declares more than 2\*\*64 bytes'),
        ((-2,), memoryview(b''), 'not made of whole numbers >= 0'),
        ((2.0,), memoryview(b'12345678'), 'not made of whole numbers >= 0'),
        (([],), memoryview(b''), 'not made of whole numbers >= 0'),
        ((2,), [1, 2], 'content of an array is list, not bytes'),
    ],
)
def test_wrong_declarations(shape, raw, message):
    with pytest.raises(PickleError, match=message):
        array_of_bytes(np.dtype('f4'), shape, raw)
