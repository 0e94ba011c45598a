import mmap
import os
from types import SimpleNamespace

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ocec.apis import benchmark_setup as module
from ocec.apis.benchmark_setup import (
    EpochClock,
    build_runner,
    count_cores,
    describe_machine,
    peak_memory_mb,
    reset_peak_memory,
    write_pictures,
    write_subset,
)

MB = 1 << 20


def subset(data, tmp_path, num_train=100, num_val=100):
    """Rows of a subset, as dicts."""
    out = tmp_path / 'subset.parquet'
    write_subset(data, num_train, num_val, out)
    return pq.read_table(out).to_pylist()


# the data


def test_rows_are_evenly_spaced_and_of_both_splits(make_eye_parquet, tmp_path):
    # rows 0-19 train, 20-29 val, 30-39 test
    data = make_eye_parquet(num_rows=40, groups=20)
    rows = subset(data, tmp_path, num_train=4, num_val=3)
    # 0 to 19 in steps of 19 / 3, 20 to 29 in steps of 9 / 2, cut off
    numbers = [0, 6, 12, 19, 20, 24, 29]
    whole = pq.read_table(data).to_pylist()
    names = ('split', 'label', 'class_id', 'group', 'image_path', 'image_bytes')
    expected = [{name: whole[number][name] for name in names} for number in numbers]
    assert rows == expected


def test_a_small_split_is_taken_whole(make_eye_parquet, tmp_path):
    rows = subset(make_eye_parquet(num_rows=16), tmp_path)
    assert [row['split'] for row in rows] == ['train'] * 8 + ['val'] * 4


def test_files_may_differ_in_columns_and_types(make_eye_parquet, tmp_path):
    files = [
        make_eye_parquet(num_rows=8, splits={'train': 0.5, 'val': 0.5}),
        make_eye_parquet(
            num_rows=4,
            seed=1,
            split=['training', 'validation'] * 2,
            class_id=pa.array([0, 1, 1, 0], pa.int8()),
            group=None,
            label=None,
        ),
    ]
    rows = subset(files, tmp_path)
    assert [row['split'] for row in rows] == ['train'] * 6 + ['val'] * 6
    assert [row['class_id'] for row in rows] == [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 1, 0]
    assert [row['group'] for row in rows[3:6]] == ['s000', None, None]


def test_data_without_groups_are_taken(make_eye_parquet, tmp_path):
    data = make_eye_parquet(num_rows=16, group=None)
    assert 'group' not in subset(data, tmp_path)[0]


def test_rows_that_cannot_be_used_are_left_out(make_eye_parquet, tmp_path):
    split = ['train'] * 4 + ['val'] * 2 + [None, 'fold3']
    data = make_eye_parquet(
        num_rows=8, split=split, class_id=[0, 9, 1, 1, 0, 1, 0, 1], label=None
    )
    assert [row['class_id'] for row in subset(data, tmp_path)] == [0, 1, 1, 0, 1]


@pytest.mark.parametrize(
    ('columns', 'message'),
    [
        ({'split': None}, 'needs the columns "split" and "image_bytes"'),
        ({'image_bytes': None}, 'needs the columns "split" and "image_bytes"'),
        ({'split': ['train'] * 8}, 'split "val" has no usable rows'),
        ({'split': ['val'] * 8}, 'split "train" has no usable rows'),
    ],
)
def test_data_that_do_not_serve_are_told(make_eye_parquet, tmp_path, columns, message):
    with pytest.raises(ValueError, match=message):
        subset(make_eye_parquet(num_rows=8, **columns), tmp_path)


def test_pictures_that_are_only_named_are_told(make_eye_parquet, tmp_path):
    good = make_eye_parquet(num_rows=16)
    encoded = pq.read_table(good)['image_bytes'].to_pylist()
    encoded[1] = encoded[9] = None
    data = make_eye_parquet(num_rows=16, image_bytes=encoded)
    with pytest.raises(ValueError, match='2 of 12 rows have no image_bytes; the bench'):
        subset(data, tmp_path)


def test_missing_data_are_told(tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere.parquet: no such parquet'):
        subset('nowhere.parquet', tmp_path)


def test_pictures_are_written_by_split_and_label(make_eye_parquet, tmp_path):
    jpeg = cv2.imencode('.jpg', np.full((12, 20, 3), 99, np.uint8))[1].tobytes()
    good = make_eye_parquet(num_rows=8)
    encoded = pq.read_table(good)['image_bytes'].to_pylist()
    encoded[5] = jpeg
    data = make_eye_parquet(
        num_rows=8, image_bytes=encoded, split=['train'] * 4 + ['val'] * 4
    )
    write_pictures(data, tmp_path / 'pictures')
    files = {
        path.relative_to(tmp_path / 'pictures').as_posix(): path.read_bytes()
        for path in (tmp_path / 'pictures').rglob('*.*')
    }
    assert files == {
        'train/closed/0.png': encoded[0],
        'train/open/1.png': encoded[1],
        'train/closed/2.png': encoded[2],
        'train/open/3.png': encoded[3],
        'val/closed/4.png': encoded[4],
        'val/open/5.jpg': jpeg,
        'val/closed/6.png': encoded[6],
        'val/open/7.png': encoded[7],
    }


# the run


def test_a_run_reads_the_data_of_the_benchmark(make_benchmark_setup):
    setup = make_benchmark_setup(cfg_options=('train_dataloader.batch_size=8',))
    cfg = setup.load_config()
    assert cfg.work_dir == setup.work_dir
    for split in ('train', 'val'):
        assert cfg[f'{split}_dataloader'].dataset.data == setup.data
    assert cfg.train_dataloader.batch_size == 8


@pytest.mark.parametrize('validate', [True, False])
def test_a_run_validates_only_if_asked_to(make_benchmark_setup, validate):
    runner = build_runner(make_benchmark_setup(), epochs=3, validate=validate)
    assert (runner._val_loop is not None) == validate
    assert runner._test_loop is None
    assert runner.cfg.train_cfg.max_epochs == 3
    assert (runner.cfg.default_hooks.checkpoint.save_best is not None) == validate


# clocks


def test_the_first_epoch_is_not_counted(monkeypatch):
    times = iter([10.0, 15.0, 17.0, 20.5])
    calls = []
    monkeypatch.setattr(
        module, 'time', SimpleNamespace(perf_counter=lambda: next(times))
    )
    clock = EpochClock(lambda: calls.append('synchronize'))
    for _ in range(3):
        clock.before_train_epoch(runner=None)
    clock.after_train(runner=None)
    assert clock.seconds() == [2.0, 3.5]
    assert calls == ['synchronize'] * 4


# memory


def test_the_peak_begins_anew():
    if not reset_peak_memory():
        pytest.skip('for Linux')
    base = peak_memory_mb()
    # not from the allocator, which may keep what is freed
    with mmap.mmap(-1, 200 * MB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as block:
        block.write(b'1' * (200 * MB))
        with_block = peak_memory_mb()
    assert with_block - base >= 190
    # the kernel counts in batches of pages
    assert peak_memory_mb() > with_block - 10
    assert reset_peak_memory()
    assert with_block - peak_memory_mb() >= 190


def test_a_system_that_does_not_tell_gives_no_peak(tmp_path, monkeypatch):
    monkeypatch.setattr(module, '_CLEAR_REFS', tmp_path / 'none' / 'clear_refs')
    monkeypatch.setattr(module, '_STATUS', tmp_path / 'status')
    assert reset_peak_memory() is False
    assert peak_memory_mb() is None
    (tmp_path / 'status').write_text('Name: x\nVmRSS:  5 kB\n')
    assert peak_memory_mb() is None
    (tmp_path / 'status').write_text('Name: x\nVmHWM:\t 2560 kB\n')
    assert peak_memory_mb() == 2.5


# the machine


def test_the_machine_is_described(tmp_path, monkeypatch):
    info = tmp_path / 'cpuinfo'
    info.write_text('processor\t: 0\nmodel name\t: Fast 3000\n' * 2)
    monkeypatch.setattr(module, '_CPU_INFO', info)
    monkeypatch.setattr(os, 'sched_getaffinity', lambda _: {3, 5, 7}, raising=False)
    found = describe_machine('cpu')
    assert found['processor'] == 'Fast 3000'
    assert found['cores'] == 3
    assert 'gpu' not in found
    assert all(str(value) for value in found.values())


def test_a_machine_without_proc_and_affinity_is_described(tmp_path, monkeypatch):
    monkeypatch.setattr(module, '_CPU_INFO', tmp_path / 'none')
    monkeypatch.setattr(module.platform, 'processor', lambda: '')
    monkeypatch.setattr(module.platform, 'machine', lambda: 'arm64')
    monkeypatch.delattr(os, 'sched_getaffinity', raising=False)
    monkeypatch.setattr(os, 'cpu_count', lambda: 11)
    found = describe_machine('cpu')
    assert (found['processor'], found['cores'], count_cores()) == ('arm64', 11, 11)
