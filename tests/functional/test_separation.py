"""Expected numbers: slow loops, scikit-learn 1.9, integrals, or by hand."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from ocec.functional.separation import (
    bhattacharyya_distance,
    fisher_ratio,
    fisher_ratio_original,
    inter_class_distance,
    intra_class_distance,
    pca_energy,
)

OF_CLASSES = [
    fisher_ratio,
    fisher_ratio_original,
    intra_class_distance,
    inter_class_distance,
    bhattacharyya_distance,
]


def make_clouds(distance, num=400, dim=6, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(num) % 2
    features = rng.normal(size=(num, dim)) + 5
    features[labels == 1, 0] += distance
    return features, labels


def test_equals_a_slow_loop():
    features, labels = make_clouds(3.0, num=40)
    unit = [x / sum(v * v for v in x) ** 0.5 for x in features]
    means, spreads = [], []
    for label in (0, 1):
        members = [x for x, y in zip(unit, labels, strict=True) if y == label]
        mean = sum(members) / len(members)
        means.append(mean)
        spreads.append(sum(((x - mean) ** 2).sum() for x in members) / len(members))
    expected = ((means[1] - means[0]) ** 2).sum() / sum(spreads)
    assert fisher_ratio(features, labels) == pytest.approx(expected)


def test_scale_changes_nothing():
    features, labels = make_clouds(3.0)
    assert fisher_ratio(features * 10, labels) == pytest.approx(
        fisher_ratio(features, labels)
    )


def test_grows_with_the_distance_as_a_linear_discriminant_does():
    ratios, accuracies = [], []
    for distance in (0.5, 2, 6):
        features, labels = make_clouds(distance)
        ratios.append(fisher_ratio(features, labels))
        lda = LinearDiscriminantAnalysis().fit(features, labels)
        accuracies.append(lda.score(features, labels))
    assert ratios == sorted(ratios)
    assert accuracies == sorted(accuracies)
    assert ratios[0] < 0.1 < 1 < ratios[2]


def test_degenerate_classes():
    points = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 3.0]])
    assert fisher_ratio(points, np.array([0, 0, 1, 1])) == float('inf')
    assert np.isnan(fisher_ratio(points, np.ones(4, int)))
    assert np.isnan(fisher_ratio(np.ones((4, 2)), np.array([0, 0, 1, 1])))
    assert np.isnan(fisher_ratio(np.zeros((4, 2)), np.array([0, 0, 1, 1])))


def split_by_class(features, labels):
    """Return the rows of closed and of open as lists of lists."""
    return [
        [list(x) for x, y in zip(features, labels, strict=True) if y == label]
        for label in (0, 1)
    ]


def mean_of(rows):
    return [sum(column) / len(rows) for column in zip(*rows, strict=True)]


def squared_distance(x, y):
    return sum((a - b) ** 2 for a, b in zip(x, y, strict=True))


def test_distances_and_the_original_ratio_equal_slow_loops():
    features, labels = make_clouds(3.0, num=41)
    classes = split_by_class(features, labels)
    means = [mean_of(rows) for rows in classes]
    intra = sum(
        sum(squared_distance(x, mean) for x in rows) / len(rows)
        for rows, mean in zip(classes, means, strict=True)
    )
    inter = squared_distance(*means) ** 0.5
    assert intra_class_distance(features, labels) == pytest.approx(intra / 2)
    assert inter_class_distance(features, labels) == pytest.approx(inter)
    expected = inter / (intra / 2 + 1e-8)
    assert fisher_ratio_original(features, labels) == pytest.approx(expected)


def test_the_original_ratio_depends_on_the_scale():
    # a tenth, as the original showed: 0.126 became 0.0125
    features, labels = make_clouds(3.0)
    assert fisher_ratio_original(features * 10, labels) == pytest.approx(
        fisher_ratio_original(features, labels) / 10, rel=1e-6
    )


def test_the_original_ratio_of_points_is_finite():
    # 1 / 1e-8: no variance
    points = np.array([[0.0], [0.0], [1.0], [1.0]])
    found = fisher_ratio_original(points, np.array([0, 0, 1, 1]))
    assert found == pytest.approx(1e8)


def test_bhattacharyya_is_minus_the_logarithm_of_the_overlap():
    # the overlap of two Gaussians, integral of sqrt(p * q), on a fine grid; features
    # are independent, so their overlaps multiply
    features, labels = make_clouds(2.0, num=60, dim=3)
    features[labels == 0, 1] *= 4
    closed, opened = (features[labels == label] for label in (0, 1))
    x = np.linspace(-100, 150, 500_001)
    overlap = 1.0
    for d in range(3):
        densities = [
            np.exp(-((x - c[:, d].mean()) ** 2) / (2 * c[:, d].var()))
            / np.sqrt(2 * np.pi * c[:, d].var())
            for c in (closed, opened)
        ]
        overlap *= np.trapezoid(np.sqrt(densities[0] * densities[1]), x)
    found = bhattacharyya_distance(features, labels)
    assert found == pytest.approx(-np.log(overlap), rel=1e-6)


def test_bhattacharyya_equals_the_formula_of_the_original():
    features, labels = make_clouds(2.0)
    closed, opened = (features[labels == label] for label in (0, 1))
    v0, v1 = closed.var(axis=0), opened.var(axis=0)
    gap = np.square(closed.mean(axis=0) - opened.mean(axis=0))
    expected = np.log((v0 / v1 + v1 / v0 + 2) / 4).sum() / 4
    expected += (gap / (v0 + v1)).sum() / 4
    assert bhattacharyya_distance(features, labels) == pytest.approx(expected)
    rescaled = features * np.logspace(-8, 8, features.shape[1])
    assert bhattacharyya_distance(rescaled, labels) == pytest.approx(expected)


def test_bhattacharyya_of_constant_features():
    labels = np.array([0, 0, 1, 1])
    free = np.array([[-1.0], [1.0], [3.0], [5.0]])
    alone = bhattacharyya_distance(free, labels)
    dead = np.full((4, 1), 0.1)
    assert bhattacharyya_distance(np.hstack([free, dead]), labels) == alone
    assert bhattacharyya_distance(dead, labels) == 0.0
    for column in ([0, 0, 1, 1], [0, 0, 0, 1]):
        added = np.hstack([free, np.array(column, float)[:, None]])
        assert bhattacharyya_distance(added, labels) == float('inf')


def test_bhattacharyya_of_far_apart_variances_is_finite():
    features = np.array([[-1e-150], [1e-150], [-1e150], [1e150]])
    # ln(v1 / (2 * sqrt(v0 * v1))) / 2 with v = 1e-300 and 1e300
    expected = (np.log(1e150) - np.log(1e-150) - np.log(2)) / 2
    found = bhattacharyya_distance(features, np.array([0, 0, 1, 1]))
    assert found == pytest.approx(expected)


@pytest.mark.parametrize('dim', [2, 6, 40])
def test_energy_matches_scikit_learn(dim):
    features, _ = make_clouds(3.0, num=30, dim=dim)
    features *= np.linspace(1, 3, dim)
    expected = PCA().fit(features).explained_variance_ratio_[:5]
    expected = np.pad(expected, (0, 5 - len(expected)))
    np.testing.assert_allclose(pca_energy(features), expected, atol=1e-12)


def test_energy_of_a_line():
    features = np.outer(np.arange(9.0) / 7, np.linspace(-2, 0.5, 30))
    energy = pca_energy(features, num_components=30)
    np.testing.assert_allclose(energy, [1] + 29 * [0], atol=1e-12)
    # rounding makes some of these variances negative
    assert (energy >= 0).all()


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize(
    'features',
    [
        np.zeros((0, 3)),
        np.zeros((3, 0)),
        np.ones((1, 3)),
        np.full((9, 3), 0.1),
        np.array([[0.0], [np.nan]]),
        np.array([[0.0], [np.inf]]),
    ],
)
def test_energy_of_nothing_is_nan(features):
    energy = pca_energy(features)
    assert energy.shape == (5,)
    assert np.isnan(energy).all()


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('function', OF_CLASSES)
@pytest.mark.parametrize(
    ('features', 'labels'),
    [
        (np.zeros((0, 3)), []),
        (np.ones((1, 3)), [1]),
        (np.eye(3), [0, 0, 0]),
        (np.eye(3), [1, 1, 1]),
        (np.array([[0.0], [np.nan], [1.0]]), [0, 1, 1]),
        (np.array([[0.0], [np.inf], [1.0]], np.float16), [0, 0, 1]),
    ],
)
def test_undefined_is_nan_without_a_warning(function, features, labels):
    assert np.isnan(function(features, np.array(labels)))


@pytest.mark.filterwarnings('error')
def test_one_image_of_each_class():
    points, labels = np.array([[3.0, 0.0], [0.0, 4.0]]), np.array([0, 1])
    assert intra_class_distance(points, labels) == 0.0
    assert inter_class_distance(points, labels) == 5.0
    assert fisher_ratio(points, labels) == float('inf')
    assert bhattacharyya_distance(points, labels) == float('inf')


@pytest.mark.parametrize('function', OF_CLASSES)
def test_order_of_images_does_not_matter(function):
    features, labels = make_clouds(1.0)
    order = np.random.default_rng(0).permutation(len(labels))
    found = function(features[order], labels[order])
    assert found == pytest.approx(function(features, labels))


@pytest.mark.filterwarnings('error')
def test_a_million_images():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(10**6, 4)).astype(np.float32)
    labels = np.arange(10**6) % 2
    features[labels == 1, 0] += 3
    # unit variances: 4 within, 3 apart; 9 / 2 / 4 nats; variance 1 + 1.5^2 of 4 + 1.5^2
    assert intra_class_distance(features, labels) == pytest.approx(4, abs=0.02)
    assert inter_class_distance(features, labels) == pytest.approx(3, abs=0.01)
    assert bhattacharyya_distance(features, labels) == pytest.approx(9 / 8, abs=0.01)
    assert pca_energy(features)[0] == pytest.approx(3.25 / 6.25, abs=0.003)


@pytest.mark.parametrize('function', OF_CLASSES)
def test_other_shapes_are_refused(function):
    with pytest.raises(
        ValueError, match=r'must be \(N, D\) and labels \(N,\), got \(4,\)'
    ):
        function(np.zeros(4), np.zeros(4))


def test_wrong_input_of_energy_is_refused():
    with pytest.raises(ValueError, match=r'features must be \(N, D\), got \(4,\)'):
        pca_energy(np.zeros(4))
    with pytest.raises(ValueError, match='num_components must be >= 1, got 0'):
        pca_energy(np.zeros((4, 2)), num_components=0)
