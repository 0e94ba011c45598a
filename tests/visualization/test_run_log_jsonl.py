import json

import numpy as np
import pytest

from ocec.visualization.run_log_jsonl import read_metrics_jsonl
from ocec.visualization.run_records import build_curves


def test_minutes_add_up_training_and_validation(make_work_dir):
    content = read_metrics_jsonl(make_work_dir(seconds=60.0) / 'metrics.jsonl')
    curves = build_curves(content.records)
    # 60 s of training and 6 s of validation an epoch
    np.testing.assert_allclose(curves['train/loss'].minutes_N, [1.0, 2.1, 3.2])
    np.testing.assert_allclose(curves['val/f1'].minutes_N, [1.1, 2.2, 3.3])
    np.testing.assert_allclose(curves['lr'].minutes_N, [1.0, 2.1, 3.2])
    np.testing.assert_array_equal(curves['val/f1'].epoch_N, [1, 2, 3])
    np.testing.assert_array_equal(curves['val/f1'].step_N, [10, 20, 30])
    assert content.messages == []


def write(path, *records):
    path.write_text(''.join(json.dumps(record) + '\n' for record in records))
    return path


def test_an_epoch_resumed_in_its_middle_counts_both_parts(tmp_path):
    train = {'phase': 'train', 'epoch': 1, 'loss': 1.0, 'seconds_per_batch': 6.0}
    path = write(
        tmp_path / 'metrics.jsonl',
        {**train, 'step': 5},
        {**train, 'step': 10},
        {'phase': 'train_epoch', 'epoch': 1, 'step': 10, 'loss': 1.0, 'seconds': 30.0},
    )
    curves = build_curves(read_metrics_jsonl(path).records)
    assert curves['train/loss'].minutes_N == pytest.approx([1.0])


def test_tests_and_strange_lines(tmp_path):
    path = write(
        tmp_path / 'metrics.jsonl',
        {'phase': 'test', 'epoch': 0, 'step': 0, 'eye/f1': 0.8, 'seconds': 2.0},
        {'phase': 'val', 'epoch': 0, 'step': 0, 'eye/f1': 0.7},
        {'phase': 'pretrain', 'epoch': 1, 'step': 1},
        {'phase': 'val'},
        {'phase': ['val'], 'epoch': 1, 'step': 1},
    )
    content = read_metrics_jsonl(path)
    assert content.test == {'eye/f1': 0.8}
    assert content.records == []
    [message] = content.messages
    assert message == 'metrics.jsonl: 3 lines have no known phase, epoch or step'


def test_memory_has_one_name(tmp_path):
    line = {'phase': 'train', 'epoch': 1, 'step': 1, 'peak_memory_mb': 7.0}
    content = read_metrics_jsonl(write(tmp_path / 'metrics.jsonl', line))
    assert list(build_curves(content.records)) == ['memory_mb']


def test_no_text(tmp_path):
    path = tmp_path / 'metrics.jsonl'
    path.write_bytes(b'\xff\xfe\x00')
    with pytest.raises(UnicodeDecodeError, match='utf-8'):
        read_metrics_jsonl(path)
