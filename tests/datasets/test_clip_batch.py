import numpy as np
import torch

from ocec.datasets.clip_batch import ClipSample, stack_samples, take_persons


def sample(row, persons, *, with_frames=True, clips=2):
    rng = np.random.default_rng(row)
    frames = rng.integers(0, 256, (clips, 4, 6, 8, 3), np.uint8)
    return ClipSample(
        row=row,
        keypoint_MPTK2=rng.normal(size=(clips, persons, 12, 17, 2)).astype(np.float16),
        score_MPTK=rng.normal(size=(clips, persons, 12, 17)).astype(np.float16),
        box=np.array([0, 1, 20, 31 + row], np.float32),
        frame_hw=np.array([90, 100 + row]),
        frames_MThwC=frames if with_frames else None,
    )


def test_missing_persons_are_zeros():
    samples = [sample(0, 1), sample(1, 3), sample(2, 2)]
    batch = stack_samples(samples)
    assert {name: (tuple(x.shape), x.dtype) for name, x in batch.items()} == {
        'frames': ((3, 2, 4, 6, 8, 3), torch.uint8),
        'keypoint': ((3, 2, 3, 12, 17, 2), torch.float32),
        'score': ((3, 2, 3, 12, 17), torch.float32),
        'box': ((3, 4), torch.float32),
        'frame_hw': ((3, 2), torch.int64),
    }
    for number, one in enumerate(samples):
        persons = one.score_MPTK.shape[1]
        keypoint, score = batch['keypoint'][number], batch['score'][number]
        np.testing.assert_array_equal(keypoint[:, :persons], one.keypoint_MPTK2)
        np.testing.assert_array_equal(score[:, :persons], one.score_MPTK)
        assert not keypoint[:, persons:].any()
        assert not score[:, persons:].any()
        np.testing.assert_array_equal(batch['frames'][number], one.frames_MThwC)
    assert batch['box'][:, 3].tolist() == [31, 32, 33]
    assert batch['frame_hw'].tolist() == [[90, 100], [90, 101], [90, 102]]


def test_without_rgb_there_are_no_frames():
    batch = stack_samples([sample(0, 1, with_frames=False, clips=1)])
    assert sorted(batch) == ['box', 'frame_hw', 'keypoint', 'score']


def test_persons_with_the_highest_scores_stay():
    keypoint = np.arange(4.0)[:, None, None, None] * np.ones((4, 3, 17, 2))
    score = np.array([0.2, 0.9, 0.1, 0.5])[:, None, None] * np.ones((4, 3, 17))
    for max_persons, kept in ((1, [1]), (2, [1, 3]), (3, [0, 1, 3]), (4, [0, 1, 2, 3])):
        found, scores = take_persons(keypoint, score, max_persons)
        assert found[:, 0, 0, 0].tolist() == kept
        np.testing.assert_array_equal(scores, score[kept])


def test_scores_of_a_half_do_not_overflow():
    # 100,000 ones are more than a float16 holds
    score = np.ones((2, 6000, 17), np.float16)
    score[0, 0, 0] = 0
    keypoint = np.zeros((2, 6000, 17, 2), np.float16)
    keypoint[1] = 1
    found, _ = take_persons(keypoint, score, 1)
    assert found.max() == 1
