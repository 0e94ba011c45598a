import functools
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / 'tools/analysis_tools/estimate_scaling.py'


@pytest.fixture
def run_tool(run_in_process):
    return functools.partial(run_in_process, TOOL)


def test_a_row_for_each_number_of_gpus(run_tool):
    done = run_tool('--gpus', 2, 16, '--images', '1e6', '--compression', 'bf16')
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert 'images 1e+06' in lines[0]
    assert 'compression bf16' in lines[0]
    assert [line.split()[1] for line in lines[-2:]] == ['2', '16']


@pytest.mark.parametrize(
    ('arguments', 'message', 'code'),
    [
        (('--images', 0), 'images must be > 0 and finite, got 0', 1),
        (('--gpus', 0), 'gpus must be >= 1, got 0', 1),
        (('--gpus', 'x'), "invalid int value: 'x'", 2),
    ],
)
def test_wrong_usage(arguments, message, code, run_tool):
    done = run_tool(*arguments)
    assert done.returncode == code
    assert message in done.stderr
    assert 'Traceback' not in done.stderr
