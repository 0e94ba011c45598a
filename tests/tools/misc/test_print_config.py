import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TOOL = ROOT / 'tools/misc/print_config.py'


def run(*args):
    command = [sys.executable, TOOL, *args]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_config_is_printed_with_every_occurrence_of_options(tmp_path, run_in_process):
    path = tmp_path / 'a.py'
    path.write_text('x = 1\n')
    options = ('--cfg-options', 'x=none', 'y=0123', '--cfg-options', 'z=2,3')
    done = run_in_process(TOOL, path, *options)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:3] == [
        '# x: 1 -> None',
        "# y: (new key) -> '0123'",
        '# z: (new key) -> [2, 3]',
    ]


def test_bad_option_exits_with_2(tmp_path, run_in_process):
    path = tmp_path / 'a.py'
    path.write_text('x = [1]\n')
    done = run_in_process(TOOL, path, '--cfg-options', 'x.7=1')
    assert done.returncode == 2
    assert 'index 7 is out of range' in done.stderr
    assert 'Traceback' not in done.stderr


def test_help_is_quick():
    seconds = []
    for _ in range(3):  # the machine may be busy once
        start = time.perf_counter()
        done = run('--help')
        seconds.append(time.perf_counter() - start)
    assert done.returncode == 0
    assert '--cfg-options' in done.stdout
    assert min(seconds) < 1


@pytest.mark.parametrize('tool', ['print_config.py', 'check_env.py'])
def test_clashing_packages_are_told_without_a_traceback(tmp_path, tool):
    # a second engine family, as pip would record it
    info = tmp_path / 'mmengine-0.10.7.dist-info'
    info.mkdir()
    (info / 'METADATA').write_text('Metadata-Version: 2.1\nName: mmengine\n')
    done = subprocess.run(
        [sys.executable, TOOL.with_name(tool), *(['x'] * (tool != 'check_env.py'))],
        capture_output=True,
        text=True,
        check=False,
        env={'PYTHONPATH': f'{tmp_path}:{ROOT}'},
    )
    assert done.returncode == 1
    output = done.stdout + done.stderr
    assert 'two packages own the same files: mmengine and onedl-mmengine' in output
    assert 'Traceback' not in output
