import functools
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TOOL = ROOT / 'tools/analysis_tools/get_flops.py'


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


def test_folder_of_configs_is_the_default(tmp_path, run_tool):
    done = run_tool('--shape', 24, 40, '--json', tmp_path / 'a.json', folder=ROOT)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    names = [line.split()[0] for line in lines]
    leaves = sorted((ROOT / 'configs/ocec').rglob('*.py'))
    assert {str(path.relative_to(ROOT)) for path in leaves} <= set(names)
    [row] = [line for line in lines if 'ocec-baseline_1xb256-20e_eye-32x64' in line]
    assert row.split()[1:] == ['24x40', '11,457', '11,264', '193', '1.26', 'M']
    assert len(json.loads((tmp_path / 'a.json').read_text())) == len(leaves)


def test_model_that_cannot_run_exits_with_1(write_config, tmp_path, run_tool):
    options = ('--cfg-options', 'model.backbone=dict(type=OCECConvNeXt,num_blocks=8)')
    done = run_tool(write_config(), '--shape', 24, 40, *options, folder=tmp_path)
    assert done.returncode == 1, done.stderr
    assert 'the model cannot take 24x40: ' in done.stderr
    assert 'Traceback' not in done.stderr


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('--shape', '24'), '--shape: expected 2 arguments'),
        (('gone.py',), 'gone.py: no such config file, nor a folder with configs'),
    ],
)
def test_wrong_usage(arguments, message, tmp_path, run_tool):
    done = run_tool(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert 'Traceback' not in done.stderr


def test_help_needs_no_torch(tmp_path):
    done = run_new_process('--help', folder=tmp_path, python=('-X', 'importtime'))
    assert done.returncode == 0
    for option in ('CONFIG_OR_FOLDER', '--shape H W', '--json'):
        assert option in done.stdout
    assert 'argparse' in done.stderr  # the times are there
    assert 'torch' not in done.stderr
