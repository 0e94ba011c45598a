import functools
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / 'tools/quickstart.py'


@pytest.fixture
def run_tool(run_in_process):
    return functools.partial(run_in_process, TOOL)


def test_missing_data_are_told_without_a_traceback(tmp_path, run_tool):
    done = run_tool('--data', 'gone.parquet', folder=tmp_path)
    assert done.returncode == 1, done.stderr
    assert 'error: ' in done.stderr
    assert 'gone.parquet' in done.stderr
    assert 'Traceback' not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_wrong_usage(tmp_path, run_tool):
    done = run_tool('--data', folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith('usage: ')
