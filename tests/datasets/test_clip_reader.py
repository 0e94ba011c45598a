import numpy as np
import pytest

from ocec.datasets.action_table import read_action_table
from ocec.datasets.clip_reader import ClipReader
from ocec.datasets.rgb_source import find_videos
from ocec.functional.clip_sampling import fixed_clips, sample_clip
from ocec.functional.person_box import person_box

SETTINGS = {'num_pose_frames': 12, 'num_rgb_frames': 4, 'frame_size': (24, 32)}


@pytest.fixture
def table(annotate, write_pickle):
    clips = [
        annotate('a', frames=40, persons=1, seed=1),
        annotate('b', frames=30, persons=3, seed=2),
        annotate('c', frames=1, persons=1, seed=3),
    ]
    return read_action_table(write_pickle(clips))


@pytest.fixture
def rgb(table, tmp_path, write_video):
    for name, num_frames in (('a', 40), ('b', 30), ('c', 1)):
        write_video(tmp_path / 'videos' / f'{name}.mp4', num_frames)
    return find_videos(tmp_path / 'videos', table, np.arange(3))[0]


def random(seed=0):
    return np.random.RandomState(seed)


@pytest.mark.parametrize('row', [0, 1, 2])
def test_rgb_frames_are_every_third_pose_frame(table, rgb, numbers_of, row):
    reader = ClipReader(**SETTINGS)
    for seed in range(3):
        sample = reader.read(table, row, rgb, random(seed))
        num_frames = int(table.num_frames_N[row])
        clip = sample_clip(num_frames, 12, random(seed))
        keypoint, score = table.skeletons(row)
        assert sample.row == row
        assert sample.frames_MThwC.shape == (1, 4, 24, 32, 3)
        assert numbers_of(sample.frames_MThwC[0]) == clip[::3].tolist()
        if len(keypoint) <= 2:
            for time, frame in enumerate(clip):
                found = sample.keypoint_MPTK2[0, :, time]
                np.testing.assert_array_equal(found, keypoint[:, frame])
                found = sample.score_MPTK[0, :, time]
                np.testing.assert_array_equal(found, score[:, frame])


def test_test_clips_are_the_fixed_ones(table, rgb, numbers_of):
    reader = ClipReader(**SETTINGS, test_mode=True, num_clips=3)
    sample = reader.read(table, 0, rgb, random())
    clips = fixed_clips(40, 12, 3)
    keypoint, _ = table.skeletons(0)
    assert sample.keypoint_MPTK2.shape == (3, 1, 12, 17, 2)
    for number, clip in enumerate(clips):
        found = sample.keypoint_MPTK2[number, 0]
        np.testing.assert_array_equal(found, keypoint[0, clip])
        assert numbers_of(sample.frames_MThwC[number]) == clip[::3].tolist()


def test_one_box_of_the_whole_video_whatever_the_clip(table, rgb):
    reader = ClipReader(**SETTINGS, box={'padding': 0.5})
    boxes = [reader.read(table, 0, rgb, random(seed)).box for seed in range(3)]
    keypoint, _ = table.skeletons(0)
    expected = person_box(keypoint, (96, 128), padding=0.5)
    for box in boxes:
        assert box.tolist() == expected.tolist()
    assert reader.read(table, 0, None, random()).box.tolist() == expected.tolist()


def test_the_box_of_a_crop_is_the_listed_one(table, tmp_path, write_video):
    root = tmp_path / 'crops'
    write_video(root / 'a_rgb.mp4', 40, frame_hw=(64, 64))
    (root / 'boxes.csv').write_text('name,x1,y1,x2,y2\na,1,2,33,34\n')
    rgb, _ = find_videos(root, table, np.array([0]))
    sample = ClipReader(**SETTINGS).read(table, 0, rgb, random())
    assert sample.box.tolist() == [1, 2, 33, 34]


def test_persons_and_pose_only(table):
    reader = ClipReader(**SETTINGS, max_persons=2)
    sample = reader.read(table, 1, None, random())
    assert sample.frames_MThwC is None
    assert sample.keypoint_MPTK2.shape == (1, 2, 12, 17, 2)
    assert sample.frame_hw.tolist() == [96, 128]


def test_an_unreadable_video_stops_and_is_named(table, rgb):
    (rgb.root / 'a.mp4').write_bytes(b'damaged' * 99)
    reader = ClipReader(**SETTINGS)
    expected = r'clip "a": .*a.mp4: cannot be decoded after 0 .* bad_clips=\'skip\''
    with pytest.raises(ValueError, match=expected):
        reader.read(table, 0, rgb, random())


def test_a_video_shorter_than_annotated_is_skipped_and_said_once(
    table, rgb, write_video, log_records
):
    write_video(rgb.root / 'a.mp4', 20)
    write_video(rgb.root / 'b.mp4', 5)
    reader = ClipReader(**SETTINGS, bad_clips='skip')
    for _ in range(2):
        assert reader.read(table, 0, rgb, random()) is None
        assert reader.read(table, 1, rgb, random()) is None
    assert reader.read(table, 2, rgb, random()) is not None
    said = [record.getMessage() for record in log_records]
    assert len(said) == 2
    assert said[0].startswith('clip "a" is left out, number 1 of this process: ')
    assert 'it has 20 frames that can be decoded' in said[0]
    assert said[1].startswith('clip "b" is left out, number 2 of this process: ')


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'num_pose_frames': 13}, r'must be a multiple of num_rgb_frames, .* 13 and 4'),
        ({'num_rgb_frames': 0}, 'both >= 1, got 12 and 0'),
        ({'num_clips': 2}, 'num_clips must be 1 in training and >= 1 in tests, got 2'),
        ({'num_clips': 0, 'test_mode': True}, 'num_clips must be 1 in training .* 0'),
        ({'max_persons': 0}, 'max_persons must be >= 1, got 0'),
        ({'frame_size': (224,)}, r'frame_size must be \(h, w\), got \(224,\)'),
        ({'frame_size': (0, 8)}, r'frame_size must be \(h, w\), got \(0, 8\)'),
        ({'box': {'padding': -1}}, 'padding must be >= 0'),
        ({'bad_clips': 'drop'}, r"bad_clips must be one of .* got 'drop'"),
    ],
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        ClipReader(**{**SETTINGS, **settings})


def test_an_unknown_setting_of_the_box_shows_at_once():
    with pytest.raises(TypeError, match='paddding'):
        ClipReader(box={'paddding': 0.25})
