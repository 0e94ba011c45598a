import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[3]
TOOL = ROOT / 'tools/model_converters/import_original.py'


def run_tool(*arguments):
    return subprocess.run(
        [sys.executable, str(TOOL), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_file_of_the_margin_exits_with_1(tmp_path):
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
@pytest.mark.slow  # a new process each
def test_wrong_usage(arguments, message):
    done = run_tool(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert 'Traceback' not in done.stderr
