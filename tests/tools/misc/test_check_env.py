import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).parents[3] / 'tools/misc/check_env.py'


def test_sound_environment_exits_with_0():
    done = subprocess.run(
        [sys.executable, TOOL], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith('python ')
    assert done.stdout.rstrip().endswith('no problem found')
