import functools
from pathlib import Path

import pytest
import torch

TOOL = Path(__file__).parents[3] / 'tools/model_converters/merge_streams.py'


@pytest.fixture
def run_tool(run_in_process):
    return functools.partial(run_in_process, TOOL)


def test_it_writes_what_it_says(tmp_path, run_tool):
    for stream in ('rgb', 'pose'):
        state = {
            f'backbone.{stream}_path.stem.0.weight': torch.ones(2, 3, 3, 3),
            f'head.fc.{stream}.weight': torch.ones(4, 2),
        }
        torch.save({'state_dict': state}, tmp_path / f'{stream}.pth')
    out = tmp_path / 'both.pth'
    done = run_tool(tmp_path / 'rgb.pth', tmp_path / 'pose.pth', '-o', out)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f'{out}: 2 tensors of rgb, 2 tensors of pose\n'
    assert len(torch.load(out, weights_only=True)['state_dict']) == 4


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('a.pth', 'b.pth'), 'required: -o/--out'),
        (('a.pth', 'b.pth', '-o', 'x.pth'), 'a.pth: no such checkpoint'),
    ],
)
def test_wrong_usage(arguments, message, run_tool):
    done = run_tool(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert 'Traceback' not in done.stderr
