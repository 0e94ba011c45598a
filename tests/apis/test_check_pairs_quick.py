import json

import numpy as np
import pytest

from ocec.apis.check_pairs_quick import describe_pair_check, find_in_pairs
from ocec.datasets import PairNpz, PairStream

NOTHING = (
    'train and val share no source digit and no pair, and no label contradicts another'
)


def rewrite(file, **changes):
    with np.load(file) as arrays:
        arrays = dict(arrays)
    for name, change in changes.items():
        change(arrays[name])
    np.savez(file, **arrays)


def both(folder):
    return {split: PairNpz(folder, split) for split in ('train', 'val')}


@pytest.mark.parametrize('stream', [True, False])
def test_a_generated_folder_has_nothing(make_pair_folder, stream):
    folder = make_pair_folder()
    datasets = both(folder)
    if stream:
        datasets['train'] = PairStream(folder)
    assert find_in_pairs(datasets) == []
    assert describe_pair_check(datasets) == NOTHING


def test_shared_source_digits_are_found(make_pair_folder):
    folder = make_pair_folder()
    used = np.unique(np.load(folder / 'train.npz')['source'])[:2]

    def share(source):
        source[:2, 0] = used

    rewrite(folder / 'val.npz', source=share)
    [text] = find_in_pairs(both(folder))
    assert text == (
        f'LEAK: 2 source digits are in train and val ({used[0]}, {used[1]}): the '
        'metrics will be too good'
    )
    with_stream = {'train': PairStream(folder), 'val': PairNpz(folder, 'val')}
    assert find_in_pairs(with_stream)[0].startswith('LEAK: 2 source digits')


def test_splits_that_nobody_reads_count_too(make_pair_folder):
    folder = make_pair_folder()
    used = np.load(folder / 'val.npz')['source'][0, 0]

    def share(source):
        source[3, 1] = used

    rewrite(folder / 'test.npz', source=share)
    [text] = find_in_pairs(both(folder))
    assert text.startswith(f'LEAK: 1 source digits are in val and split test ({used}):')


def test_numbers_of_other_collections_are_not_compared(make_pair_folder):
    one, other = make_pair_folder(seed=1), make_pair_folder(seed=2)
    datasets = {'train': PairNpz(one, 'train'), 'val': PairNpz(other, 'train')}
    assert find_in_pairs(datasets) == []
    assert 'their source digits are not known, or not of one collection' in (
        describe_pair_check(datasets)
    )
    # the same collection under two roofs is compared
    meta = json.loads((one / 'meta.json').read_text())
    (other / 'meta.json').write_text(json.dumps(meta))
    datasets['val'] = PairNpz(other, 'train')
    assert 'source digits are in train and val' in find_in_pairs(datasets)[0]


def test_pairs_in_two_splits_and_contradicting_labels_are_found(tmp_path):
    x = np.random.default_rng(0).integers(0, 255, (6, 28, 56), np.uint8)
    np.savez(tmp_path / 'train.npz', x=x, y=[0, 1, 0, 1, 0, 1])
    np.savez(tmp_path / 'val.npz', x=x[[1, 3]], y=[1, 0])
    found = find_in_pairs(both(tmp_path))
    assert found == [
        'LEAK: 2 pairs are in train and val, pixel for pixel: the metrics will be too '
        'good',
        '1 pairs have one label in one row and the other in another',
    ]
    streams_only = {'train': PairNpz(tmp_path / 'train.npz', 'train')}
    assert find_in_pairs(streams_only) == []
