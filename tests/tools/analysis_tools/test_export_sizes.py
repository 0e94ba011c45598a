import functools
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TOOL = ROOT / 'tools/analysis_tools/export_sizes.py'


@pytest.fixture
def run_tool(run_in_process):
    return functools.partial(run_in_process, TOOL)


def test_table_and_numbers(write_config, tmp_path, run_tool):
    pytest.importorskip('onnxruntime')
    config = write_config()
    options = ('--calls', 20, '--markdown', '--out', tmp_path / 'a.json')
    done = run_tool(config, *options)
    assert done.returncode == 0, done.stderr
    assert '| tiny0 | 593 | ' in done.stdout
    [row] = json.loads((tmp_path / 'a.json').read_text())
    assert row['params'] == 593


@pytest.mark.parametrize(
    ('arguments', 'message', 'code'),
    [
        (('gone.py',), 'gone.py: no such config file', 2),
        (('--calls', 'x'), "invalid int value: 'x'", 2),
        (('--calls', 3), 'calls must be >= 20, got 3', 1),
    ],
)
def test_wrong_usage(arguments, message, code, tmp_path, run_tool):
    done = run_tool(*arguments, folder=tmp_path)
    assert done.returncode == code
    assert message in done.stderr
    assert 'Traceback' not in done.stderr
