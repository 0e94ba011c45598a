import functools
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).parents[3]
TOOL = ROOT / 'tools' / 'dataset_converters' / 'make_sample_eyes.py'


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
    flags = ['--subjects', '3', '--crops', '2', '--look', 'infrared', '--seed', '1']
    done = run_tool(*flags, '--jobs', '2', folder=tmp_path)
    assert done.returncode == 0, done.stderr
    table = pq.read_table(tmp_path / 'data' / 'sample_eyes.parquet')
    assert table.num_rows == 6
    assert set(table['source'].to_pylist()) == {'drawn-infrared'}
    assert '6 crops of 3 subjects' in done.stdout

    other = run_tool('--subjects', '4', folder=tmp_path)
    assert other.returncode == 1
    assert 'num_subjects 3 there, 4 asked for' in other.stderr
    assert 'Traceback' not in other.stderr


def test_wrong_usage_exits_with_2(tmp_path, run_tool):
    done = run_tool('--look', 'x-ray', folder=tmp_path)
    assert done.returncode == 2
    assert 'x-ray' in done.stderr


def test_help_imports_nothing_heavy(tmp_path):
    done = run_new_process('--help', folder=tmp_path, options=['-X', 'importtime'])
    assert done.returncode == 0
    for flag in ('--out', '--subjects', '--crops', '--look', '--seed', '--jobs'):
        assert flag in done.stdout
    imported = {line.split('|')[-1].strip() for line in done.stderr.splitlines()}
    assert 'argparse' in imported
    assert not imported & {'numpy', 'cv2', 'pyarrow', 'rich', 'torch', 'ocec'}
