"""Expected weights: one step by hand; a resumed run: the uninterrupted one."""

import shutil
from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MMLogger
from torch import nn

from ocec.apis.train import train
from ocec.engine.hooks import L2SPHook
from ocec.engine.optim import OptimWrapper


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Linear(3, 2)
        self.head = nn.Linear(2, 1)


def make_runner(rates=(0.5, 0.1), *, load=True, resume=False, **optimizer):
    torch.manual_seed(0)
    model = Net()
    settings = {'weight_decay': 0.0, **optimizer}
    groups = [
        {'params': list(part.parameters()), 'lr': rate}
        for part, rate in zip((model.backbone, model.head), rates, strict=True)
    ]
    wrapper = OptimWrapper(torch.optim.SGD(groups, lr=1.0, **settings))
    return SimpleNamespace(
        model=model,
        optim_wrapper=wrapper,
        logger=MMLogger.get_current_instance(),
        _resume=resume,
    )


def start(hook, runner, without=()):
    state = {n: x for n, x in runner.model.state_dict().items() if n not in without}
    hook.after_load_checkpoint(runner, {'state_dict': state})
    hook.before_train(runner)
    return {name: p.detach().clone() for name, p in runner.model.named_parameters()}


def move(model):
    """Stand in for a step of the optimizer."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 1.0


def weights_of(model):
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def test_a_step_by_hand():
    hook, runner = L2SPHook(alpha=0.2, beta=0.4), make_runner()
    begun = start(hook, runner)
    move(runner.model)
    hook.after_train_iter(runner, 0)
    found = weights_of(runner.model)
    # 1 away, lr 0.5, alpha 0.2: a tenth of the way back
    for name in ('backbone.weight', 'backbone.bias'):
        torch.testing.assert_close(found[name], begun[name] + 0.9)
    # lr 0.1, beta 0.4; a bias is free
    torch.testing.assert_close(found['head.weight'], (begun['head.weight'] + 1) * 0.96)
    assert torch.equal(found['head.bias'], begun['head.bias'] + 1)


def test_distance_from_the_start(log_records):
    hook, runner = L2SPHook(), make_runner()
    begun = start(hook, runner)
    assert hook.distance() == 0
    move(runner.model)
    norm = sum(begun[f'backbone.{n}'].pow(2).sum() for n in ('weight', 'bias'))
    assert hook.distance() == pytest.approx((8 / norm).sqrt().item())
    hook.after_train_epoch(runner)
    assert (
        log_records[-1]
        .getMessage()
        .endswith(f'are {hook.distance():.3%} of their norm away from their start')
    )


def test_what_is_frozen_stays(log_records):
    hook, runner = L2SPHook(alpha=1, beta=1), make_runner()
    start(hook, runner)
    runner.model.requires_grad_(False)
    move(runner.model)
    moved = weights_of(runner.model)
    hook.after_train_iter(runner, 0)
    for name, value in weights_of(runner.model).items():
        assert torch.equal(value, moved[name])


def test_only_what_was_loaded_is_anchored():
    hook = L2SPHook(alpha=1, beta=1, anchored=['backbone', 'head'])
    runner = make_runner()
    begun = start(hook, runner, without=['head.weight', 'backbone.bias'])
    move(runner.model)
    hook.after_train_iter(runner, 0)
    found = weights_of(runner.model)
    torch.testing.assert_close(found['head.bias'], begun['head.bias'] + 0.9)
    torch.testing.assert_close(found['head.weight'], (begun['head.weight'] + 1) * 0.9)
    assert torch.equal(found['backbone.bias'], begun['backbone.bias'] + 1)


def test_what_a_run_starts_anew_is_not_anchored():
    hook, runner = L2SPHook(anchored=['backbone', 'head']), make_runner()
    # the state is complete: the head in it is that of the model
    checkpoint = {'state_dict': runner.model.state_dict(), 'built': ['head.weight']}
    hook.after_load_checkpoint(runner, checkpoint)
    hook.before_train(runner)
    assert set(hook._anchor) == {'backbone.weight', 'backbone.bias', 'head.bias'}


def test_once_per_step_when_gradients_accumulate():
    hook, runner = L2SPHook(alpha=0.2), make_runner()
    begun = start(hook, runner)
    runner.optim_wrapper._accumulative_counts = 2
    runner.optim_wrapper._inner_count = 1
    move(runner.model)
    hook.after_train_iter(runner, 0)
    assert torch.equal(runner.model.backbone.bias, begun['backbone.bias'] + 1)
    runner.optim_wrapper._inner_count = 2
    hook.after_train_iter(runner, 1)
    torch.testing.assert_close(
        runner.model.backbone.bias.detach(), begun['backbone.bias'] + 0.9
    )


def test_the_start_is_in_the_checkpoint():
    hook, runner = L2SPHook(), make_runner()
    begun, checkpoint = start(hook, runner), {}
    move(runner.model)
    hook.before_save_checkpoint(runner, checkpoint)
    resumed, runner = L2SPHook(), make_runner(resume=True)
    move(runner.model)
    resumed.after_load_checkpoint(runner, checkpoint)
    resumed.before_train(runner)
    assert set(checkpoint['l2_sp']['anchor']) == {'backbone.weight', 'backbone.bias'}
    [anchor, _] = resumed._groups[0].anchors
    assert torch.equal(anchor, begun['backbone.weight'])


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'alpha': -1}, 'alpha must be >= 0, got -1'),
        ({'beta': float('nan')}, 'beta must be >= 0, got nan'),
        ({'anchored': ()}, 'anchored must name at least one pattern, got none'),
    ],
)
def test_wrong_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        L2SPHook(**settings)


def test_no_start():
    with pytest.raises(ValueError, match='nothing was loaded: set load_from'):
        L2SPHook().before_train(make_runner())
    with pytest.raises(ValueError, match=r"weights begins with one of \['neck'\]"):
        start(L2SPHook(anchored=['neck']), make_runner())
    with pytest.raises(ValueError, match='does not hold the weights that its run sta'):
        L2SPHook().after_load_checkpoint(make_runner(resume=True), {'state_dict': {}})


def test_a_weight_decay_of_the_optimizer_is_refused():
    with pytest.raises(
        ValueError, match='weight decay, which is 0.02: set optim_wrapp'
    ):
        start(L2SPHook(), make_runner(weight_decay=0.02))


FINETUNE = """
optim_wrapper = dict(optimizer=dict(lr=1e-2, weight_decay=0.0))
custom_hooks = [
    dict(type='EMAHook', decay=0.99),
    dict(type='L2SPHook', alpha=2.0, beta=0.5),
]
train_cfg = dict(max_epochs=3)
"""


def test_a_resumed_run_equals_the_uninterrupted_one(tmp_path, write_config):
    first = train(write_config(), work_dir=tmp_path / 'first')
    loading = f'load_from = {str(first.work_dir / "epoch_1.pth")!r}'
    config = write_config(FINETUNE + loading)
    train(config, work_dir=tmp_path / 'whole')
    halves = tmp_path / 'halves'
    halves.mkdir()
    shutil.copy(tmp_path / 'whole/epoch_1.pth', halves)
    train(config, work_dir=halves, resume=str(halves / 'epoch_1.pth'))
    whole, halves, begun = (
        torch.load(path, weights_only=True)
        for path in (
            tmp_path / 'whole/epoch_3.pth',
            halves / 'epoch_3.pth',
            first.work_dir / 'epoch_1.pth',
        )
    )
    for part in ('state_dict', 'ema_state_dict'):
        for name, value in whole[part].items():
            assert torch.equal(value, halves[part][name]), name
    for checkpoint in (whole, halves):
        anchor = checkpoint['l2_sp']['anchor']
        assert all(name.startswith('backbone.') for name in anchor)
        for name, value in anchor.items():
            assert torch.equal(value, begun['state_dict'][name])
