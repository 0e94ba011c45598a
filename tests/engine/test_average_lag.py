from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import EMAHook
from mmengine.model import ExponentialMovingAverage, StochasticWeightAverage
from torch import nn

from ocec.engine.average_lag import average_of, share_of_old, validate_again
from ocec.engine.ramped_ema import RampedEMA


def averaged(average, num_updates, old_updates):
    """Average a weight that is 1 in the old updates and 0 after them."""
    model = nn.Linear(1, 1, bias=False)
    for number in range(num_updates):
        nn.init.constant_(model.weight, float(number < old_updates))
        average.update_parameters(model)
    return average.module.weight.item()


def ones():
    model = nn.Linear(1, 1, bias=False)
    nn.init.ones_(model.weight)
    return model


@pytest.mark.parametrize(
    'build',
    [
        lambda: RampedEMA(ones(), decay=0.99),
        lambda: RampedEMA(ones(), decay=0.5),
        lambda: ExponentialMovingAverage(ones(), momentum=0.01),
        lambda: ExponentialMovingAverage(ones(), momentum=0.1, interval=3),
    ],
)
def test_the_share_is_what_an_average_of_old_ones_keeps(build):
    average = build()
    # the last quarter of 80 updates sees zeros
    left = averaged(average, 80, old_updates=60)
    assert 0 < left < 0.9
    assert share_of_old(average) == pytest.approx(left, rel=1e-4)


def test_an_average_of_another_kind_has_no_share():
    assert share_of_old(StochasticWeightAverage(ones())) is None


def test_the_ramp_never_keeps_much():
    average = RampedEMA(ones(), decay=0.99999)
    average.steps.fill_(10_000)
    assert share_of_old(average) < 0.08


def test_average_of_a_run():
    hook = EMAHook()
    hook.ema_model = nn.Identity()
    runner = SimpleNamespace(hooks=[object(), hook])
    assert average_of(runner) is hook.ema_model
    assert average_of(SimpleNamespace(hooks=[object()])) is None


class Batches(list):
    dataset = range(5)


class Loop:
    """What a validation needs: batches and an evaluator with scores."""

    def __init__(self):
        self.dataloader = Batches([torch.ones(2), torch.ones(3)])
        self.metric = SimpleNamespace(last_scores={'of': 'before'})
        self.evaluator = SimpleNamespace(metrics=[self.metric], evaluate=self.evaluate)
        self.seen = []

    def run_iter(self, number, batch):
        assert not torch.is_grad_enabled()
        self.seen.append((number, len(batch)))

    def evaluate(self, size):
        self.metric.last_scores = {'of': 'raw'}
        return {'eye/loss': 0.5, 'size': size}


def test_validating_again_leaves_the_scores():
    loop = Loop()
    model = nn.Dropout().train()
    metrics = validate_again(SimpleNamespace(val_loop=loop, model=model))
    assert metrics == {'eye/loss': 0.5, 'size': 5}
    assert loop.seen == [(0, 2), (1, 3)]
    assert not model.training
    assert loop.metric.last_scores == {'of': 'before'}
