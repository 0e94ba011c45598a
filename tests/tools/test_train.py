"""tools/train.py, and what every tool has in common."""

import functools
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob('tools/**/*.py'))
SCRIPTS = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob('tools/*.sh'))

# runs a tool as a script, then prints which modules of a list it has imported
WATCH = """
import runpy, sys
tool = sys.argv[1]
sys.argv = sys.argv[1:]
try:
    runpy.run_path(tool, run_name='__main__')
finally:
    heavy = {'torch', 'mmengine', 'mmcv', 'cv2', 'pyarrow'}
    print('imported:', sorted(heavy & set(sys.modules)))
"""


def run(*command, folder=None):
    return subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=120,
    )


@pytest.fixture
def run_tool(run_in_process):
    return functools.partial(run_in_process, ROOT / 'tools/train.py')


def test_tools_are_found():
    assert {'tools/train.py', 'tools/test.py', 'tools/quickstart.py'} < set(TOOLS)
    assert 'tools/dist_train.sh' in SCRIPTS


@pytest.mark.parametrize('tool', TOOLS)
def test_help_imports_nothing_heavy(tool):
    done = run(sys.executable, '-c', WATCH, ROOT / tool, '--help')
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('usage: ')
    assert done.stdout.splitlines()[-1] == 'imported: []'


@pytest.mark.parametrize('tool', TOOLS)
def test_unknown_flag_is_wrong_usage(tool):
    done = run(sys.executable, ROOT / tool, '--no-such-flag')
    assert done.returncode == 2
    assert done.stderr.startswith('usage: ')


@pytest.mark.parametrize('script', SCRIPTS)
def test_shell_script_is_valid_and_tells_its_usage(script):
    assert run('bash', '-n', ROOT / script).stderr == ''
    done = run('bash', ROOT / script)
    assert done.returncode == 2
    assert done.stderr.startswith(f'usage: {ROOT / script} ')
    first = 'PARTITION' if 'slurm' in script else 'CONFIG'
    assert f'{script} {first} ' in done.stderr


def test_each_misspelling_is_told_with_its_suggestion(write_config, tmp_path, run_tool):
    config = write_config(
        "optim_wraper = dict(type='OptimWrapper')\n"
        'default_hooks = dict(checkpont=dict(interval=2), '
        "checkpoint=dict(save_best='acuracy'))\n"
        'model = dict(head=dict(num_clases=1))'
    )
    done = run_tool(config, '--work-dir', tmp_path / 'run', folder=tmp_path)
    assert done.returncode == 2
    assert 'Traceback' not in done.stderr
    lines = done.stderr.splitlines()
    for wrong, right in {
        'optim_wraper': 'optim_wrapper',
        'default_hooks.checkpont': 'checkpoint',
        'acuracy': 'eye/accuracy',
        'model.head.num_clases': 'num_classes',
    }.items():
        [line] = [line for line in lines if wrong in line]
        assert right in line.replace(wrong, '', 1), line
    assert '4 problems' in lines[0]
    assert not (tmp_path / 'run').exists()


def test_missing_data_are_told_without_a_traceback(write_config, tmp_path, run_tool):
    config = write_config()
    gone = tmp_path / 'gone.parquet'
    done = run_tool(config, '--data', gone, folder=tmp_path)
    assert done.returncode == 1, done.stderr
    assert f'error: {gone}' in done.stderr
    assert 'Traceback' not in done.stderr


def test_missing_config_is_wrong_usage(tmp_path, run_tool):
    done = run_tool('gone.py', folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr == 'gone.py: no such config file\n'


@pytest.mark.parametrize(
    'arguments',
    [(), ('config.py', '--launcher', 'mpi'), ('config.py', '--seed', 'x')],
)
def test_wrong_usage(arguments, run_tool):
    done = run_tool(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith('usage: ')
