import functools
import json
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / 'tools/misc/check_dataset.py'


@pytest.fixture
def run_tool(run_in_process):
    return functools.partial(run_in_process, TOOL)


def test_a_leak_is_exit_code_1_and_both_reports(make_eye_parquet, tmp_path, run_tool):
    file = make_eye_parquet(group=['one'] * 64)
    reports = ('--json', 'a.json', '--html', 'a.html', '--jobs', 1)
    done = run_tool(file, *reports, '--max-near-share', 1, folder=tmp_path)
    headline = 'LEAK FOUND: 1 of 1 groups are in more than one split (64 rows): one'
    assert done.returncode == 1
    assert done.stdout.splitlines()[0] == headline
    assert done.stderr.splitlines()[-1] == f'error: {headline}'
    assert json.loads((tmp_path / 'a.json').read_text())['headline'] == headline
    assert '<title>LEAK FOUND</title>' in (tmp_path / 'a.html').read_text()
    clean = run_tool(
        make_eye_parquet(), '--max-near-share', 1, '--jobs', 1, folder=tmp_path
    )
    assert clean.returncode == 0, clean.stderr
    assert clean.stdout.startswith('NO LEAK FOUND: 64 rows, 16 groups\n')


@pytest.mark.parametrize(
    ('arguments', 'code', 'message'),
    [
        ((), 2, 'required: FILE'),
        (('a.parquet', '--near-distance', 'far'), 2, "invalid int value: 'far'"),
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


def test_a_leak_that_is_not_excluded_is_loud_but_exit_code_0(
    make_eye_parquet, tmp_path, run_tool
):
    file = make_eye_parquet(split=['train'] * 34 + ['evaluate'] * 30)
    done = run_tool(file, '--jobs', 1, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].startswith(
        'LEAK NOT EXCLUDED: 30 of 64 rows have no known split; train is the only split'
    )
