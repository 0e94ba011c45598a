import json
import os
import sys
import threading
import time

import pytest

from ocec.apis import pair_stage_pool
from ocec.apis.pair_stage_plan import StageMember
from ocec.apis.pair_stage_pool import read_progress, train_runs
from ocec.apis.pair_stage_run import MemberRun
from ocec.engine.metrics_file import MetricsFile

# stands for Python: writes who it is, then does what its folder says
FAKE = """#!/bin/sh
for folder; do :; done  # the last argument
echo "$OMP_NUM_THREADS" > "$folder/threads"
echo "said by the training"
. "$folder/script"
"""
BEST = '{"metric": "pair/accuracy", "value": 0.8, "epoch": 3}'


@pytest.fixture(autouse=True)
def _fake_python(tmp_path, monkeypatch):
    python = tmp_path / 'python'
    python.write_text(FAKE)
    python.chmod(0o755)
    monkeypatch.setattr(sys, 'executable', str(python))
    monkeypatch.setattr(pair_stage_pool, 'LOOK_SECONDS', 0.01)


@pytest.fixture
def make_run(tmp_path):
    def make(name, script=f"echo '{BEST}' > $folder/best.json"):
        member = StageMember('stage0', name, 'c')
        folder = tmp_path / member.run
        folder.mkdir()
        (folder / 'script').write_text(script)
        return MemberRun(member, folder, tmp_path, {'train_cfg.max_epochs': 3}, '')

    return make


def test_all_runs_are_trained_with_their_threads(make_run, capsys):
    runs = [make_run(name) for name in 'abc']
    assert train_runs(runs, jobs=2, threads=3) == {}
    assert {(run.folder / 'threads').read_text() for run in runs} == {'3\n'}
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == '[0/3] begins stage0/a-s42'
    assert len(lines) == 6
    assert lines[-1].startswith('[3/3] done   stage0/')
    assert 'pair/accuracy 0.8000 in epoch 3, 0.0 min' in lines[-1]


def test_jobs_are_as_many_as_asked_for(make_run):
    good = f"echo '{BEST}' > $folder/best.json"
    # each waits for the other: only both at once can end
    wait = (
        'touch $folder/here; while [ ! -e $folder/../{}-s42/here ]; do sleep 0.01; done'
    )
    runs = [make_run(me, f'{wait.format(other)}; {good}') for me, other in ('xy', 'yx')]
    assert train_runs(runs, jobs=2, threads=1) == {}
    # each fails if another goes on
    alone = 'mkdir $folder/../alone || exit 7; sleep 0.1; rmdir $folder/../alone'
    runs = [make_run(name, f'{alone}; {good}') for name in 'ab']
    assert train_runs(runs, jobs=1, threads=1) == {}


def test_a_failure_is_told_and_stops_no_other(make_run, capsys):
    runs = [make_run('bad', 'exit 3'), make_run('dead', 'kill -9 $$'), make_run('good')]
    failed = train_runs(runs, jobs=1, threads=1)
    assert list(failed) == ['stage0/bad-s42', 'stage0/dead-s42']
    console = runs[0].folder / 'console.log'
    told = f'exit code 3, see {console}\n    said by the training'
    assert failed['stage0/bad-s42'] == told
    assert failed['stage0/dead-s42'].startswith('killed by SIGKILL, see ')
    out = capsys.readouterr().out
    assert '[1/3] FAILED stage0/bad-s42: exit code 3' in out
    assert '[3/3] done   stage0/good-s42' in out


def test_a_folder_that_is_taken_fails(make_run):
    runs = [make_run('taken'), make_run('free')]
    lock = runs[0].lock()
    failed = train_runs(runs, jobs=1, threads=1)
    os.close(lock)
    assert list(failed) == ['stage0/taken-s42']
    assert 'another process is training there' in failed['stage0/taken-s42']


def test_the_folder_stays_taken_as_long_as_the_training_lives(make_run):
    run = make_run('a', 'while [ ! -e $folder/stop ]; do sleep 0.01; done; exit 1')
    pool = threading.Thread(
        target=train_runs, args=([run],), kwargs={'jobs': 1, 'threads': 1}
    )
    pool.start()
    while not (run.folder / 'threads').exists():
        time.sleep(0.01)
    with pytest.raises(ValueError, match='another process is training there'):
        run.lock()
    (run.folder / 'stop').touch()
    pool.join()
    os.close(run.lock())


def test_trainings_end_with_the_pool(make_run, monkeypatch):
    run = make_run('a', 'echo $$ > $folder/pid; exec sleep 600')

    pid, interrupts = run.folder / 'pid', [KeyboardInterrupt]

    def interrupt(_):  # once: subprocess sleeps too, while it waits for the end
        if interrupts and pid.exists() and pid.read_text():
            raise interrupts.pop()

    monkeypatch.setattr(pair_stage_pool.time, 'sleep', interrupt)
    with pytest.raises(KeyboardInterrupt):
        train_runs([run], jobs=1, threads=1)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_progress_is_read_from_the_end_of_the_log(tmp_path):
    assert read_progress(tmp_path) == (0, None)
    log = MetricsFile(tmp_path / 'metrics.jsonl')
    log.append('train', 1, 5, {'loss': 1.0})
    assert read_progress(tmp_path) == (0, None)
    log.append('val', 1, 5, {'pair/accuracy': 0.6})
    log.append('val', 2, 10, {'pair/accuracy': 0.7})
    log.append('train', 3, 11, {'loss': 1.0})
    with open(tmp_path / 'metrics.jsonl', 'a') as stream:
        stream.write(json.dumps({'phase': 'val', 'epoch': 3})[:-4])  # being written
    assert read_progress(tmp_path) == (2, 0.7)


def test_bars_show_epochs_and_accuracy(make_run, monkeypatch, capsys):
    monkeypatch.setenv('FORCE_COLOR', '1')  # rich takes the output for a terminal
    monkeypatch.setenv('COLUMNS', '160')
    line = '{"phase": "val", "epoch": 2, "pair/accuracy": 0.625}'
    script = (
        f"echo '{line}' > $folder/metrics.jsonl; sleep 0.5; "
        f"echo '{BEST}' > $folder/best.json"
    )
    runs = [make_run('good', script), make_run('bad', 'exit 2')]
    assert list(train_runs(runs, jobs=2, threads=1)) == ['stage0/bad-s42']
    out = capsys.readouterr().out
    assert 'val 62.50 %' in out
    assert 'done   stage0/good-s42: pair/accuracy 0.8000 in epoch 3' in out
    assert 'FAILED stage0/bad-s42: exit code 2' in out
