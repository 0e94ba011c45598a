import json

import numpy as np
import pytest

from ocec.synthesis import digit_pairs
from ocec.synthesis.digit_pairs import (
    SPLITS,
    PairSettings,
    describe_folder,
    split_digits,
    write_pairs,
)
from ocec.synthesis.digit_sources import DigitImages

SHARES = {'train': 0.6, 'val': 0.1, 'stack': 0.15, 'test': 0.15}


def load(folder, name):
    with np.load(folder / f'{name}.npz', allow_pickle=False) as arrays:
        return dict(arrays)


def counts_of(*numbers):
    return dict(zip(SPLITS, numbers, strict=True))


def test_arrays_are_those_that_readers_expect(make_pair_folder):
    folder = make_pair_folder((40, 8, 12, 20))
    prefixes = {'train': 'TRN', 'val': 'VAL', 'stack': 'STK', 'test': 'TST'}
    for (split, prefix), count in zip(prefixes.items(), (40, 8, 12, 20), strict=True):
        arrays = load(folder, split)
        found = {name: (x.dtype.str[1:], x.shape) for name, x in arrays.items()}
        assert found == {
            'x': ('u1', (count, 28, 56)),
            'y': ('i1', (count,)),
            'id': ('U11', (count,)),
            'digit': ('i1', (count, 2)),
            'source': ('i4', (count, 2)),
            'block': ('i4', (count,)),
            'occluded': ('f4', (count, 2)),
        }
        assert arrays['id'].tolist() == [f'{prefix}_{row:07d}' for row in range(count)]
        assert arrays['y'].sum() == count // 2
        left, right = arrays['digit'].T
        np.testing.assert_array_equal(arrays['y'], left > right)
        assert (left != right).all()


def test_no_digit_and_no_block_is_in_two_splits(make_pair_folder):
    folder = make_pair_folder((200, 100, 100, 100))
    digits = load(folder, 'digits')
    for name in ('source', 'block'):
        sets = [set(load(folder, split)[name].ravel().tolist()) for split in SPLITS]
        assert sum(map(len, sets)) == len(set.union(*sets))
    for split in SPLITS:
        arrays = load(folder, split)
        source = arrays['source']
        assert set(digits['split'][source].ravel()) == {split}
        np.testing.assert_array_equal(digits['digit'][source], arrays['digit'])
        of_pair = np.repeat(arrays['block'][:, None], 2, axis=1)
        np.testing.assert_array_equal(digits['block'][source], of_pair)


def test_blocks_are_used_evenly_by_both_labels(make_pair_folder):
    arrays = load(make_pair_folder((240, 8, 8, 8)), 'train')  # 12 blocks
    counts = np.zeros((arrays['block'].max() + 1, 2), int)
    np.add.at(counts, (arrays['block'], arrays['y']), 1)
    assert set(counts[np.unique(arrays['block'])].ravel()) == {10}


def test_clean_pairs_are_their_sources(make_pair_folder):
    folder = make_pair_folder(severity=0)
    digits = load(folder, 'digits')
    for split in SPLITS:
        arrays = load(folder, split)
        left, right = (digits['x'][source] for source in arrays['source'].T)
        np.testing.assert_array_equal(arrays['x'], np.concatenate((left, right), 2))
        assert (arrays['occluded'] == 0).all()


def test_the_covered_share_is_that_of_black_pixels(make_pair_folder):
    arrays = load(make_pair_folder((400, 8, 8, 8), severity=6), 'train')
    sides = np.stack((arrays['x'][:, :, :28], arrays['x'][:, :, 28:]), 1)
    black = (sides == 0).mean((2, 3))
    # blurred noise leaves next to no black pixels, but shifts bring some in
    assert (arrays['occluded'] <= black + 1e-6).all()
    assert np.abs(black - arrays['occluded']).mean() < 0.01


def test_neighbours_have_their_share(make_pair_folder):
    folder = make_pair_folder((6000, 8, 8, 8), severity=0, adjacency=0.5)
    left, right = load(folder, 'train')['digit'].T.astype(int)
    # 0.5 + 0.5 * 9 / 45
    assert (np.abs(left - right) == 1).mean() == pytest.approx(0.6, abs=0.03)


def test_settings_repeat_all_and_another_seed_nothing(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (200, 28, 28), np.uint8)
    digits = DigitImages(pixels, np.tile(np.arange(10, dtype=np.int8), 20), 'noise')
    folders = []
    for number, seed in enumerate((1, 1, 2)):
        folders.append(tmp_path / str(number))
        settings = PairSettings(counts_of(8, 8, 8, 8), per_block=1, seed=seed)
        write_pairs(digits, folders[-1], settings, log=len)
    for split in SPLITS:
        first, same, other = (load(folder, split) for folder in folders)
        for name, array in first.items():
            np.testing.assert_array_equal(array, same[name])
        assert (first['x'] != other['x']).any((1, 2)).all()


def test_meta_tells_how_it_was_made(make_pair_folder):
    folder = make_pair_folder((32, 16, 16, 16), severity=3, adjacency=0.7)
    meta = json.loads((folder / 'meta.json').read_text())
    arrays = load(folder, 'digits')
    digits = DigitImages(arrays['x'], arrays['digit'], 'drawn')
    splits = meta.pop('splits')
    assert meta == {
        'generator_version': digit_pairs.GENERATOR_VERSION,
        'counts': counts_of(32, 16, 16, 16),
        'shares': SHARES,
        'severity': 3,
        'adjacency': 0.7,
        'per_block': 1,
        'seed': 42,
        'label': '1: the left digit is larger, 0: it is smaller',
        'source': 'drawn',
        'source_fingerprint': digits.fingerprint(),
        'num_source_digits': 200,
    }
    x = load(folder, 'val')['x']
    assert splits['val'] == {
        'pairs': 16,
        'left_larger': 8,
        'source_digits': 20,
        'blocks': len(np.unique(load(folder, 'val')['block'])),
        'mean': round(x.mean(), 4),
        'std': round(x.std(), 4),
    }


def test_digits_are_divided_by_the_shares_of_each():
    digit = np.random.default_rng(0).permutation(np.arange(10).repeat(100))
    split = split_digits(digit, SHARES, seed=0)
    counts = np.zeros((4, 10), int)
    np.add.at(counts, (split, digit), 1)
    assert (counts == np.array([60, 10, 15, 15])[:, None]).all()
    assert (split != split_digits(digit, SHARES, seed=1)).any()


# writing


def small_digits(per_digit=20):
    digit = np.tile(np.arange(10, dtype=np.int8), per_digit)
    return DigitImages(np.zeros((len(digit), 28, 28), np.uint8), digit, 'black')


def test_other_files_stay_and_nothing_half_done_is_left(tmp_path, monkeypatch):
    folder = tmp_path / 'pairs'
    folder.mkdir()
    (folder / 'notes.txt').write_text('mine')
    settings = PairSettings(counts_of(8, 8, 8, 8), per_block=1)
    lines = []
    write_pairs(small_digits(), folder, settings, log=lines.append)
    names = {'train.npz', 'val.npz', 'stack.npz', 'test.npz', 'digits.npz'}
    kept = {'meta.json', 'notes.txt'}
    assert {path.name for path in folder.iterdir()} == names | kept
    assert lines[0] == (
        'train 8 pairs (4 with the larger digit left) of 120 digits in 4 blocks'
    )
    before = (folder / 'test.npz').read_bytes()

    def fail(*args, **kwargs):
        raise OSError('No space left on device')

    monkeypatch.setattr(digit_pairs.np, 'savez', fail)
    with pytest.raises(OSError, match='No space left'):
        write_pairs(small_digits(), folder, settings, log=lines.append)
    assert (folder / 'test.npz').read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ['pairs']


def test_too_few_digits_are_refused(tmp_path):
    settings = PairSettings(counts_of(8, 8, 8, 8), per_block=3)
    message = r'val has 20 source digits: per_block must be in \[1, 2\].* got 3'
    with pytest.raises(ValueError, match=message):
        write_pairs(small_digits(), tmp_path / 'pairs', settings)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        ({'counts': counts_of(8, 7, 8, 8)}, 'counts: val must be an even .* got 7'),
        ({'counts': counts_of(8, 8, 0, 8)}, 'counts: stack must be an even .* got 0'),
        ({'counts': {'train': 8}}, r"counts must name \('train', .* got \('train',\)"),
        ({'shares': counts_of(0.5, 0.5, 0.5, 0.5)}, 'sum of 1, got'),
        ({'shares': counts_of(1.0, 0.0, 0.0, 0.0)}, 'shares must be > 0'),
        ({'seed': -1}, 'seed must be >= 0, got -1'),
    ],
)
def test_settings_are_checked(kwargs, message):
    with pytest.raises(ValueError, match=message):
        PairSettings(**kwargs)


def test_descriptions_tell_settings_apart():
    digits = small_digits()
    one = describe_folder(digits, PairSettings())
    assert one == describe_folder(digits, PairSettings())
    assert one != describe_folder(digits, PairSettings(severity=5))
