import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from torch.utils.data import DataLoader

from ocec.datasets import EyeParquet, EyeParquetStream, ShardBatchSampler, ShardSampler
from ocec.datasets.collate import batch_collate

SIZE = {'image_size': (8, 12)}


@pytest.fixture
def folder(tmp_path, make_eye_parquet):
    """Three files of 24, 36 and 24 rows in row groups of 10, half of them train."""
    for number, num_rows in enumerate((24, 36, 24)):
        path = make_eye_parquet(num_rows=num_rows, seed=number)
        table = pq.read_table(path)
        (tmp_path / 'shards').mkdir(exist_ok=True)
        shard = tmp_path / 'shards' / f'{number}.parquet'
        pq.write_table(table, shard, row_group_size=10)
    return tmp_path / 'shards'


def stream_of(folder, split='train', **settings):
    return EyeParquetStream(
        folder, split, **{**SIZE, 'buffer_rows': 8, 'lanes': 2, **settings}
    )


def loader_of(dataset, *, num_workers=0, batch_size=4, epoch=0, shuffle=True):
    sampler = ShardSampler(dataset, seed=3, shuffle=shuffle)
    sampler.set_epoch(epoch)
    return DataLoader(
        dataset,
        batch_sampler=ShardBatchSampler(sampler, batch_size),
        num_workers=num_workers,
        collate_fn=batch_collate,
    )


def ids_of(loader):
    return [batch['data_samples'].sample_id_B.tolist() for batch in loader]


def damage_pictures(file, row_group):
    """Overwrite the column of pictures of a row group."""
    column = next(
        column
        for number in range(pq.ParquetFile(file).metadata.num_columns)
        if (column := pq.ParquetFile(file).metadata.row_group(row_group).column(number))
        and column.path_in_schema == 'image_bytes'
    )
    begin = column.dictionary_page_offset or column.data_page_offset
    content = bytearray(file.read_bytes())
    content[begin : begin + 16] = b'\xff' * 16
    file.write_bytes(content)


def test_rows_and_pixels_are_those_of_the_cached_reader(folder):
    plain, stream = EyeParquet(folder, 'train', **SIZE), stream_of(folder)
    assert len(stream) == len(plain) == 12 + 20 + 12
    assert stream.class_counts == plain.class_counts
    assert stream.fingerprint() == plain.fingerprint()
    order = np.random.default_rng(0).permutation(len(plain))
    expected, got = plain.__getitems__(order), stream.__getitems__(order)
    assert torch.equal(got['inputs'], expected['inputs'])
    assert got['inputs'].is_contiguous(memory_format=torch.channels_last)
    for name in ('label_B', 'sample_id_B', 'group_id_B'):
        a, b = (getattr(batch['data_samples'], name) for batch in (got, expected))
        assert torch.equal(a, b), name
    assert stream.pixel_digests() is None
    assert torch.equal(stream[-1]['inputs'], plain[len(plain) - 1]['inputs'])


@pytest.mark.parametrize('split', ['train', 'val'])
def test_an_epoch_has_the_samples_of_the_cached_reader(folder, split):
    plain, stream = EyeParquet(folder, split, **SIZE), stream_of(folder, split)
    for epoch in range(2):
        ids = sum(ids_of(loader_of(stream, epoch=epoch)), [])
        assert sorted(ids) == plain.rows.tolist()
        assert ids != sorted(ids)


def test_workers_do_not_change_the_batches(folder):
    stream = stream_of(folder)
    expected = list(loader_of(stream))
    for num_workers in (1, 2):
        batches = list(loader_of(stream, num_workers=num_workers))
        assert len(batches) == len(expected)
        for got, wanted in zip(batches, expected, strict=True):
            assert torch.equal(got['inputs'], wanted['inputs'])


def test_every_chunk_is_read_once_an_epoch(folder):
    stream = stream_of(folder, lanes=1)
    assert len(ids_of(loader_of(stream))) == 11
    # 3 + 4 + 3 row groups; of those of file 0 the last has no row of train
    with_train = np.diff(stream.first_index_C) > 0
    assert stream._reader.num_reads == with_train.sum()


def test_without_shuffling_the_order_is_that_of_the_files(folder):
    stream = stream_of(folder, 'val', lanes=1)
    assert sum(ids_of(loader_of(stream, shuffle=False)), []) == stream.rows.tolist()


def test_it_says_how_it_reads(folder, log_records):
    stream_of(folder)
    assert log_records[-1].getMessage() == (
        'train: streamed from 3 files with 10 row groups, 8 pictures shuffled in '
        '2 lanes'
    )


def test_a_picture_that_cannot_be_decoded_stops(folder):
    table = pq.read_table(folder / '1.parquet')
    pictures = table['image_bytes'].to_pylist()
    pictures[3] = b'no picture'
    place = table.schema.get_field_index('image_bytes')
    table = table.set_column(place, 'image_bytes', pa.array(pictures))
    pq.write_table(table, folder / '1.parquet', row_group_size=10)
    loader = loader_of(stream_of(folder))
    with pytest.raises(
        ValueError,
        match=re.escape(f'{folder}/1.parquet, row 3: the picture cannot be decoded')
        + ".*bad_rows='skip'",
    ):
        list(loader)


def test_a_bad_picture_is_replaced_by_one_of_its_batch(folder, log_records):
    damage_pictures(folder / '1.parquet', 0)
    stream = stream_of(folder, bad_rows='skip')
    good, bad = [0, 1, 2], 12  # row 24, the first of file 1
    batch = stream.__getitems__([*good, bad])
    assert batch['data_samples'].sample_id_B.tolist() == [0, 1, 2, 0]
    assert torch.equal(batch['inputs'][3], batch['inputs'][0])
    assert 'another picture takes its place' in log_records[-1].getMessage()
    assert f'{folder}/1.parquet, row 0: row group 0 is damaged' in (
        log_records[-1].getMessage()
    )


def test_a_damaged_row_group_costs_its_own_samples_only(folder):
    whole = stream_of(folder)
    damage_pictures(folder / '1.parquet', 0)
    stream = stream_of(folder, bad_rows='skip')
    batches = ids_of(loader_of(stream))
    assert [len(batch) for batch in batches] == [4] * 11  # ranks stay in step
    lost = set(range(24, 34))
    assert set(sum(batches, [])) == set(whole.rows.tolist()) - lost
    assert batches == ids_of(loader_of(stream_of(folder, bad_rows='skip')))


def test_of_many_bad_pictures_the_first_are_told(folder, log_records):
    damage_pictures(folder / '1.parquet', 0)
    stream = stream_of(folder, bad_rows='skip')
    del log_records[:]
    list(loader_of(stream))
    told = [record.getMessage() for record in log_records]
    assert len(told) == 6
    assert told[-1] == 'further pictures are replaced without a word'


def test_a_file_that_is_no_parquet_stops_or_is_left_out(folder, log_records):
    (folder / '1.parquet').write_bytes(b'PAR1 cut off')
    with pytest.raises(ValueError, match='1.parquet: not a readable parquet file'):
        stream_of(folder)
    stream = stream_of(folder, bad_rows='skip')
    assert len(stream) == 24
    assert 'left out: ' in ''.join(record.getMessage() for record in log_records)
    assert len(sum(ids_of(loader_of(stream)), [])) == 24


def test_if_all_files_are_bad_it_says_so(tmp_path):
    for number in range(2):
        (tmp_path / f'{number}.parquet').write_bytes(b'nothing')
    with pytest.raises(
        ValueError, match='none of the 2 files can be read: .*0.parquet: not a readable'
    ):
        stream_of(tmp_path, bad_rows='skip')


def test_if_all_pictures_are_bad_it_says_so(make_eye_parquet):
    file = make_eye_parquet(num_rows=8, image_bytes=[b'bad'] * 8)
    stream = stream_of(file, bad_rows='skip')
    with pytest.raises(
        ValueError, match='row 0: no picture can be used here, nor in 8 other places'
    ):
        stream[0]


def test_a_folder_without_shards_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path))):
        stream_of(tmp_path)


def test_a_class_that_is_missing_counts_nothing(make_eye_parquet):
    file = make_eye_parquet(num_rows=8, label=['open'] * 8, class_id=None)
    assert stream_of(file).class_counts == (0, 4)


def test_a_split_that_is_missing_is_told(make_eye_parquet):
    file = make_eye_parquet(num_rows=8, split=['train'] * 8)
    with pytest.raises(ValueError, match='no usable row in split "val" of .*parquet'):
        stream_of(file, 'val')


def test_fewer_row_groups_than_lanes_are_shared(make_eye_parquet):
    file = make_eye_parquet(num_rows=16, split=['train'] * 16)
    stream = stream_of(file, lanes=4)
    batches = ids_of(loader_of(stream, num_workers=2, batch_size=2))
    assert sorted(sum(batches, [])) == list(range(16))


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'lanes': 0}, 'lanes must be >= 1, got 0'),
        ({'buffer_rows': 0}, 'buffer_rows must be >= 1, got 0'),
        ({'buffer_rows': 2, 'lanes': 4}, 'buffer_rows=2 is divided over lanes=4'),
        ({'interpolation': 'cubic'}, "interpolation must be one of .*, got 'cubic'"),
        ({'bad_rows': 'ignore'}, "bad_rows must be one of .*, got 'ignore'"),
    ],
)
def test_arguments_are_checked(folder, settings, message):
    with pytest.raises(ValueError, match=message):
        stream_of(folder, **settings)
