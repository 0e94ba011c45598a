"""tools/slurm_train.sh, with an srun and a scontrol that only note what they get."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / 'tools' / 'slurm_train.sh'


@pytest.fixture
def slurm(tmp_path):
    """Return a function that runs the script: exit code, and what srun and others got.

    ``stopped`` says whether the training leaves its note, ``code`` how it ends.
    """
    programs = tmp_path / 'bin'
    programs.mkdir()
    calls = tmp_path / 'calls'
    for name in ('srun', 'scontrol'):
        path = programs / name
        path.write_text(
            f'#!/usr/bin/env bash\necho "{name} $*" >> {calls}\n'
            f'[ {name} = scontrol ] && exit 0\n'
            f'[ -n "$STOPPED" ] && touch {tmp_path}/run/stopped.json\nexit "$CODE"\n'
        )
        path.chmod(0o755)
    (tmp_path / 'run').mkdir()

    def run(*arguments, stopped=False, code=0, **environment):
        done = subprocess.run(
            ['bash', SCRIPT, 'gpu', 'eyes', 'a.py', tmp_path / 'run', *arguments],
            env={
                'PATH': f'{programs}:{os.environ["PATH"]}',
                'STOPPED': 'yes' if stopped else '',
                'CODE': str(code),
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.returncode, calls.read_text().splitlines()

    return run


def test_the_step_gets_a_signal_before_its_time_is_over(slurm, tmp_path):
    code, [call] = slurm('--amp')
    assert code == 0
    assert call.startswith('srun -p gpu --job-name=eyes --gres=gpu:8 --ntasks=8 ')
    assert ' --kill-on-bad-exit=1 --signal=USR1@120 python -u ' in call
    end = f'train.py a.py --work-dir {tmp_path}/run --launcher slurm --amp'
    assert call.endswith(end)
    assert (
        ' --signal=TERM@60 -A me python '
        in (slurm(SIGNAL='TERM@60', SRUN_ARGS='-A me')[1][-1])
    )


def test_a_job_that_was_stopped_is_queued_again(slurm):
    code, calls = slurm(stopped=True, SLURM_JOB_ID='17')
    assert code == 0
    assert calls[1:] == ['scontrol requeue 17']


@pytest.mark.parametrize(
    ('stopped', 'code', 'environment'),
    [
        (False, 0, {'SLURM_JOB_ID': '17'}),  # trained to the end
        (True, 3, {'SLURM_JOB_ID': '17'}),  # failed
        (True, 0, {}),  # not in a job that could be queued
    ],
)
def test_others_are_not(slurm, stopped, code, environment):
    found, calls = slurm(stopped=stopped, code=code, **environment)
    assert found == code
    assert len(calls) == 1


@pytest.mark.parametrize(('count', 'resumes'), [('0', False), ('2', True)])
def test_a_job_that_starts_again_resumes(slurm, count, resumes):
    _, [call] = slurm(SLURM_JOB_ID='17', SLURM_RESTART_COUNT=count)
    assert call.endswith(' --resume') is resumes
