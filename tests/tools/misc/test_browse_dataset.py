import functools
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / 'tools/misc/browse_dataset.py'


@pytest.fixture
def run_tool(run_in_process):
    return functools.partial(run_in_process, TOOL)


def run_new_process(*arguments, folder, python=()):
    return subprocess.run(
        [sys.executable, *python, str(TOOL), *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=120,
    )


def test_sheets_of_a_config(write_config, tmp_path, run_tool):
    done = run_tool(
        write_config(num_rows=24),
        *('--out-dir', 'sheets', '--split', 'val', '--num', 2, '--class', 'open'),
        *('--seed', 3, '--cfg-options', 'model.data_preprocessor.batch_augments=[]'),
        folder=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert '2 pictures of val: ' in done.stdout
    assert done.stdout.endswith('written: sheets/index.html and 1 sheets\n')
    assert (tmp_path / 'sheets/00_file_open.png').is_file()


@pytest.mark.parametrize(
    ('arguments', 'code', 'message'),
    [
        (('a.py',), 2, 'required: --out-dir'),
        (('a.py', '--out-dir', 'x', '--class', 'half'), 2, "invalid choice: 'half'"),
        (('a.py', '--out-dir', 'x'), 2, 'a.py'),
        (('a.py', '--out-dir', 'x', '--num', '0'), 1, 'error: num must be >= 1, got 0'),
    ],
)
def test_failures_are_told_without_a_traceback(
    arguments, code, message, tmp_path, run_tool
):
    done = run_tool(*arguments, folder=tmp_path)
    assert done.returncode == code
    assert message in done.stderr
    assert 'Traceback' not in done.stderr


def test_help_needs_no_torch(tmp_path):
    done = run_new_process('--help', folder=tmp_path, python=('-X', 'importtime'))
    assert done.returncode == 0
    for option in ('--out-dir', '--data', '--split', '--num', '--class', '--seed'):
        assert option in done.stdout
    assert 'argparse' in done.stderr  # the times are there
    assert 'torch' not in done.stderr
