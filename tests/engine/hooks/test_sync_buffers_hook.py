from types import SimpleNamespace

import pytest
from mmengine.hooks import CheckpointHook as MMEngineCheckpointHook
from mmengine.runner.priority import get_priority
from torch import nn

from ocec.engine.hooks import CheckpointHook, EMAHook, LoggerHook, SyncBuffersHook
from ocec.engine.hooks import sync_buffers_hook as module


def test_the_model_is_averaged_after_each_training_epoch(monkeypatch):
    averaged = []
    monkeypatch.setattr(module, 'average_buffers', averaged.append)
    model = nn.BatchNorm2d(2)
    SyncBuffersHook().after_train_epoch(SimpleNamespace(model=model))
    assert averaged == [model]


@pytest.mark.parametrize(
    'later', [CheckpointHook, EMAHook, LoggerHook, MMEngineCheckpointHook]
)
def test_it_comes_before_those_who_look_at_the_model(later):
    assert get_priority(SyncBuffersHook.priority) < get_priority(later.priority)
