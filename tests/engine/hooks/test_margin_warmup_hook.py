from types import SimpleNamespace

import pytest
from torch import nn

from ocec.engine.hooks import MarginWarmupHook


class Listener(nn.Module):
    def __init__(self):
        super().__init__()
        self.heard = []

    def set_epoch(self, epoch):
        self.heard.append(epoch)


def make_runner(model):
    return SimpleNamespace(model=model, epoch=0, train_dataloader=range(4))


def test_every_listener_hears_the_fraction_of_the_epoch():
    model = nn.Sequential(Listener(), nn.Linear(1, 1), nn.Sequential(Listener()))
    hook, runner = MarginWarmupHook(), make_runner(model)
    hook.before_train(runner)
    for runner.epoch, batch_idx in ((0, 0), (0, 1), (1, 0), (2, 2)):
        hook.before_train_iter(runner, batch_idx)
    for listener in (model[0], model[2][0]):
        assert listener.heard == [0, 0.25, 1, 2.5]


def test_a_model_without_listeners_is_left_alone():
    hook, runner = MarginWarmupHook(), make_runner(nn.Linear(1, 1))
    hook.before_train(runner)
    hook.before_train_iter(runner, batch_idx=0)


def test_a_wrapped_model_is_looked_into(monkeypatch):
    listener = Listener()
    wrapped = SimpleNamespace(module=listener)
    monkeypatch.setattr(
        'ocec.engine.hooks.margin_warmup_hook.is_model_wrapper', lambda model: True
    )
    hook, runner = MarginWarmupHook(), make_runner(wrapped)
    hook.before_train(runner)
    hook.before_train_iter(runner, batch_idx=2)
    assert listener.heard == [pytest.approx(0.5)]
