import sys

import numpy as np
import pytest
from sklearn.decomposition import PCA

from ocec.visualization.embedding_projection import (
    draw_samples,
    project_pca,
    project_tsne,
)


def test_pca_is_that_of_scikit_learn_up_to_signs():
    x = np.random.default_rng(0).normal(size=(50, 6)) @ np.diag([5, 4, 3, 2, 1, 0.5])
    found = project_pca(np.float32(x), num_components=3)
    reference = PCA(3).fit(np.float32(x))
    expected = reference.transform(np.float32(x))
    assert np.abs(found.point_NK) == pytest.approx(np.abs(expected), abs=1e-4)
    assert found.share_K == pytest.approx(reference.explained_variance_ratio_, abs=1e-6)


def test_the_sign_of_an_axis_is_that_of_its_largest_weight():
    points = np.array([[0.0, 0.0], [3.0, -1.0], [-3.0, 1.0]])
    # the axis is (3, -1): the sample with the positive first feature is positive
    assert project_pca(points).point_NK[1, 0] > 0
    assert project_pca(-points).point_NK[1, 0] < 0


def test_missing_axes_are_zeros():
    found = project_pca(np.array([[1.0], [3.0]]), num_components=2)
    assert np.abs(found.point_NK).tolist() == [[1, 0], [1, 0]]
    assert found.share_K.tolist() == [1, 0]


def test_equal_points_have_no_variance():
    found = project_pca(np.ones((4, 3)))
    assert not found.point_NK.any()
    assert found.share_K.tolist() == [0, 0]


def test_tsne_keeps_clusters_together_and_the_global_generator_untouched():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 8)) + np.repeat([[0], [30]], 15, axis=0)
    before = np.random.get_state()[1].copy()
    points = project_tsne(x, seed=3)
    assert (np.random.get_state()[1] == before).all()
    assert points.shape == (30, 2)
    assert (project_tsne(x, seed=3) == points).all()
    distance = np.linalg.norm(points[:, None] - points, axis=2) + 1e9 * np.eye(30)
    is_second = np.arange(30) >= 15
    assert (is_second[distance.argmin(axis=1)] == is_second).all()


@pytest.mark.parametrize('shape', [(3, 2), (5, 1)])
def test_tsne_of_few_points_or_one_feature(shape):
    points = project_tsne(np.random.default_rng(0).normal(size=shape))
    assert points.shape == (shape[0], 2)
    assert np.isfinite(points).all()


def test_tsne_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, 'sklearn.manifold', None)
    with pytest.raises(ImportError, match=r'pip install "ocec\[report\]"'):
        project_tsne(np.ones((3, 2)))


@pytest.mark.parametrize(
    ('project', 'shape', 'least'),
    [(project_pca, (3,), 1), (project_pca, (0, 2), 1), (project_tsne, (2, 2), 3)],
)
def test_wrong_shape(project, shape, least):
    with pytest.raises(ValueError, match=rf'with N >= {least}, got \({shape[0]},'):
        project(np.ones(shape))


def test_a_draw_is_the_same_for_the_same_seed():
    drawn = draw_samples(1000, 50, seed=1)
    assert len(set(drawn.tolist())) == 50
    assert (np.diff(drawn) > 0).all()
    assert (drawn == draw_samples(1000, 50, seed=1)).all()
    assert (drawn != draw_samples(1000, 50, seed=2)).any()
    assert draw_samples(3, 50).tolist() == [0, 1, 2]
    assert draw_samples(3, 0).tolist() == []


def test_tsne_of_a_collapsed_network():
    np.testing.assert_array_equal(project_tsne(np.full((6, 3), 0.3)), np.zeros((6, 2)))
