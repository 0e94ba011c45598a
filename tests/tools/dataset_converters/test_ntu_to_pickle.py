import functools
import pickle
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / 'tools/dataset_converters/ntu_to_pickle.py'
NAME = 'S001C001P001R001A001'


@pytest.fixture
def run_tool(run_in_process):
    return functools.partial(run_in_process, TOOL)


@pytest.fixture
def skeletons(tmp_path):
    folder = tmp_path / 'skeletons'
    folder.mkdir()
    joints = '0 1 3 1 2 640.5 360 0 0 0 1 1\n' * 25
    frame = f'1\n7 0 1 1 1 1 0 0 0 2\n25\n{joints}'
    (folder / f'{NAME}.skeleton').write_text(f'2\n{frame}{frame}')
    return folder


def test_the_flags_reach_the_pickle(skeletons, tmp_path, run_tool):
    (skeletons / 'S001C001P001R001A002.skeleton').write_text('3\n1\n')
    flags = ['--coords', 'color', '--dtype', 'float16', '--dataset', 'ntu120']
    flags += ['--bad-files', 'skip', '--jobs', 1]
    done = run_tool(skeletons, 'a.pkl', *flags, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert 'A002.skeleton: cut off in frame 1 of 3' in done.stdout
    content = pickle.loads((tmp_path / 'a.pkl').read_bytes())
    assert list(content['split']) == [
        *('xsub_train', 'xsub_val', 'xset_train', 'xset_val')
    ]
    [annotation] = content['annotations']
    assert annotation['keypoint'].dtype == 'float16'
    assert annotation['keypoint'][0, 1, 3].tolist() == [640.5, 360.0]
    assert annotation['keypoint_score'][0, 1, 3] == 0.5

    again = run_tool(skeletons, 'a.pkl', folder=tmp_path)
    assert again.returncode == 1
    assert again.stderr.startswith('error: a.pkl exists; choose another name')


@pytest.mark.parametrize(
    ('arguments', 'code', 'message'),
    [
        (('x',), 2, 'required: OUT.pkl'),
        (('x', 'a.pkl', '--coords', '2d'), 2, "invalid choice: '2d'"),
        (('x', 'a.pkl'), 1, 'error: x: no such folder of skeleton files'),
    ],
)
def test_failures_are_told_without_a_traceback(
    tmp_path, run_tool, arguments, code, message
):
    done = run_tool(*arguments, folder=tmp_path)
    assert done.returncode == code
    assert message in done.stderr
    assert 'Traceback' not in done.stderr
