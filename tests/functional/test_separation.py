import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from ocec.functional.separation import fisher_ratio


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


def test_other_shapes_are_refused():
    with pytest.raises(
        ValueError, match=r'must be \(N, D\) and labels \(N,\), got \(4,\)'
    ):
        fisher_ratio(np.zeros(4), np.zeros(4))
