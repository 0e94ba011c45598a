import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*arguments, folder):
    return subprocess.run(
        [sys.executable, ROOT / 'tools' / 'sweep.py', *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=240,
    )


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (None, 'sweep.py: no such config file'),
        ("space = {'model.head.dropuot': [0.1, 0.2]}", 'did you mean model.head.drop'),
        ('seeds = [1, 1]', 'seeds: 1 is there twice'),
    ],
)
@pytest.mark.slow  # a new process each
def test_wrong_usage_is_told_without_a_traceback(tmp_path, text, message):
    base = ROOT / 'configs/ocec/ocec-baseline_1xb256-20e_eye-32x64.py'
    if text is not None:
        head = f"base = {str(base)!r}\nmetric = 'eye/f1'\nnum_trials = 2\n"
        (tmp_path / 'sweep.py').write_text(head + text)
    done = run('sweep.py', folder=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert 'Traceback' not in done.stderr
