import logging
from types import SimpleNamespace

import pytest
import torch
from mmengine.runner import EpochBasedTrainLoop
from torch import nn

from ocec.engine.hooks import FreezeHook
from ocec.engine.ramped_ema import RampedEMA


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2, affine=False))
        self.blocks = nn.Sequential(
            nn.Sequential(nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2)),
            nn.Sequential(nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2), nn.Dropout(0.5)),
        )

    def stage_modules(self):
        first, second = self.blocks
        return {'stem': [self.stem], 'blocks.0': [first], 'blocks.1': [second]}

    def forward(self, x):
        return self.blocks(self.stem(x)).mean(dim=(2, 3))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = Backbone()
        self.head = nn.Linear(2, 1)

    def forward(self, x):
        return self.head(self.backbone(x))


class Runner:
    """What the hook needs of a runner."""

    def __init__(self, resume=False):
        torch.manual_seed(0)
        self.model = Model()
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=0.1)
        self.optim_wrapper = SimpleNamespace(optimizer=optimizer)
        self.train_dataloader = range(2)
        self.train_loop = EpochBasedTrainLoop.__new__(EpochBasedTrainLoop)
        self.logger = logging.getLogger('test_freeze_hook')
        self.hooks = []
        self.epoch = self.iter = 0
        self._resume = resume


def train_epoch(hook, runner, metrics=None):
    """Train one epoch as mmengine's loop does, and validate."""
    hook.before_train_epoch(runner)
    runner.model.train()
    for batch in range(2):
        hook.before_train_iter(runner, batch)
        loss = runner.model(torch.rand(4, 1, 3, 3)).square().sum()
        runner.optim_wrapper.optimizer.zero_grad()
        loss.backward()
        runner.optim_wrapper.optimizer.step()
        hook.after_train_iter(runner, batch)
        runner.iter += 1
    runner.epoch += 1
    hook.after_val_epoch(runner, metrics or {})


def tensors(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


STAGES = ('stem', 'blocks.0', 'blocks.1', 'head')


def moved(before, model):
    """Stages that differ."""
    after = model.state_dict()
    names = [name for name in before if not torch.equal(before[name], after[name])]
    return {
        stage
        for stage in STAGES
        if any(name.removeprefix('backbone.').startswith(f'{stage}.') for name in names)
    }


def moved_per_epoch(hook, runner, epochs, metrics=None):
    found = []
    for index in range(epochs):
        before = tensors(runner.model)
        train_epoch(hook, runner, metrics and metrics[index])
        found.append(moved(before, runner.model))
    return found


HEAD = {'head'}
LAST = {'head', 'blocks.1'}
EVERYTHING = {'head', 'blocks.1', 'blocks.0', 'stem'}


def test_head_then_last_block_then_everything():
    steps = [{'stages': 'blocks[-1:]', 'epoch': 1}, {'stages': 'all', 'epoch': 3}]
    hook, runner = FreezeHook('backbone', steps), Runner()
    hook.before_train(runner)
    found = moved_per_epoch(hook, runner, 4)
    assert found == [HEAD, LAST, LAST, EVERYTHING]
    assert hook.made_at == [2, 6]


def test_frozen_norms_keep_their_statistics_and_dropout_stays():
    hook, runner = FreezeHook('backbone'), Runner()
    hook.before_train(runner)
    train_epoch(hook, runner)
    stem, blocks = runner.model.backbone.stem, runner.model.backbone.blocks
    # also the one without parameters, whose convolution is frozen
    for norm in (stem[1], blocks[0][1], blocks[1][1]):
        assert not norm.training
        assert norm.num_batches_tracked == 0
    assert blocks[1][2].training


def test_frozen_parameters_have_no_state_and_do_not_decay():
    hook, runner = FreezeHook('stem', [{'stages': 'all', 'epoch': 2}]), Runner()
    hook.before_train(runner)
    state = runner.optim_wrapper.optimizer.state
    weight = runner.model.backbone.stem[0].weight
    train_epoch(hook, runner)
    train_epoch(hook, runner)
    assert weight not in state
    assert state[runner.model.head.weight]['step'] == 4
    train_epoch(hook, runner)
    assert state[weight]['step'] == 2


def test_a_metric_counts_from_the_validation_after_the_step_before():
    steps = [
        {'stages': 'blocks.1', 'monitor': 'eye/f1', 'value': 0.8},
        {'stages': 'all', 'monitor': 'eye/f1', 'value': 0.8},
    ]
    hook, runner = FreezeHook('backbone', steps), Runner()
    hook.before_train(runner)
    metrics = [{'eye/f1': value} for value in (0.7, 0.9, 0.5, 0.8, 0.1)]
    found = moved_per_epoch(hook, runner, 5, metrics)
    assert found == [HEAD, HEAD, LAST, LAST, EVERYTHING]


def test_what_the_model_has_frozen_stays_frozen():
    hook, runner = FreezeHook('blocks.*', [{'stages': 'all', 'epoch': 1}]), Runner()
    runner.model.backbone.stem[0].requires_grad_(False)
    hook.before_train(runner)
    train_epoch(hook, runner)
    before = runner.model.backbone.stem[0].weight.clone()
    train_epoch(hook, runner)
    assert torch.equal(before, runner.model.backbone.stem[0].weight)
    assert runner.model.backbone.blocks[0][0].weight.requires_grad


@pytest.mark.parametrize('cut', [0, 1, 2, 3])
def test_a_checkpoint_carries_the_steps(cut):
    steps = [
        {'stages': 'blocks.1', 'monitor': 'eye/f1', 'value': 0.8},
        {'stages': 'all', 'epoch': 3},
    ]
    metrics = [{'eye/f1': value} for value in (0.9, 0.1, 0.1, 0.1)]
    expected = [HEAD, LAST, LAST, EVERYTHING]
    first, runner = FreezeHook('backbone', steps), Runner()
    first.before_train(runner)
    assert moved_per_epoch(first, runner, cut, metrics) == expected[:cut]
    checkpoint = {}
    first.before_save_checkpoint(runner, checkpoint)
    second, resumed = FreezeHook('backbone', steps), Runner(resume=True)
    resumed.epoch, resumed.iter = runner.epoch, runner.iter
    second.after_load_checkpoint(resumed, checkpoint)
    second.before_train(resumed)
    found = moved_per_epoch(second, resumed, 4 - cut, metrics[cut:])
    assert found == expected[cut:]
    assert second.made_at == [2, 6]


def test_weights_that_are_only_loaded_bring_no_steps():
    hook, runner = FreezeHook('stem', [{'stages': 'all', 'epoch': 1}]), Runner()
    checkpoint = {'freeze': {'made_at': [2], 'metrics': {}}}
    hook.after_load_checkpoint(runner, checkpoint)
    assert hook.made_at == []


def test_averaged_models_start_with_the_same_frozen_parts():
    hook, runner = FreezeHook('backbone'), Runner()
    averaged = RampedEMA(Runner().model)
    nn.init.ones_(averaged.module.backbone.stem[0].weight)
    averaged.module.backbone.blocks[0][1].running_mean.fill_(3.0)
    nn.init.ones_(averaged.module.head.weight)
    runner.hooks = [SimpleNamespace(ema_model=averaged)]
    hook.before_train(runner)
    live, copied = runner.model.state_dict(), averaged.module.state_dict()
    for name in live:
        assert torch.equal(live[name], copied[name]) is (name != 'head.weight'), name


def test_the_log_tells_what_is_trained(caplog):
    caplog.set_level(logging.INFO, logger='test_freeze_hook')
    hook, runner = FreezeHook('backbone', [{'stages': 'all', 'epoch': 1}]), Runner()
    hook.before_train(runner)
    train_epoch(hook, runner)
    hook.before_train_epoch(runner)
    # convolutions 4, 6, 6 with biases, norms 4 and 4, head 3
    assert [record.getMessage() for record in caplog.records] == [
        'epoch 1: frozen stem, blocks.0, blocks.1, 24 of 27 parameters; trained head',
        'epoch 2: frozen nothing, 0 of 27 parameters; trained '
        'stem, blocks.0, blocks.1, head',
    ]


def test_counting_through_a_run_assumes_that_metrics_pass():
    steps = [
        {'stages': 'blocks.1', 'monitor': 'eye/f1', 'value': 0.8, 'epoch': 2},
        {'stages': 'all', 'epoch': 5},
    ]
    hook, runner = FreezeHook('backbone', steps), Runner()
    assert hook.assume_metrics_pass() == [
        'unfreeze[0] waits for eye/f1: drawn at its earliest, epoch 2'
    ]
    hook.before_train(runner)
    runner.epoch, runner.iter = 2, 4
    hook.before_train_epoch(runner)
    assert hook.made_at == [4]


def test_unknown_metric():
    step = {'stages': 'all', 'monitor': 'eye/f2', 'value': 0.5}
    hook = FreezeHook('stem', [step])
    message = r"monitor='eye/f2' is not a validation metric; there are \['eye/f1'\]"
    with pytest.raises(KeyError, match=message):
        hook.after_val_epoch(Runner(), {'eye/f1': 1.0})


def test_more_steps_in_the_checkpoint_than_in_the_config():
    hook, runner = FreezeHook('stem'), Runner(resume=True)
    stored = {'made_at': [2], 'metrics': {}}
    hook.after_load_checkpoint(runner, {'freeze': stored})
    message = r'has made 1 steps of FreezeHook\.unfreeze, the config has 0'
    with pytest.raises(ValueError, match=message):
        hook.before_train(runner)


@pytest.mark.parametrize(
    ('freeze', 'message'),
    [
        ('blocks.7', r"FreezeHook\.freeze: 'blocks\.7' matches nothing"),
        (['backbone', 'head'], r'freezes every parameter, so that nothing would be'),
    ],
)
def test_patterns_that_freeze_nothing_or_everything(freeze, message):
    with pytest.raises(ValueError, match=message):
        FreezeHook(freeze).before_train(Runner())


def test_a_run_by_iterations():
    runner = Runner()
    runner.train_loop = object()
    with pytest.raises(
        ValueError, match=r'counts epochs: set train_cfg\.by_epoch=True'
    ):
        FreezeHook('stem').before_train(runner)
