import functools
from pathlib import Path

import pytest
import torch

TOOL = Path(__file__).parents[3] / 'tools/model_converters/convert_checkpoint.py'


@pytest.fixture
def run_tool(run_in_process):
    return functools.partial(run_in_process, TOOL)


def test_both_ways(tmp_path, run_tool):
    pytest.importorskip('safetensors')
    weights = {'x': torch.randn(3, 2)}
    torch.save({'state_dict': weights, 'meta': {}}, tmp_path / 'a.pth')
    for files in (('a.pth', 'a.safetensors'), ('a.safetensors', 'b.pth')):
        done = run_tool(*(tmp_path / file for file in files))
        assert done.returncode == 0, done.stderr
        assert f'{files[1]}: ' in done.stdout
    found = torch.load(tmp_path / 'b.pth', weights_only=True)
    assert torch.equal(found['state_dict']['x'], weights['x'])


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('a.pth',), 'required: OUT'),
        (('a.pth', 'b.pth'), 'are of one format'),
        (('gone.pth', 'b.safetensors'), 'gone.pth: no such checkpoint'),
    ],
)
def test_wrong_usage(arguments, message, run_tool):
    done = run_tool(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert 'Traceback' not in done.stderr
