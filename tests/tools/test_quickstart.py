import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).parents[2] / 'tools/quickstart.py'


def run_tool(*arguments, folder):
    return subprocess.run(
        [sys.executable, str(TOOL), *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=120,
    )


def test_missing_data_are_told_without_a_traceback(tmp_path):
    done = run_tool('--data', 'gone.parquet', folder=tmp_path)
    assert done.returncode == 1, done.stderr
    assert 'error: ' in done.stderr
    assert 'gone.parquet' in done.stderr
    assert 'Traceback' not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_wrong_usage(tmp_path):
    done = run_tool('--data', folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith('usage: ')
