"""tools/slurm_test.sh, with an srun that only notes what it gets."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / 'tools' / 'slurm_test.sh'


@pytest.fixture
def slurm(tmp_path):
    """Return a function that runs the script: its end, and what srun got."""
    (tmp_path / 'bin').mkdir()
    srun, calls = tmp_path / 'bin' / 'srun', tmp_path / 'calls'
    # a checkpoint called bad.pth fails
    srun.write_text(
        f'#!/usr/bin/env bash\necho "$*" >> {calls}\n[[ $* != *bad.pth* ]] || exit 3\n'
    )
    srun.chmod(0o755)

    def run(*arguments, **environment):
        done = subprocess.run(
            ['bash', SCRIPT, *arguments],
            env={'PATH': f'{tmp_path / "bin"}:{os.environ["PATH"]}', **environment},
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done, calls.read_text().splitlines() if calls.exists() else []

    return run


def test_a_checkpoint_is_tested_in_a_job(slurm):
    done, [call] = slurm('gpu', 'eyes', 'a.py', 'b.pth', '--', '--out', 'c.csv')
    assert done.returncode == 0
    assert call.startswith('-p gpu --job-name=eyes --gres=gpu:1 --ntasks=1 ')
    assert call.endswith('test.py a.py b.pth --launcher slurm --out c.csv')


def test_settings_come_from_the_environment(slurm):
    settings = {'GPUS': '16', 'CPUS_PER_TASK': '2', 'SRUN_ARGS': '-A me --time=5'}
    _, [call] = slurm('gpu', 'eyes', 'a.py', 'b.pth', PYTHON='py', **settings)
    assert ' --gres=gpu:8 --ntasks=16 --ntasks-per-node=8 --cpus-per-task=2 ' in call
    assert ' -A me --time=5 py -u ' in call


def test_several_checkpoints_are_tested_in_turn_and_a_failure_is_told(slurm):
    done, calls = slurm('gpu', 'eyes', 'a.py', 'a.pth', 'bad.pth', 'c.pth')
    assert [call.split()[-3] for call in calls] == ['a.pth', 'bad.pth', 'c.pth']
    assert done.returncode == 3


def test_a_task_of_an_array_tests_its_own(slurm):
    arguments = ('gpu', 'eyes', 'a.py', 'a.pth', 'b.pth')
    _, [call] = slurm(*arguments, SLURM_ARRAY_TASK_ID='1')
    assert ' a.py b.pth ' in call
    done, calls = slurm(*arguments, SLURM_ARRAY_TASK_ID='2')
    assert done.returncode == 2
    assert 'task 2 of the array has no checkpoint, there are 2: use --array=0-1' in (
        done.stderr
    )
    assert len(calls) == 1  # none more


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('gpu', 'eyes', 'a.py'), 'usage: '),
        (('gpu', 'eyes', 'a.py', '--', '--out'), 'error: no checkpoint before --'),
    ],
)
def test_wrong_usage(slurm, arguments, message):
    done, calls = slurm(*arguments)
    assert (done.returncode, calls) == (2, [])
    assert message in done.stderr
