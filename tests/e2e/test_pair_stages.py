"""All stages by the tool: killed in the middle, resumed, stacked, tested, reported."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# a training that is killed once, as by the system for its memory: when the checkpoint
# of the third epoch lies there, and nothing says yet that it is the last one
KILL_ONCE = """
import os, signal, sys
from pathlib import Path

import pytest


def watch(event, arguments):
    if event != 'os.rename' or not str(arguments[1]).endswith('s2/last_checkpoint'):
        return
    folder = Path(arguments[1]).parent
    if (folder / 'epoch_3.pth').exists() and not (folder / 'killed').exists():
        (folder / 'killed').touch()
        os.kill(os.getpid(), signal.SIGKILL)


sys.addaudithook(watch)
"""
OPTIONS = (
    'train_cfg.max_epochs=4',
    'custom_hooks=[]',
    'default_hooks.diagnostics=none',
)


def run_tool(tool, *arguments, folder):
    return subprocess.run(
        [sys.executable, ROOT / 'tools' / tool, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(folder)},
        timeout=300,
    )


def sessions_of(folder):
    return json.loads((folder / 'provenance.json').read_text())['sessions']


@pytest.mark.slow
def test_killed_resumed_stacked_tested_and_reported(make_pair_folder, tmp_path):
    data = make_pair_folder((32, 24, 60, 40), per_digit=60)
    (tmp_path / 'sitecustomize.py').write_text(KILL_ONCE)
    arguments = ['--data', data, '--stages', 'stage0,stage4', '--seeds', '1,2']
    arguments += ['--jobs', '2', '--cfg-options', *OPTIONS]
    killed = run_tool('pair_stages.py', *arguments, folder=tmp_path)
    assert killed.returncode == 1, killed.stderr
    assert 'FAILED stage0/compare-s2: killed by SIGKILL' in killed.stdout
    assert '1 of 2 members failed' in killed.stderr
    root = tmp_path / 'work_dirs' / 'pair'
    whole, broken = (root / 'stage0' / f'compare-s{seed}' for seed in (1, 2))
    assert (broken / 'best.json').exists()  # which does not make it a finished one
    assert not (root / 'stage4').exists()

    done = run_tool('pair_stages.py', *arguments, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert 'skipped stage0/compare-s1: it has finished' in done.stdout
    assert 'goes on with stage0/compare-s2, which logged epoch 3' in done.stdout
    assert len(sessions_of(whole)) == 1
    first, second = sessions_of(broken)
    assert first['resumed_at_step'] == 0
    # 32 pairs, batches of 64: a step an epoch
    assert second['resumed_at_step'] == 2
    lines = map(json.loads, (broken / 'metrics.jsonl').read_text().splitlines())
    epochs = [line['epoch'] for line in lines if line['phase'] == 'val']
    assert epochs == [1, 2, 3, 4]
    stacked = json.loads((root / 'stage4' / 'stack.json').read_text())
    names = [member['name'] for member in stacked['members']]
    assert names == ['stage0-compare-s1', 'stage0-compare-s2']

    tested = run_tool('test_models.py', '--all', root, '-o', 't.json', folder=tmp_path)
    assert tested.returncode == 0, tested.stderr
    rows = json.loads((tmp_path / 't.json').read_text())['models']
    # two ways to the same numbers
    members = {member['name']: member['test'] for member in stacked['members']}
    for row in rows:
        found = members[row['name'].replace('/', '-')]
        assert (row['accuracy'], row['low'], row['high']) == (
            found['accuracy'],
            found['low'],
            found['high'],
        )
    arguments = ('--all', root, '--stack', root / 'stage4' / 'stack.json')
    report = run_tool(
        'analysis_tools/pair_report.py', *arguments, '-o', 'r.html', folder=tmp_path
    )
    assert report.returncode == 0, report.stderr
    page = (tmp_path / 'r.html').read_text()
    assert 'class="warning"' not in page
    assert 'ensemble: ' in page
