import functools
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[3]
TOOL = ROOT / 'tools/model_converters/import_original.py'


@pytest.fixture
def run_tool(run_in_process):
    return functools.partial(run_in_process, TOOL)


def test_a_file_of_the_margin_exits_with_1(tmp_path, run_tool):
    weights = {'stem.0.weight': torch.zeros(8, 3, 3, 3), 'margin_head.weight': 0}
    normalization = {'mean': [0.0] * 3, 'std': [1.0] * 3, 'image_size': [24, 40]}
    content = {'model_state': weights, 'normalization': normalization}
    torch.save(content, tmp_path / 'a.pt')
    done = run_tool(tmp_path / 'a.pt', tmp_path / 'b.pth')
    assert done.returncode == 1
    assert 'no head is left' in done.stderr
    assert 'Traceback' not in done.stderr


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('a.pt',), 'required: OUT'),
        (('a.pt', 'b.pth', '--mean', '1'), '--mean: expected 3 arguments'),
        (('gone.pt', 'b.pth'), 'gone.pt: no such checkpoint'),
    ],
)
def test_wrong_usage(arguments, message, run_tool):
    done = run_tool(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert 'Traceback' not in done.stderr
