import functools
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / 'tools/misc/make_blink_clip.py'


@pytest.fixture
def run_tool(run_in_process):
    return functools.partial(run_in_process, TOOL)


def test_the_folder_is_written(tmp_path, run_tool):
    pytest.importorskip('av')
    small = ('--seconds', 2.5, '--fps', 5, '--width', 160, '--height', 120)
    done = run_tool('-o', 'clip', *small, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in (tmp_path / 'clip').iterdir())
    assert names == ['boxes.csv', 'clip.json', 'clip.mp4', 'truth.csv']


def test_a_wrong_setting_is_told_without_a_traceback(tmp_path, run_tool):
    done = run_tool('--fps', 1, folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr == 'error: fps must be in [5, 240], got 1.0\n'
