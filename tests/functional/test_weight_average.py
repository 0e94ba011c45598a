import pytest
import torch

from ocec.functional.weight_average import choose_alpha, interpolate_weights

A = {'w': torch.tensor([0.0, 8.0]), 'n': torch.tensor(3)}
B = {'w': torch.tensor([4.0, 0.1]), 'n': torch.tensor(7)}


def test_a_quarter_of_the_way():
    found = interpolate_weights(A, B, 0.25)
    torch.testing.assert_close(found['w'], torch.tensor([1.0, 6.025]))
    assert found['n'] == 7  # a counter is that of B


def test_the_ends_are_a_and_b_themselves():
    torch.manual_seed(0)
    a, b = ({'w': torch.randn(1000) * 10**k} for k in (-3, 3))
    assert torch.equal(interpolate_weights(a, b, 0.0)['w'], a['w'])
    assert torch.equal(interpolate_weights(a, b, 1.0)['w'], b['w'])


def test_nothing_is_shared_with_the_models():
    for alpha in (0.0, 1.0):
        found = interpolate_weights(A, B, alpha)
        for tensor in found.values():
            tensor.zero_()
    assert A['w'].tolist() == [0.0, 8.0]
    assert (B['w'][0], B['n']) == (4.0, 7)


@pytest.mark.parametrize(
    ('other', 'message'),
    [
        ({'w': B['w']}, r'1 tensors differ, as n: \(\) and missing'),
        ({**B, 'v': B['w']}, r'1 tensors differ, as v: missing and \(2,\)'),
        ({**B, 'w': torch.ones(3)}, r'1 tensors differ, as w: \(2,\) and \(3,\)'),
    ],
)
def test_models_of_two_architectures(other, message):
    with pytest.raises(ValueError, match=message):
        interpolate_weights(A, other, 0.5)


@pytest.mark.parametrize('alpha', [-0.1, 1.1, float('nan')])
def test_alpha_out_of_range(alpha):
    with pytest.raises(ValueError, match=r'alpha must be in \[0, 1\], got'):
        interpolate_weights(A, B, alpha)


ALPHAS = [0, 0.25, 0.5, 0.75, 1]
ON_A = [0.90, 0.90, 0.89, 0.80, 0.70]
ON_B = [0.60, 0.70, 0.80, 0.88, 0.90]


@pytest.mark.parametrize(
    ('settings', 'alpha'),
    [
        ({}, 0.5),  # 0.845 is the highest mean, before 0.84 and 0.80
        ({'weight_b': 0.9}, 1),
        ({'weight_b': 0.0}, 0),  # 0.25 is as good and farther from A
        ({'keep_a': 0.0}, 0.25),
        ({'keep_a': 0.01}, 0.5),
        ({'keep_a': 0.1}, 0.75),
        ({'keep_a': 1}, 1),
    ],
)
def test_the_model_that_is_chosen(settings, alpha):
    # weight 0.9: 0.88 at 1, 0.872 at 0.75
    assert ALPHAS[choose_alpha(ALPHAS, ON_A, ON_B, **settings)] == alpha


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'weight_b': 1.1}, r'weight_b must be in \[0, 1\], got 1.1'),
        ({'keep_a': -0.1}, 'keep_a must be >= 0, got -0.1'),
        ({'alphas': [0.5, 1]}, 'the first alpha must be 0, model A, got 0.5'),
    ],
)
def test_wrong_settings(settings, message):
    settings = {'alphas': [0, 1], **settings}
    with pytest.raises(ValueError, match=message):
        choose_alpha(settings.pop('alphas'), [0.5, 0.5], [0.5, 0.5], **settings)
