"""Every shipped sweep passes its checks and says how it is started."""

import ast
from pathlib import Path

import pytest

from ocec.apis.sweep_check import check_sweep
from ocec.apis.sweep_config import read_sweep_config

FOLDER = Path(__file__).parents[1] / 'configs' / 'sweeps'
CONFIGS = sorted(FOLDER.glob('*.py'))


def test_sweeps_are_found():
    assert len(CONFIGS) == 5


@pytest.mark.parametrize('file', CONFIGS, ids=lambda file: file.stem)
def test_sweep_is_right(file, make_eye_parquet):
    data = make_eye_parquet(num_rows=32, groups=8)
    config = read_sweep_config(file, data=str(data))
    for cfg in check_sweep(config).values():
        assert cfg.train_dataloader.dataset.data == str(data)


@pytest.mark.parametrize('file', CONFIGS, ids=lambda file: file.stem)
def test_docstring_gives_command_and_result(file):
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding='utf-8')))
    assert f'Sweep:  python tools/sweep.py configs/sweeps/{file.name}' in docstring
    assert 'Result: ' in docstring
