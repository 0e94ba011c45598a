import functools
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / 'tools/infer_video.py'


@pytest.fixture
def run_tool(run_in_process):
    return functools.partial(run_in_process, TOOL)


@pytest.mark.parametrize(
    ('arguments', 'code', 'message'),
    [
        ((), 2, 'required: VIDEO|CAMERA, --model, --detector'),
        (('a.mp4', '--model', 'm', '--detector', 'haar'), 2, 'detector must be yunet:'),
        (
            ('a.mp4', '--model', 'm', '--detector', 'boxes:1,2,3,4'),
            1,
            'error: a.mp4: no such video; a camera is a number, as 0',
        ),
        (
            ('text.mp4', '--model', 'm', '--detector', 'boxes:1,2,3,4'),
            1,
            'error: text.mp4: cannot be opened as a video',
        ),
    ],
)
def test_failures_are_told_without_a_traceback(
    arguments, code, message, tmp_path, run_tool
):
    if 'text.mp4' in arguments:
        pytest.importorskip('av')
        (tmp_path / 'text.mp4').write_text('not a video')
    done = run_tool(*arguments, folder=tmp_path)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert 'Traceback' not in done.stderr
    assert not (tmp_path / 'work_dirs').exists()
