import functools
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / 'tools/analysis_tools/lr_finder.py'


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


def test_suggestion_on_other_data(write_config, make_eye_parquet, tmp_path, run_tool):
    data = make_eye_parquet(num_rows=96)
    arguments = ('--min-lr', '1e-4', '--num-iters', '40', '--seed', '1')
    options = ('--cfg-options', 'train_dataloader.batch_size=8')
    config = write_config()
    done = run_tool(
        config, '--data', data, *arguments, *options, '--out-dir', 'x', folder=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert 'suggested (low/10) ' in done.stdout
    assert f' -> {str(data)!r}' in done.stdout
    assert 'train_dataloader.batch_size: 16 -> 8' in done.stdout
    assert 'steps of the range test: ' in done.stderr
    assert (tmp_path / 'x/lr_curve.png').is_file()


def test_no_descent_is_told_without_a_traceback(write_config, tmp_path, run_tool):
    arguments = ('--min-lr', '1e-12', '--max-lr', '1e-11', '--num-iters', '20')
    done = run_tool(write_config(), *arguments, folder=tmp_path)
    assert done.returncode == 1, done.stderr
    assert 'error: the loss did not fall: ' in done.stderr
    assert 'Traceback' not in done.stderr


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ((), 'usage: '),
        (('a.py', '--min-lr', 'x'), "--min-lr: invalid float value: 'x'"),
        (('a.py',), 'a.py: no such config file'),
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
    for option in ('--data', '--min-lr', '--max-lr', '--num-iters', '--out-dir'):
        assert option in done.stdout
    assert 'argparse' in done.stderr  # the times are there
    assert 'torch' not in done.stderr
