import functools
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / 'tools/test.py'


@pytest.fixture
def run_tool(run_in_process):
    return functools.partial(run_in_process, TOOL)


def test_missing_checkpoint_is_wrong_usage(write_config, tmp_path, run_tool):
    done = run_tool(write_config(), 'gone.pth', folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr == 'gone.pth: no such checkpoint\n'
    assert not (tmp_path / 'run').exists()


@pytest.mark.parametrize('arguments', [(), ('config.py',), ('a.py', 'b.pth', '--out')])
def test_wrong_usage(arguments, tmp_path, run_tool):
    done = run_tool(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith('usage: ')


def test_file_that_is_no_checkpoint_is_told_without_a_traceback(
    write_config, tmp_path, run_tool
):
    (tmp_path / 'broken.pth').write_bytes(b'not a checkpoint')
    done = run_tool(write_config(), 'broken.pth', folder=tmp_path)
    assert done.returncode == 1, done.stderr
    assert 'error: ' in done.stderr
    assert 'broken.pth' in done.stderr.splitlines()[-1]
    assert 'Traceback' not in done.stderr
