import csv
import hashlib
import json

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from ocec.datasets import PairNpz, batch_collate
from ocec.registry import DATASETS


def test_a_batch_is_finished_and_in_the_order_asked_for(make_pair_folder):
    folder = make_pair_folder()
    arrays = np.load(folder / 'val.npz')
    batch = PairNpz(folder, 'val').__getitems__([3, 0, 15, 3])
    rows = [3, 0, 15, 3]
    inputs, targets = batch['inputs'], batch['data_samples']
    assert inputs.dtype == torch.uint8
    assert inputs.shape == (4, 2, 28, 28)
    side_by_side = torch.cat(inputs.unbind(1), 2)
    np.testing.assert_array_equal(side_by_side, arrays['x'][rows])
    assert targets.label_B.tolist() == arrays['y'][rows].tolist()
    assert targets.sample_id_B.tolist() == rows
    assert targets.group_id_B.tolist() == arrays['block'][rows].tolist()
    assert targets.digit_B2.tolist() == arrays['digit'][rows].tolist()
    fields = {x.dtype for x in vars(targets).values() if x is not None}
    assert fields == {torch.int64}
    left, right = targets.digit_B2.unbind(1)
    assert torch.equal(left > right, targets.label_B == 1)


def test_a_batch_may_be_changed_in_place(make_pair_folder):
    dataset = PairNpz(make_pair_folder(), 'val')
    before = dataset[2]['inputs'].clone()
    dataset[2]['inputs'].zero_()
    assert torch.equal(dataset[2]['inputs'], before)


def test_a_loader_passes_batches_through(make_pair_folder):
    dataset = PairNpz(make_pair_folder(), 'test')
    loader = DataLoader(dataset, 6, collate_fn=batch_collate)
    ids = [batch['data_samples'].sample_id_B.tolist() for batch in loader]
    assert ids == [list(range(6)), list(range(6, 12)), [12, 13, 14, 15]]


@pytest.mark.parametrize('split', ['train', 'val', 'stack', 'test'])
def test_every_split_reads_its_file(make_pair_folder, split):
    folder = make_pair_folder((40, 8, 12, 20))
    dataset = PairNpz(str(folder), split)
    counts = {'train': 40, 'val': 8, 'stack': 12, 'test': 20}
    assert len(dataset) == counts[split]
    arrays = np.load(folder / f'{split}.npz')
    np.testing.assert_array_equal(dataset.labels, arrays['y'])
    np.testing.assert_array_equal(dataset.ids, arrays['id'])
    np.testing.assert_array_equal(dataset.digits, arrays['digit'])
    np.testing.assert_array_equal(dataset.group_ids, arrays['block'])
    np.testing.assert_array_equal(dataset.occluded, arrays['occluded'])
    used = np.unique(arrays['source'])
    np.testing.assert_array_equal(dataset.source_digits(), used)
    assert dataset.class_counts == (counts[split] // 2,) * 2
    assert dataset.metainfo == {'classes': ('left_smaller', 'left_larger')}
    assert dataset.image_paths([3, 1]) == arrays['id'][[3, 1]].tolist()


def test_a_foreign_npz_and_its_labels(tmp_path):
    x = np.random.default_rng(0).integers(0, 255, (4, 28, 56), np.uint8)
    file, labels = tmp_path / 'test_public.npz', tmp_path / 'labels.csv'
    np.savez(file, x=x, id=['PUB_0', 'PUB_1', 'PUB_2', 'PUB_3'])
    with open(labels, 'w', newline='') as stream:
        rows = [('id', 'label'), ('PUB_3', 1), ('PUB_1', 0), ('PUB_0', 1), ('PUB_2', 0)]
        csv.writer(stream).writerows(rows)
    dataset = PairNpz(file, 'test', labels=labels)
    assert dataset.labels.tolist() == [1, 0, 0, 1]
    targets = dataset.__getitems__([0, 1])['data_samples']
    assert targets.digit_B2.tolist() == [[-1, -1], [-1, -1]]
    assert targets.group_id_B.tolist() == [-1, -1]
    assert dataset.source_fingerprint is None
    assert len(dataset.source_digits()) == 0
    assert 'no blocks known' in str(dataset)
    with pytest.raises(ValueError, match='no labels: it has no array y'):
        PairNpz(file, 'test')
    unlabelled = PairNpz(file, 'test', need_labels=False)
    assert unlabelled[0]['data_samples'].label_B.tolist() == [-1]
    assert unlabelled.class_counts == (0, 0)


def test_the_fingerprint_identifies_the_file(make_pair_folder):
    folder = make_pair_folder()
    found = PairNpz(folder, 'stack').fingerprint()
    content = (folder / 'stack.npz').read_bytes()
    meta = json.loads((folder / 'meta.json').read_text())
    assert found == {
        'split': 'stack',
        'left_smaller': 8,
        'left_larger': 8,
        'file': str(folder / 'stack.npz'),
        'bytes': len(content),
        'sha256': hashlib.sha256(content).hexdigest(),
        'labels': None,
        'source_fingerprint': meta['source_fingerprint'],
    }
    assert json.loads(json.dumps(found)) == found


def test_digests_are_equal_where_pixels_are(tmp_path):
    x = np.random.default_rng(0).integers(0, 255, (5, 28, 56), np.uint8)
    x[3] = x[1]
    x[2] = np.concatenate((x[1, :, 28:], x[1, :, :28]), 1)  # swapped is another pair
    x[4] = 7
    np.savez(tmp_path / 'p.npz', x=x, y=[0, 1, 0, 1, 0])
    digests = PairNpz(tmp_path / 'p.npz', 'train').pixel_digests()
    assert digests.shape == (5, 2)
    assert digests.dtype == np.uint64
    assert len(np.unique(digests, axis=0)) == 4
    assert digests[3].tolist() == digests[1].tolist()
    assert digests[4].tolist() == [0, 0]


def test_samples_are_found_by_number(make_pair_folder):
    dataset = PairNpz(make_pair_folder(), 'val')
    assert dataset.indices_of([5, 0]).tolist() == [5, 0]
    message = '1 of 2 samples are not in split "val", whose rows are 0 to 15: 16'
    with pytest.raises(ValueError, match=message):
        dataset.indices_of([3, 16])


def test_is_built_from_a_config_and_says_what_it_read(make_pair_folder, log_records):
    folder = make_pair_folder()
    DATASETS.build({'type': 'PairNpz', 'data': str(folder), 'split': 'train'})
    blocks = len(np.unique(np.load(folder / 'train.npz')['block']))
    messages = [record.getMessage() for record in log_records]
    assert (
        f'train: 32 pairs (16 left smaller, 16 left larger), {blocks} blocks, from '
        f'{folder / "train.npz"}'
    ) in messages


def test_unknown_splits_and_missing_files_are_refused(make_pair_folder, tmp_path):
    with pytest.raises(ValueError, match="split must be one of .* got 'all'"):
        PairNpz(make_pair_folder(), 'all')
    with pytest.raises(FileNotFoundError, match=r'val\.npz: no such file of pairs'):
        PairNpz(tmp_path, 'val')
