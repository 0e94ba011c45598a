import numpy as np
import pytest

from ocec.datasets.action_clip import ClipError, check_clip, describe_clip


def test_a_good_clip(annotate):
    annotation = annotate('S001C002P003R001A004', 3, frames=7, persons=2)
    clip = check_clip(annotation, num_joints=17)
    assert (clip.name, clip.label, clip.filename) == ('S001C002P003R001A004', 3, '')
    assert clip.frame_hw == (96, 128)
    assert clip.group == 'P003'
    assert clip.keypoint_PFKC is annotation['keypoint']
    assert clip.score_PFK is annotation['keypoint_score']


def test_other_forms_of_the_same(annotate):
    annotation = annotate(
        label=np.int64(2),
        img_shape=np.array([96, 128, 3]),
        total_frames=None,
        keypoint_score=np.ones((1, 30, 17, 1), np.float32),
        filename='videos/clip.mp4',
        subject=12,
    )
    clip = check_clip(annotation, num_joints=17, group_by='subject')
    assert (clip.label, clip.frame_hw, clip.group) == (2, (96, 128), '12')
    assert clip.score_PFK.shape == (1, 30, 17)
    assert clip.filename == 'videos/clip.mp4'


def test_a_third_channel_is_the_score(annotate):
    keypoint = np.random.default_rng(0).uniform(0, 1, (1, 30, 17, 3))
    clip = check_clip(annotate(keypoint=keypoint, keypoint_score=None), num_joints=17)
    np.testing.assert_array_equal(clip.score_PFK, keypoint[..., 2])
    # scores of their own come first
    clip = check_clip(annotate(keypoint=keypoint), num_joints=17)
    assert not np.array_equal(clip.score_PFK, keypoint[..., 2])
    metres = keypoint * (1, 1, 4)
    expected = r'keypoint: without keypoint_score .* three dimensions are not read'
    with pytest.raises(ClipError, match=expected):
        check_clip(annotate(keypoint=metres, keypoint_score=None), num_joints=17)


def test_no_score_at_all(annotate):
    clip = check_clip(annotate(keypoint_score=None), num_joints=17)
    assert clip.score_PFK is None


BOMB = []
for _ in range(60):
    BOMB = [BOMB, BOMB]

HALF = np.zeros((1, 30, 17, 2), np.float16)


@pytest.mark.parametrize(
    ('fields', 'message'),
    [
        ({'frame_dir': None}, 'frame_dir: it is missing; found img_shape, keypoint'),
        ({'frame_dir': ''}, 'frame_dir: it is empty'),
        ({'frame_dir': 7}, 'frame_dir: it must be a text of at most 255 .* got 7'),
        ({'frame_dir': 'x' * 256}, 'frame_dir: it must be a text of at most 255'),
        ({'frame_dir': '../x'}, "frame_dir: it leads out of the folder .* '../x'"),
        ({'frame_dir': '/etc/x'}, 'frame_dir: it leads out of the folder'),
        ({'filename': 'a/../../x.mp4'}, 'filename: it leads out of the folder'),
        ({'filename': 'a\\..\\..\\x.mp4'}, 'filename: it leads out of the folder'),
        ({'label': None}, 'label: it is missing'),
        ({'label': -1}, 'label: it must be a whole number >= 0, got -1'),
        ({'label': 1.0}, r'label: it must be a whole number >= 0, got 1\.0'),
        ({'label': True}, 'label: it must be a whole number >= 0, got True'),
        ({'label': BOMB}, 'label: it must be a whole number >= 0, got list'),
        ({'label': 2**70}, 'label: it must be a whole number >= 0, got 1180591'),
        ({'img_shape': None}, 'img_shape: it is missing'),
        ({'img_shape': (96,)}, r'img_shape: it must be \(height, width\) .* got tuple'),
        ({'img_shape': (96, 0)}, r'img_shape: .* got \(96, 0\)'),
        ({'img_shape': (BOMB, 5)}, r'img_shape: .* got \(list, 5\)'),
        ({'img_shape': (9.5, 5)}, r'img_shape: .* got \(9\.5, 5\)'),
        ({'total_frames': 29}, 'total_frames: it says 29, keypoint holds 30 frames'),
        (
            {'total_frames': '30'},
            "total_frames: it must be a whole number >= 1, got '30'",
        ),
        ({'keypoint': None}, 'keypoint: it is missing'),
        ({'keypoint': [[1, 2]]}, 'keypoint: it must be an array of numbers, got list'),
        ({'keypoint': HALF.astype('U4')}, 'keypoint: .* got an array of <U4'),
        ({'keypoint': HALF[0]}, r'keypoint: .* joints, 2 or 3\), got \(30, 17, 2\)'),
        ({'keypoint': HALF[..., :1]}, r'keypoint: .* 2 or 3\), got \(1, 30, 17, 1\)'),
        (
            {'keypoint': HALF[:, :, :15]},
            r'keypoint: it has 15 joints, 17 are expected \(num_joints\)',
        ),
        ({'keypoint': HALF[:0]}, r'keypoint: it holds no person .* \(0, 30, 17, 2\)'),
        ({'keypoint': HALF[:, :0]}, r'keypoint: it holds .* no frame'),
        ({'keypoint_score': 1.0}, 'keypoint_score: it must be an array .* got float'),
        (
            {'keypoint_score': np.ones((1, 29, 17))},
            r'keypoint_score: its shape \(1, 29, 17\) .* asks for \(1, 30, 17\)',
        ),
    ],
)
def test_bad_fields_are_named(annotate, fields, message):
    with pytest.raises(ClipError, match=message):
        check_clip(annotate(**fields), num_joints=17)


def test_no_annotation_and_a_bad_group(annotate):
    with pytest.raises(ClipError, match='it must be a dict, got list'):
        check_clip([1], num_joints=17)
    with pytest.raises(ClipError, match='subject: it must be text or a number, got li'):
        check_clip(annotate(subject=BOMB), num_joints=17, group_by='subject')


def test_unknown_groups_are_empty(annotate):
    assert check_clip(annotate('clap_01'), num_joints=17).group == ''
    name = 'S001C001P002R001A001'
    assert check_clip(annotate(name), num_joints=17, group_by='subject').group == ''


@pytest.mark.parametrize('annotation', [{}, {'frame_dir': 3}, [], {'frame_dir': ''}])
def test_clips_without_a_name_are_numbered(annotation):
    assert describe_clip(annotation, 1234) == 'clip number 1,234'


def test_clips_are_called_by_their_name(annotate):
    assert describe_clip(annotate('clap_01'), 3) == 'clip "clap_01"'
