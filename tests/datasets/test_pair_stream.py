import hashlib

import numpy as np
import pytest
import torch

from ocec.datasets import PairNpz, PairStream
from ocec.registry import DATASETS


def whole(dataset):
    return dataset.__getitems__(range(len(dataset)))


def test_a_batch_is_finished(make_pair_folder):
    stream = PairStream(make_pair_folder(), length=40)
    batch = stream.__getitems__([7, 2, 39])
    inputs, targets = batch['inputs'], batch['data_samples']
    assert inputs.dtype == torch.uint8
    assert inputs.shape == (3, 2, 28, 28)
    assert targets.sample_id_B.tolist() == [7, 2, 39]
    assert targets.label_B.tolist() == [1, 0, 1]
    assert stream[4]['inputs'].shape == (1, 2, 28, 28)


def test_clean_pairs_show_the_digits_of_their_block(make_pair_folder):
    folder = make_pair_folder()
    arrays = np.load(folder / 'digits.npz')
    stream = PairStream(folder, length=200, severity=0)
    torch.manual_seed(0)
    batch = whole(stream)
    row_of = {image.tobytes(): row for row, image in enumerate(arrays['x'])}
    targets = batch['data_samples']
    for sides, digits, block in zip(
        batch['inputs'], targets.digit_B2, targets.group_id_B, strict=True
    ):
        rows = [row_of[side.numpy().tobytes()] for side in sides]
        assert arrays['digit'][rows].tolist() == digits.tolist()
        assert set(arrays['split'][rows]) == {'train'}
        assert set(arrays['block'][rows]) == {block.item()}
    left, right = targets.digit_B2.unbind(1)
    assert torch.equal(left > right, targets.label_B == 1)


def test_pairs_are_new_every_time_and_a_seed_repeats_them(make_pair_folder):
    stream = PairStream(make_pair_folder(), length=8)
    torch.manual_seed(0)
    first, second = whole(stream), whole(stream)
    torch.manual_seed(0)
    again = whole(stream)
    assert torch.equal(first['inputs'], again['inputs'])
    assert torch.equal(first['data_samples'].digit_B2, again['data_samples'].digit_B2)
    assert not torch.equal(first['inputs'], second['inputs'])


def test_severity_and_adjacency_are_used(make_pair_folder):
    folder = make_pair_folder()
    torch.manual_seed(0)
    near = whole(PairStream(folder, length=100, adjacency=1.0))['data_samples'].digit_B2
    assert ((near[:, 0] - near[:, 1]).abs() == 1).all()
    black = [
        (whole(PairStream(folder, length=200, severity=s))['inputs'] == 0)
        .float()
        .mean()
        for s in (3, 9)
    ]
    assert black[1] > black[0]


def test_labels_are_known_beforehand_and_balance(make_pair_folder):
    stream = PairStream(make_pair_folder(), length=11)
    assert stream.labels.tolist() == [0, 1] * 5 + [0]
    assert stream.class_counts == (6, 5)
    assert whole(stream)['data_samples'].label_B.tolist() == stream.labels.tolist()
    assert stream.metainfo == {'classes': ('left_smaller', 'left_larger')}
    assert stream.pixel_digests() is None


def test_the_fingerprint_identifies_digits_and_settings(make_pair_folder):
    folder = make_pair_folder()
    stream = PairStream(folder, 'val', length=10, severity=4, adjacency=0.5)
    content = (folder / 'digits.npz').read_bytes()
    assert stream.fingerprint() == {
        'split': 'val',
        'length': 10,
        'severity': 4,
        'adjacency': 0.5,
        'source_digits': 20,  # a tenth of 200
        'file': str(folder / 'digits.npz'),
        'bytes': len(content),
        'sha256': hashlib.sha256(content).hexdigest(),
        'source_fingerprint': PairNpz(folder, 'val').source_fingerprint,
    }
    used = set(PairNpz(folder, 'val').source_digits())
    assert used <= set(stream.source_digits())
    assert not used & set(PairStream(folder, 'train').source_digits())


def test_is_built_from_a_config_and_says_what_it_draws(make_pair_folder, log_records):
    folder = make_pair_folder()
    DATASETS.build({'type': 'PairStream', 'data': str(folder), 'length': 1000})
    messages = [record.getMessage() for record in log_records]
    assert (
        'train: 1,000 new pairs every epoch of 120 digits in 12 blocks, severity 6, '
        f'adjacency 0.8, from {folder / "digits.npz"}'
    ) in messages


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        ({'split': 'all'}, "split must be one of .* got 'all'"),
        ({'length': 0}, 'length must be >= 1, got 0'),
        ({'severity': 11}, r'severity must be in \[0, 10\], got 11'),
        ({'adjacency': 2}, r'adjacency must be in \[0, 1\], got 2'),
    ],
)
def test_settings_are_checked(make_pair_folder, kwargs, message):
    with pytest.raises(ValueError, match=message):
        PairStream(make_pair_folder(), **kwargs)


def test_samples_that_never_come_again_cannot_be_listed(make_pair_folder):
    with pytest.raises(ValueError, match='new pairs every time: its samples cannot'):
        PairStream(make_pair_folder()).indices_of([1])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'digits\.npz: no such file'):
        PairStream(tmp_path)
