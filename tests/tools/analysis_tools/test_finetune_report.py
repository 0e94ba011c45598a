import functools
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / 'tools' / 'analysis_tools' / 'finetune_report.py'


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


DATA = ('--a', 'a.parquet', '--b', 'b.parquet')


@pytest.mark.parametrize(
    ('arguments', 'code', 'message'),
    [
        (DATA, 2, 'the following arguments are required: --start'),
        ((*DATA, '--start', 'x.pth'), 2, 'name at least one method: --run NAME=WORK'),
        ((*DATA, '--start', 'x.pth', '--run', 'full'), 2, '--run full: write NAME='),
        ((*DATA, '--start', 'x.pth', '--run', 'full=x.pth'), 1, 'error: x.pth'),
    ],
)
def test_failures_are_told_without_a_traceback(
    arguments, code, message, tmp_path, run_tool
):
    (tmp_path / 'x.pth').write_text('no checkpoint')
    done = run_tool(*arguments, folder=tmp_path)
    assert done.returncode == code
    assert message in done.stderr
    assert 'Traceback' not in done.stderr
    assert not (tmp_path / 'finetune_report.html').exists()


def test_help_needs_no_torch(tmp_path):
    done = run_new_process('--help', folder=tmp_path, python=('-X', 'importtime'))
    assert done.returncode == 0
    for option in ('--a A_DATA', '--run NAME=WORK_DIR', '--json', '--markdown'):
        assert option in done.stdout
    assert 'argparse' in done.stderr  # the times are there
    assert 'torch' not in done.stderr
