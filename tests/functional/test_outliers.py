"""Expected numbers: scipy.stats and scipy.spatial 1.17, or by hand."""

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis
from scipy.stats import chi2

from ocec.functional.outliers import chi_square_quantile, mahalanobis_outliers


def make_clouds(num=200, dim=5, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(num) % 2
    features = (
        rng.normal(size=(num, dim)) @ rng.normal(size=(dim, dim)) + 7 * labels[:, None]
    )
    return features, labels


@pytest.mark.parametrize('degrees', [1, 2, 3, 10, 64, 1000, 20_000])
@pytest.mark.parametrize('probability', [1e-9, 0.01, 0.5, 0.95, 0.999, 1 - 1e-12])
def test_quantile_matches_scipy(probability, degrees):
    expected = chi2.ppf(probability, degrees)
    assert chi_square_quantile(probability, degrees) == pytest.approx(
        expected, rel=1e-6
    )


def test_quantile_by_hand():
    # with two degrees of freedom the tail is exp(-x / 2)
    assert chi_square_quantile(0.999, 2) == pytest.approx(-2 * np.log(0.001))


def test_distances_match_scipy():
    features, labels = make_clouds()
    found = mahalanobis_outliers(features, labels, quantile=0.9)
    for label in (0, 1):
        members = features[labels == label]
        inverse = np.linalg.inv(np.cov(members, rowvar=False))
        expected = [mahalanobis(x, members.mean(axis=0), inverse) ** 2 for x in members]
        np.testing.assert_allclose(found.distance_N[labels == label], expected)
        assert found.limit_C[label] == pytest.approx(chi2.ppf(0.9, 5))
    expected = found.distance_N > chi2.ppf(0.9, 5)
    np.testing.assert_array_equal(found.is_outlier_N, expected)
    assert 0 < expected.sum() < len(labels) / 2


@pytest.mark.parametrize('dim', [1, 8, 64])
def test_as_many_are_flagged_as_the_quantile_says_whatever_the_dimension(dim):
    # a limit of 3 standard deviations flagged all of 900 in 64 dimensions
    features = np.random.default_rng(1).normal(size=(20_000, dim))
    found = mahalanobis_outliers(features, np.zeros(20_000), quantile=0.99)
    # 1 % with a standard error of 0.07 %
    assert found.is_outlier_N.mean() == pytest.approx(0.01, abs=0.003)


def test_planted_outliers_are_found_in_their_own_class():
    features, labels = make_clouds(num=400)
    # at home in the other class
    features[10] = features[labels == 1].mean(axis=0)
    found = mahalanobis_outliers(features, labels)
    assert found.is_outlier_N[10]
    assert found.distance_N.argmax() == 10
    assert found.is_outlier_N.sum() < 5


def test_scale_and_rotation_change_nothing():
    features, labels = make_clouds()
    turn, _ = np.linalg.qr(np.random.default_rng(2).normal(size=(5, 5)))
    expected = mahalanobis_outliers(features, labels).distance_N
    turned = mahalanobis_outliers(1000 * features @ turn, labels)
    np.testing.assert_allclose(turned.distance_N, expected, rtol=1e-6)


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_directions_without_variance_do_not_count(dtype):
    features, labels = make_clouds()
    features = features.astype(dtype)
    expected = mahalanobis_outliers(features, labels)
    copies = [features, 2 * features, np.full((len(labels), 1), 0.1, dtype)]
    found = mahalanobis_outliers(np.hstack(copies), labels)
    np.testing.assert_allclose(found.distance_N, expected.distance_N, rtol=1e-3)
    np.testing.assert_array_equal(found.limit_C, expected.limit_C)


def test_fewer_images_than_features():
    # n points in general position are all (n - 1)^2 / n from their mean
    features = np.random.default_rng(3).normal(size=(6, 50))
    found = mahalanobis_outliers(features, np.ones(6))
    np.testing.assert_allclose(found.distance_N, 25 / 6)
    assert found.limit_C[1] == pytest.approx(chi2.ppf(0.999, 5))
    assert not found.is_outlier_N.any()


@pytest.mark.filterwarnings('error')
def test_classes_without_variance():
    features = np.array([[1.0, 2.0], [0.1, 0.1], [0.1, 0.1], [0.1, 0.1]])
    found = mahalanobis_outliers(features, np.array([0, 1, 1, 1]))
    assert found.distance_N.tolist() == [0, 0, 0, 0]
    assert not found.is_outlier_N.any()
    assert np.isnan(found.limit_C).all()


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('shape', [(0, 3), (0, 0), (2, 0)])
def test_no_image_and_no_feature(shape):
    found = mahalanobis_outliers(np.zeros(shape), np.ones(shape[0]))
    assert found.distance_N.tolist() == [0] * shape[0]
    assert found.is_outlier_N.tolist() == [False] * shape[0]
    assert np.isnan(found.limit_C).all()


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_features_that_are_not_finite_are_left_out(value):
    features, labels = make_clouds()
    features[3, 1] = value
    found = mahalanobis_outliers(features, labels)
    kept = np.arange(len(labels)) != 3
    expected = mahalanobis_outliers(features[kept], labels[kept])
    np.testing.assert_allclose(found.distance_N[kept], expected.distance_N)
    assert np.isnan(found.distance_N[3])
    assert not found.is_outlier_N[3]


@pytest.mark.filterwarnings('error')
def test_a_million_images():
    features = np.random.default_rng(4).normal(size=(10**6, 4)).astype(np.float32)
    found = mahalanobis_outliers(features, np.arange(10**6) % 2)
    # 1 in 1000 with a standard error of 0.00003; the mean distance is D
    assert found.is_outlier_N.mean() == pytest.approx(0.001, abs=2e-4)
    assert found.distance_N.mean() == pytest.approx(4, abs=1e-4)


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match=r'labels \(N,\), got \(4,\) and \(4,\)'):
        mahalanobis_outliers(np.zeros(4), np.zeros(4))
    for quantile in (0, 1):
        with pytest.raises(
            ValueError, match=rf'quantile must be in \(0, 1\), got {quantile}'
        ):
            mahalanobis_outliers(np.zeros((4, 1)), np.zeros(4), quantile=quantile)


@pytest.mark.parametrize(
    ('probability', 'degrees', 'message'),
    [
        (0.0, 1, r'probability must be in \(0, 1\), got 0.0'),
        (1.0, 1, r'probability must be in \(0, 1\), got 1.0'),
        (0.5, 0, 'degrees must be >= 1, got 0'),
    ],
)
def test_no_such_quantile(probability, degrees, message):
    with pytest.raises(ValueError, match=message):
        chi_square_quantile(probability, degrees)
