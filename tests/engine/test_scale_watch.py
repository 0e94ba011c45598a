import re
from contextlib import nullcontext
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest
import torch
from torch import nn

from ocec.engine.scale_watch import ScaleWatch
from ocec.engine.step_guard import WatchedBatch, raw_states


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.last = nn.Linear(2, 1)
        self.data_preprocessor = nn.Identity()
        self.data_preprocessor.forward = lambda data, training: data

    def forward(self, inputs, mode):
        return {'loss': self.last(inputs).mean()}

    def parse_losses(self, losses):
        return losses['loss'], losses


def make_runner(scale):
    scaler = SimpleNamespace(is_enabled=lambda: True, get_scale=lambda: scale)
    wrapper = SimpleNamespace(
        loss_scaler=scaler, optim_context=lambda model: nullcontext()
    )
    return SimpleNamespace(model=Net(), optim_wrapper=wrapper, logger=MagicMock())


def run(watch, runner, steps):
    for step in range(1, steps + 1):
        watch.after_step(runner, step)
    return [call.args[0] for call in runner.logger.warning.call_args_list]


def test_a_scale_that_stays_low_is_told_once_with_the_cause():
    watch, runner = ScaleWatch(1.0, 10), make_runner(0.5)
    inputs = torch.full((3, 2), 3e38)
    inputs[:, 1] = 0
    # 0.5 x 3e38 overflows no float32; the infinite input row does
    inputs[0, 0] = float('inf')
    watch.note_overflow(WatchedBatch(1, 1, {'inputs': inputs}, raw_states()))
    assert run(watch, runner, 19) == []
    (text,) = run(watch, runner, 50)
    assert text.startswith('the loss scale is 0.5, below 1 for 10 steps: gradients')
    assert re.search(r'gradients that are not finite: \d of 2 parameters: last', text)
    assert 'optim_wrapper.dtype="bfloat16"' in text


def test_without_an_overflow_there_is_no_cause():
    (text,) = run(ScaleWatch(1.0, 10), make_runner(0.5), 20)
    assert '\n' not in text


def test_a_good_scale_is_no_matter():
    assert run(ScaleWatch(1.0, 10), make_runner(1.0), 100) == []


def test_without_a_scale_nothing_is_read():
    runner = make_runner(0.5)
    runner.optim_wrapper.loss_scaler.is_enabled = lambda: False
    assert run(ScaleWatch(1.0, 1), runner, 10) == []
    del runner.optim_wrapper.loss_scaler
    assert run(ScaleWatch(1.0, 1), runner, 10) == []


@pytest.mark.parametrize(
    ('values', 'message'),
    [((0, 1), 'scale_floor must be > 0, got 0'), ((1, 0), 'scale_steps must be > 0')],
)
def test_arguments_out_of_range(values, message):
    with pytest.raises(ValueError, match=message):
        ScaleWatch(*values)
