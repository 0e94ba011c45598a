import functools
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / 'tools' / 'analysis_tools' / 'compare_runs.py'


@pytest.fixture
def run(run_in_process):
    return functools.partial(run_in_process, TOOL)


def test_report_and_exit_code(make_work_dir, tmp_path, run):
    folder = make_work_dir()
    done = run(
        folder, '-o', tmp_path / 'r.html', '--format', 'md,csv', '--metric', 'f1'
    )
    assert (done.returncode, done.stderr) == (0, '')
    assert '1 run by val/f1, target 0.9' in done.stdout
    assert sorted(p.name for p in tmp_path.glob('r.*')) == ['r.csv', 'r.md']


def test_a_missing_folder_fails_after_the_report(make_work_dir, tmp_path, run):
    done = run(make_work_dir(), tmp_path / 'gone', '-o', tmp_path / 'r.md')
    assert done.returncode == 1
    assert done.stderr.startswith('error: 1 of 2 arguments cannot be shown')
    assert (tmp_path / 'r.md').exists()


def test_wrong_metric_is_usage(make_work_dir, run):
    done = run(make_work_dir(), '--metric', 'f2')
    assert done.returncode == 2
    assert 'did you mean f1?' in done.stderr
