from pathlib import Path

import pytest

from ocec.apis.errors import ConfigError
from ocec.apis.infer_action_settings import (
    NO_VIDEO,
    ActionSettings,
    check_outputs,
    check_settings,
    parse_frame_size,
)

# of each all other arguments are right
WRONG_SETTINGS = [
    ({'poses': None}, 'name a file of poses, or --pose-model FILE.onnx, one of them'),
    ({'pose_model': 'x.onnx'}, 'one of them'),
    (
        {'video': NO_VIDEO, 'poses': None, 'pose_model': 'x.onnx'},
        '--pose-model finds poses in a video: name one',
    ),
    ({'video': '0'}, '0 is a camera; actions are told of files'),
    ({'top': 0}, '--top must be >= 1, got 0'),
    ({'fps': 30.0}, '--fps and --frame-size are for poses without a video'),
    ({'frame_size': '9x9'}, '--fps and --frame-size are for poses without a video'),
    ({'video': NO_VIDEO, 'fps': 0.0}, r'--fps must be in \(0, 1000\], got 0\.0'),
    ({'poses': 'a.csv', 'clip': 'a'}, '--clip names a clip of a pickle'),
    ({'poses': 'a.json'}, r'a\.json: poses are a \.pkl or a \.csv file'),
    ({'video': NO_VIDEO, 'frame_size': '0x9'}, "pixels as 1080x1920, got '0x9'"),
]


def check(folder, *, video='a.mp4', poses='a.pkl', **settings):
    poses = None if poses is None else str(folder / poses)
    check_settings(ActionSettings(**settings), video, poses)


@pytest.mark.parametrize(('settings', 'message'), WRONG_SETTINGS)
def test_settings_that_do_not_go_together(settings, message, tmp_path):
    (tmp_path / 'a.pkl').touch()
    check(tmp_path)
    check(tmp_path, video=NO_VIDEO, clip='b', fps=25.0, frame_size='48x64')
    with pytest.raises(ConfigError, match=message):
        check(tmp_path, **settings)


def test_poses_that_are_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'a\.pkl: no such file of poses'):
        check(tmp_path)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'overlay': 'a.avi'}, '--overlay .*a.avi: name a file that ends in .mp4'),
        ({'save_poses': 'a.txt'}, '--save-poses .*a.txt: name a file that ends in'),
        ({'overlay': 'video.mp4'}, r'video\.mp4 would be overwritten'),
        ({'save_poses': 'poses.csv'}, r'poses\.csv would be overwritten'),
        ({'save_poses': 'out/windows.csv'}, r'windows\.csv would be overwritten'),
    ],
)
def test_files_that_cannot_be_written(settings, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    inputs = ['video.mp4', 'poses.csv']
    good = ActionSettings(overlay='out/seen.mp4', save_poses='out/poses.csv')
    check_outputs(Path('out'), good, [*inputs, None])
    with pytest.raises(ConfigError, match=message):
        check_outputs(Path('out'), ActionSettings(**settings), inputs)


def test_a_folder_that_is_a_file(tmp_path):
    file = tmp_path / 'out'
    file.touch()
    with pytest.raises(ConfigError, match='out is a file, a folder is needed'):
        check_outputs(file, ActionSettings(), [])


def test_frame_sizes():
    assert parse_frame_size('1080x1920') == (1080, 1920)
    assert parse_frame_size(None) is None
    for text in ('1080', '-1x4', '4x0', '48x64x3', '999999x1'):
        with pytest.raises(ConfigError, match=f"pixels as 1080x1920, got '{text}'"):
            parse_frame_size(text)
