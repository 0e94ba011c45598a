import functools
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / 'tools/analysis_tools/drift_report.py'


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


@pytest.mark.parametrize(
    ('arguments', 'code', 'message'),
    [
        (('a.parquet', 'b.parquet'), 2, 'required: CHECKPOINT'),
        (('a.parquet', 'b.parquet', 'c.pth', '--split-b', 'dev'), 2, "choice: 'dev'"),
        (('a.parquet', 'b.parquet', 'c.pth'), 2, 'c.pth: no such checkpoint'),
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
    for option in ('--split-a', '--split-b', '--out', '--json', '--max-rows', '--seed'):
        assert option in done.stdout
    assert 'argparse' in done.stderr  # the times are there
    assert 'torch' not in done.stderr
