import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TOOL = ROOT / 'tools' / 'dataset_converters' / 'make_sample_actions.py'


@pytest.fixture
def run_tool(run_in_process):
    return functools.partial(run_in_process, TOOL)


def run_new_process(*arguments, folder, options=()):
    paths = [str(ROOT), os.environ.get('PYTHONPATH', '')]
    environment = os.environ | {'PYTHONPATH': os.pathsep.join(filter(None, paths))}
    return subprocess.run(
        [sys.executable, *options, str(TOOL), *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        check=False,
        timeout=60,
    )


def test_tool_draws_with_its_flags_then_refuses_other_ones(tmp_path, run_tool):
    pytest.importorskip('av')
    flags = ['--clips', '18', '--classes', 'nod', 'drink', '--subjects', '3']
    flags += ['--size', '80x64', '--frames', '3-5', '--jobs', '1']
    done = run_tool('set', *flags, '--seed', '7', folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert 'set: 18 clips of 2 classes' in done.stdout
    assert 'drawing clips: 18 of 18' in done.stderr
    settings = json.loads((tmp_path / 'set' / 'sample_actions.json').read_text())
    assert settings['settings'] == {
        'num_clips': 18,
        'classes': ['nod', 'drink'],
        'num_subjects': 3,
        'width': 80,
        'height': 64,
        'min_frames': 3,
        'max_frames': 5,
        'seed': 7,
        'drawing_version': 1,
    }
    assert len(list((tmp_path / 'set' / 'videos').glob('*.mp4'))) == 18

    other = run_tool('set', *flags, '--seed', '8', folder=tmp_path)
    assert other.returncode == 1
    assert 'seed 7 there, 8 asked for' in other.stderr
    assert 'Traceback' not in other.stderr


@pytest.mark.parametrize(
    ('flags', 'message'),
    [
        (['--size', '160'], "'160' is not written like 160x120"),
        (['--frames', '40-x'], "'40-x' is not written like 40-90"),
        (['--clips', 'many'], "invalid int value: 'many'"),
    ],
)
def test_wrong_usage_exits_with_2(tmp_path, flags, message, run_tool):
    done = run_tool(*flags, folder=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr


def test_help_imports_nothing_heavy(tmp_path):
    done = run_new_process('--help', folder=tmp_path, options=['-X', 'importtime'])
    assert done.returncode == 0
    for flag in ('out', '--clips', '--classes', '--subjects', '--seed', '--jobs'):
        assert flag in done.stdout
    for flag in ('--size', '--frames', '--force'):
        assert flag in done.stdout
    imported = {line.split('|')[-1].strip() for line in done.stderr.splitlines()}
    assert 'argparse' in imported
    assert not imported & {'numpy', 'cv2', 'av', 'rich', 'torch', 'ocec'}
