import pytest
import torch

from ocec.functional.skeleton_layouts import custom_layout, skeleton_layout
from ocec.models.data_preprocessors.action_batch import (
    check_boxes,
    check_frames,
    check_keypoints,
    check_streams_agree,
    num_persons,
)

COCO = skeleton_layout('coco17')


def batch(N=2, S=1, P=2, T=4, K=17):
    return {
        'frames': torch.zeros(N, S, 2, 8, 8, 3, dtype=torch.uint8),
        'keypoint': torch.ones(N, S, P, T, K, 2),
        'score': torch.ones(N, S, P, T, K),
        'box': torch.tensor([[0.0, 0.0, 8.0, 8.0]]).expand(N, -1),
    }


def test_a_good_batch_passes():
    check_frames(batch())
    check_keypoints(batch(), COCO)
    check_keypoints(batch(K=3), custom_layout(3, [(0, 1)]))
    check_streams_agree(batch())
    check_boxes(batch()['box'], None)


@pytest.mark.parametrize(
    ('shape', 'dtype', 'error', 'message'),
    [
        ((2, 1, 4, 8, 8), torch.uint8, ValueError, r'got \(2, 1, 4, 8, 8\)'),
        ((2, 1, 4, 8, 8, 1), torch.uint8, ValueError, r'got \(2, 1, 4, 8, 8, 1\)'),
        ((2, 1, 0, 8, 8, 3), torch.uint8, ValueError, r'got \(2, 1, 0, 8, 8, 3\)'),
        ((2, 1, 4, 8, 8, 3), torch.int64, TypeError, 'uint8 or float32, .*int64'),
    ],
)
def test_frames_are_checked(shape, dtype, error, message):
    with pytest.raises(error, match=rf'inputs.frames must .* {message}'):
        check_frames({'frames': torch.zeros(shape, dtype=dtype)})


@pytest.mark.parametrize(
    ('name', 'cut', 'message'),
    [
        ('keypoint', slice(1), r'got \(1, 1, 2, 4, 17, 2\), \(2, 1, 2, 4, 17\) and'),
        ('box', slice(1), r'box \(N, 4\), got .* and \(1, 4\)'),
        ('score', 0, r'got \(2, 1, 2, 4, 17, 2\), \(1, 2, 4, 17\) and \(2, 4\)'),
    ],
)
def test_keypoints_are_checked(name, cut, message):
    inputs = batch()
    inputs[name] = inputs[name][cut]
    with pytest.raises(ValueError, match=message):
        check_keypoints(inputs, COCO)


def test_missing_parts_are_named():
    with pytest.raises(ValueError, match='inputs lack score and box to make heatmaps'):
        check_keypoints({'keypoint': torch.ones(1)}, COCO)


def test_other_joints_than_the_layout_has_are_refused():
    message = (
        r'have 25 joints, coco17 has 17: set data_preprocessor.layout .*flip_pairs'
    )
    with pytest.raises(ValueError, match=message):
        check_keypoints(batch(K=25), COCO)


def test_frames_and_keypoints_of_other_clips_are_refused():
    with pytest.raises(
        ValueError, match=r'videos and clips, got \(2, 1\) and \(2, 3\)'
    ):
        check_streams_agree({**batch(S=3), 'frames': batch()['frames']})
    with pytest.raises(
        ValueError, match='a multiple of that of RGB frames, got 5 and 2'
    ):
        check_streams_agree(batch(T=5))


@pytest.mark.parametrize(
    'box',
    [[5, 0, 5, 9], [5, 9, 8, 3], [0, 0, float('nan'), 8], [0, 0, float('inf'), 8]],
)
def test_empty_boxes_are_refused_with_the_video(box):
    boxes = torch.tensor([[0.0, 0.0, 8.0, 8.0], box])
    with pytest.raises(ValueError, match=r'the box of video 71 is empty: \['):
        check_boxes(boxes, torch.tensor([70, 71]))
    with pytest.raises(ValueError, match=r'the box of video 1 is empty: \['):
        check_boxes(boxes, None)


def test_persons_up_to_the_last_one_seen():
    score = torch.zeros(2, 1, 4, 3, 5)
    assert num_persons(score) == 1
    score[1, 0, 2, 1, 0] = 0.5
    assert num_persons(score) == 3
    score[0, 0, 3] = torch.nan
    assert num_persons(score) == 3
