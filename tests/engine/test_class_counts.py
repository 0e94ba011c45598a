import logging
from types import SimpleNamespace

import pytest
from torch import nn

from ocec.engine.class_counts import tell_class_counts


class Balanced(nn.Module):
    counts = None

    def set_class_counts(self, *counts):
        self.counts = counts
        return counts[0] / counts[1]


@pytest.fixture
def runner():
    model, average = (nn.Sequential(nn.Linear(1, 1), Balanced()) for _ in range(2))
    hooks = [SimpleNamespace(), SimpleNamespace(ema_model=average)]
    logger = logging.getLogger('counts')
    return SimpleNamespace(model=model, hooks=hooks, logger=logger)


def test_model_and_averages_learn_the_counts(runner, caplog):
    dataset = SimpleNamespace(class_counts=(30, 1200), metainfo={'classes': 'ab'})
    with caplog.at_level(logging.INFO, 'counts'):
        tell_class_counts(runner, dataset)
    assert runner.model[1].counts == (30, 1200)
    assert runner.hooks[1].ema_model[1].counts == (30, 1200)
    assert caplog.messages == ['1: 30 a / 1,200 b, weight of b 0.0250']


def test_a_dataset_must_tell_them(runner):
    with pytest.raises(ValueError, match='1 balances classes, but list does not tell'):
        tell_class_counts(runner, [])


def test_without_such_a_loss_nothing_is_asked_for(runner, caplog):
    runner.model = nn.Linear(1, 1)
    with caplog.at_level(logging.INFO, 'counts'):
        tell_class_counts(runner, [])
    assert caplog.messages == []
