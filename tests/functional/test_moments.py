import numpy as np
import pytest

from ocec.functional import moments
from ocec.functional.moments import (
    centred_chunks,
    check_features,
    class_moments,
    covariance,
)


@pytest.fixture(params=[1, 7, 1000])
def _chunks(request, monkeypatch):
    monkeypatch.setattr(moments, 'CHUNK_ROWS', request.param)


def make_features(dtype=np.float32):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(50, 4)) * [1, 10, 0.1, 1] + [100, 0, 5, 0]
    return features.astype(dtype), rng.permutation(50)[:30]


@pytest.mark.usefixtures('_chunks')
@pytest.mark.parametrize('dtype', [np.float16, np.float32, np.float64])
def test_moments_match_numpy_whatever_the_chunk(dtype):
    features, rows = make_features(dtype)
    mean, variance = class_moments(features, rows)
    chosen = features[rows].astype(np.float64)
    np.testing.assert_allclose(mean, chosen.mean(axis=0))
    np.testing.assert_allclose(variance, chosen.var(axis=0))
    expected = np.cov(chosen, rowvar=False, bias=True)
    np.testing.assert_allclose(covariance(features, rows, mean), expected)
    centred = np.concatenate(list(centred_chunks(features, rows, mean)))
    np.testing.assert_allclose(centred, chosen - chosen.mean(axis=0), atol=1e-12)


@pytest.mark.usefixtures('_chunks')
def test_rows_of_unit_length():
    features = np.array([[3.0, 4.0], [0.0, 0.0], [0.0, -2.0]])
    mean, variance = class_moments(features, np.arange(3), unit_length=True)
    # the rows become (0.6, 0.8), (0, 0) and (0, -1)
    np.testing.assert_allclose(mean, [0.2, -0.2 / 3])
    np.testing.assert_allclose(variance, np.var([[0.6, 0.8], [0, 0], [0, -1]], axis=0))
    assert features[0].tolist() == [3.0, 4.0]


@pytest.mark.usefixtures('_chunks')
def test_a_constant_has_no_variance_at_all():
    # the mean of 77 times 0.1, as summed, is not 0.1
    mean, variance = class_moments(np.full((77, 2), 0.1), np.arange(77))
    assert mean.tolist() == [0.1, 0.1]
    assert variance.tolist() == [0.0, 0.0]


def test_a_large_offset_costs_no_digits():
    features = 1e8 + np.array([[-1.0], [1.0]])
    assert class_moments(features, np.arange(2)).variance_D == 1.0


@pytest.mark.parametrize(
    ('features', 'labels', 'shapes'),
    [
        (np.zeros(4), np.zeros(4), r'\(4,\) and \(4,\)'),
        (np.zeros((4, 2)), np.zeros(3), r'\(4, 2\) and \(3,\)'),
        (np.zeros((4, 2)), np.zeros((4, 1)), r'\(4, 2\) and \(4, 1\)'),
    ],
)
def test_other_shapes_are_refused(features, labels, shapes):
    with pytest.raises(ValueError, match=rf'and labels \(N,\), got {shapes}'):
        check_features(features, labels)
