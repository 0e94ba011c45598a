"""Expected batches: those of the sources themselves."""

import json

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from ocec.datasets import EyeParquet, MixedEyes, WeightedSampler, batch_collate
from ocec.datasets.mixed_eyes import is_mix, source_configs
from ocec.registry import DATASETS

SIZE = (16, 32)


@pytest.fixture
def files(make_eye_parquet):
    """24 rows, 12 of them train, and 16 rows, 8 of them train."""
    return {
        'home': make_eye_parquet(num_rows=24, seed=1),
        'new': make_eye_parquet(num_rows=16, seed=2, group=['n'] * 8 + ['s000'] * 8),
    }


def mix(files, split='train', **kwargs):
    sources = {name: {'data': str(file), **kwargs} for name, file in files.items()}
    return MixedEyes(sources, split, image_size=SIZE)


def alone(files, split='train', **kwargs):
    return [EyeParquet(f, split, image_size=SIZE, **kwargs) for f in files.values()]


def test_a_batch_has_the_images_of_both_in_the_order_asked_for(files):
    mixed, (home, new) = mix(files), alone(files)
    assert len(mixed) == 12 + 8
    batch = mixed.__getitems__([13, 0, 19, 5, 13])
    expected = [new[1], home[0], new[7], home[5], new[1]]
    assert torch.equal(
        batch['inputs'], torch.cat([single['inputs'] for single in expected])
    )
    assert batch['inputs'].is_contiguous(memory_format=torch.channels_last)
    targets = batch['data_samples']
    singles = [single['data_samples'] for single in expected]
    assert targets.label_B.tolist() == [int(s.label_B) for s in singles]
    # 24 rows of home come before the first of new
    ids = [int(s.sample_id_B) for s in singles]
    assert targets.sample_id_B.tolist() == [
        ids[0] + 24,
        ids[1],
        ids[2] + 24,
        ids[3],
    ] + [ids[4] + 24]
    names = [mixed.table.group_names[code] for code in targets.group_id_B.tolist()]
    assert names == ['n', 's000', 'n', 's001', 'n']


@pytest.mark.parametrize('indices', [[2, 3], [12, 19], [-1]])
def test_a_batch_of_one_source(files, indices):
    mixed, (home, new) = mix(files), alone(files)
    batch = mixed.__getitems__(indices)
    whole = torch.cat([d.__getitems__(range(len(d)))['inputs'] for d in (home, new)])
    assert torch.equal(batch['inputs'], whole[indices])


@pytest.mark.parametrize('index', [20, -21])
def test_an_index_out_of_range(files, index):
    with pytest.raises(IndexError, match=r'indices must be in \[0, 20\)'):
        mix(files)[index]


def test_sample_ids_are_unique_over_sources_and_splits(files):
    ids = []
    for split in ('train', 'val', 'test'):
        mixed = mix(files, split)
        ids += mixed.__getitems__(range(len(mixed)))[
            'data_samples'
        ].sample_id_B.tolist()
        assert mixed.metainfo == {
            'classes': ('closed', 'open'),
            'sources': {'home': [0, 24], 'new': [24, 40]},
        }
    assert sorted(ids) == list(range(40))


def test_what_ids_are_of(files):
    mixed = mix(files, 'val')
    # rows 12 to 19 of home are val, then 8 to 11 of new
    ids = mixed.rows[[9, 0, 8]].tolist()
    assert ids == [24 + 9, 12, 24 + 8]
    assert mixed.indices_of(ids).tolist() == [9, 0, 8]
    paths = mixed.image_paths(ids)
    home, new = alone(files, 'val')
    assert paths == [*new.image_paths([9]), *home.image_paths([12])] + new.image_paths(
        [8]
    )


@pytest.mark.parametrize(
    ('ids', 'message'),
    [
        ([0, 40], r'1 of 2 sample ids are of no source, as 40; they are in \[0, 40\)'),
        ([0, 39], 'source new, whose row 0 has the sample id 24: rows: 1 of 1 samples'),
    ],
)
def test_ids_of_no_image(files, ids, message):
    mixed = mix(files, 'train')
    with pytest.raises(ValueError, match=message):
        mixed.indices_of(ids)


def test_counts_digests_and_fingerprint(files):
    mixed, singles = mix(files), alone(files)
    assert mixed.class_counts == (10, 10)
    np.testing.assert_array_equal(
        mixed.pixel_digests(), np.concatenate([d.pixel_digests() for d in singles])
    )
    found = mixed.fingerprint()
    assert found['sources'] == {
        name: d.fingerprint() for name, d in zip(files, singles, strict=True)
    }
    assert [f['file'] for f in found['files']] == list(map(str, files.values()))
    assert (found['split'], found['closed'], found['open']) == ('train', 10, 10)
    json.dumps(found)
    assert mixed.index_ranges == {'home': range(12), 'new': range(12, 20)}
    assert str(mixed).startswith('home: train: 12 images (6 closed, 6 open)')


def test_transforms_of_one_source_leave_no_digests(files):
    resize = [{'type': 'mmcv.Resize', 'scale': SIZE[::-1]}]
    [one, other] = files.items()
    sources = {
        one[0]: {'data': one[1]},
        other[0]: {'data': other[1], 'pipeline': resize},
    }
    mixed = MixedEyes(sources, 'train', image_size=SIZE)
    assert mixed.pixel_digests() is None
    assert mixed.pipeline is mixed.sources['new'].pipeline
    assert mixed.__getitems__([0, 15])['inputs'].shape == (2, 3, *SIZE)


def test_a_source_kept_in_memory_gives_the_same(files):
    indices = [15, 1, 3, 12]
    one, other = (
        mix(files, **kwargs).__getitems__(indices)
        for kwargs in ({}, {'resident': 'memory'})
    )
    assert torch.equal(one['inputs'], other['inputs'])


def test_a_source_may_have_another_split(files):
    sources = {
        'home': {'data': files['home']},
        'new': {'data': files['new'], 'split': 'val'},
    }
    mixed = MixedEyes(sources, 'train', image_size='16x32')
    assert len(mixed) == 12 + 4


def test_workers_and_a_config(files):
    mixed = DATASETS.build(
        {
            'type': 'MixedEyes',
            'split': 'train',
            'image_size': list(SIZE),
            'sources': {name: {'data': str(file)} for name, file in files.items()},
        }
    )
    here, there = (
        [
            batch['inputs']
            for batch in DataLoader(
                mixed, 7, num_workers=num_workers, collate_fn=batch_collate
            )
        ]
        for num_workers in (0, 1)
    )
    assert [len(batch) for batch in here] == [7, 7, 6]
    for one, other in zip(here, there, strict=True):
        assert torch.equal(one, other)


def test_hard_samples_of_both_sources_are_found(files, tmp_path):
    mixed = mix(files)
    path = tmp_path / 'hard.csv'
    path.write_text(f'sample_id,weight\n{mixed.rows[3]},5\n{mixed.rows[15]},7\n')
    sampler = WeightedSampler(
        mixed, class_balanced=False, hard_samples=str(path), seed=0
    )
    expected = np.ones(20)
    expected[[3, 15]] = 5, 7
    np.testing.assert_array_equal(sampler.weight_N, expected)


def test_wrong_sources(files):
    with pytest.raises(ValueError, match='must name at least one source, got none'):
        MixedEyes({}, 'train', image_size=SIZE)
    with pytest.raises(ValueError, match="the source 'a/b' must have a name without"):
        MixedEyes({'a/b': {}}, 'train', image_size=SIZE)
    home = EyeParquet(files['home'], 'train', image_size=(8, 8))
    with pytest.raises(
        ValueError,
        match=r'source home: its images are \(8, 8\), those of the mix \(16,',
    ):
        MixedEyes({'home': home}, 'train', image_size=SIZE)


def test_configs_of_sources():
    plain = {'type': 'EyeParquet', 'data': 'x'}
    assert source_configs(plain) == {'': plain}
    mixed = {
        'type': 'ocec.MixedEyes',
        'split': 'val',
        'sources': {'a': {'data': 'x'}, 'b': {'data': 'y', 'split': 'test'}},
    }
    assert (is_mix(plain), is_mix(mixed)) == (False, True)
    assert source_configs(mixed) == {
        'a': {'split': 'val', 'data': 'x'},
        'b': {'split': 'test', 'data': 'y'},
    }
