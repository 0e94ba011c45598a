import functools
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / 'tools' / 'pair_stages.py'


@pytest.fixture
def run(run_in_process):
    return functools.partial(run_in_process, TOOL)


def test_a_plan_from_any_folder(tmp_path, run):
    arguments = ('--stages', 'stage3, stage4', '--members', 'fpn', '--seeds', '1,2')
    done = run('--dry-run', *arguments, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, '')
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        'stage3:',
        'fpn-s1',
        'fpn-s2',
        'stage4:',
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('--stages', 'stage9'), "--stages: there is no 'stage9'"),
        (('--jobs', '0'), '--jobs must be >= 1'),
        (('--seeds', 'many'), 'usage: '),
    ],
)
def test_wrong_usage(arguments, message, tmp_path, run):
    done = run(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(message)
