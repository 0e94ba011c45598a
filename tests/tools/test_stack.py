import functools
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / 'tools/stack.py'


@pytest.fixture
def run_tool(run_in_process):
    return functools.partial(run_in_process, TOOL)


@pytest.mark.parametrize(
    'arguments',
    [
        (),
        ('a.py', '--predict', 'ensemble', 'data', '-o', 'x.csv'),
        ('--predict', 'ensemble', 'data'),
        ('a.py', '--split', 'test'),
    ],
)
def test_wrong_usage(arguments, tmp_path, run_tool):
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
def test_what_is_missing_is_told_without_a_traceback(
    arguments, message, tmp_path, run_tool
):
    done = run_tool(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr == message
