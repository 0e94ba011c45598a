import functools
import json
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

TOOL = Path(__file__).parents[3] / 'tools/dataset_converters/crop_persons.py'


@pytest.fixture
def run_tool(run_in_process):
    return functools.partial(run_in_process, TOOL)


@pytest.fixture
def data(tmp_path):
    """Two clips of five pictures each."""
    annotations = []
    for name in ('a', 'b'):
        folder = tmp_path / 'videos' / name
        folder.mkdir(parents=True)
        for number in range(5):
            image = np.full((48, 64, 3), 30 * number, np.uint8)
            cv2.imwrite(str(folder / f'{number}.png'), image)
        keypoint = np.random.default_rng(0).uniform(10, 40, (1, 5, 13, 2))
        annotations.append(
            {
                'frame_dir': name,
                'label': 0,
                'img_shape': (48, 64),
                'total_frames': 5,
                'keypoint': keypoint.astype(np.float32),
            }
        )
    content = {'split': {'first': ['a']}, 'annotations': annotations}
    (tmp_path / 'a.pkl').write_bytes(pickle.dumps(content, 4))
    return tmp_path


def test_the_flags_reach_the_crops(data, run_tool):
    flags = ['--format', 'jpeg', '--size', 32, '--padding', 0.1, '--ratio', 'none']
    flags += ['--num-joints', 13, '--jobs', 1, '--quality', 80]
    done = run_tool('a.pkl', 'videos', 'out', *flags, '--split', 'first', folder=data)
    assert done.returncode == 0, done.stderr
    assert 'out: 1 clips cropped, 0 were there, 0 have no crop' in done.stdout
    assert sorted(f.name for f in (data / 'out').glob('[!.]*')) == [
        *('a.zip', 'boxes.csv', 'crop_persons.json')
    ]
    settings = json.loads((data / 'out' / 'crop_persons.json').read_text())
    assert settings['settings'] == {
        'format': 'jpeg',
        'size': 32,
        'keep_ratio': False,
        'quality': 80,
        'padding': 0.1,
        'ratio': None,
        'min_size_px': 10.0,
        'beyond_frame': False,
    }
    (data / 'videos' / 'b' / '3.png').unlink()
    again = run_tool('a.pkl', 'videos', 'out', *flags, folder=data)
    assert again.returncode == 1
    assert '1 clips have no crop, all listed in out/bad_clips.txt' in again.stderr
    skip = run_tool('a.pkl', 'videos', 'out', *flags, '--bad-clips=skip', folder=data)
    assert skip.returncode == 0
    assert '0 clips cropped, 1 were there, 1 have no crop' in skip.stdout


@pytest.mark.parametrize(
    ('arguments', 'code', 'message'),
    [
        (('a.pkl', 'videos'), 2, 'required: OUT_FOLDER'),
        (('a.pkl', 'videos', 'out', '--size', '33'), 2, 'error: size must be even'),
        (('a.pkl', 'videos', 'out', '--ratio', 'x'), 2, "invalid _ratio value: 'x'"),
        (('a.pkl', 'none', 'out', '--num-joints', 13), 1, 'none: no such folder of'),
        (('a.pkl', 'videos', 'out'), 1, 'keypoint: it has 13 joints, 17 are expected'),
        (('x.pkl', 'videos', 'out'), 1, 'x.pkl'),
    ],
)
def test_failures_are_told_without_a_traceback(
    data, run_tool, arguments, code, message
):
    done = run_tool(*arguments, folder=data)
    assert done.returncode == code
    assert message in done.stderr
    assert 'Traceback' not in done.stderr
    assert not (data / 'out').exists()
