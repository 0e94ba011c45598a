import math
import re

import numpy as np
import pytest

from ocec.functional import neighbours
from ocec.functional.neighbours import nearest_neighbours


@pytest.mark.parametrize('max_block', [1, 100, 1 << 24])
def test_as_a_slow_loop(monkeypatch, max_block):
    monkeypatch.setattr(neighbours, 'MAX_BLOCK', max_block)
    x_ND = np.random.default_rng(0).normal(size=(40, 5))
    query = [3, 39, 0]
    index, cosine = nearest_neighbours(x_ND, np.array(query), num=4)
    for place, i in enumerate(query):
        similar = [
            (-(x_ND[i] @ x_ND[j]) / math.hypot(*x_ND[i]) / math.hypot(*x_ND[j]), j)
            for j in range(40)
            if j != i
        ]
        expected = sorted(similar)[:4]
        assert index[place].tolist() == [j for _, j in expected]
        np.testing.assert_allclose(cosine[place], [-c for c, _ in expected], atol=1e-6)


def test_length_does_not_matter_and_copies_are_nearest():
    x_ND = np.array([[1.0, 1], [10, 10], [1, 0], [-1, -1], [0, 0]])
    index, cosine = nearest_neighbours(x_ND, np.array([0]), num=9)
    # fewer samples than asked for; a zero vector is like no other
    assert index.tolist() == [[1, 2, 4, 3]]
    np.testing.assert_allclose(cosine, [[1, 0.5**0.5, 0, -1]], atol=1e-6)


def test_of_equals_the_first():
    index, _ = nearest_neighbours(np.ones((5, 2)), np.array([1, 4]), num=4)
    assert index.tolist() == [[0, 2, 3, 4], [0, 1, 2, 3]]


def test_a_sample_alone_and_no_queries():
    index, cosine = nearest_neighbours(np.ones((1, 2)), np.array([0]))
    assert index.shape == cosine.shape == (1, 0)
    index, _ = nearest_neighbours(np.ones((3, 2)), np.array([], int), num=2)
    assert index.shape == (0, 2)


@pytest.mark.parametrize(
    ('x', 'query', 'num', 'message'),
    [
        (np.ones(3), [0], 1, 'embeddings must be (N, D), got (3,)'),
        (np.ones((3, 1)), [0], 0, 'num must be >= 1, got 0'),
        (np.ones((3, 1)), [0, 3], 1, 'queries must be in [0, 3), got 0 to 3'),
        (np.ones((3, 1)), [-1], 1, 'queries must be in [0, 3), got -1 to -1'),
    ],
)
def test_bad_arguments(x, query, num, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        nearest_neighbours(x, np.array(query), num=num)
