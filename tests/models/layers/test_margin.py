import math

import pytest
import torch
from torch import nn

from ocec.functional.probability import prob_open
from ocec.models.layers.margin import ArcFace, CosFace
from ocec.registry import MODELS

LAYERS = pytest.mark.parametrize('layer', [CosFace, ArcFace])


def make(layer, **kwargs):
    torch.manual_seed(0)
    return layer(6, **kwargs)


@pytest.mark.parametrize(('layer', 'm'), [(CosFace, 0.35), (ArcFace, 0.2)])
def test_defaults_are_those_of_the_guides(layer, m):
    built = MODELS.build({'type': layer.__name__, 'in_channels': 6})
    assert (built.m, built.s, built.s_val, built.warmup_epochs) == (m, 8.0, 8.0, 0)
    assert built.weight.shape == (2, 6)


@LAYERS
def test_evaluation_knows_no_margin(layer):
    margin, embedding = make(layer, s=8.0, s_val=4.0), torch.randn(5, 6)
    expected = 4 * nn.functional.cosine_similarity(
        embedding[:, None], margin.weight[None], dim=2
    )
    torch.testing.assert_close(margin(embedding), expected)  # training, no labels
    margin.eval()
    labels = torch.ones(5)
    torch.testing.assert_close(margin(embedding, labels), expected)
    difference = expected[:, 1] - expected[:, 0]
    torch.testing.assert_close(prob_open(margin(embedding)), difference.sigmoid())


def test_training_takes_the_margin_by_hand():
    cosface, arcface = make(CosFace, m=0.25, s=4.0), make(ArcFace, m=0.25, s=4.0)
    for margin in (cosface, arcface):
        with torch.no_grad():
            margin.weight.copy_(torch.eye(2, 6))
    embedding = torch.zeros(1, 6)
    embedding[0, 0], embedding[0, 1] = 3.0, 4.0  # cosines 0.6 and 0.8
    torch.testing.assert_close(
        cosface(embedding, torch.ones(1)), torch.tensor([[2.4, 2.2]])
    )
    expected = 4 * math.cos(math.acos(0.8) + 0.25)
    torch.testing.assert_close(
        arcface(embedding, torch.ones(1)), torch.tensor([[2.4, expected]])
    )


@LAYERS
def test_the_margin_grows_over_the_warmup(layer):
    margin = make(layer, m=0.3, warmup_epochs=10)
    shown = []
    for epoch in (0, 2.5, 10, 40):
        margin.set_epoch(epoch)
        shown.append(margin.current_m)
    assert shown == pytest.approx([0, 0.075, 0.3, 0.3])
    embedding, labels = torch.randn(4, 6), torch.tensor([0, 1, 0, 1])
    margin.set_epoch(0)
    torch.testing.assert_close(margin(embedding, labels), margin(embedding))


@LAYERS
def test_a_warmup_that_nobody_drives_is_refused(layer):
    margin = make(layer, warmup_epochs=3)
    message = (
        f'{layer.__name__} warms its margin up over 3 epochs but is not told the '
        r"epoch: keep default_hooks.margin_warmup=dict\(type='MarginWarmupHook'\), or "
        'call set_epoch'
    )
    with pytest.raises(RuntimeError, match=message):
        margin(torch.randn(2, 6), torch.ones(2))
    assert margin.eval()(torch.randn(2, 6)).shape == (2, 2)


@LAYERS
def test_weights_start_xavier_uniform(layer):
    torch.manual_seed(0)
    margin = layer(1000)
    nn.init.constant_(margin.weight, 9.0)
    margin.init_weights()
    bound = math.sqrt(6 / (1000 + 2))
    assert 0.98 * bound < margin.weight.abs().max().item() <= bound


@LAYERS
@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'m': -0.1}, r'm must be in \[0, (2|1\.571)\), got -0.1'),
        ({'m': 3.5}, r'm must be in \[0, (2|1\.571)\), got 3.5'),
        ({'s': 0.0}, 's and s_val must be > 0, got 0.0 and 0.0'),
        ({'s_val': -1.0}, 's and s_val must be > 0, got 8.0 and -1.0'),
        ({'warmup_epochs': -1}, 'warmup_epochs must be >= 0, got -1'),
    ],
)
def test_settings_out_of_range_are_named(layer, settings, message):
    with pytest.raises(ValueError, match=message):
        layer(6, **settings)
