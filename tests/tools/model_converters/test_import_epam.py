import functools
from pathlib import Path

import pytest
import torch

TOOL = Path(__file__).parents[3] / 'tools/model_converters/import_epam.py'


@pytest.fixture
def run_tool(run_in_process):
    return functools.partial(run_in_process, TOOL)


def test_it_writes_what_it_says(tmp_path, epam_conv3d, run_tool):
    state = epam_conv3d.EPAMConv3d(11).state_dict()
    path, out = tmp_path / 'released.pth', tmp_path / 'ours.pth'
    torch.save({'model_state_dict': state}, path)
    done = run_tool(path, '-o', out)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f'{out}: 1,071 tensors, 11 classes\n'
    assert len(torch.load(out, weights_only=True)['state_dict']) == 1_071


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('a.pth',), 'required: -o/--out'),
        (('a.pth', '-o', 'x.pth'), 'a.pth: no such checkpoint'),
    ],
)
def test_wrong_usage(arguments, message, run_tool):
    done = run_tool(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert 'Traceback' not in done.stderr
