"""Two real processes of which one raises, dies or stops: the job ends, and says why."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / 'tools'
# what a rank does to itself at its third step
HARM = """
import os
import signal
import time

from mmengine.hooks import Hook

from ocec.registry import HOOKS


@HOOKS.register_module()
class Harm(Hook):
    def __init__(self, what, rank=1, step=2):
        self.what, self.rank, self.step = what, rank, step

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter != self.step or runner.rank != self.rank:
            return
        with open(os.path.join(runner.work_dir, 'harmed'), 'w') as stream:
            stream.write(f'{time.time()} {os.getpid()}')
        if self.what == 'raise':
            raise LookupError('the third batch is gone')
        if self.what == 'sleep':
            time.sleep(1000)
        if self.what == 'nan':
            runner.model.module.data_preprocessor.register_forward_hook(_spoil)
            return
        os.kill(os.getpid(), getattr(signal, self.what))


def _spoil(module, args, output):
    output['inputs'] = output['inputs'] * float('nan')
    return output
"""


@pytest.fixture
def run_job(tmp_path, write_config):
    """Return a function that trains on two ranks with harm to the second.

    Args of the function:
        what: ``raise``, ``sleep``, ``nan`` or the name of a signal.
        watchdog: settings of its hook.

    Returns of the function: exit code, output, seconds from the harm to the end, and
    the work_dir.
    """
    (tmp_path / 'harm.py').write_text(HARM)
    processes = []

    def run(what, **watchdog):
        config = write_config(
            # two batches an epoch on each rank
            'train_dataloader.update(batch_size=8)\n'
            "custom_imports = dict(imports=['harm'])\n"
            f'custom_hooks = [dict(type="Harm", what={what!r})]\n'
            f'default_hooks.update(watchdog=dict({_arguments(watchdog)}))\n'
        )
        work_dir = tmp_path / 'run'
        environment = {
            **os.environ,
            'PYTHON': sys.executable,
            'PYTHONPATH': str(tmp_path),
            'PORT': str(_free_port()),
            'CUDA_VISIBLE_DEVICES': '',
            'OMP_NUM_THREADS': '1',
        }
        command = [TOOLS / 'dist_train.sh', config, 2, '--work-dir', work_dir]
        with open(tmp_path / 'output.txt', 'w') as stream:
            process = subprocess.Popen(
                ['bash', *map(str, command), '--data-check', 'never'],
                env=environment,
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
            processes.append(process)
            code = process.wait(timeout=200)
        ended = time.time()
        output = (tmp_path / 'output.txt').read_text()
        note = work_dir / 'harmed'
        assert note.exists(), output[-4000:]
        began, number = note.read_text().split()
        _must_be_gone(int(number))
        print(f'{what}: {ended - float(began):.1f} s from the event to the exit')
        return code, output, work_dir

    yield run
    for process in processes:
        if process.poll() is None:
            process.kill()


def test_a_rank_that_raises_is_named_first(run_job):
    code, output, _ = run_job('raise')
    assert code == 1
    summary = output[output.index('Root Cause') :]
    assert re.search(r'rank +: 1 ', summary)
    assert 'LookupError: the third batch is gone' in summary
    # its traceback stands before anything that the other rank says
    assert 'harm.py", line' in output[: output.index('Root Cause')]
    first_lost = output.find('another rank has ended')
    assert first_lost == -1 or output.index('LookupError') < first_lost


@pytest.mark.slow
def test_a_rank_that_is_killed(run_job):
    code, output, _ = run_job('SIGKILL')
    assert code == 1
    summary = output[output.index('Root Cause') :]
    assert re.search(r'rank +: 1 ', summary)
    assert 'Signal 9 (SIGKILL)' in summary


@pytest.mark.slow
def test_a_rank_that_is_stopped(run_job):
    code, output, work_dir = run_job('SIGSTOP', silence=10)
    assert code == 1
    assert re.search(
        r'error: no sign of life for 10 s of rank 1 \(process \d+ on .*\)\. The stacks '
        r'of all threads are in .*hang_rank0.txt',
        output,
    )
    stacks = (work_dir / 'hang_rank0.txt').read_text()
    # where it waited for the other rank
    assert 'train_step' in stacks
    # woken, the other rank says where it was
    assert 'no sign of life' in (work_dir / 'hang_rank1.txt').read_text()
    assert 'Thread 0x' in (work_dir / 'hang_rank1.txt').read_text()


@pytest.mark.slow
def test_a_rank_that_hangs(run_job):
    code, output, work_dir = run_job('sleep', timeout=8)
    assert code == 1
    assert (
        'has made no step for 8 s, the last sign was the beginning of epoch 2' in output
    )
    for rank in (0, 1):
        assert 'Thread 0x' in (work_dir / f'hang_rank{rank}.txt').read_text()
    # the culprit is the one that does not wait for others
    assert 'harm.py' in (work_dir / 'hang_rank1.txt').read_text()


@pytest.mark.slow
def test_numbers_that_go_wrong_on_one_rank_stop_both(run_job):
    code, output, work_dir = run_job('nan')
    assert code == 1
    assert 'error: the loss is nan in epoch 2, step 3. Lower' in output
    assert '  rank 1: batch of ' in output
    assert 'an output that is not: data_preprocessor (Image' in output
    # said once by each, and saved by the rank that had it
    assert [path.name for path in work_dir.glob('non_finite_*.pth')] == [
        'non_finite_epoch2_iter3_rank1.pth'
    ]


def _arguments(settings):
    return ', '.join(f'{name}={value!r}' for name, value in settings.items())


def _must_be_gone(number):
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return
    os.kill(number, signal.SIGKILL)
    raise AssertionError(f'process {number} has outlived the job')


def _free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]
