import os
import socket

import pyarrow.parquet as pq
import pytest
import torch

from ocec.apis import benchmark_growth as module
from ocec.apis.benchmark_growth import (
    free_port,
    measure_growth,
    time_per_image_ratio,
    train_as_rank,
    write_repeated,
)


@pytest.mark.parametrize('num_rows', [5, 20, 1000])
def test_train_rows_are_repeated_and_val_rows_copied_once(
    make_eye_parquet, tmp_path, monkeypatch, num_rows
):
    monkeypatch.setattr(module, 'ROWS_PER_GROUP', 7)
    data = make_eye_parquet(num_rows=32, splits={'train': 0.5, 'val': 0.5})
    out = tmp_path / 'large.parquet'
    write_repeated(data, num_rows, out)
    rows, source = pq.read_table(out).to_pylist(), pq.read_table(data).to_pylist()
    assert rows[num_rows:] == source[16:]
    drawn = {row['image_path'] for row in rows[:num_rows]}
    assert drawn <= {row['image_path'] for row in source[:16]}
    assert all(row in source for row in rows[:num_rows])
    # written and read piece by piece
    assert pq.ParquetFile(out).metadata.num_row_groups == -(-num_rows // 7) + 1
    if num_rows == 1000:
        assert len(drawn) == 16


def test_an_epoch_on_new_data_is_measured(make_benchmark_setup, tmp_path, monkeypatch):
    monkeypatch.setenv('OCEC_CACHE_DIR', str(tmp_path / 'cache'))
    found = measure_growth(make_benchmark_setup())
    assert found['images'] == 32
    assert found['build_seconds'] > 0
    assert found['epoch_seconds'] > 0
    assert len(list((tmp_path / 'cache').glob('*/images.npy'))) == 1


def test_a_rank_trains_and_leaves_its_group(make_benchmark_setup, monkeypatch):
    monkeypatch.setattr(os, 'environ', dict(os.environ))
    rates = train_as_rank(make_benchmark_setup(), 0, 1, free_port())
    assert len(rates) == 1
    assert rates[0] > 0
    assert os.environ['MASTER_ADDR'] == '127.0.0.1'
    assert not torch.distributed.is_initialized()


def test_a_port_is_free():
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', free_port()))


def test_growth_is_the_time_of_an_image():
    figures = [
        {'images': 100, 'epoch_seconds': 2.0},
        {'images': 500, 'epoch_seconds': 99.0},
        {'images': 1000, 'epoch_seconds': 25.0},
    ]
    # 0.025 / 0.02
    assert time_per_image_ratio(figures) == pytest.approx(1.25)
