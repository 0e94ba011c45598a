import functools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[3]
TOOL = ROOT / 'tools' / 'dataset_converters' / 'make_digit_pairs.py'


@pytest.fixture
def run_tool(run_in_process):
    return functools.partial(run_in_process, TOOL)


def run_new_process(*arguments, folder, options=()):
    paths = [str(ROOT), os.environ.get('PYTHONPATH', '')]
    environment = os.environ | {'PYTHONPATH': os.pathsep.join(filter(None, paths))}
    return subprocess.run(
        [sys.executable, *options, str(TOOL), *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        check=False,
        timeout=60,
    )


def test_tool_draws_with_its_flags_then_refuses_other_ones(tmp_path, run_tool):
    x = np.random.default_rng(0).integers(0, 256, (200, 28, 28), np.uint8)
    np.savez(tmp_path / 'd.npz', x=x, digit=np.tile(np.arange(10), 20))
    flags = ['--digits', 'd.npz', '--train', '8', '--val', '4', '--stack', '4']
    flags += ['--test', '6', '--per-block', '1', '--seed', '3']
    done = run_tool(*flags, '--severity', '2', folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(np.load(tmp_path / 'data' / 'digit_pairs' / 'test.npz')['y']) == 6
    assert 'of 200 digits from d.npz, severity 2' in done.stdout

    other = run_tool(*flags, '--severity', '4', folder=tmp_path)
    assert other.returncode == 1
    assert 'severity 2.0 there, 4.0 asked for' in other.stderr
    assert 'Traceback' not in other.stderr


def test_wrong_usage_exits_with_2(tmp_path, run_tool):
    done = run_tool('--severity', 'high', folder=tmp_path)
    assert done.returncode == 2
    assert 'high' in done.stderr


def test_help_imports_nothing_heavy(tmp_path):
    done = run_new_process('--help', folder=tmp_path, options=['-X', 'importtime'])
    assert done.returncode == 0
    for flag in (
        '--out',
        '--digits',
        '--train',
        '--stack',
        '--severity',
        '--per-block',
    ):
        assert flag in done.stdout
    imported = {line.split('|')[-1].strip() for line in done.stderr.splitlines()}
    assert 'argparse' in imported
    assert not imported & {'numpy', 'torch', 'ocec', 'mlxtend'}
