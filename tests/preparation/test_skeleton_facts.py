import numpy as np
import pytest

from ocec.preparation.skeleton_facts import describe_skeletons


def skeletons(persons=2, frames=4, joints=3, coords=2):
    return np.full((persons, frames, joints, coords), 5.0, np.float32)


def test_joints_are_missing_in_skeletons_that_are_there():
    keypoint, score = skeletons(), np.full((2, 4, 3), 0.5, np.float32)
    keypoint[1, 1:] = 0  # the second person is in the first frame only
    keypoint[0, 2, 1] = 0
    keypoint[1, 0, 1:] = 0
    keypoint[0, 3, 0, 0] = 0  # y is there
    facts = describe_skeletons(keypoint, score)
    assert (facts.num_persons, facts.num_frames, facts.num_skeletons) == (2, 4, 5)
    assert facts.num_missing_K.tolist() == [0, 2, 1]
    assert facts.score_range == (0.5, 0.5)
    assert facts.dtype == 'float32'


def test_what_is_no_number_is_missing_and_counted():
    keypoint, score = skeletons(persons=1), np.ones((1, 4, 3), np.float32)
    keypoint[0, 0, 0] = np.nan, np.inf
    score[0, 1, 2] = np.nan
    facts = describe_skeletons(keypoint, score)
    assert facts.num_not_numbers == 3
    assert facts.num_missing_K.tolist() == [1, 0, 1]
    assert facts.score_range == (1.0, 1.0)


@pytest.mark.parametrize('value', [0.0, np.nan])
def test_clips_without_a_joint(value):
    facts = describe_skeletons(skeletons() * value, None)
    assert (facts.num_persons, facts.num_skeletons) == (0, 0)
    assert facts.num_missing_K.tolist() == [0, 0, 0]
    assert facts.score_range is None


def test_three_dimensions():
    keypoint = skeletons(coords=3)
    keypoint[..., :2] = 0  # straight ahead of the camera
    assert describe_skeletons(keypoint, None).num_missing_K.tolist() == [0, 0, 0]


def test_equal_skeletons_have_the_digest_in_common():
    keypoint = np.random.default_rng(0).normal(size=(1, 6, 3, 2))
    digests = {
        describe_skeletons(array, None).digest
        for array in (keypoint, keypoint.copy(), np.asfortranarray(keypoint))
    }
    assert len(digests) == 1
    digests |= {describe_skeletons(keypoint.reshape(2, 3, 3, 2), None).digest}
    assert len(digests) == 2
