"""Expected draws: torch's WeightedRandomSampler; expected shares: by hand."""

from collections import Counter

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DATA_SAMPLERS as MMENGINE_DATA_SAMPLERS
from mmengine.registry import DefaultScope
from torch.utils.data import WeightedRandomSampler

from ocec.apis.config_check import check_config
from ocec.apis.train import train
from ocec.datasets import EyeParquet, WeightedSampler
from ocec.datasets.samplers import weighted_sampler

# rows 0-15: 12 closed, 4 open; a quarter of them are open
LABELS = [0, 0, 0, 1] * 4
PER_CLASS = [1 / 12, 1 / 12, 1 / 12, 1 / 4] * 4


class Eyes:
    """What the sampler needs of a dataset: sample ids are 100 and so on."""

    metainfo = {'classes': ('closed', 'open')}

    def __init__(self, labels=LABELS):
        self.labels = np.array(labels)

    def __len__(self):
        return len(self.labels)

    def indices_of(self, sample_ids):
        return np.asarray(sample_ids) - 100


@pytest.fixture
def write_csv(tmp_path):
    def write(*lines):
        path = tmp_path / 'hard.csv'
        path.write_text('\n'.join(lines) + '\n')
        return str(path)

    return write


@pytest.fixture
def on_ranks(monkeypatch):
    """Return the draws of each of some ranks."""

    def draw(world_size, epoch=0, dataset=None, **kwargs):
        shares = []
        for rank in range(world_size):
            monkeypatch.setattr(
                weighted_sampler, 'get_dist_info', lambda rank=rank: (rank, world_size)
            )
            sampler = WeightedSampler(dataset or Eyes(), **kwargs)
            sampler.set_epoch(epoch)
            shares.append(list(sampler))
            assert len(shares[-1]) == len(sampler)
        return shares

    return draw


def messages(log_records):
    return [record.getMessage() for record in log_records]


def shares_of(sampler):
    return (sampler.weight_N / sampler.weight_N.sum()).tolist()


# the weights


def test_classes_are_drawn_equally_often():
    sampler = WeightedSampler(Eyes(), seed=0, num_samples=100_000)
    assert shares_of(sampler) == pytest.approx([w / 2 for w in PER_CLASS])
    drawn = np.array(list(sampler))
    # within 5 standard deviations, sqrt(0.25 / 100,000) each
    assert np.mean(np.array(LABELS)[drawn]) == pytest.approx(0.5, abs=0.008)
    # and each image of a class as often as the others
    counts = np.bincount(drawn, minlength=16) / 100_000
    assert counts == pytest.approx(np.array(PER_CLASS) / 2, abs=0.006)


def test_draws_are_those_of_torch():
    weights = torch.tensor(PER_CLASS, dtype=torch.float64)
    expected = WeightedRandomSampler(
        weights, 16, generator=torch.Generator().manual_seed(7 + 3)
    )
    sampler = WeightedSampler(Eyes(), seed=7)
    sampler.set_epoch(3)
    assert list(sampler) == list(expected)


def test_hard_samples_weigh_more(write_csv):
    path = write_csv('sample_id', '100', '103')
    sampler = WeightedSampler(
        Eyes(), class_balanced=False, hard_samples=path, hard_weight=3, seed=0
    )
    # 14 images of weight 1 and 2 of weight 3
    expected = [1 / 20] * 16
    expected[0] = expected[3] = 3 / 20
    assert shares_of(sampler) == pytest.approx(expected)


def test_classes_stay_balanced_with_hard_samples(write_csv):
    path = write_csv('sample_id,weight', '100,4', '103,2')
    sampler = WeightedSampler(Eyes(), hard_samples=path, seed=0)
    # closed: 4 + 11 * 1 = 15; open: 2 + 3 * 1 = 5; half of the draws each
    expected = [1 / 5 / 2 if label else 1 / 15 / 2 for label in LABELS]
    expected[0], expected[3] = 4 / 15 / 2, 2 / 5 / 2
    assert shares_of(sampler) == pytest.approx(expected)


def test_without_weights_all_are_equal():
    sampler = WeightedSampler(Eyes(), class_balanced=False, seed=0)
    assert shares_of(sampler) == [1 / 16] * 16


def test_without_replacement_none_comes_twice(write_csv):
    path = write_csv('sample_id', '100')
    first = Counter()
    for epoch in range(300):
        sampler = WeightedSampler(
            Eyes(),
            class_balanced=False,
            hard_samples=path,
            hard_weight=15.0,
            num_samples=4,
            replacement=False,
            seed=0,
        )
        sampler.set_epoch(epoch)
        drawn = list(sampler)
        assert len(set(drawn)) == 4
        first[drawn[0]] += 1
    # 15 of 30; five standard deviations are 43
    assert first[0] == pytest.approx(150, abs=43)


# ranks and epochs


@pytest.mark.parametrize('num_samples', [None, 12, 60])
def test_ranks_share_one_list(on_ranks, num_samples):
    [alone] = on_ranks(1, seed=5, epoch=2, num_samples=num_samples)
    assert len(alone) == (num_samples or 16)
    for world_size in (2, 3):
        shares = on_ranks(world_size, seed=5, epoch=2, num_samples=num_samples)
        assert len({len(share) for share in shares}) == 1
        # read by turns they are the list, then its start again until all are even
        together = [index for turn in zip(*shares, strict=True) for index in turn]
        assert together[: len(alone)] == alone
        assert together[len(alone) :] == alone[: len(together) - len(alone)]
        assert len(together) - len(alone) < world_size


def test_more_ranks_than_draws(on_ranks):
    [alone] = on_ranks(1, seed=1, num_samples=2)
    assert on_ranks(5, seed=1, num_samples=2) == [
        [alone[0]],
        [alone[1]],
        [alone[0]],
        [alone[1]],
        [alone[0]],
    ]


def test_each_epoch_and_seed_draws_anew(on_ranks):
    draws = {
        (seed, epoch): tuple(on_ranks(1, seed=seed, epoch=epoch)[0])
        for seed in (0, 10)
        for epoch in (0, 1)
    }
    assert len(set(draws.values())) == 4
    assert draws[0, 1] == tuple(on_ranks(1, seed=0, epoch=1)[0])


def test_the_seed_comes_from_all_ranks_if_not_given(monkeypatch):
    monkeypatch.setattr(weighted_sampler, 'sync_random_seed', lambda: 123)
    assert list(WeightedSampler(Eyes())) == list(WeightedSampler(Eyes(), seed=123))


# with real data


def test_sample_ids_are_those_of_the_batches(make_eye_parquet, write_csv):
    # rows 16-23 are train, so sample ids and indices differ
    split = ['val'] * 16 + ['train'] * 8
    file = make_eye_parquet(num_rows=24, split=split)
    dataset = EyeParquet(file, 'train', image_size=(16, 32))
    sampler = WeightedSampler(
        dataset,
        class_balanced=False,
        hard_samples=write_csv('sample_id', '21', '16'),
        hard_weight=1e9,
        seed=0,
    )
    batch = dataset.__getitems__(list(sampler))
    assert set(batch['data_samples'].sample_id_B.tolist()) == {16, 21}


def test_samples_of_another_split_are_refused(make_eye_parquet, write_csv):
    # rows 0-7 are train, 8-11 val, 12-15 test
    dataset = EyeParquet(make_eye_parquet(num_rows=16), 'train', image_size=(16, 32))
    path = write_csv('sample_id', '3', '8', '10', '99')
    message = (
        r'hard.csv: 3 of 4 samples are not in split "train": 2 in "val" \(8, 10\), 1 '
        r'no usable rows \(99\). List only samples that are trained on, by the sample'
    )
    with pytest.raises(ValueError, match=message):
        WeightedSampler(dataset, hard_samples=path, seed=0)


def test_a_training_draws_with_it(write_config, write_csv):
    # rows 0-31 are train: 8 open ones among them
    labels = [int(row % 4 == 0) for row in range(64)]
    path = write_csv('sample_id', '1', '2')
    config = write_config(
        "train_dataloader['sampler'] = dict(type='WeightedSampler', _delete_=True,\n"
        f'    hard_samples={path!r}, num_samples=48)\n'
        'train_cfg = dict(max_epochs=1)\n'
        'default_hooks = dict(logger=dict(interval=1))',
        class_id=labels,
        label=None,
    )
    assert [str(finding) for finding in check_config(Config.fromfile(config))] == []
    result = train(config)
    lines = (result.work_dir / 'metrics.jsonl').read_text().splitlines()
    assert sum('"train"' in line for line in lines) == 3  # 48 draws in batches of 16
    [log] = result.work_dir.glob('*.log')
    assert 'WeightedSampler: 48 draws per epoch from 32 images' in log.read_text()


def test_configs_find_it():
    with DefaultScope.overwrite_default_scope('ocec'):
        sampler = MMENGINE_DATA_SAMPLERS.build(
            dict(type='WeightedSampler', num_samples=5),
            default_args=dict(dataset=Eyes(), seed=3),
        )
    assert type(sampler) is WeightedSampler
    assert len(list(sampler)) == 5


# what it says


BALANCED = (
    "; classes are balanced here, so give a loss with pos_weight='auto' pos_weight=1.0"
)


@pytest.mark.parametrize(
    ('lines', 'arguments', 'expected'),
    [
        (
            None,
            {},
            '16 draws per epoch from 16 images with replacement, 50.0 % closed, '
            f'50.0 % open{BALANCED}',
        ),
        (
            ['sample_id,weight', '100,2', '101,3'],
            {'num_samples': 2000},
            '2,000 draws per epoch from 16 images with replacement, 50.0 % closed, '
            f'50.0 % open; 2 hard samples of PATH with weight 2 to 3{BALANCED}',
        ),
        (
            ['sample_id', '100', '101'],
            {'class_balanced': False, 'hard_weight': 5.0},
            # 4 open ones of 16 + 2 * 4
            '16 draws per epoch from 16 images with replacement, 83.3 % closed, '
            '16.7 % open; 2 hard samples of PATH with weight 5',
        ),
        (
            ['sample_id'],
            {'class_balanced': False, 'num_samples': 5, 'replacement': False},
            '5 draws per epoch from 16 images without replacement, the first 75.0 % '
            'closed, 25.0 % open; 0 hard samples of PATH with weight 0',
        ),
    ],
)
def test_the_log_says_what_is_drawn(write_csv, log_records, lines, arguments, expected):
    path = write_csv(*lines) if lines else None
    WeightedSampler(Eyes(), hard_samples=path, seed=0, **arguments)
    expected = f'WeightedSampler: {expected}'.replace('PATH', str(path))
    assert messages(log_records) == [expected]


def test_a_dataset_without_labels_is_drawn_from_all_the_same(log_records):
    sampler = WeightedSampler(range(5), class_balanced=False, seed=0)
    assert len(list(sampler)) == 5
    assert messages(log_records) == [
        'WeightedSampler: 5 draws per epoch from 5 images with replacement'
    ]


@pytest.mark.parametrize(
    ('dataset', 'arguments', 'message'),
    [
        (Eyes(), {'hard_weight': 0}, 'hard_weight must be > 0, got 0'),
        (Eyes(), {'hard_weight': float('nan')}, 'hard_weight must be > 0, got nan'),
        (Eyes(), {'num_samples': 0}, 'num_samples must be > 0, got 0'),
        (
            Eyes(),
            {'replacement': False},
            'num_samples=16 of 16 images with replacement=False draws every image, '
            'whatever its weight: choose a smaller num_samples, or replacement=True',
        ),
        (
            Eyes([0, 0, 0]),
            {},
            'class_balanced: none of the 3 images is open. Add some, or use class_bal',
        ),
        (Eyes([1]), {}, 'class_balanced: none of the 1 images is closed'),
        (
            range(5),
            {},
            'class_balanced: range does not tell its labels; use class_balanced=False',
        ),
    ],
)
def test_bad_arguments_are_named(dataset, arguments, message):
    with pytest.raises(ValueError, match=message):
        WeightedSampler(dataset, seed=0, **arguments)


def test_hard_samples_of_a_dataset_without_ids(write_csv):
    path = write_csv('sample_id', '1')
    message = 'hard_samples: range does not tell the indices_of sample ids; leave hard'
    with pytest.raises(ValueError, match=message):
        WeightedSampler(range(5), class_balanced=False, hard_samples=path, seed=0)
