"""Expected pictures: cv2.imdecode and cv2.resize, one row at a time."""

import csv
import hashlib
import os
from collections import Counter

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from torch.utils.data import DataLoader

from ocec.datasets import EyeParquet, batch_collate, image_file
from ocec.datasets.eye_parquet import parse_image_size
from ocec.registry import DATASETS

SIZE = (16, 32)
RATIOS = {'train': 0.6, 'val': 0.2, 'test': 0.2}
RESIZE = {'type': 'mmcv.Resize', 'scale': SIZE[::-1]}


def plain(*rgb):
    return cv2.imencode('.png', np.full((12, 20, 3), rgb[::-1], np.uint8))[1].tobytes()


def whole(dataset):
    """The dataset as one batch."""
    return dataset.__getitems__(range(len(dataset)))


def ids_of(dataset):
    return whole(dataset)['data_samples'].sample_id_B.tolist()


def messages(log_records, level=None):
    return [
        record.getMessage()
        for record in log_records
        if level is None or record.levelname == level
    ]


# the batch


def tensors_of(targets):
    """Return what a dataset fills in; soft labels come with mixing only."""
    assert targets.soft_label_B is None
    return {name: x for name, x in vars(targets).items() if x is not None}


def test_a_batch_is_finished_and_in_the_order_asked_for(make_eye_parquet):
    file = make_eye_parquet(num_rows=64)  # rows 0-31 train, 32-47 val, 48-63 test
    dataset = EyeParquet(file, 'val', image_size=SIZE)
    assert len(dataset) == 16
    batch = dataset.__getitems__([3, 0, 15, 3])
    rows = [35, 32, 47, 35]
    encoded = pq.read_table(file)['image_bytes'].take(rows).to_pylist()
    expected = [
        cv2.resize(cv2.imdecode(np.frombuffer(e, np.uint8), 1), SIZE[::-1])[..., ::-1]
        for e in encoded
    ]
    inputs, targets = batch['inputs'], batch['data_samples']
    assert inputs.shape == (4, 3, *SIZE)
    assert inputs.dtype == torch.uint8
    assert inputs.is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_array_equal(inputs.permute(0, 2, 3, 1), np.stack(expected))
    assert targets.sample_id_B.tolist() == rows
    assert targets.label_B.tolist() == [row % 2 for row in rows]
    assert targets.group_id_B.tolist() == [row // 4 for row in rows]
    assert {x.dtype for x in tensors_of(targets).values()} == {torch.int64}


def test_a_cache_too_large_to_be_mapped_gives_the_same(make_eye_parquet, monkeypatch):
    file = make_eye_parquet()
    mapped = EyeParquet(file, 'val', image_size=SIZE)
    monkeypatch.setattr(image_file, 'MAX_MAPPED_BYTES', 0)
    read = EyeParquet(file, 'val', image_size=SIZE)
    one, other = (dataset.__getitems__([5, 0, 11]) for dataset in (mapped, read))
    assert torch.equal(one['inputs'], other['inputs'])
    assert one['inputs'].stride() == other['inputs'].stride()
    np.testing.assert_array_equal(mapped.pixel_digests(), read.pixel_digests())


def test_channels_are_red_green_blue_on_both_paths(make_eye_parquet):
    file = make_eye_parquet(
        num_rows=4, split=['train'] * 4, image_bytes=[plain(250, 100, 10)] * 4
    )
    for pipeline in (None, [RESIZE]):
        dataset = EyeParquet(file, 'train', image_size=SIZE, pipeline=pipeline)
        assert dataset[0]['inputs'][0, :, 5, 5].tolist() == [250, 100, 10]


def test_a_batch_may_be_changed_in_place(make_eye_parquet):
    # an augmentation on the CPU must not write to the cache of everyone
    dataset = EyeParquet(make_eye_parquet(), 'train', image_size=SIZE)
    batch = dataset[0]['inputs']
    before = batch.clone()
    batch.zero_()
    assert torch.equal(dataset[0]['inputs'], before)


def test_a_single_item_is_a_batch_of_one(make_eye_parquet):
    dataset = EyeParquet(make_eye_parquet(), 'train', image_size=SIZE)
    assert dataset[2]['inputs'].shape == (1, 3, *SIZE)
    assert dataset[2]['data_samples'].sample_id_B.tolist() == [2]
    with pytest.raises(IndexError):
        dataset[32]


@pytest.mark.parametrize('pipeline', [None, [RESIZE]])
def test_workers_deliver_what_the_main_process_does(make_eye_parquet, pipeline):
    dataset = EyeParquet(
        make_eye_parquet(), 'train', image_size=SIZE, pipeline=pipeline
    )
    here, there = (
        list(
            DataLoader(
                dataset,
                batch_size=5,
                shuffle=True,
                num_workers=num_workers,
                collate_fn=batch_collate,
                generator=torch.Generator().manual_seed(0),
            )
        )
        for num_workers in (0, 2)
    )
    assert [len(batch['data_samples']) for batch in here] == [5] * 6 + [2]
    for one, other in zip(here, there, strict=True):
        assert torch.equal(one['inputs'], other['inputs'])
        assert one['inputs'].stride() == other['inputs'].stride()
        for name, value in tensors_of(one['data_samples']).items():
            assert torch.equal(vars(other['data_samples'])[name], value)
    ids = torch.cat([batch['data_samples'].sample_id_B for batch in here])
    assert sorted(ids.tolist()) == list(range(32))


def test_several_files_are_numbered_through(make_eye_parquet):
    files = [make_eye_parquet(num_rows=16, seed=seed) for seed in (0, 1)]
    dataset = EyeParquet(files, 'test', image_size=SIZE)
    assert ids_of(dataset) == [*range(12, 16), *range(28, 32)]
    alone = EyeParquet(files[1], 'test', image_size=SIZE)
    assert torch.equal(whole(dataset)['inputs'][4:], whole(alone)['inputs'])


def test_a_config_builds_it(make_eye_parquet, tmp_path):
    config = {
        'type': 'EyeParquet',
        'data': str(make_eye_parquet()),
        'split': 'train',
        'image_size': '16x32',
        'cache_dir': str(tmp_path / 'own'),
    }
    dataset = DATASETS.build(config)
    assert isinstance(dataset, EyeParquet)
    assert dataset.metainfo == {'classes': ('closed', 'open')}
    assert len(list((tmp_path / 'own').glob('*/images.npy'))) == 1


# per-image pipeline


def test_the_pipeline_path_equals_the_cached_path(make_eye_parquet):
    file = make_eye_parquet()
    cached = EyeParquet(file, 'train', image_size=SIZE)
    by_image = EyeParquet(file, 'train', image_size=SIZE, pipeline=[RESIZE])
    one, other = whole(cached), whole(by_image)
    assert torch.equal(one['inputs'], other['inputs'])
    assert one['inputs'].stride() == other['inputs'].stride()
    assert one['inputs'].dtype == other['inputs'].dtype
    for name, value in tensors_of(one['data_samples']).items():
        assert torch.equal(vars(other['data_samples'])[name], value)


def test_a_pipeline_builds_no_cache(make_eye_parquet, tmp_path):
    EyeParquet(
        make_eye_parquet(),
        'train',
        image_size=SIZE,
        pipeline=[RESIZE],
        cache_dir=tmp_path / 'unused',
    )
    assert not (tmp_path / 'unused').exists()


def test_a_pipeline_sees_what_transforms_expect(make_eye_parquet):
    seen = []

    def look(results):
        seen.append({key: results[key] for key in results if key != 'img'})
        return results

    file = make_eye_parquet(num_rows=8, image_bytes=[plain(1, 2, 3)] * 8)
    dataset = EyeParquet(file, 'train', image_size=SIZE, pipeline=[look, RESIZE])
    dataset.__getitems__([3])
    assert seen == [
        {
            'img_shape': (12, 20),
            'ori_shape': (12, 20),
            'gt_label': 1,
            'sample_idx': 3,
        }
    ]


def test_a_pipeline_may_end_with_a_packed_tensor(make_eye_parquet):
    def pack(results):  # as mmpretrain.PackInputs: (C, H, W), still BGR
        return {'inputs': torch.from_numpy(results['img']).permute(2, 0, 1)}

    file = make_eye_parquet()
    packed = EyeParquet(file, 'val', image_size=SIZE, pipeline=[RESIZE, pack])
    cached = EyeParquet(file, 'val', image_size=SIZE)
    assert torch.equal(whole(packed)['inputs'], whole(cached)['inputs'])


@pytest.mark.parametrize(
    ('pipeline', 'got'),
    [
        ([], r'uint8 \(12, 20, 3\)'),
        ([{'type': 'mmcv.Resize', 'scale': SIZE}], r'uint8 \(32, 16, 3\)'),
        (
            [RESIZE, lambda r: {'img': r['img'].astype(np.float32)}],
            r'float32 \(16, 32, 3\)',
        ),
        ([RESIZE, lambda r: {'img': r['img'][..., 0]}], r'uint8 \(16, 32\)'),
    ],
)
def test_a_pipeline_that_ends_wrong_is_told_how_to_end(make_eye_parquet, pipeline, got):
    file = make_eye_parquet(num_rows=8, image_bytes=[plain(1, 2, 3)] * 8)
    dataset = EyeParquet(file, 'train', image_size=SIZE, pipeline=pipeline)
    message = (
        r'the pipeline must end with uint8 images of shape \(16, 32, 3\), got '
        rf"{got}; add dict\(type='mmcv.Resize', scale=\(W, H\)\) to it"
    )
    with pytest.raises(ValueError, match=message):
        dataset[0]


def test_a_bad_picture_on_the_pipeline_path_names_its_row(make_eye_parquet):
    file = make_eye_parquet(num_rows=4, image_bytes=[plain(1, 2, 3)] * 3 + [b'text'])
    dataset = EyeParquet(
        file,
        'train',
        image_size=SIZE,
        pipeline=[RESIZE],
        split_ratios={'train': 1.0},
    )
    with pytest.raises(ValueError, match=f'{file}, row 3: the picture cannot be deco'):
        dataset[3]


@pytest.mark.parametrize('pipeline', [None, [RESIZE]])
def test_pictures_outside_the_folder_of_the_file_must_be_allowed(
    make_eye_parquet, tmp_path, pipeline
):
    (tmp_path / 'secret.png').write_bytes(plain(1, 2, 3))
    file = make_eye_parquet(
        tmp_path / 'set' / 'eyes.parquet',
        num_rows=2,
        image_bytes=None,
        image_path=['../secret.png'] * 2,
        split=['train'] * 2,
    )
    arguments = {'image_size': SIZE, 'pipeline': pipeline}
    message = '(?s)secret.png: lies outside the folder.*allow_outside=True'
    with pytest.raises(ValueError, match=message):
        EyeParquet(file, 'train', **arguments)[0]
    # a cache without the pictures is there by now, and must not be taken
    dataset = EyeParquet(file, 'train', allow_outside=True, **arguments)
    assert dataset[0]['inputs'][0, :, 5, 5].tolist() == [1, 2, 3]
    with pytest.raises(ValueError, match=message):
        EyeParquet(file, 'train', **arguments)[0]


# bad rows


def bad_labels(make_eye_parquet):
    """8 rows; rows 1 and 6 have labels that nobody can use."""
    return make_eye_parquet(
        num_rows=8,
        splits={'train': 1.0},
        class_id=[0, 9, 0, 1, 0, 1, None, 1],
        label=None,
    )


def test_a_bad_label_stops_before_anything_is_decoded(make_eye_parquet, tmp_path):
    file = bad_labels(make_eye_parquet)
    with pytest.raises(ValueError, match='rows cannot be used') as caught:
        EyeParquet(file, 'train', image_size=SIZE, cache_dir=tmp_path / 'none')
    assert str(caught.value) == (
        '2 of 8 rows cannot be used:\n'
        f'  {file}, row 1: class_id must be 0 (closed) or 1 (open), got 9\n'
        f'  {file}, row 6: neither a class_id nor a label\n'
        "Mend them, or leave them out with bad_rows='skip'"
    )
    assert not (tmp_path / 'none').exists()


@pytest.mark.parametrize('pipeline', [None, [RESIZE]])
def test_skipped_rows_are_counted_and_left_out(make_eye_parquet, log_records, pipeline):
    file = bad_labels(make_eye_parquet)
    dataset = EyeParquet(
        file, 'train', image_size=SIZE, bad_rows='skip', pipeline=pipeline
    )
    assert ids_of(dataset) == [0, 2, 3, 4, 5, 7]
    assert dataset.class_counts == (3, 3)
    (warning,) = messages(log_records, 'WARNING')
    assert warning.startswith(f'2 rows left out:\n  {file}, row 1: class_id must be')
    assert ('All are listed in' in warning) == (pipeline is None)


def bad_pictures(make_eye_parquet):
    """16 rows; rows 0-6 have bytes that are no picture, row 0 no label either."""
    good = make_eye_parquet(num_rows=16)
    encoded = pq.read_table(good)['image_bytes'].to_pylist()
    encoded[:7] = [b'text'] * 7
    labels = [None] + ['closed', 'open'] * 7 + ['closed']
    return make_eye_parquet(
        num_rows=16,
        splits={'train': 1.0},
        image_bytes=encoded,
        label=labels,
        class_id=None,
    )


def test_unreadable_pictures_stop_and_are_all_in_a_file(make_eye_parquet):
    good = make_eye_parquet(num_rows=16)
    encoded = pq.read_table(good)['image_bytes'].to_pylist()
    file = make_eye_parquet(num_rows=16, image_bytes=[b'text'] * 7 + encoded[7:])
    # rows 0-6 are train, but a bad row stops every split of the file
    with pytest.raises(ValueError, match='rows cannot be used') as caught:
        EyeParquet(file, 'test', image_size=SIZE)
    lines = str(caught.value).splitlines()
    assert lines[0] == '7 of 16 rows cannot be used:'
    problem = 'the picture cannot be decoded: no PNG, JPEG, '
    assert lines[1].startswith(f'  {file}, row 0: {problem}')
    assert lines[5].startswith(f'  {file}, row 4: {problem}')
    assert lines[6] == '  and 2 more'
    assert lines[7].startswith('All are listed in ')
    assert lines[8:] == ["Mend them, or leave them out with bad_rows='skip'"]
    with open(lines[7].removeprefix('All are listed in '), newline='') as stream:
        assert len(list(csv.reader(stream))) == 1 + 7


def test_a_row_that_is_bad_twice_counts_once(make_eye_parquet, log_records):
    file = bad_pictures(make_eye_parquet)
    dataset = EyeParquet(file, 'train', image_size=SIZE, bad_rows='skip')
    assert ids_of(dataset) == list(range(7, 16))
    (warning,) = messages(log_records, 'WARNING')
    assert warning.startswith('7 rows left out:\n')
    assert '  and 2 more\n' in warning


def test_an_unknown_split_matters_only_where_the_column_is_used(make_eye_parquet):
    file = make_eye_parquet(num_rows=16, split=['train'] * 15 + ['fold7'])
    message = f"1 of 16 rows cannot be used:\n  {file}, row 15: unknown split 'fold7'"
    with pytest.raises(ValueError, match=message):
        EyeParquet(file, 'train', image_size=SIZE)
    skipped = EyeParquet(file, 'train', image_size=SIZE, bad_rows='skip')
    assert len(skipped) == 15
    anew = [
        EyeParquet(file, split, image_size=SIZE, split_ratios=RATIOS)
        for split in RATIOS
    ]
    assert sum(map(len, anew)) == 16


@pytest.mark.parametrize(
    ('split', 'found'),
    [('test', r"\{'train': 2, 'val': 1\}"), ('val', r"\{'train': 2\}")],
)
def test_an_empty_split_is_told_what_there_is(make_eye_parquet, split, found):
    labels = ['open', 'closed', 'open' if split == 'test' else None]
    file = make_eye_parquet(
        num_rows=3, split=['train', 'train', 'val'], class_id=None, label=labels
    )
    message = rf'no usable row in split "{split}" of {file}; rows by split: {found}'
    with pytest.raises(ValueError, match=message):
        EyeParquet(file, split, image_size=SIZE, bad_rows='skip')


def test_a_file_without_rows_is_told_so(make_eye_parquet):
    file = make_eye_parquet(num_rows=0)
    message = f'no usable row in split "train" of {file}; rows by split: none at all'
    with pytest.raises(ValueError, match=message):
        EyeParquet(file, 'train', image_size=SIZE)


# splits


def split_by_ratio(file, **kwargs):
    return {
        split: EyeParquet(file, split, image_size=SIZE, split_ratios=RATIOS, **kwargs)
        for split in RATIOS
    }


def test_splits_by_ratio_are_whole_groups_and_all_rows(make_eye_parquet):
    file = make_eye_parquet(num_rows=80)  # 20 subjects of 4 rows
    datasets = split_by_ratio(file)
    ids = {split: ids_of(dataset) for split, dataset in datasets.items()}
    assert sorted(sum(ids.values(), [])) == list(range(80))
    subjects = {split: {row // 4 for row in rows} for split, rows in ids.items()}
    assert sum(len(s) for s in subjects.values()) == 20
    assert {split: len(rows) for split, rows in ids.items()} == {
        'train': 48,
        'val': 16,
        'test': 16,
    }
    # not the column split, which has rows 0-39 in train
    assert ids['train'] != list(range(48))
    assert all(d.class_counts[0] == d.class_counts[1] for d in datasets.values())


def test_the_seed_of_the_split_counts(make_eye_parquet):
    file = make_eye_parquet(num_rows=80)
    ids = [
        ids_of(
            EyeParquet(
                file, 'val', image_size=SIZE, split_ratios=RATIOS, split_seed=seed
            )
        )
        for seed in (1, 1, 2)
    ]
    assert ids[0] == ids[1]
    assert ids[0] != ids[2]


def test_rows_of_unknown_groups_stand_alone_and_are_told(make_eye_parquet, log_records):
    group = ['s0'] * 20 + ['unknown'] * 30 + [None] * 10 + ['s1'] * 20
    file = make_eye_parquet(num_rows=80, group=group)
    ids = {split: ids_of(d) for split, d in split_by_ratio(file).items()}
    assert sorted(sum(ids.values(), [])) == list(range(80))
    for known in (set(range(20)), set(range(60, 80))):
        assert sum(bool(known & set(rows)) for rows in ids.values()) == 1
    assert sum(bool(set(range(20, 60)) & set(rows)) for rows in ids.values()) > 1
    assert Counter(messages(log_records, 'WARNING')) == {
        '40 rows have no known group and are split one by one: faces may lie on both '
        'sides': 3
    }


def test_rows_may_be_split_one_by_one_if_that_is_said(make_eye_parquet, log_records):
    file = make_eye_parquet(num_rows=40)
    ids = {s: ids_of(d) for s, d in split_by_ratio(file, group_by=None).items()}
    assert sorted(sum(ids.values(), [])) == list(range(40))
    warnings = messages(log_records, 'WARNING')
    assert len(warnings) == 3
    assert all('its metrics will be too good' in warning for warning in warnings)


def test_a_ratio_split_without_groups_names_the_file_that_lacks_them(make_eye_parquet):
    good, bare = make_eye_parquet(), make_eye_parquet(group=None)
    message = (
        f'{bare}: column "group" is missing, so a split by ratio could put one face '
        'on both sides. Add it, or accept that with group_by=None'
    )
    with pytest.raises(ValueError, match=message):
        EyeParquet([good, bare], 'train', image_size=SIZE, split_ratios=RATIOS)
    lone = EyeParquet(
        [good, bare], 'train', image_size=SIZE, split_ratios=RATIOS, group_by=None
    )
    assert len(lone) == pytest.approx(0.6 * 128, abs=1)


def test_a_missing_split_column_names_the_file_that_lacks_it(make_eye_parquet):
    good, bare = make_eye_parquet(), make_eye_parquet(split=None)
    message = (
        f'{bare}: column "split" is missing; add it, or let the dataset split with '
        r'split_ratios=dict\(train=0.8, val=0.2\)'
    )
    with pytest.raises(ValueError, match=message):
        EyeParquet([good, bare], 'train', image_size=SIZE)
    anew = EyeParquet([good, bare], 'train', image_size=SIZE, split_ratios=RATIOS)
    assert 0 < len(anew) < 128


def test_a_split_that_no_ratio_names_is_empty(make_eye_parquet):
    ratios = {'train': 0.5, 'val': 0.5}
    with pytest.raises(ValueError, match='no usable row in split "test"'):
        EyeParquet(make_eye_parquet(), 'test', image_size=SIZE, split_ratios=ratios)


def test_a_face_on_both_sides_is_told(make_eye_parquet, log_records):
    split = ['train', 'val'] * 8
    file = make_eye_parquet(num_rows=16, groups=4, split=split)
    EyeParquet(file, 'train', image_size=SIZE)
    assert messages(log_records, 'WARNING') == [
        '4 groups of split "train" are in another split too (s000, s001, s002, ...): '
        'its metrics will be too good'
    ]


def test_a_clean_split_warns_of_nothing(make_eye_parquet, log_records):
    # rows without a group are in both splits; nobody knows whose they are
    group = ['a', 'a', 'unknown', 'unknown', 'b', 'b']
    file = make_eye_parquet(num_rows=6, group=group, split=['train'] * 3 + ['val'] * 3)
    dataset = EyeParquet(file, 'train', image_size=SIZE)
    assert messages(log_records, 'WARNING') == []
    assert messages(log_records)[-1] == str(dataset)


# what it says of itself


def test_it_describes_itself_in_one_line(make_eye_parquet):
    files = [make_eye_parquet(num_rows=16) for _ in range(5)]
    source = ', '.join(map(str, files[:3]))
    kwargs = {'image_size': SIZE, 'pipeline': [RESIZE]}
    text = 'train: 24 images (12 closed, 12 open), 2 groups, from '
    assert str(EyeParquet(files[:3], 'train', **kwargs)) == text + source
    assert str(EyeParquet(files, 'train', **kwargs)) == (
        'train: 40 images (20 closed, 20 open), 2 groups, from '
        + source
        + ' and 2 more'
    )
    bare = EyeParquet(make_eye_parquet(group=None), 'train', **kwargs)
    assert '(16 closed, 16 open), no groups known, from' in str(bare)


def test_class_counts_are_those_of_the_split(make_eye_parquet):
    labels = ['open'] * 3 + ['closed'] + ['closed'] * 4
    split = ['train'] * 4 + ['val'] * 4
    file = make_eye_parquet(num_rows=8, label=labels, class_id=None, split=split)
    counts = [
        EyeParquet(file, split, image_size=SIZE).class_counts
        for split in ('train', 'val')
    ]
    assert counts == [(1, 3), (4, 0)]


def test_labels_are_in_the_order_of_the_indices(make_eye_parquet):
    file = make_eye_parquet(
        num_rows=6, class_id=[0, 1, 1, 0, 1, 1], label=None, split=['val', 'train'] * 3
    )
    dataset = EyeParquet(file, 'train', image_size=SIZE)
    assert dataset.labels.tolist() == [1, 0, 1]
    assert dataset.labels.tolist() == whole(dataset)['data_samples'].label_B.tolist()


def test_samples_are_found_by_their_row(make_eye_parquet):
    file = make_eye_parquet(num_rows=64)  # rows 32-47 are val
    dataset = EyeParquet(file, 'val', image_size=SIZE)
    assert dataset.indices_of([47, 32, 40]).tolist() == [15, 0, 8]
    assert dataset.indices_of(ids_of(dataset)).tolist() == list(range(16))
    assert dataset.indices_of([]).tolist() == []


def test_samples_of_other_splits_are_told_apart(make_eye_parquet):
    # row 1 is train, but has no label; rows 4-7 are val, rows 8-15 test
    label = ['open', None] + ['closed'] * 14
    split = ['train'] * 4 + ['val'] * 4 + ['test'] * 8
    file = make_eye_parquet(num_rows=16, label=label, class_id=None, split=split)
    dataset = EyeParquet(file, 'train', image_size=SIZE, bad_rows='skip')
    message = (
        '11 of 13 samples are not in split "train": 1 in "val" (5), 6 in "test" '
        '(15, 14, 13, 12, 11, ...), 4 no usable rows (1, 16, -1, 9999)'
    )
    ids = [0, 15, 14, 13, 12, 11, 10, 1, 5, 16, 3, -1, 9999]
    with pytest.raises(ValueError, match='are not in split') as caught:
        dataset.indices_of(ids)
    assert str(caught.value) == message


def test_a_sample_is_named_by_its_path_or_its_row(make_eye_parquet):
    named, nameless = (
        make_eye_parquet(num_rows=8),
        make_eye_parquet(num_rows=8, image_path=[None] * 7 + ['last.png']),
    )
    dataset = EyeParquet([named, nameless], 'train', image_size=SIZE)
    assert dataset.image_paths(torch.tensor([2, 8, 15])) == [
        'images/00002.png',
        f'{nameless}#0',
        'last.png',
    ]


def test_the_fingerprint_holds_what_a_reader_needs(make_eye_parquet):
    file = make_eye_parquet(num_rows=16)
    dataset = EyeParquet(file, 'train', image_size='16x32')
    content = file.read_bytes()
    assert dataset.fingerprint() == {
        'split': 'train',
        'closed': 4,
        'open': 4,
        'image_size': [16, 32],
        'files': [
            {
                'file': str(file),
                'bytes': len(content),
                'footer_sha256': hashlib.sha256(content[-65_536:]).hexdigest(),
            }
        ],
    }


# arguments


@pytest.mark.parametrize(
    ('image_size', 'expected'),
    [
        ('32x64', (32, 64)),
        ('32X64', (32, 64)),
        ('32×64', (32, 64)),
        ('24,40', (24, 40)),
        (' 24 x 40 ', (24, 40)),
        ('48', (48, 48)),
        (48, (48, 48)),
        ([24, 40], (24, 40)),
        (np.array([24, 40]), (24, 40)),
    ],
)
def test_sizes_that_are_understood(image_size, expected):
    assert parse_image_size(image_size) == expected


@pytest.mark.parametrize(
    'image_size',
    ['', 'x', '32x', '32x64x3', '0x64', '-3x5', 'big', (32,) * 3, (), (32.5, 64), None]
    + [(32, 0), 0, 2.5, ('a', 'b'), '3.5x4'],
)
def test_sizes_that_are_not(image_size):
    with pytest.raises(ValueError, match='must be .H, W. or a text such as') as caught:
        parse_image_size(image_size)
    assert str(caught.value).endswith(f'got {image_size!r}')


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (
            {'split': 'training'},
            r"split must be one of \('train', 'val', 'test'\), got 'training'",
        ),
        (
            {'bad_rows': 'ignore'},
            r"bad_rows must be one of \('error', 'skip'\), got 'ignore'",
        ),
        (
            {'group_by': 'source'},
            r"group_by must be one of \('group', None\), got 'source'",
        ),
        (
            {'split_ratios': {'train': 0.5, 'holdout': 0.5}},
            r"split_ratios key must be one of \('train', 'val', 'test'\), got 'holdout",
        ),
        ({'split_ratios': {'train': 0.5}}, 'split ratios must sum to 1, got 0.5'),
        ({'interpolation': 'cubic'}, "interpolation must be one of .*, got 'cubic'"),
        ({'image_size': '32by64'}, "image_size must be .*, got '32by64'"),
    ],
)
def test_bad_arguments_are_named(make_eye_parquet, kwargs, message):
    kwargs = {'split': 'train', 'image_size': SIZE, **kwargs}
    with pytest.raises(ValueError, match=message):
        EyeParquet(make_eye_parquet(num_rows=16), **kwargs)


def test_a_missing_file_is_named():
    with pytest.raises(FileNotFoundError, match='nowhere.parquet: no such parquet'):
        EyeParquet('nowhere.parquet', 'train', image_size=SIZE)


def test_real_batches(real_data, log_records):
    file = real_data / 'eyes' / 'mrl.parquet'
    train, val = (
        EyeParquet(file, split, image_size=(12, 24)) for split in ('train', 'val')
    )
    assert train.class_counts == (5_809, 6_450)
    assert val.class_counts == (1_236, 1_190)
    assert messages(log_records, 'WARNING') == []
    batch = whole(val)
    # infrared: three equal channels
    assert torch.equal(batch['inputs'][:, 0], batch['inputs'][:, 2])
    groups = [set(whole(d)['data_samples'].group_id_B.tolist()) for d in (train, val)]
    assert len(groups[0] | groups[1]) == 29
    assert not groups[0] & groups[1]
    ratios = {'train': 0.8, 'val': 0.2}
    anew = EyeParquet(file, 'val', image_size=(12, 24), split_ratios=ratios)
    assert len(anew) / 14_685 == pytest.approx(0.2, abs=0.03)
    open_share = anew.class_counts[1] / len(anew)
    assert open_share == pytest.approx((6_450 + 1_190) / 14_685, abs=0.02)


def test_the_cache_of_all_tests_is_not_the_users(make_eye_parquet, tmp_path_factory):
    # guards the fixture in conftest.py
    EyeParquet(make_eye_parquet(), 'train', image_size=SIZE)
    root = os.environ['OCEC_CACHE_DIR']
    assert root.startswith(str(tmp_path_factory.getbasetemp()))
    assert os.listdir(root)
