import json
import os
import signal
import sys
import threading
import time

import pytest

from ocec.apis import sweep_pool
from ocec.apis.sweep_pool import TrialPool, visible_devices
from ocec.apis.sweep_trial import TrialPlan, TrialRun, take_folder
from ocec.search import Board, open_storage, open_study
from ocec.search.board import Cell

DONE = json.dumps({'state': 'done', 'values': [0.75], 'runs': [{'epoch': 2}]})
PRUNED = json.dumps({'state': 'pruned', 'values': None, 'runs': []})
# stands for Python: writes who it is, then does what the test wants
FAKE = """#!/bin/sh
folder="$3"
echo "$OMP_NUM_THREADS $CUDA_VISIBLE_DEVICES" >> "$folder/environment"
. {script}
"""


@pytest.fixture
def make_pool(tmp_path, monkeypatch):
    """Return a factory of pools whose processes run a shell script."""
    monkeypatch.setattr(sweep_pool, 'LOOK_SECONDS', 0.01)
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    python, script = tmp_path / 'python', tmp_path / 'script'
    python.write_text(FAKE.format(script=script))
    python.chmod(0o755)
    monkeypatch.setattr(sys, 'executable', str(python))

    def make(text=f"echo '{DONE}' > $folder/result.json", *, workers=1, cells=2):
        script.write_text(text + '\n')
        study = open_study(
            open_storage(tmp_path / 'journal.log'),
            'sweep',
            directions=['maximize'],
            settings={},
            fingerprint='a',
        )
        jobs = [Cell(f'{i}', {}, {'seed': i}) for i in range(cells)]
        board = Board(study, {}, num_jobs=cells, cells=jobs)
        return TrialPool(
            board,
            make_plan,
            tmp_path,
            storage='journal.log',
            workers=workers,
            on_change=lambda: None,
        ), board

    return make


def make_plan(ticket):
    return TrialPlan(
        number=ticket.number,
        study='sweep',
        base='base.py',
        data=None,
        runs=(TrialRun('.', (), seed=ticket.labels['seed']),),
        objectives=(('eye/f1', 'maximize'),),
        epoch='best',
        pruner=None,
        data_check='never',
    )


def test_all_trials_are_done(make_pool, capsys):
    pool, board = make_pool(cells=3, workers=2)
    pool.run()
    assert board.count()['done'] == 3
    assert [trial.value for trial in board.study.trials] == [0.75] * 3
    assert board.study.trials[0].user_attrs['runs'] == [{'epoch': 2}]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == '[0/3] trial 0 begins: seed=0'
    assert len(lines) == 6
    assert 'done: 0.75, 0.0 min' in lines[-1]


def test_workers_share_threads_and_devices(make_pool, tmp_path, monkeypatch):
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '3,5')
    monkeypatch.setattr(os, 'sched_getaffinity', lambda pid: set(range(8)))
    # each waits for the other: only both at once can end
    wait = f'while [ $(ls -d {tmp_path}/trial_* | wc -l) -lt 2 ]; do sleep 0.01; done\n'
    pool, _ = make_pool(f"{wait}echo '{DONE}' > $folder/result.json", workers=2)
    pool.run()
    found = [(tmp_path / f'trial_000{n}' / 'environment').read_text() for n in range(2)]
    assert found == ['4 3\n', '4 5\n']


def test_threads_that_the_user_has_set_are_kept(make_pool, tmp_path, monkeypatch):
    monkeypatch.setenv('OMP_NUM_THREADS', '7')
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '')
    pool, _ = make_pool(cells=1)
    pool.run()
    assert (tmp_path / 'trial_0000' / 'environment').read_text() == '7 \n'


def test_a_trial_that_fails_stops_no_other(make_pool, capsys):
    script = (
        'case "$folder" in *0) echo "Traceback (most"; echo "ValueError: no"; exit 1;;'
        f" esac\necho '{DONE}' > $folder/result.json"
    )
    pool, board = make_pool(script)
    pool.run()
    assert (board.count()['failed'], board.count()['done']) == (1, 1)
    error = board.study.trials[0].user_attrs['error']
    assert error == 'exit code 1\nTraceback (most\nValueError: no'
    assert 'trial 0 FAILED: ValueError: no, see ' in capsys.readouterr().out


def test_a_killed_training_is_told(make_pool):
    pool, board = make_pool('kill -9 $$', cells=1)
    pool.run()
    assert board.study.trials[0].user_attrs['error'] == 'killed by SIGKILL'


def test_a_training_that_a_signal_has_stopped_is_gone_on_with(make_pool, capsys):
    pool, board = make_pool(
        f"if [ -e $folder/once ]; then echo '{DONE}' > $folder/result.json; "
        'else touch $folder/once; exit 75; fi',
        cells=1,
    )
    pool.run()
    assert (board.count()['done'], board.count()['failed']) == (1, 0)
    assert 'trial 0 stopped by a signal, to be gone on with' in capsys.readouterr().out


def test_given_up_trials(make_pool, capsys):
    pool, board = make_pool(f"echo '{PRUNED}' > $folder/result.json", cells=1)
    pool.run()
    assert board.count()['pruned'] == 1
    assert 'trial 0 given up' in capsys.readouterr().out


def test_after_the_time_no_trial_begins(make_pool):
    pool, board = make_pool()
    pool.run(until=time.monotonic() - 1)
    assert board.study.trials == []


def test_ctrl_c_gives_the_trials_back(make_pool, tmp_path):
    pool, board = make_pool('exec sleep 60')

    def interrupt():
        while not (tmp_path / 'trial_0000' / 'environment').exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        pool.run()
    assert (board.count()['interrupted'], board.count()['running']) == (1, 0)
    pool, board = make_pool()
    pool.run()
    assert board.count()['done'] == 2
    assert not (tmp_path / 'trial_0001').exists()  # it goes on in trial_0000


def test_a_trial_that_another_machine_has_taken_over_is_ended(
    make_pool, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(sweep_pool, 'BEAT_SECONDS', 0.0)
    pool, board = make_pool('exec sleep 60', cells=1, workers=2)
    real, done = board.next, []

    def take_over():
        if not done:
            done.append(real())
            return done[0]
        if len(done) == 1:
            board.interrupt(done[0], 'silent')
            done.append(None)
        return None

    monkeypatch.setattr(board, 'next', take_over)
    pool.run()
    assert 'was taken over by another machine' in capsys.readouterr().out


def test_a_folder_where_a_training_goes_on_is_left_alone(
    make_pool, tmp_path, monkeypatch
):
    lock = take_folder(tmp_path / 'trial_0000')
    monkeypatch.setattr(sweep_pool.time, 'sleep', lambda s: s >= 1 and os.close(lock))
    pool, board = make_pool(cells=1)
    pool.run()
    assert board.count()['done'] == 1
    assert [t.state.name for t in board.study.trials] == ['FAIL', 'COMPLETE']


def test_devices_that_may_be_used(monkeypatch):
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', 'GPU-a,1')
    assert visible_devices() == ['GPU-a', '1']
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '-1')
    assert visible_devices() == []
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES')
    monkeypatch.setattr('torch.cuda.device_count', lambda: 2)
    assert visible_devices() == ['0', '1']
