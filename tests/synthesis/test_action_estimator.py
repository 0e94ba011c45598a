import numpy as np
import pytest

from ocec.synthesis.action_estimator import JITTER, estimate_poses, hidden_joints

HEIGHT = 80.0


def true_joints(num_persons=1, num_frames=60):
    """Persons that stand 60 px apart, joints spread over ``HEIGHT`` pixels."""
    joints_MTK2 = np.empty((num_persons, num_frames, 17, 2))
    joints_MTK2[..., 0] = 40 + 60 * np.arange(num_persons)[:, None, None]
    joints_MTK2[..., 1] = 20 + np.linspace(0, HEIGHT, 17)
    return joints_MTK2


def plain(joints_MTK2):
    return np.zeros(joints_MTK2.shape[:3], bool)


def many(count, joints_MTK2, hidden_MTK, seed=0):
    rng = np.random.default_rng(seed)
    found = [estimate_poses(rng, joints_MTK2, hidden_MTK) for _ in range(count)]
    return [np.stack(values).astype(float) for values in zip(*found, strict=True)]


def test_jitter_is_three_times_as_strong_where_a_joint_is_hidden():
    joints_MTK2 = true_joints()
    hidden_MTK = plain(joints_MTK2)
    hidden_MTK[..., 8:] = True
    keypoint, score = many(30, joints_MTK2, hidden_MTK)
    away = keypoint - joints_MTK2
    # of most joints, that is without lost ones; 0.6745: median of |normal|
    seen = np.median(np.abs(away[..., :8, :])) / 0.6745
    unseen = np.median(np.abs(away[..., 8:, :])) / 0.6745
    assert seen == pytest.approx(JITTER * HEIGHT, rel=0.1)
    assert unseen == pytest.approx(3 * JITTER * HEIGHT, rel=0.1)
    assert np.median(score[..., :8]) > 0.8
    assert np.median(score[..., 8:]) < 0.5


def test_lost_joints_are_zero_or_score_low():
    joints_MTK2 = true_joints()
    keypoint, score = many(40, joints_MTK2, plain(joints_MTK2))
    zero = (keypoint == 0).all(-1)
    assert 0.002 < zero.mean() < 0.05
    np.testing.assert_array_equal(zero, score == 0)
    wrong = (np.abs(keypoint - joints_MTK2).max(-1) > 8 * JITTER * HEIGHT) & ~zero
    assert 0.001 < wrong.mean() < 0.05
    assert score[wrong].max() < 0.45


def test_two_persons_change_places_and_one_can_be_missing():
    joints_MTK2 = true_joints(2)
    keypoint, score = many(60, joints_MTK2, plain(joints_MTK2))
    missing = (score == 0).all(-1)
    # of 60 clips, 30 % with one missing person; standard error 6 %
    assert missing.any((1, 2)).mean() == pytest.approx(0.3, abs=0.18)
    assert not missing.all(1).any()
    column = np.median(keypoint[..., 0], axis=-1)
    at_the_other = np.abs(column - [[[100.0], [40.0]]]) < 8
    assert at_the_other.any((1, 2)).mean() == pytest.approx(0.4, abs=0.19)
    assert at_the_other.mean() < 0.25
    alone, _ = many(20, true_joints(1), plain(true_joints(1)))
    assert (np.abs(np.median(alone[..., 0], axis=-1) - 40) < 8).all()


def test_result_is_half_precision_and_repeats():
    joints_MTK2 = true_joints(2)
    first = estimate_poses(np.random.default_rng(3), joints_MTK2, plain(joints_MTK2))
    again = estimate_poses(np.random.default_rng(3), joints_MTK2, plain(joints_MTK2))
    for one, other in zip(first, again, strict=True):
        assert one.dtype == np.float16
        np.testing.assert_array_equal(one, other)
    assert first[0].shape == (2, 60, 17, 2)
    assert 0 <= first[1].min() <= first[1].max() <= 1


def test_what_lies_behind_a_trunk_or_a_turned_head_is_hidden():
    points_MTK2, depth_MTK = np.zeros((1, 1, 17, 2)), np.full((1, 1, 17), 4.0)
    points_MTK2[0, 0, [5, 6, 11, 12]] = [[60, 40], [40, 40], [58, 70], [42, 70]]
    points_MTK2[0, 0, 9], depth_MTK[0, 0, 9] = (50, 55), 4.2  # behind
    points_MTK2[0, 0, 10], depth_MTK[0, 0, 10] = (50, 55), 3.8  # before
    points_MTK2[0, 0, 7], depth_MTK[0, 0, 7] = (70, 55), 4.2  # beside
    depth_MTK[0, 0, :5] = [3.9, 3.95, 4.05, 4.0, 4.0]
    hidden_MTK = hidden_joints(points_MTK2, depth_MTK, np.array([0.1]))
    assert np.flatnonzero(hidden_MTK).tolist() == [2, 9]


def test_another_person_hides_joints_too():
    points_MTK2, depth_MTK = np.zeros((2, 1, 17, 2)), np.full((2, 1, 17), 4.0)
    depth_MTK[1] = 5.0
    points_MTK2[:, 0, [5, 6, 11, 12]] = [[60, 40], [40, 40], [58, 70], [42, 70]]
    points_MTK2[1] += [2, 2]
    hidden_MTK = hidden_joints(points_MTK2, depth_MTK, np.array([0.1, 0.1]))
    # of the far one all that lies in the box of the near trunk: x 40..60, y 40..70
    assert not hidden_MTK[0].any()
    assert np.flatnonzero(hidden_MTK[1, 0]).tolist() == [6]
