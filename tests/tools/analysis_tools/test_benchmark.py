import functools
import json
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / 'tools/analysis_tools/benchmark.py'


@pytest.fixture
def run_tool(run_in_process):
    return functools.partial(run_in_process, TOOL)


def run_new_process(*arguments, folder, python=()):
    return subprocess.run(
        [sys.executable, *python, str(TOOL), *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=300,
    )


def test_growth_of_one_tiny_set(write_config, make_eye_parquet, tmp_path, run_tool):
    arguments = (write_config(num_rows=4), '--data', make_eye_parquet())
    settings = ('--parts', 'growth', '--sizes', 40, '--threads', 1, '--out', 'figures')
    done = run_tool(*arguments, *settings, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / 'figures/benchmark.json').read_text())
    assert [entry['images'] for entry in found['growth']] == [40]
    assert found['machine']['threads'] == 1
    text = (tmp_path / 'figures/benchmark.md').read_text()
    assert text.startswith('Measured on: processor ')
    assert text in done.stdout
    assert (tmp_path / 'figures/benchmark.png').is_file()


def test_data_that_do_not_serve_are_told_without_a_traceback(
    write_config, make_eye_parquet, tmp_path, run_tool
):
    data = make_eye_parquet(split=None)
    done = run_tool(write_config(num_rows=4), '--data', data, folder=tmp_path)
    assert done.returncode == 1
    assert (
        f'error: {data}: the benchmark needs the columns "split" and "image_bytes"'
    ) in done.stderr
    assert 'Traceback' not in done.stderr


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('a.py',), 'the following arguments are required: --data'),
        (('a.py', '--data', 'd', '--device', 'tpu'), "invalid choice: 'tpu'"),
        (('a.py', '--data', 'd', '--parts', 'speed'), "invalid choice: 'speed'"),
        (('a.py', '--data', 'd'), 'a.py: no such config file'),
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
    for option in ('--data', '--device', '--parts', '--repeats', '--sizes', '--out'):
        assert option in done.stdout
    assert 'argparse' in done.stderr  # the times are there
    assert 'torch' not in done.stderr
