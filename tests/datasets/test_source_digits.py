import json

import numpy as np
import pytest

from ocec.datasets.source_digits import read_source_digits

GOOD = {
    'x': np.random.default_rng(0).integers(0, 255, (20, 28, 28), np.uint8),
    'digit': np.tile(np.arange(10), 2),
    'split': np.repeat(['train', 'test'], 10),
    'block': np.repeat([4, 6], 10),
}


@pytest.fixture
def write(tmp_path):
    def write(**changes):
        arrays = {name: x for name, x in {**GOOD, **changes}.items() if x is not None}
        np.savez(tmp_path / 'digits.npz', **arrays)
        return tmp_path / 'digits.npz'

    return write


def test_a_split_has_its_digits(write, tmp_path):
    file = write()
    for path in (file, tmp_path):
        found = read_source_digits(path, 'test')
        assert found.file == file
        assert found.row_S.tolist() == list(range(10, 20))
        assert found.digit_S.tolist() == list(range(10))
        assert found.block_S.tolist() == [6] * 10
        np.testing.assert_array_equal(found.x_SHW, GOOD['x'][10:])
        assert found.source_fingerprint is None


def test_the_fingerprint_of_the_collection_comes_from_beside(write, tmp_path):
    write()
    (tmp_path / 'meta.json').write_text(json.dumps({'source_fingerprint': 'abc'}))
    assert read_source_digits(tmp_path, 'train').source_fingerprint == 'abc'


def test_a_generated_folder_can_be_read(make_pair_folder):
    folder = make_pair_folder()
    found = read_source_digits(folder, 'stack')
    used = np.unique(np.load(folder / 'stack.npz')['source'])
    assert set(used) <= set(found.row_S)
    assert found.source_fingerprint is not None


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'block': None, 'x': None}, 'arrays are missing: x, block; found'),
        (
            {'x': GOOD['x'].astype(float)},
            r'x must be uint8 .* got float64 \(20, 28, 28',
        ),
        ({'x': GOOD['x'][:, :20]}, r'shape \(S, 28, 28\), got uint8 \(20, 20, 28\)'),
        ({'digit': np.arange(19)}, r'digit must .* got \(19,\) for 20 images'),
        ({'digit': np.arange(20) % 11 + 1}, 'digits must be in .* got 1 to 10'),
        (
            {'split': np.repeat('val', 20)},
            r"no digit of split \"train\"; found \['val'\]",
        ),
    ],
)
def test_a_wrong_file_is_refused(write, changes, message):
    with pytest.raises(ValueError, match=message):
        read_source_digits(write(**changes), 'train')
