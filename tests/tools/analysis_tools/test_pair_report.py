import functools
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / 'tools' / 'analysis_tools' / 'pair_report.py'


@pytest.fixture
def run(run_in_process):
    return functools.partial(run_in_process, TOOL)


def test_nothing_to_show_is_wrong_usage(tmp_path, run):
    (tmp_path / 'empty').mkdir()
    done = run('empty', '-o', 'r.html', folder=tmp_path)
    assert done.returncode == 2
    assert 'no model could be measured:\n  empty: RunError: no best.json' in done.stderr
    done = run('empty', '-o', 'r.html', '--stack', 'gone.json', folder=tmp_path)
    assert done.returncode == 2
    assert '--stack gone.json: no record of a stacking' in done.stderr
    assert not (tmp_path / 'r.html').exists()


def test_the_page_needs_a_name(tmp_path, run):
    done = run('empty', folder=tmp_path)
    assert done.returncode == 2
    assert 'the following arguments are required: -o/--out' in done.stderr
