import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from ocec.functional.platt import (
    PlattScaling,
    apply_platt,
    cross_entropy,
    fit_platt,
)


def drawn(num=200, *, slope=0.5, bias=1.0, seed=0):
    rng = np.random.default_rng(seed)
    logit_N = rng.normal(0, 3, num)
    prob_N = 1 / (1 + np.exp(-slope * logit_N - bias))
    return logit_N, (rng.random(num) < prob_N).astype(int)


def test_equals_a_logistic_regression_on_soft_targets():
    logit_N, label_N = drawn()
    num_open, num_closed = label_N.sum(), (1 - label_N).sum()
    target_N = np.where(label_N, (num_open + 1) / (num_open + 2), 1 / (num_closed + 2))
    # a soft target t is a row of class 1 with weight t and one of 0 with weight 1 - t
    model = LogisticRegression(C=np.inf, tol=1e-12, max_iter=1000).fit(
        np.tile(logit_N, 2)[:, None],
        np.repeat([1, 0], len(logit_N)),
        sample_weight=np.concatenate([target_N, 1 - target_N]),
    )
    found = fit_platt(logit_N, label_N)
    assert found.slope == pytest.approx(model.coef_[0, 0], rel=1e-4)
    assert found.bias == pytest.approx(model.intercept_[0], rel=1e-4)


@pytest.mark.parametrize('scale', [1e-3, 1.0, 1e3])
def test_scale_of_the_logits_changes_the_slope_only(scale):
    logit_N, label_N = drawn()
    one, other = fit_platt(logit_N, label_N), fit_platt(scale * logit_N, label_N)
    assert other.slope * scale == pytest.approx(one.slope, rel=1e-6)
    assert other.bias == pytest.approx(one.bias, rel=1e-6)


def test_what_the_labels_were_drawn_with_is_found():
    found = fit_platt(*drawn(20_000))
    assert found.temperature == pytest.approx(2, rel=0.05)
    assert found.bias == pytest.approx(1, rel=0.05)


def test_separated_classes_have_a_finite_optimum():
    logit_N, label_N = np.array([-17.0, -16.0, 5.0, 17.0, 16.0]), [0, 0, 1, 1, 1]
    found = fit_platt(logit_N, np.array(label_N))
    target_N = np.array([1 / 4, 1 / 4, 4 / 5, 4 / 5, 4 / 5])

    def loss(weights):
        z_N = weights[0] * logit_N + weights[1]
        return (np.logaddexp(0, z_N) - target_N * z_N).mean()

    expected = minimize(loss, [0, 0], method='Nelder-Mead', options={'xatol': 1e-9})
    np.testing.assert_allclose(found, expected.x, atol=1e-4)


def test_equal_logits_have_a_bias_only():
    # two open of three: targets 3/4, 3/4 and 1/3
    found = fit_platt(np.zeros(3), np.array([1, 1, 0]))
    share = (0.75 + 0.75 + 1 / 3) / 3
    assert apply_platt(np.zeros(1), found)[0] == pytest.approx(share)


def test_wrong_order_has_a_negative_slope():
    logit_N, label_N = drawn()
    found = fit_platt(-logit_N, label_N)
    assert found.slope < 0
    assert np.isnan(found.temperature)


def test_one_class_has_none():
    assert np.isnan(fit_platt(np.array([1.0, 2.0]), np.array([1, 1]))).all()


@pytest.mark.parametrize(
    ('logit_N', 'message'),
    [
        ([1.0, np.inf], 'logits must be finite'),
        ([1.0], r'must both be \(N,\), got \(1,\) and \(2,\)'),
        ([[1.0, 2.0]], r'must both be \(N,\), got \(1, 2\) and \(2,\)'),
    ],
)
def test_bad_logits(logit_N, message):
    with pytest.raises(ValueError, match=message):
        fit_platt(np.array(logit_N), np.array([0, 1]))


def test_apply():
    prob_N = apply_platt(np.array([-1000.0, 0.0, 1.0]), PlattScaling(2.0, 1.0))
    expected = [0, 1 / (1 + np.exp(-1)), 1 / (1 + np.exp(-3))]
    np.testing.assert_allclose(prob_N, expected, atol=1e-12)


def test_cross_entropy():
    loss_N = cross_entropy(np.array([0.25, 0.25, 0.0, 1.0]), np.array([0, 1, 1, 1]))
    expected = [-np.log(0.75), -np.log(0.25), 25 * np.log(2), 0]
    np.testing.assert_allclose(loss_N, expected)
    with pytest.raises(ValueError, match='are these logits'):
        cross_entropy(np.array([2.0]), np.array([1]))
