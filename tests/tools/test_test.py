import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / 'tools/test.py'


def run_tool(*arguments, folder):
    return subprocess.run(
        [sys.executable, str(TOOL), *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=120,
    )


def test_missing_checkpoint_is_wrong_usage(write_config, tmp_path):
    done = run_tool(write_config(), 'gone.pth', folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr == 'gone.pth: no such checkpoint\n'
    assert not (tmp_path / 'run').exists()


@pytest.mark.parametrize('arguments', [(), ('config.py',), ('a.py', 'b.pth', '--out')])
@pytest.mark.slow  # a new process each
def test_wrong_usage(arguments, tmp_path):
    done = run_tool(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith('usage: ')


def test_file_that_is_no_checkpoint_is_told_without_a_traceback(write_config, tmp_path):
    (tmp_path / 'broken.pth').write_bytes(b'not a checkpoint')
    done = run_tool(write_config(), 'broken.pth', folder=tmp_path)
    assert done.returncode == 1, done.stderr
    assert 'error: ' in done.stderr
    assert 'broken.pth' in done.stderr.splitlines()[-1]
    assert 'Traceback' not in done.stderr
