import functools
import json
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / 'tools/misc/compute_mean_std.py'


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


def test_two_files(make_eye_parquet, tmp_path, run_tool):
    files = [make_eye_parquet(num_rows=40, seed=seed) for seed in (1, 2)]
    done = run_tool(
        *files,
        *('--split', 'val', '--image-size', 8, 16),
        *('--group', 's005', '--group', 's006', 's007', '--out', 'a.json'),
        folder=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    for path in files:
        line = f'{path}: 12 images of split val (6 closed, 6 open), 8x16'
        assert line in done.stdout
    assert 'all: 24 images' in done.stdout
    snippet, written = done.stdout.splitlines()[-2:]
    assert snippet.startswith('data_preprocessor=dict(mean=[')
    assert written == 'written: a.json'
    content = json.loads((tmp_path / 'a.json').read_text())
    assert content['groups'] == ['s005', 's006', 's007']


@pytest.mark.parametrize(
    ('arguments', 'code', 'message'),
    [
        ((), 2, 'required: FILE'),
        (('a.parquet', '--split', 'trian'), 2, "invalid choice: 'trian'"),
        (('a.parquet', '--image-size', '32'), 2, '--image-size: expected 2 arguments'),
        (('a.parquet',), 1, 'error: a.parquet: no such parquet file'),
    ],
)
def test_failures_are_told_without_a_traceback(
    arguments, code, message, tmp_path, run_tool
):
    done = run_tool(*arguments, folder=tmp_path)
    assert done.returncode == code
    assert message in done.stderr
    assert 'Traceback' not in done.stderr


def test_help_needs_no_torch(tmp_path):
    done = run_new_process('--help', folder=tmp_path, python=('-X', 'importtime'))
    assert done.returncode == 0
    for option in ('--split', '--image-size H W', '--group', '--out'):
        assert option in done.stdout
    assert 'argparse' in done.stderr  # the times are there
    assert 'torch' not in done.stderr
