import json

import numpy as np
import pytest

from ocec.visualization.run_log_mmengine import (
    find_mmengine_logs,
    read_mmengine_logs,
)
from ocec.visualization.run_records import build_curves

# written by onedl-mmengine 0.10.12: 8 batches an epoch, interval 3, resumed after 3
# of 5 epochs; its last two batches of an epoch are not logged
FIRST = """\
{"lr": 0.1, "data_time": 0.0005, "loss": 0.7575, "time": 0.5, "epoch": 1, "iter": 3, "step": 3}
{"lr": 0.1, "data_time": 0.0004, "loss": 0.6806, "time": 0.5, "epoch": 1, "iter": 6, "step": 6}
{"accuracy/top1": 85.9375, "data_time": 0.0002, "time": 0.0004, "step": 1}
{"lr": 0.1, "data_time": 0.0003, "loss": 0.6027, "time": 0.5, "epoch": 2, "iter": 11, "step": 11}
{"lr": 0.1, "data_time": 0.0003, "loss": 0.5294, "time": 0.5, "epoch": 2, "iter": 14, "step": 14}
{"accuracy/top1": 95.3125, "data_time": 0.0002, "time": 0.0003, "step": 2}
"""  # noqa: E501
SECOND = """\
{"lr": 0.1, "data_time": 0.0004, "loss": 0.5000, "time": 1.0, "epoch": 2, "iter": 11, "step": 11}
{"lr": 0.1, "data_time": 0.0004, "loss": 0.4000, "time": 1.0, "epoch": 2, "iter": 14, "step": 14}
{"accuracy/top1": 98.4375, "data_time": 0.0002, "time": 0.0003, "step": 2}
"""  # noqa: E501
TEXT = '2026/11/21 - mmengine - INFO - Epoch(train) [1][3/8]  lr: 1.0000e-01\n'


@pytest.fixture
def make_session(tmp_path):
    def make(stamp, text, log=None, name='scalars.json'):
        folder = tmp_path / 'run' / stamp / 'vis_data'
        folder.mkdir(parents=True)
        (folder / name).write_text(text)
        if log:
            (folder.parent / f'{stamp}.log').write_text(log)
        return tmp_path / 'run'

    return make


def read(folder):
    content = read_mmengine_logs(find_mmengine_logs(folder))
    return content, build_curves(content.records)


def test_one_session(make_session):
    content, curves = read(make_session('20261121_1', FIRST, TEXT))
    assert content.messages == []
    accuracy = curves['val/accuracy']
    np.testing.assert_allclose(accuracy.value_N, [0.859375, 0.953125])
    np.testing.assert_array_equal(accuracy.epoch_N, [1, 2])
    np.testing.assert_array_equal(accuracy.step_N, [8, 16])  # by the text log
    np.testing.assert_allclose(accuracy.minutes_N * 60, [4.0, 8.0])  # 0.5 s a batch
    mean = [(0.7575 + 0.6806) / 2, (0.6027 + 0.5294) / 2]
    np.testing.assert_allclose(curves['train/loss'].value_N, mean)
    np.testing.assert_array_equal(curves['train/loss'].epoch_N, [1, 2])
    np.testing.assert_array_equal(curves['interval/loss'].step_N, [3, 6, 11, 14])
    assert sorted(curves) == ['interval/loss', 'lr', 'train/loss', 'val/accuracy']


def test_a_resume_is_stitched(make_session):
    make_session('20261121_1', FIRST, TEXT)
    _, curves = read(make_session('20261121_2', SECOND, TEXT))
    np.testing.assert_allclose(curves['val/accuracy'].value_N, [0.859375, 0.984375])
    np.testing.assert_allclose(
        curves['interval/loss'].value_N, [0.7575, 0.6806, 0.5, 0.4]
    )
    # 8 batches of 0.5 s, then 8 of 1 s
    np.testing.assert_allclose(curves['val/accuracy'].minutes_N * 60, [4.0, 12.0])


def test_without_the_text_log_batches_are_a_lower_bound(make_session):
    _, curves = read(make_session('20261121_1', FIRST))
    np.testing.assert_array_equal(curves['val/accuracy'].epoch_N, [1, 2])
    # ceil(14 / 2) = 7 batches at least
    np.testing.assert_array_equal(curves['val/accuracy'].step_N, [7, 14])


def lines(*records):
    return ''.join(json.dumps(record) + '\n' for record in records)


def test_epochs_missing_in_old_logs_are_derived(make_session):
    text = lines(
        {'lr': 0.1, 'loss': 3.0, 'step': 5},
        {'lr': 0.1, 'loss': 2.0, 'step': 10},
        {'acc': 0.5, 'step': 1},
        {'lr': 0.1, 'loss': 1.0, 'step': 20},
        {'acc': 0.6, 'step': 2},
    )
    _, curves = read(make_session('20261121_1', text))
    np.testing.assert_array_equal(curves['interval/loss'].epoch_N, [1, 1, 2])
    np.testing.assert_array_equal(curves['val/accuracy'].epoch_N, [1, 2])
    np.testing.assert_array_equal(curves['val/accuracy'].step_N, [10, 20])
    assert np.isnan(curves['val/accuracy'].minutes_N).all()


def test_training_by_batches_has_steps_only(make_session):
    text = lines(
        {'lr': 0.1, 'loss': 3.0, 'iter': 50, 'step': 50, 'memory': 700},
        {'acc': 0.5, 'step': 50},
        {'lr': 0.1, 'loss': 2.0, 'iter': 100, 'step': 100, 'memory': 800},
        {'acc': 0.6, 'step': 100},
    )
    content, curves = read(make_session('20261121_1', text))
    np.testing.assert_array_equal(curves['val/accuracy'].step_N, [50, 100])
    np.testing.assert_array_equal(curves['memory_mb'].value_N, [700, 800])
    assert np.isnan(curves['val/accuracy'].epoch_N).all()
    assert content.messages == ['the log counts batches only: epochs are unknown']


def test_names_with_a_phase_lose_it(make_session):
    text = lines(
        {'train/lr': 0.1, 'train/loss': 3.0, 'epoch': 1, 'iter': 5, 'step': 5},
        {'val/acc': 0.5, 'step': 1},
    )
    _, curves = read(make_session('20261121_1', text))
    assert {'lr', 'interval/loss', 'val/accuracy'} <= set(curves)


def test_half_written_line_is_told(make_session):
    content, _ = read(make_session('20261121_1', FIRST + '{"lr": 0.', TEXT))
    [message] = content.messages
    assert message.startswith('20261121_1/vis_data/scalars.json: the last line is half')


def test_scalars_are_preferred_and_one_log_is_enough(make_session):
    folder = make_session('20261121_1', FIRST, name='20261121_1.json')
    [log] = find_mmengine_logs(folder)
    assert log.name == '20261121_1.json'
    log.with_name('scalars.json').write_text(FIRST)
    assert [path.name for path in find_mmengine_logs(folder)] == ['scalars.json']
    [same] = find_mmengine_logs(log.parent.parent)  # the timestamp folder itself
    assert same.parent == log.parent
