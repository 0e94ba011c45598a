import pickle

import numpy as np
import pytest

from ocec.apis.errors import ConfigError
from ocec.apis.infer_action_poses import (
    is_anybody,
    poses_of_persons,
    read_pickle_poses,
)


def write_clips(path, *names, **fields):
    clips = []
    for number, name in enumerate(names):
        rng = np.random.default_rng(number)
        clip = {
            'frame_dir': name,
            'label': 0,
            'img_shape': (48, 64),
            'total_frames': 5,
            'keypoint': rng.uniform(1, 40, (2, 5, 17, 2)).astype(np.float16),
            'keypoint_score': rng.uniform(0.1, 1, (2, 5, 17)).astype(np.float16),
            **fields,
        }
        clips.append(clip)
    path.write_bytes(pickle.dumps(clips, 4))
    return clips


def read(path, video=None, clip=None, num_joints=17):
    return read_pickle_poses(path, num_joints=num_joints, video=video, clip=clip)


def test_windows_hold_the_skeletons_of_the_file(tmp_path):
    [clip] = write_clips(tmp_path / 'a.pkl', 'a')
    poses = read(tmp_path / 'a.pkl')
    assert (poses.name, poses.num_frames, poses.frame_hw) == ('a', 5, (48, 64))
    for start, stop in ((0, 5), (1, 3), (4, 5)):
        keypoint, score = poses.window(start, stop)
        np.testing.assert_array_equal(keypoint, clip['keypoint'][:, start:stop])
        np.testing.assert_array_equal(score, clip['keypoint_score'][:, start:stop])
    persons, keypoint, score = poses.frame(2)
    assert persons.tolist() == [0, 1]
    np.testing.assert_array_equal(keypoint, clip['keypoint'][:, 2])
    np.testing.assert_array_equal(score, clip['keypoint_score'][:, 2])


def test_persons_that_are_not_there_take_no_room():
    keypoint, score = np.zeros((3, 4, 2, 2)), np.zeros((3, 4, 2))
    keypoint[2, 1], score[2, 1] = 7, 0.5
    keypoint[0, 3], score[0, 3] = 9, 0.5
    poses = poses_of_persons('x', keypoint, score, (10, 10))
    assert poses.frame_R.tolist() == [1, 3]
    assert poses.person_R.tolist() == [2, 0]
    found, _ = poses.window(0, 3)
    np.testing.assert_array_equal(found, keypoint[2:3, 0:3])
    found, found_score = poses.window(2, 3)
    assert found.shape == (1, 1, 2, 2)
    assert not is_anybody(found, found_score)
    assert is_anybody(*poses.window(0, 4))


def test_a_joint_without_score_or_place_is_nobody():
    keypoint, score = np.ones((1, 1, 2, 2)), np.zeros((1, 1, 2))
    assert not is_anybody(keypoint, score)
    assert not is_anybody(0 * keypoint, score + 1)
    assert is_anybody(keypoint, score + 1)


def test_the_clip_is_named_as_the_video(tmp_path):
    path = tmp_path / 'a.pkl'
    write_clips(path, 'one', 'S001', 'two')
    assert read(path, video='videos/S001.mp4').name == 'S001'
    assert read(path, video='S001_rgb.avi').name == 'S001'
    assert read(path, video='other.mp4', clip='two').name == 'two'


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (
            {'video': 'x_rgb.avi'},
            r'no poses of clip "x"; name the clip with --clip. It',
        ),
        ({'clip': 'x'}, r'no poses of clip "x"\. It has one, two$'),
        ({}, r'holds 2 clips: say which with --clip. They are one, two'),
    ],
)
def test_clips_that_are_not_there(arguments, message, tmp_path):
    write_clips(tmp_path / 'a.pkl', 'one', 'two')
    with pytest.raises(ConfigError, match=message):
        read(tmp_path / 'a.pkl', **arguments)


def test_another_number_of_joints_is_told(tmp_path):
    write_clips(tmp_path / 'a.pkl', 'one')
    with pytest.raises(
        ValueError, match='clip "one": keypoint: it has 17 joints, 25 a'
    ):
        read(tmp_path / 'a.pkl', num_joints=25)


def test_nan_is_missing_and_told(tmp_path):
    keypoint = np.full((1, 2, 17, 2), 5, np.float32)
    keypoint[0, 1, 3, 0] = np.nan
    score = np.ones((1, 2, 17), np.float32)
    path = tmp_path / 'a.pkl'
    fields = {'keypoint': keypoint, 'keypoint_score': score, 'total_frames': 2}
    write_clips(path, 'one', **fields)
    poses = read(path)
    assert poses.notes == (
        'coordinates or scores that are no numbers count as missing',
    )
    found, found_score = poses.window(0, 2)
    assert np.isfinite(found).all()
    assert np.argwhere(found_score == 0).tolist() == [[0, 1, 3]]


def test_an_empty_file(tmp_path):
    (tmp_path / 'a.pkl').write_bytes(pickle.dumps([], 4))
    with pytest.raises(ValueError, match='it holds no clip'):
        read(tmp_path / 'a.pkl')
