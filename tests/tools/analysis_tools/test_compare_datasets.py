import functools
import json
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / 'tools/analysis_tools/compare_datasets.py'


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


def test_two_splits(make_eye_parquet, tmp_path, run_tool):
    path = make_eye_parquet(num_rows=40)
    done = run_tool(
        *(path, path, '--split-a', 'train', '--split-b', 'val', '--jobs', 1),
        *('--image-size', 16, 32, '--max-rows', 15, '--seed', 1),
        *('--json', 'a.json', '--html', 'a.html'),
        folder=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert 'domain classifier AUC' in done.stdout.splitlines()[0]
    assert 'written: a.json\nwritten: a.html\n' in done.stdout
    content = json.loads((tmp_path / 'a.json').read_text())
    assert content['image_size'] == [16, 32]
    assert [content['sets'][which]['measured'] for which in 'AB'] == [15, 12]


@pytest.mark.parametrize(
    ('arguments', 'code', 'message'),
    [
        (('a.parquet',), 2, 'required: B'),
        (('a.parquet', 'b.parquet', '--split-b', 'dev'), 2, "invalid choice: 'dev'"),
        (('a.parquet', 'b.parquet'), 1, 'error: a.parquet: no such parquet file'),
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
    for option in ('--split-a', '--split-b', '--image-size H W', '--json', '--html'):
        assert option in done.stdout
    assert 'argparse' in done.stderr  # the times are there
    assert 'torch' not in done.stderr
