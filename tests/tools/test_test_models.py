import functools
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / 'tools' / 'test_models.py'


@pytest.fixture
def run(run_in_process):
    return functools.partial(run_in_process, TOOL)


def test_a_model_that_cannot_be_tested_fails_after_the_table(tmp_path, run):
    (tmp_path / 'empty').mkdir()
    done = run('empty', '-o', 'table.json', folder=tmp_path)
    assert done.returncode == 1
    assert '| empty | – | – | – | FAILED |' in done.stdout
    assert 'error: 1 of 1 models fail:\n  empty: RunError: no best' in done.stderr
    assert (tmp_path / 'table.json').exists()


def test_nothing_to_test_is_wrong_usage(tmp_path, run):
    done = run('--all', 'gone', folder=tmp_path)
    assert (done.returncode, done.stderr) == (
        2,
        'gone: no run lies below this folder\n',
    )
    done = run(folder=tmp_path)
    assert done.returncode == 2
    assert 'name a WORK_DIR' in done.stderr
