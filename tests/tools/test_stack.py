import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / 'tools/stack.py'


def run_tool(*arguments, folder):
    return subprocess.run(
        [sys.executable, str(TOOL), *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=120,
    )


@pytest.mark.parametrize(
    'arguments',
    [
        (),
        ('a.py', '--predict', 'ensemble', 'data', '-o', 'x.csv'),
        ('--predict', 'ensemble', 'data'),
        ('a.py', '--split', 'test'),
    ],
)
@pytest.mark.slow  # a new process each
def test_wrong_usage(arguments, tmp_path):
    done = run_tool(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith('usage: ')


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('gone.py',), 'gone.py: no such config file\n'),
        (
            ('--predict', 'gone', 'data', '-o', 'x.csv'),
            'gone/ensemble.json is missing: gone is no saved ensemble\n',
        ),
        (
            ('--check', 'x.csv', 'gone', 'data'),
            'gone/ensemble.json is missing: gone is no saved ensemble\n',
        ),
    ],
)
def test_what_is_missing_is_told_without_a_traceback(arguments, message, tmp_path):
    done = run_tool(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr == message
