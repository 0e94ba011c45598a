import signal
import subprocess
import sys

import pytest

from ocec.apis import sweep_worker
from ocec.apis.sweep_trial import TrialPlan, TrialRun, read_result, write_plan
from ocec.apis.sweep_worker import STOPPED, train_trial
from ocec.apis.train import TrainResult
from ocec.search.liveness import start_time


@pytest.fixture
def make_trial(tmp_path, monkeypatch, make_work_dir):
    """Return a factory of trial folders; training is replaced by a log of one."""
    calls = []

    def train(config, *, work_dir, **settings):
        calls.append((work_dir.name, settings))
        name = work_dir.relative_to(tmp_path)
        (tmp_path / name / 'metrics.jsonl').unlink(missing_ok=True)
        work_dir.mkdir(exist_ok=True)
        source = make_work_dir(f'source{len(calls)}', f1=(0.5, 0.5 + 0.1 * len(calls)))
        (source / 'metrics.jsonl').rename(work_dir / 'metrics.jsonl')
        return TrainResult(work_dir, best=None, stopped_by=make.stopped_by)

    monkeypatch.setattr(sweep_worker, 'train', train)

    def make(runs, **settings):
        folder = tmp_path / 'trial_0000'
        plan = {
            'number': 0,
            'study': 'sweep',
            'base': 'base.py',
            'data': 'a.parquet',
            'runs': runs,
            'objectives': (('eye/f1', 'maximize'),),
            'epoch': 'best',
            'pruner': None,
            'data_check': 'never',
        }
        write_plan(TrialPlan(**{**plan, **settings}), folder)
        return folder

    make.calls, make.stopped_by = calls, None
    return make


def test_the_runs_of_a_trial_are_trained_and_averaged(make_trial, write_config):
    options = ('train_cfg.max_epochs=2',)
    runs = tuple(TrialRun(f'seed{s}', options, seed=s) for s in (1, 2))
    folder = make_trial(runs, base=str(write_config(num_rows=16)))
    train_trial(folder)
    assert [name for name, _ in make_trial.calls] == ['seed1', 'seed2']
    assert make_trial.calls[1][1] == {
        'data': 'a.parquet',
        'resume': 'auto',
        'cfg_options': options,
        'seed': 2,
        'data_check': 'never',
        'hooks': [],
    }
    result = read_result(folder)
    assert result['state'] == 'done'
    assert result['values'] == [pytest.approx((0.6 + 0.7) / 2)]
    assert [run['epoch'] for run in result['runs']] == [2, 2]


def test_a_run_that_has_finished_is_not_trained_again(make_trial, write_config):
    runs = tuple(TrialRun(f'seed{s}', (), seed=s) for s in (1, 2))
    folder = make_trial(runs, base=str(write_config(num_rows=16)))
    train_trial(folder)
    (folder / 'seed2' / 'finished.json').unlink()
    train_trial(folder)
    assert [name for name, _ in make_trial.calls] == ['seed1', 'seed2', 'seed2']


def test_a_trial_that_is_given_up_says_so(make_trial, monkeypatch):
    class Pruned:
        is_pruned = True

    monkeypatch.setattr(sweep_worker, '_pruning_hook', lambda plan, run: Pruned())
    folder = make_trial((TrialRun('.', ()),), pruner='median')
    train_trial(folder)
    result = read_result(folder)
    assert (result['state'], result['values']) == ('pruned', None)
    # two epochs of a minute, and their validations of a tenth of one
    assert result['runs'] == [{'train_minutes': pytest.approx(2.2)}]
    assert not (folder / 'finished.json').exists()


def test_a_training_that_a_signal_has_stopped_is_not_finished(make_trial):
    make_trial.stopped_by = 'SIGTERM'
    folder = make_trial((TrialRun('seed1', ()),))
    with pytest.raises(SystemExit) as end:
        train_trial(folder)
    assert end.value.code == STOPPED
    assert read_result(folder) is None
    assert not (folder / 'seed1' / 'finished.json').exists()


@pytest.mark.slow  # new processes
def test_a_worker_ends_with_its_parent():
    child = (
        'import os, sys, time\n'
        'from ocec.apis.sweep_worker import end_with_parent\n'
        'end_with_parent(os.getppid())\n'
        'print(os.getpid(), flush=True)\n'
        'time.sleep(300)\n'
    )
    parent = subprocess.Popen(
        [
            sys.executable,
            '-c',
            'import subprocess, sys\n'
            f'subprocess.run([sys.executable, "-c", {child!r}])',
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    pid = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert parent.stdout.read() == ''  # returns when the child's end is closed, too
    assert start_time(pid) is None
