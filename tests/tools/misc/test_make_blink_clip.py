import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / 'tools/misc/make_blink_clip.py'


def run_tool(*arguments, folder):
    return subprocess.run(
        [sys.executable, str(TOOL), *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=120,
    )


def test_the_folder_is_written(tmp_path):
    pytest.importorskip('av')
    small = ('--seconds', 2.5, '--fps', 5, '--width', 160, '--height', 120)
    done = run_tool('-o', 'clip', *small, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in (tmp_path / 'clip').iterdir())
    assert names == ['boxes.csv', 'clip.json', 'clip.mp4', 'truth.csv']


def test_a_wrong_setting_is_told_without_a_traceback(tmp_path):
    done = run_tool('--fps', 1, folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr == 'error: fps must be in [5, 240], got 1.0\n'
