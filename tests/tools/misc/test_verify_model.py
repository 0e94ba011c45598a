import functools
import json
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / 'tools/misc/verify_model.py'
# the checks themselves are tested below tests/apis
CHEAP = ('--device', 'cpu', '--skip', 'forward', 'first-loss', 'gradients', 'overfit')
CHEAP += ('--skip', 'eval', 'batch-size', 'amp', 'lr')


@pytest.fixture
def run_tool(run_in_process):
    return functools.partial(run_in_process, TOOL)


def test_sound_config_is_exit_code_0(write_config, run_tool, tmp_path):
    done = run_tool(write_config(), *CHEAP, '--json', 'a.json', folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == '18 checks: 10 ok, 8 skip'
    assert json.loads((tmp_path / 'a.json').read_text())['failed'] == []


def test_check_that_fails_is_exit_code_1(write_config, run_tool, tmp_path):
    (tmp_path / 'file').touch()
    folder = tmp_path / 'file' / 'run'
    done = run_tool(write_config(), *CHEAP, '--work-dir', folder, folder=tmp_path)
    assert done.returncode == 1
    assert f'FAIL  work-dir    {folder}: {tmp_path / "file"} is a file' in done.stdout
    assert done.stderr.splitlines()[-1] == 'error: checks that failed: work-dir'


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ((), 'required: config'),
        (('gone.py',), 'gone.py: no such config file'),
        (('gone.py', '--skip', 'x'), '--skip: no such check x'),
        (('gone.py', '--steps', 'few'), "invalid int value: 'few'"),
    ],
)
def test_wrong_usage_is_exit_code_2(arguments, message, run_tool, tmp_path):
    done = run_tool(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert 'Traceback' not in done.stderr


def test_config_with_findings_is_exit_code_2(write_config, run_tool, tmp_path):
    options = ('--cfg-options', 'model.head.num_clases=2')
    done = run_tool(write_config(), *options, folder=tmp_path)
    assert done.returncode == 2
    assert 'did you mean num_classes?' in done.stderr
