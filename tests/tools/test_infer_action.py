import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / 'tools/infer_action.py'


def run_tool(*arguments, folder, python=()):
    return subprocess.run(
        [sys.executable, *python, str(TOOL), *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=120,
    )


@pytest.mark.parametrize(
    ('arguments', 'code', 'message'),
    [
        ((), 2, 'required: VIDEO, --model'),
        (('a.mp4', '--model', 'm'), 2, 'name a file of poses, or --pose-model'),
        (('-', 'a.pkl', '--model', 'm'), 1, 'error: a.pkl: no such file of poses'),
        (('a.mp4', 'p.csv', '--model', 'm'), 1, 'error: a.mp4: no such video'),
        (('-', 'p.csv', '--model', 'm.pth'), 1, 'error: m.pth: no such checkpoint'),
    ],
)
@pytest.mark.slow  # a new process each
def test_failures_are_told_without_a_traceback(arguments, code, message, tmp_path):
    (tmp_path / 'p.csv').write_text('frame,person,joint,x,y,score\n')
    done = run_tool(*arguments, folder=tmp_path)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert 'Traceback' not in done.stderr
    assert not (tmp_path / 'work_dirs').exists()


def test_help_needs_no_torch(tmp_path):
    done = run_tool('--help', folder=tmp_path, python=('-X', 'importtime'))
    assert done.returncode == 0
    for option in ('--model', '--window', '--stride', '--overlay', '--pose-model'):
        assert option in done.stdout
    assert 'argparse' in done.stderr  # the times are there
    assert 'torch' not in done.stderr
