"""What is installed: the wheel, and configs that are named by package."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ocec.apis.config_check import check_config
from ocec.apis.run_config import read_config

ROOT = Path(__file__).parents[1]


def tracked_files():
    command = ['git', 'ls-files', '-z']
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip('no git checkout')
    names = [name for name in done.stdout.decode().split('\0') if name]
    return [name for name in names if (ROOT / name).is_file()]


@pytest.fixture(scope='module')
def names_in_wheel(tmp_path_factory):
    source, out = tmp_path_factory.mktemp('source'), tmp_path_factory.mktemp('wheel')
    for name in tracked_files():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    done = subprocess.run(
        [
            *(sys.executable, '-m', 'pip', 'wheel', '--quiet', '--no-deps'),
            *('--no-build-isolation', '--no-index', '-w', str(out), '.'),
        ],
        cwd=source,
        env=os.environ | {'PIP_DISABLE_PIP_VERSION_CHECK': '1'},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    [wheel] = out.glob('ocec-*.whl')
    return set(zipfile.ZipFile(wheel).namelist())


def test_wheel_holds_every_module_config_and_tool(names_in_wheel):
    tracked = tracked_files()
    modules = {name for name in tracked if name.startswith('ocec/')}
    packed = {f'ocec/.mim/{n}' for n in tracked if n.startswith(('configs/', 'tools/'))}
    assert 'ocec/.mim/configs/_base_/default_runtime.py' in packed
    assert 'ocec/.mim/tools/train.py' in packed
    assert modules | packed <= names_in_wheel


def test_wheel_holds_nothing_else(names_in_wheel):
    first = {name.split('/')[0] for name in names_in_wheel}
    assert len(first) == 2
    assert 'ocec' in first
    assert not [
        n for n in names_in_wheel if 'tests' in n.split('/') or n.endswith('.pyc')
    ]


@pytest.mark.parametrize('folder', ['.', '/'])
def test_base_is_found_by_the_name_of_the_package(tmp_path, monkeypatch, folder):
    if not (ROOT / 'ocec' / '.mim' / 'model-index.yml').exists():
        pytest.fail('ocec/.mim is stale: python -m pip install --no-deps -e .')
    bases = ('models/ocec_baseline', 'datasets/eye', 'schedules/adamw_cosine_20e')
    bases = [f'ocec::_base_/{base}.py' for base in (*bases, 'default_runtime')]
    path = tmp_path / 'leaf.py'
    path.write_text(f'_base_ = {bases}\ntrain_cfg = dict(max_epochs=3)\n')
    monkeypatch.chdir(ROOT if folder == '.' else folder)
    cfg = read_config(path)
    assert cfg.default_scope == 'ocec'
    assert cfg.train_cfg.max_epochs == 3
    assert cfg.model.backbone.type == 'OCECBaseline'
    assert check_config(cfg) == []
