"""Two processes on one machine without a GPU."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ocec.apis.test import test as run_test
from ocec.evaluation.metrics import BinaryMetric

TEST_ON_VAL = "test_dataloader['dataset']['split'] = 'val'"
TOOLS = Path(__file__).parents[2] / 'tools'
ENVIRONMENT = {
    **os.environ,
    'PYTHON': sys.executable,
    'CUDA_VISIBLE_DEVICES': '',
    'OMP_NUM_THREADS': '1',
}


def run(*command, port):
    done = subprocess.run(
        ['bash', *map(str, command)],
        env={**ENVIRONMENT, 'PORT': str(port)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout + done.stderr


def test_two_ranks_train_and_score_as_one_process_does(tmp_path, write_config):
    # 100 rows: 25 subjects of 4; val and test 7 subjects or so, not a multiple of the
    # batch, and with 99 rows not of the ranks either
    config = write_config(TEST_ON_VAL, num_rows=99)
    work_dir = tmp_path / 'two'
    log = run(
        TOOLS / 'dist_train.sh', config, 2, '--work-dir', work_dir, port=free_port()
    )
    assert 'rank 0 talks to the others through gloo' in log
    assert 'rank 1 talks to the others through gloo' in log
    assert '2 ranks x 16 images' in log
    lines = [json.loads(line) for line in (work_dir / 'metrics.jsonl').open()]
    in_training = [line for line in lines if line['phase'] == 'val'][-1]
    alone = run_test(config, work_dir / 'epoch_2.pth', work_dir=tmp_path / 'one')
    assert set(alone) == {f'eye/{name}' for name in BinaryMetric.metric_names}
    for name, value in alone.items():
        assert in_training[name] == pytest.approx(value, abs=1e-6), name


@pytest.mark.parametrize('num_val', [pytest.param(32, marks=pytest.mark.slow), 33])
def test_two_ranks_test_as_one_does(tmp_path, write_config, num_val):
    splits = ['train'] * 32 + ['test'] * num_val + ['val'] * 32
    config = write_config(
        'train_cfg = dict(max_epochs=1)', num_rows=len(splits), split=splits
    )
    from ocec.apis.train import train

    train(config, work_dir=tmp_path / 'run')
    checkpoint = tmp_path / 'run' / 'epoch_1.pth'
    out = tmp_path / 'two.csv'
    run(
        *(TOOLS / 'dist_test.sh', config, checkpoint, 2),
        *('--work-dir', tmp_path / 'two', '--out', out),
        port=free_port(),
    )
    alone = run_test(config, checkpoint, work_dir=tmp_path / 'one')
    together = json.loads((tmp_path / 'two' / 'test_metrics.json').read_text())
    assert {n: together[n] for n in alone} == pytest.approx(alone, abs=1e-6)
    assert len(out.read_text().splitlines()) == 1 + num_val


@pytest.mark.slow
def test_splits_smaller_than_the_ranks_can_share(tmp_path, write_config):
    # three pictures to train on, so that one comes twice, and one to validate:
    # the second rank has none
    splits = ['train'] * 3 + ['val'] * 1
    config = write_config(
        "test_dataloader['dataset']['split'] = 'val'",
        num_rows=len(splits),
        split=splits,
        groups=len(splits),
    )
    work_dir = tmp_path / 'two'
    run(TOOLS / 'dist_train.sh', config, 2, '--work-dir', work_dir, port=free_port())
    lines = [json.loads(line) for line in (work_dir / 'metrics.jsonl').open()]
    in_training = [line for line in lines if line['phase'] == 'val'][-1]
    alone = run_test(config, work_dir / 'epoch_2.pth', work_dir=tmp_path / 'one')
    assert alone['eye/tp'] + alone['eye/fp'] + alone['eye/fn'] + alone['eye/tn'] == 1
    for name, value in alone.items():
        # no AUC of one picture: null in JSON
        written = float('nan') if in_training[name] is None else in_training[name]
        assert written == pytest.approx(value, abs=1e-6, nan_ok=True), name


def free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]
