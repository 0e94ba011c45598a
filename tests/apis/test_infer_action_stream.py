import tracemalloc

import numpy as np
import pytest

from ocec.apis.infer_action_poses import poses_of_persons
from ocec.apis.infer_action_stream import (
    VideoPass,
    WindowFrames,
    read_windows,
    window_table,
)
from ocec.apis.infer_action_windows import Window, plan_windows
from ocec.apis.infer_video_read import Frame, VideoError
from ocec.datasets.clip_reader import ClipReader
from ocec.datasets.rgb_source import crop, resize
from ocec.functional.clip_sampling import fixed_clips
from ocec.functional.person_box import person_box

SIZE = (96, 128)


def make_poses(num_frames, *, empty=(), hw=SIZE):
    rng = np.random.default_rng(0)
    keypoint = rng.uniform(20, 70, (2, num_frames, 17, 2)).astype(np.float32)
    score = rng.uniform(0.1, 1, (2, num_frames, 17)).astype(np.float32)
    for frame in empty:
        keypoint[:, frame] = score[:, frame] = 0
    return poses_of_persons('x', keypoint, score, hw)


def image_of(number, hw=SIZE):
    rng = np.random.default_rng(number)
    return rng.integers(0, 256, (*hw, 3), np.uint8)


def frames(count, hw=SIZE):
    return (Frame(n, n / 10, image_of(n, hw)) for n in range(count))


def make_reader(**settings):
    sizes = {'num_pose_frames': 12, 'num_rgb_frames': 4, 'frame_size': (24, 32)}
    return ClipReader(test_mode=True, **{**sizes, **settings})


@pytest.mark.parametrize(('length', 'stride'), [(30, 7), (8, 3), (1, 1), (None, 1)])
@pytest.mark.parametrize('num_clips', [1, 3])
def test_windows_hold_their_frames_and_joints(length, stride, num_clips):
    poses, reader = make_poses(50), make_reader(num_clips=num_clips)
    windows = plan_windows(50, length, stride)
    found = list(read_windows(windows, poses, reader, frames(60)))
    assert [window for window, _ in found] == windows
    for window, sample in found:
        keypoint, score = poses.window(window.start, window.stop)
        clips = fixed_clips(window.stop - window.start, 12, num_clips)
        box = person_box(keypoint, SIZE)
        assert sample.box.tolist() == box.tolist()
        for number, clip in enumerate(clips):
            expected = keypoint[:, clip]
            np.testing.assert_array_equal(sample.keypoint_MPTK2[number], expected)
            expected = score[:, clip]
            np.testing.assert_array_equal(sample.score_MPTK[number], expected)
            for place, frame in enumerate(clip[::3]):
                image = image_of(window.start + frame)
                part = resize(crop(image, box, SIZE), (24, 32))
                shown = sample.frames_MThwC[number, place]
                np.testing.assert_array_equal(shown, part)


def test_without_frames_there_are_joints_only():
    windows = plan_windows(20, 8, 4)
    found = list(read_windows(windows, make_poses(20), make_reader()))
    assert [window for window, _ in found] == windows
    assert all(sample.frames_MThwC is None for _, sample in found)


@pytest.mark.parametrize('has_frames', [True, False])
def test_windows_without_anybody(has_frames):
    poses = make_poses(12, empty=range(4, 8))
    windows = plan_windows(12, 4, 4)
    video = frames(12) if has_frames else None
    found = read_windows(windows, poses, make_reader(), video)
    assert [sample is None for _, sample in found] == [False, True, False]


def test_memory_holds_no_frames():
    large = (480, 640)
    poses = make_poses(200, hw=large)
    windows = plan_windows(200, 100, 50)
    blank = np.zeros((*large, 3), np.uint8)
    video = (Frame(n, n / 10, blank.copy()) for n in range(200))
    tracemalloc.start()
    for _ in read_windows(windows, poses, make_reader(), video):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # a window of whole frames would be 92 MB
    assert peak < 10e6


def test_frames_that_nobody_wants_are_not_kept():
    source = WindowFrames()
    box, size = (0, 0, 128, 96), (24, 32)
    arguments = {'box': box, 'frame_hw': SIZE, 'size': size}
    assert not source.read(0, [1, 3], **arguments).any()
    for number in range(5):
        source.add(number, image_of(number))
    found = source.read(0, [1, 3], **arguments)
    np.testing.assert_array_equal(found[0], resize(image_of(1), size))
    np.testing.assert_array_equal(found[1], resize(image_of(3), size))


def test_a_window_is_a_table_of_one_clip():
    poses = make_poses(9)
    table = window_table(poses, Window(0, 2, 7))
    assert len(table) == 1
    keypoint, score = table.skeletons(0)
    np.testing.assert_array_equal(keypoint, poses.window(2, 7)[0])
    np.testing.assert_array_equal(score, poses.window(2, 7)[1])
    assert table.frame_hw_N2.tolist() == [list(SIZE)]


class Video:
    def __init__(self, count, hw=SIZE, damage=()):
        self.count, self.hw, self.damage = count, hw, list(damage)

    def frames(self):
        return frames(self.count, self.hw)


def test_a_pass_over_a_video_tells_the_times():
    passed = VideoPass(Video(5, damage=['torn']), make_poses(4))
    assert [frame.number for frame in passed.frames()] == [0, 1, 2, 3, 4]
    assert list(passed.times_s) == [0, 0.1, 0.2, 0.3, 0.4]
    assert passed.damage == ['torn']


@pytest.mark.parametrize(
    ('video', 'message'),
    [
        (Video(4), 'it has 4 frames, the poses of "x" have 5: they are of another'),
        (Video(4, damage=['torn']), 'or it is cut off; torn$'),
        (Video(0, damage=['torn']), '^no frame could be read; torn$'),
        (
            Video(5, (96, 96)),
            'its frames are 96 x 96 pixels, the poses of "x" are of 96',
        ),
    ],
)
def test_a_video_of_other_poses(video, message):
    with pytest.raises(VideoError, match=message):
        list(VideoPass(video, make_poses(5)).frames())


def test_a_smaller_copy_of_the_video_will_do():
    # 540 lines of a video whose skeletons count in 1080
    passed = VideoPass(Video(5, (48, 64)), make_poses(5))
    assert len(list(passed.frames())) == 5
