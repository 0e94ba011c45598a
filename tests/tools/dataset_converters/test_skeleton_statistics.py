import functools
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

TOOL = Path(__file__).parents[3] / 'tools/dataset_converters/skeleton_statistics.py'
NAMES = ['S001C001P001R001A001', 'S001C001P003R001A001']


@pytest.fixture
def run_tool(run_in_process):
    return functools.partial(run_in_process, TOOL)


@pytest.fixture
def write(tmp_path):
    def write(**splits):
        annotations = [
            {
                'frame_dir': name,
                'label': 0,
                'img_shape': (96, 128),
                'total_frames': 4,
                'keypoint': np.full((1, 4, 17, 2), 5.0 + number, np.float32),
            }
            for number, name in enumerate(NAMES)
        ]
        content = {'split': splits, 'annotations': annotations}
        (tmp_path / 'a.pkl').write_bytes(pickle.dumps(content, 4))

    return write


def test_a_leak_is_exit_code_1_and_both_reports(tmp_path, run_tool, write):
    pytest.importorskip('jinja2')
    pytest.importorskip('matplotlib')
    write(xsub_train=NAMES[:1], xsub_val=NAMES[1:])
    reports = ('--json', 'a.json', '--html', 'a.html')
    good = run_tool('a.pkl', *reports, folder=tmp_path)
    assert good.returncode == 0, good.stderr
    assert good.stdout.startswith('NO LEAK FOUND: 2 clips\n')
    assert '<title>NO LEAK FOUND</title>' in (tmp_path / 'a.html').read_text()
    write(xsub_train=NAMES, xsub_val=NAMES[1:])
    leak = run_tool('a.pkl', *reports, folder=tmp_path)
    assert leak.returncode == 1
    headline = leak.stdout.splitlines()[0]
    assert headline.startswith('LEAK FOUND: 1 clips are in xsub_train and xsub_val; ')
    assert leak.stderr.splitlines()[-1] == f'error: {headline}'
    assert json.loads((tmp_path / 'a.json').read_text())['headline'] == headline


@pytest.mark.parametrize(
    ('arguments', 'code', 'message'),
    [
        ((), 2, 'required: PICKLE'),
        (('a.pkl', '--num-classes', 'x'), 2, "invalid int value: 'x'"),
        (('a.pkl',), 1, 'error: a.pkl: no such pickle'),
    ],
)
def test_failures_are_told_without_a_traceback(
    tmp_path, run_tool, arguments, code, message
):
    done = run_tool(*arguments, folder=tmp_path)
    assert done.returncode == code
    assert message in done.stderr
    assert 'Traceback' not in done.stderr
