"""Expected batches: those of the same dataset, read from the cache file."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader
from torch.utils.data._utils.pin_memory import pin_memory

from ocec.datasets import EyeParquet, batch_collate
from ocec.datasets import resident_split as module
from ocec.datasets.resident_split import ResidentSplit, free_bytes
from ocec.models.data_preprocessors import ImagePreprocessor
from ocec.structures import BatchTargets

SIZE = (16, 32)
GIB = 1 << 30
ON_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')


@pytest.fixture
def on_meta(monkeypatch):
    """A device that is not the CPU and is always there; its tensors have no content."""
    monkeypatch.setattr(module, 'get_device', lambda: 'meta')


@pytest.fixture
def pictures(tmp_path):
    """Write an ``images.npy``; return its path and the pixels."""

    def write(num=10, height=4, width=6):
        pixels = np.random.default_rng(0).integers(0, 256, (num, height, width, 3))
        path = tmp_path / f'{height}x{width}.npy'
        np.save(path, pixels.astype(np.uint8))
        return path, pixels

    return write


def targets_of(rows):
    rows = torch.tensor(rows)
    return BatchTargets(label_B=rows % 2, sample_id_B=rows, group_id_B=rows // 4)


def assert_same(one, other):
    assert torch.equal(one['inputs'], other['inputs'])
    assert one['inputs'].stride() == other['inputs'].stride()
    assert one['inputs'].dtype == other['inputs'].dtype == torch.uint8
    for name, value in vars(other['data_samples']).items():
        found = vars(one['data_samples'])[name]
        assert value is found is None or torch.equal(found, value)


# bytes of a picture: 72, 36, 30 and 15, divisible by 8, 4, 2 and 1
@pytest.mark.parametrize(('height', 'width'), [(4, 6), (3, 4), (2, 5), (1, 5)])
def test_pictures_of_the_split_are_gathered(pictures, monkeypatch, height, width):
    monkeypatch.setattr(module, '_CHUNK', 2)
    path, pixels = pictures(height=height, width=width)
    rows = [1, 4, 5, 8, 9]
    split = ResidentSplit(path, targets_of(rows), 'memory')
    batch = split.batch(np.array([4, 0, 4]))
    np.testing.assert_array_equal(
        batch['inputs'].permute(0, 2, 3, 1), pixels[[9, 1, 9]]
    )
    assert batch['inputs'].is_contiguous(memory_format=torch.channels_last)
    assert batch['data_samples'].sample_id_B.tolist() == [9, 1, 9]
    assert batch['data_samples'].label_B.tolist() == [1, 1, 1]
    assert batch['data_samples'].group_id_B.tolist() == [2, 0, 2]


@pytest.mark.parametrize('resident', ['memory', 'device'])
@pytest.mark.parametrize('indices', [[3, 0, 15, 3], [7], [-1, -16], range(16)])
def test_a_batch_is_that_of_the_cache(make_eye_parquet, resident, indices, monkeypatch):
    monkeypatch.setattr(module, 'get_device', lambda: 'cpu')
    file = make_eye_parquet()  # 16 rows are val
    kept = EyeParquet(file, 'val', image_size=SIZE, resident=resident)
    read = EyeParquet(file, 'val', image_size=SIZE)
    assert_same(kept.__getitems__(indices), read.__getitems__(indices))
    np.testing.assert_array_equal(kept.pixel_digests(), read.pixel_digests())


def test_no_numbers_give_an_empty_batch(make_eye_parquet):
    dataset = EyeParquet(make_eye_parquet(), 'val', image_size=SIZE, resident='memory')
    batch = dataset.__getitems__([])
    assert batch['inputs'].shape == (0, 3, *SIZE)
    assert len(batch['data_samples']) == 0


def test_a_number_that_is_not_there_is_refused(make_eye_parquet):
    dataset = EyeParquet(make_eye_parquet(), 'val', image_size=SIZE, resident='memory')
    for index in (16, -17):
        with pytest.raises(IndexError):
            dataset[index]


def test_a_batch_may_be_changed_in_place(make_eye_parquet):
    dataset = EyeParquet(make_eye_parquet(), 'val', image_size=SIZE, resident='memory')
    batch = dataset[0]
    before = batch['inputs'].clone()
    batch['inputs'].zero_()
    batch['data_samples'].label_B.fill_(7)
    assert torch.equal(dataset[0]['inputs'], before)
    assert dataset[0]['data_samples'].label_B.tolist() == [0]


def test_the_file_is_not_read_any_more(pictures):
    path, pixels = pictures()
    split = ResidentSplit(path, targets_of(list(range(10))), 'memory')
    path.write_bytes(b'')
    np.testing.assert_array_equal(
        split.batch(np.array([3]))['inputs'][0].permute(1, 2, 0), pixels[3]
    )


@pytest.mark.parametrize('start_method', ['fork', 'spawn'])
def test_workers_may_read_what_lies_in_memory(make_eye_parquet, start_method):
    file = make_eye_parquet()
    kept = EyeParquet(file, 'val', image_size=SIZE, resident='memory')
    loader = DataLoader(
        kept,
        batch_size=8,
        num_workers=1,
        collate_fn=batch_collate,
        multiprocessing_context=start_method,
    )
    read = EyeParquet(file, 'val', image_size=SIZE)
    for number, batch in enumerate(loader):
        indices = range(8 * number, 8 * number + 8)
        assert_same(batch, read.__getitems__(indices))
    assert number == 1


def test_it_says_what_it_keeps(make_eye_parquet, log_records):
    EyeParquet(make_eye_parquet(), 'train', image_size=(100, 200), resident='memory')
    # 32 x 100 x 200 x 3 bytes
    assert log_records[-1].getMessage() == (
        "resident='memory': 32 pictures, 1.9 MB, kept on cpu"
    )


# the device


def test_a_batch_lies_on_the_device_whole(make_eye_parquet, on_meta):
    dataset = EyeParquet(make_eye_parquet(), 'val', image_size=SIZE, resident='device')
    batch = dataset.__getitems__([5, 2, 2])
    inputs, targets = batch['inputs'], batch['data_samples']
    assert (inputs.device.type, inputs.shape) == ('meta', (3, 3, *SIZE))
    assert inputs.is_contiguous(memory_format=torch.channels_last)
    tensors = [targets.label_B, targets.sample_id_B, targets.group_id_B]
    assert {(x.device.type, x.shape) for x in tensors} == {('meta', (3,))}
    assert batch_collate(batch) is batch
    # what DataLoader(pin_memory=True) calls: only tensors of the host can be pinned
    assert pin_memory(batch) is batch


def test_workers_cannot_hand_over_what_lies_on_the_device(make_eye_parquet, on_meta):
    dataset = EyeParquet(make_eye_parquet(), 'val', image_size=SIZE, resident='device')
    loader = DataLoader(dataset, batch_size=16, num_workers=1, collate_fn=batch_collate)
    message = (
        "(?s)resident='device': the pictures lie on meta and cannot be handed over by "
        'worker processes, of which there are 1; set train_dataloader.num_workers=0'
    )
    batches = iter(loader)
    with pytest.raises(ValueError, match=message):
        next(batches)
    with pytest.raises(StopIteration):  # the worker ends
        next(batches)
    here = DataLoader(dataset, batch_size=8, collate_fn=batch_collate)
    assert len(list(here)) == 2


@pytest.mark.gpu
@ON_GPU
@pytest.mark.parametrize('pinned', [False, True])
def test_batches_of_the_gpu_are_those_of_the_cache(make_eye_parquet, pinned):
    file = make_eye_parquet()
    kept, read = (
        DataLoader(
            EyeParquet(file, 'train', image_size=SIZE, resident=resident),
            batch_size=8,
            shuffle=True,
            collate_fn=batch_collate,
            pin_memory=pinned,
            generator=torch.Generator().manual_seed(0),
        )
        for resident in ('device', None)
    )
    for one, other in zip(kept, read, strict=True):
        assert one['inputs'].is_cuda
        assert one['data_samples'].label_B.is_cuda
        here = {name: value.to('cpu') for name, value in one.items()}
        assert_same(here, other)


@pytest.mark.gpu
@ON_GPU
def test_the_preprocessor_copies_nothing_from_the_host(make_eye_parquet):
    file = make_eye_parquet()
    dataset = EyeParquet(file, 'train', image_size=SIZE, resident='device')
    preprocessor = ImagePreprocessor(mean=[127.0] * 3, std=[50.0] * 3).cuda()
    batch = dataset.__getitems__([1, 2])
    done = preprocessor(batch)
    for name in ('label_B', 'sample_id_B', 'group_id_B'):
        moved = getattr(done['data_samples'], name)
        assert moved.data_ptr() == getattr(batch['data_samples'], name).data_ptr()
    read = EyeParquet(file, 'train', image_size=SIZE).__getitems__([1, 2])
    torch.testing.assert_close(done['inputs'], preprocessor(read)['inputs'])


# what fits


@pytest.mark.parametrize(
    ('place', 'free', 'message'),
    [
        # 16 x 16 x 32 x 3 = 24,576 bytes, half of 49,152
        ('memory', 49_151, "resident='memory': 16 pictures of 16x32 take 0.00 GB, mor"),
        ('device', 49_151, 'of the 0.00 GB that are free on meta; leave resident out'),
        ('memory', 0, 'more than 50% of the 0.00 GB that are free in memory; leave re'),
    ],
)
def test_what_does_not_fit_is_refused(
    make_eye_parquet, on_meta, monkeypatch, place, free, message
):
    monkeypatch.setattr(module, 'free_bytes', lambda _: free)
    file = make_eye_parquet()
    with pytest.raises(ValueError, match=message):
        EyeParquet(file, 'val', image_size=SIZE, resident=place)
    monkeypatch.setattr(module, 'free_bytes', lambda _: 49_152)
    assert len(EyeParquet(file, 'val', image_size=SIZE, resident=place)) == 16


@pytest.mark.parametrize(
    ('limits', 'expected'),
    [
        ((), 20 * GIB),
        (('max', None), 20 * GIB),
        ((str(4 * GIB), None), 4 * GIB),
        ((None, str(3 * GIB)), 3 * GIB),
        (('max\n', str(1 << 62)), 20 * GIB),
    ],
)
def test_free_memory_is_what_is_available_or_the_limit_of_the_container(
    tmp_path, monkeypatch, limits, expected
):
    meminfo = tmp_path / 'meminfo'
    kib = 20 * GIB // 1024
    meminfo.write_text(f'MemTotal: 99 kB\nMemFree: 98 kB\nMemAvailable:  {kib} kB\n')
    paths = [tmp_path / f'limit{number}' for number in range(2)]
    for path, text in zip(paths, limits or (None, None), strict=True):
        if text is not None:
            path.write_text(text)
    monkeypatch.setattr(module, '_MEMINFO', meminfo)
    monkeypatch.setattr(module, '_LIMIT_FILES', paths)
    assert free_bytes(torch.device('cpu')) == expected


def test_without_meminfo_it_is_all_memory_there_is(tmp_path, monkeypatch):
    monkeypatch.setattr(module, '_MEMINFO', tmp_path / 'none')
    monkeypatch.setattr(module, '_LIMIT_FILES', ())
    sizes = {'SC_PHYS_PAGES': 1000, 'SC_PAGE_SIZE': 4096}
    monkeypatch.setattr(module.os, 'sysconf', sizes.__getitem__)
    assert free_bytes(torch.device('cpu')) == 4_096_000


@pytest.mark.gpu
@ON_GPU
def test_free_memory_of_the_gpu():
    before = free_bytes(torch.device('cuda'))
    kept = torch.zeros(1 << 28, dtype=torch.uint8, device='cuda')
    assert before - free_bytes(torch.device('cuda')) >= kept.nbytes
    assert before <= torch.cuda.get_device_properties(0).total_memory


# arguments


def test_bad_arguments_are_named(make_eye_parquet):
    file = make_eye_parquet()
    with pytest.raises(
        ValueError,
        match=r"resident must be one of \('memory', 'device', None\), got 'gpu'",
    ):
        EyeParquet(file, 'val', image_size=SIZE, resident='gpu')
    with pytest.raises(
        ValueError,
        match="resident='device' keeps decoded pictures, which a pipeline does not use",
    ):
        EyeParquet(file, 'val', image_size=SIZE, resident='device', pipeline=[])
