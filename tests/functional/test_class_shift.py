import numpy as np
import pytest

from ocec.functional.class_shift import class_shift


@pytest.fixture
def clouds():
    """Two classes of 50 samples of 3 features each."""
    rng = np.random.default_rng(0)
    label_N = np.repeat([0, 1], 50)
    centre_N3 = np.where(label_N[:, None], [3.0, 1.0, 0.0], [-3.0, 1.0, 0.0])
    return centre_N3 + rng.normal(0, 0.5, (100, 3)), label_N


def unit(x_ND):
    return x_ND / np.linalg.norm(x_ND, axis=1, keepdims=True)


def test_equals_a_slow_computation(clouds):
    first_ND, label_N = clouds
    second_ND = first_ND + [0.5, 0.2, 1.0]
    found = class_shift(first_ND, label_N, second_ND, label_N)
    a_ND, b_ND = unit(first_ND), unit(second_ND)
    means = {
        (which, code): x_ND[label_N == code].mean(axis=0)
        for which, x_ND in (('a', a_ND), ('b', b_ND))
        for code in (0, 1)
    }
    variances = [
        np.mean([np.sum((x - means['a', c]) ** 2) for x in a_ND[label_N == c]])
        for c in (0, 1)
    ]
    spread = np.mean(variances) ** 0.5
    axis = means['a', 1] - means['a', 0]
    assert found.apart == pytest.approx(np.linalg.norm(axis) / spread)
    for code in (0, 1):
        moved = means['b', code] - means['a', code]
        length = np.linalg.norm(moved)
        cosine = moved @ axis / length / np.linalg.norm(axis)
        assert found.distance_C[code] == pytest.approx(length / spread)
        assert found.along_C[code] == pytest.approx(cosine * length / spread)


def test_same_samples_have_not_moved(clouds):
    found = class_shift(*clouds, *clouds)
    np.testing.assert_allclose(found.distance_C, 0, atol=1e-12)


def test_closed_that_look_open(clouds):
    x_ND, label_N = clouds
    is_open_N = label_N == 1
    found = class_shift(x_ND, label_N, x_ND[is_open_N], np.zeros(50, int))
    assert found.along_C[0] == pytest.approx(found.apart)
    assert np.isnan([found.distance_C[1], found.along_C[1]]).all()


def test_points_have_no_spread():
    x_ND = np.array([[1.0, 0.0], [-1.0, 0.0]])
    found = class_shift(x_ND, np.array([1, 0]), x_ND[::-1], np.array([1, 0]))
    assert np.isinf(found.distance_C).all()


def test_bad_input(clouds):
    x_ND, label_N = clouds
    with pytest.raises(ValueError, match='A must have closed and open samples'):
        class_shift(x_ND, np.ones(100, int), x_ND, label_N)
    with pytest.raises(ValueError, match=r'must be \(N, D\) and labels \(N,\)'):
        class_shift(x_ND, label_N, x_ND, label_N[:3])
