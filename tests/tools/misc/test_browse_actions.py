import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / 'tools/misc/browse_actions.py'


def run_tool(*arguments, folder, python=()):
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
        (('a.py',), 2, 'required: --out-dir'),
        (('a.py', '--out-dir', 'x', '--format', 'mp4'), 2, "invalid choice: 'mp4'"),
        (('a.py', '--out-dir', 'x'), 2, 'a.py: no such config file'),
        (('a.py', '--out-dir', 'x', '--num', '0'), 1, 'error: num must be >= 1, got 0'),
    ],
)
@pytest.mark.slow  # a new process each
def test_failures_are_told_without_a_traceback(arguments, code, message, tmp_path):
    done = run_tool(*arguments, folder=tmp_path)
    assert done.returncode == code
    assert message in done.stderr
    assert 'Traceback' not in done.stderr


def test_help_needs_no_torch(tmp_path):
    done = run_tool('--help', folder=tmp_path, python=('-X', 'importtime'))
    assert done.returncode == 0
    for option in ('--checkpoint', '--split', '--clips', '--num', '--format', '--raw'):
        assert option in done.stdout
    assert 'argparse' in done.stderr  # the times are there
    assert 'torch' not in done.stderr
