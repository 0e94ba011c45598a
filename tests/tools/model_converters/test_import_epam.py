import subprocess
import sys
from pathlib import Path

import pytest
import torch

TOOL = Path(__file__).parents[3] / 'tools/model_converters/import_epam.py'


def run_tool(*arguments):
    return subprocess.run(
        [sys.executable, str(TOOL), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_it_writes_what_it_says(tmp_path, epam_conv3d):
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
@pytest.mark.slow  # a new process each
def test_wrong_usage(arguments, message):
    done = run_tool(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert 'Traceback' not in done.stderr
