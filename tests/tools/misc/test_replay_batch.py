import functools
from pathlib import Path

import pytest

from ocec.apis.train import train

TOOL = Path(__file__).parents[3] / 'tools/misc/replay_batch.py'


@pytest.fixture
def run_tool(run_in_process):
    return functools.partial(run_in_process, TOOL)


def test_a_batch_of_a_training_is_replayed(tmp_path, write_config, run_tool):
    config = write_config(
        "optim_wrapper = dict(_delete_=True, type='OptimWrapper', "
        "optimizer=dict(type='SGD', lr=1e30))\n"
        'train_cfg = dict(max_epochs=20)'
    )
    with pytest.raises(FloatingPointError, match='clip_grad'):
        train(config, work_dir=tmp_path / 'run')
    (path,) = (tmp_path / 'run').glob('non_finite_*.pth')
    done = run_tool(path)
    assert done.returncode == 0, done.stderr
    assert 'REPRODUCED: epoch' in done.stdout
    assert 'gradients that are not finite: ' in done.stdout


def test_another_file_is_exit_code_1(tmp_path, run_tool):
    done = run_tool(tmp_path / 'a.pth')
    assert done.returncode == 1
    assert done.stderr == f'error: {tmp_path / "a.pth"}: no such checkpoint\n'
