import pytest
import torch
from torch import nn

from ocec.models.heads import FusionPairHead
from ocec.models.heads.pair_fusion_head import FUSIONS, ORDERED, distance

NAMES = tuple(FUSIONS)
# inputs - hidden - hidden - 1, with D = 256
LAYERS = {
    'diff': (256, 128, 64, 41_601),
    'concat': (512, 256, 128, 165_121),
    'product': (256, 128, 64, 41_601),
    'cosine': (1, 64, 32, 2_433),
    'l2': (1, 64, 32, 2_433),
    'residual': (256, 128, 64, 41_601),
}


def features(num_pairs=6, dim=8):
    return torch.randn(2, num_pairs, dim, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize('name', NAMES)
def test_parameters_of_a_fusion_are_those_of_the_original(name):
    wide, first, second, published = LAYERS[name]
    head = FusionPairHead(256, (name,))
    total = sum(p.numel() for p in head.nets.parameters())
    # each hidden layer: weights, biases, two numbers of the norm
    by_hand = first * (wide + 3) + second * (first + 3) + second + 1
    assert total == by_hand == published


@pytest.mark.parametrize(
    ('fusions', 'tower', 'published'),
    [
        # the original built five of which it used three
        (NAMES[:5], 2_917_312, 3_204_618),
        (NAMES[:5], 4_467_392, 4_754_698),
        (NAMES[:5], 4_498_512, 4_785_818),
        # less two nets of 2,433 and their shares; more one of 41,601 and its share
        (NAMES[:3], 4_467_392, 4_754_698 - 2 * 2_434),
        (NAMES, 2_917_312, 3_204_618 + 41_602),
    ],
)
def test_parameters_with_a_tower(fusions, tower, published):
    head = FusionPairHead(256, fusions, feature_attention=True)
    assert sum(p.numel() for p in head.parameters()) + tower == published


def test_inputs_of_the_fusions_by_hand():
    a = torch.tensor([[3.0, -1.0], [1.0, 2.0]])
    b = torch.tensor([[1.0, 1.0], [1.0, 2.0]])
    expected = {
        'diff': [[2.0, 2.0], [0.0, 0.0]],
        'concat': [[3.0, -1.0, 1.0, 1.0], [1.0, 2.0, 1.0, 2.0]],
        'product': [[3.0, -1.0], [1.0, 4.0]],
        'cosine': [[2 / 20**0.5], [1.0]],  # 2 / (sqrt 10 sqrt 2)
        'l2': [[8**0.5], [0.0]],
        'residual': [[2.0, -2.0], [0.0, 0.0]],
    }
    for name in NAMES:
        got = FUSIONS[name](a, b)
        torch.testing.assert_close(
            got, torch.tensor(expected[name]), rtol=1e-5, atol=1e-5
        )


def test_only_two_fusions_see_the_order():
    a, b = features()
    same = [n for n in NAMES if torch.allclose(FUSIONS[n](a, b), FUSIONS[n](b, a))]
    assert set(NAMES) - set(same) == set(ORDERED) == {'concat', 'residual'}


def test_the_logit_is_the_mean_by_the_shares():
    torch.manual_seed(0)
    head, (a, b) = FusionPairHead(8, dropout=(0.0, 0.0)).eval(), features()
    nn.init.normal_(head.share_logits)
    shares = head.share_logits.exp() / head.share_logits.exp().sum()
    single = [head.nets[n](FUSIONS[n](a, b))[:, 0] for n in NAMES]
    embedding = head.embed(a, b)
    torch.testing.assert_close(embedding, torch.stack(single, dim=1))
    expected = sum(s * z for s, z in zip(shares, single, strict=True))
    torch.testing.assert_close(head(a, b), expected)
    logged = head.log_values()
    assert list(logged) == [f'share_{name}' for name in NAMES]
    torch.testing.assert_close(torch.stack(list(logged.values())), shares.detach())


def test_all_fusions_start_with_one_share():
    values = FusionPairHead(8).log_values().values()
    assert [v.item() for v in values] == pytest.approx([1 / 6] * 6)


@pytest.mark.parametrize('attention', [False, True])
@pytest.mark.parametrize('fusions', [NAMES, NAMES[:5], ('concat', 'l2')])
def test_every_weight_gets_a_gradient(fusions, attention):
    torch.manual_seed(0)
    head = FusionPairHead(16, fusions, feature_attention=attention)
    head.init_weights()
    a, b = features(32, 16)
    head.loss_module(head(a, b), torch.arange(32) % 2).mean().backward()
    for name, parameter in head.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_the_attention_comes_before_the_fusions():
    torch.manual_seed(0)
    head, (a, b) = FusionPairHead(8, feature_attention=True).eval(), features()
    gated = head.attention(a), head.attention(b)
    head.attention, attended = nn.Identity(), head(a, b)
    assert not torch.allclose(head(a, b), attended)
    torch.testing.assert_close(head(*gated), attended)


def test_equal_features_have_a_finite_gradient():
    a = torch.ones(3, 4, requires_grad=True)
    distance(a, a.detach().clone()).sum().backward()
    assert (a.grad == 0).all()


@pytest.mark.parametrize('fusions', [(), ('diff', 'diff')])
def test_none_and_twice_are_refused(fusions):
    with pytest.raises(ValueError, match='fusions must be at least one, each once'):
        FusionPairHead(8, fusions)


def test_an_unknown_fusion_is_named():
    with pytest.raises(ValueError, match=r"fusions must be of \('diff', .* got 'sum'"):
        FusionPairHead(8, ('concat', 'sum'))


def test_fusions_that_see_no_order_are_warned_about(log_records):
    FusionPairHead(8, ('diff', 'cosine'))
    FusionPairHead(8, ('diff', 'residual'))
    [warning] = [r.msg for r in log_records if r.levelname == 'WARNING']
    assert warning.startswith("fusions ('diff', 'cosine') say the same when")
    assert 'cannot tell which is larger: add one of concat, residual' in warning
