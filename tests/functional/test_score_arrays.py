import numpy as np
import pytest

from ocec.functional.score_arrays import (
    check_probabilities,
    check_scores,
    has_both_classes,
)


@pytest.mark.parametrize('dtype', [np.float16, np.float32, np.float64, bool, np.int8])
def test_scores_become_float64_and_labels_bool(dtype):
    prob, is_open = check_scores(np.array([0, 1, 1], dtype), np.array([1.0, 0.0, 1.0]))
    assert prob.dtype == np.float64
    assert prob.tolist() == [0, 1, 1]
    assert is_open.tolist() == [True, False, True]


def test_nan_and_the_ends_pass():
    prob = check_probabilities(np.array([0.0, np.nan, 1.0]))
    np.testing.assert_array_equal(prob, [0.0, np.nan, 1.0])


@pytest.mark.parametrize(('value', 'shown'), [(-0.1, '-0.1'), (7.5, '7.5')])
def test_logits_are_refused(value, shown):
    with pytest.raises(ValueError, match=rf'in \[0, 1\], got {shown}; are these logi'):
        check_scores(np.array([0.5, value]), np.array([0, 1]))


@pytest.mark.parametrize(
    ('prob', 'label', 'shapes'),
    [
        (np.zeros(2), np.zeros(3), r'\(2,\) and \(3,\)'),
        (np.zeros((2, 1)), np.zeros((2, 1)), r'\(2, 1\) and \(2, 1\)'),
        (np.zeros(2), np.zeros((2, 1)), r'\(2,\) and \(2, 1\)'),
        (np.float64(0.5), np.int64(1), r'\(\) and \(\)'),
    ],
)
def test_both_shapes_are_shown(prob, label, shapes):
    with pytest.raises(ValueError, match=rf'must both be \(N,\), got {shapes}'):
        check_scores(prob, label)


@pytest.mark.parametrize(
    ('is_open', 'expected'),
    [([], False), ([1], False), ([0, 0], False), ([1, 1], False), ([0, 1], True)],
)
def test_both_classes(is_open, expected):
    assert has_both_classes(np.array(is_open, bool)) is expected
