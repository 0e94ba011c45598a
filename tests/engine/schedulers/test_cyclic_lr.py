"""Expected rates: torch.optim.lr_scheduler.CyclicLR, step by step."""

import pytest
import torch
from mmengine.optim import LinearLR
from mmengine.registry import PARAM_SCHEDULERS as MMENGINE_PARAM_SCHEDULERS
from mmengine.registry import DefaultScope
from torch.optim.lr_scheduler import CyclicLR as TorchCyclicLR

from ocec.engine.optim import OptimWrapper
from ocec.engine.schedulers import CyclicLR
from ocec.registry import PARAM_SCHEDULERS

BOUNDS = {'base_lr': 1e-5, 'max_lr': 1e-3}


def sgd(lr=0.1, **groups):
    """Optimizer of one parameter; by name, of one group for each given rate."""
    params = [torch.nn.Parameter(torch.zeros(1)) for _ in range(max(1, len(groups)))]
    if not groups:
        return torch.optim.SGD(params, lr=lr)
    named = zip(params, groups.values(), strict=True)
    return torch.optim.SGD([{'params': [p], 'lr': r} for p, r in named], lr=lr)


def walk(optimizer, scheduler, steps):
    """Rates of all groups in each step."""
    found = []
    for _ in range(steps):
        found.append([group['lr'] for group in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    return found


def of_first_group(optimizer, scheduler, steps):
    return [rates[0] for rates in walk(optimizer, scheduler, steps)]


@pytest.mark.parametrize(
    'arguments',
    [
        {'step_size_up': 4},
        {'step_size_up': 3, 'step_size_down': 5},
        {'step_size_up': 5, 'step_size_down': 1, 'mode': 'triangular2'},
        {'step_size_up': 4, 'mode': 'triangular2'},
        {'step_size_up': 4, 'mode': 'exp_range', 'gamma': 0.97},
        {'step_size_up': 2, 'step_size_down': 7, 'mode': 'exp_range', 'gamma': 0.9},
        {'step_size_up': 1},
    ],
)
def test_steps_are_those_of_torch(arguments):
    ours, theirs = sgd(), sgd()
    scheduler = CyclicLR(ours, **BOUNDS, **arguments, by_epoch=False)
    reference = TorchCyclicLR(theirs, **BOUNDS, **arguments, cycle_momentum=False)
    # four cycles at least, whatever their length
    found = of_first_group(ours, scheduler, 40)
    expected = of_first_group(theirs, reference, 40)
    assert found == pytest.approx(expected, rel=1e-9)


def test_default_length_is_that_of_the_paper_code():
    optimizer = sgd()
    scheduler = CyclicLR(optimizer, **BOUNDS, by_epoch=False)
    found = of_first_group(optimizer, scheduler, 4001)
    assert found[2000] == max(found) == pytest.approx(1e-3)
    assert [found[0], found[4000]] == [1e-5, 1e-5]
    assert found[1000] == found[3000] == pytest.approx((1e-5 + 1e-3) / 2)


def test_groups_keep_their_multiple_of_the_rate():
    # a backbone with lr_mult 0.1, a head with lr_mult 1, a margin with lr_mult 2
    optimizer = sgd(1e-4, backbone=1e-5, head=1e-4, margin=2e-4)
    scheduler = CyclicLR(optimizer, **BOUNDS, step_size_up=2, by_epoch=False)
    expected = [
        [1e-6, 1e-5, 2e-5],
        [50.5e-6, 505e-6, 1010e-6],
        [1e-4, 1e-3, 2e-3],
    ]
    found = walk(optimizer, scheduler, 3)
    assert found == [pytest.approx(rates) for rates in expected]


def test_a_scaled_rate_scales_the_cycle():
    # what auto_scale_lr does before the schedulers are built
    optimizer = sgd(1e-4)
    optimizer.param_groups[0]['lr'] *= 2
    scheduler = CyclicLR(optimizer, **BOUNDS, step_size_up=1, by_epoch=False)
    assert of_first_group(optimizer, scheduler, 2) == pytest.approx([2e-5, 2e-3])


def test_it_knows_the_rate_inside_an_optim_wrapper():
    wrapper = OptimWrapper(sgd(1e-4, backbone=1e-5, head=1e-4))
    CyclicLR(wrapper, **BOUNDS, step_size_up=2, by_epoch=False)
    assert wrapper.get_lr()['lr'] == pytest.approx([1e-6, 1e-5])


def test_it_acts_from_begin_and_stops_before_end():
    optimizer = sgd(0.1)
    scheduler = CyclicLR(
        optimizer, **BOUNDS, step_size_up=2, begin=2, end=5, by_epoch=False
    )
    found = of_first_group(optimizer, scheduler, 7)
    assert found == pytest.approx([0.1, 0.1, 1e-5, 505e-6, 1e-3, 1e-3, 1e-3])


def test_it_takes_over_from_a_warmup():
    optimizer = sgd(1e-5)
    warmup = LinearLR(optimizer, start_factor=0.5, end=2, by_epoch=False)
    cycle = CyclicLR(optimizer, **BOUNDS, step_size_up=2, begin=2, by_epoch=False)
    found = []
    for _ in range(5):
        found.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        warmup.step()
        cycle.step()
    assert found == pytest.approx([0.5e-5, 1e-5, 1e-5, 505e-6, 1e-3])


@pytest.mark.parametrize('cut', [1, 3, 4, 7])
@pytest.mark.parametrize('mode', ['triangular2', 'exp_range'])
def test_a_resumed_run_goes_on_exactly(cut, mode):
    arguments = {'step_size_up': 3, 'mode': mode, 'by_epoch': False, **BOUNDS}
    arguments |= {'gamma': 0.9} if mode == 'exp_range' else {}
    whole = sgd()
    expected = of_first_group(whole, CyclicLR(whole, **arguments), 12)
    first = sgd()
    scheduler = CyclicLR(first, **arguments)
    assert of_first_group(first, scheduler, cut) == expected[:cut]
    # as the runner does: build, then load the optimizer, then the scheduler
    second = sgd()
    resumed = CyclicLR(second, **arguments)
    second.load_state_dict(first.state_dict())
    resumed.load_state_dict(scheduler.state_dict())
    assert of_first_group(second, resumed, 12 - cut) == expected[cut:]


def test_a_resumed_run_may_be_longer():
    first, second = sgd(), sgd()
    short = CyclicLR(first, **BOUNDS, step_size_up=2, end=2, by_epoch=False)
    walk(first, short, 2)
    longer = CyclicLR(second, **BOUNDS, step_size_up=2, end=4, by_epoch=False)
    longer.load_state_dict(short.state_dict())
    walk(second, longer, 1)
    # step 3: on the way down from step 2
    assert second.param_groups[0]['lr'] == pytest.approx(505e-6)


def test_lengths_in_epochs():
    cfg = dict(
        type='CyclicLR', **BOUNDS, step_size_up=0.5, step_size_down=1, begin=1, end=4
    )
    optimizer = sgd(0.1)
    with DefaultScope.overwrite_default_scope('ocec'):
        scheduler = MMENGINE_PARAM_SCHEDULERS.build(
            {**cfg, 'by_epoch': True, 'convert_to_iter_based': True},
            default_args=dict(optimizer=optimizer, epoch_length=4),
        )
    assert type(scheduler) is CyclicLR
    assert not scheduler.by_epoch
    found = of_first_group(optimizer, scheduler, 17)
    # epoch 0 is not its; then up in 2 and down in 4; 990e-6 / 2 and / 4 per step
    up, down = [1e-5, 505e-6], [1e-3, 752.5e-6, 505e-6, 257.5e-6]
    assert found[:4] == [0.1] * 4
    assert found[4:16] == pytest.approx([*up, *down] * 2)
    assert found[16] == found[15]


def test_by_default_it_never_ends_and_falls_as_long_as_it_rises():
    cfg = dict(type='CyclicLR', **BOUNDS, step_size_up=1, convert_to_iter_based=True)
    optimizer = sgd()
    scheduler = PARAM_SCHEDULERS.build(
        cfg, default_args=dict(optimizer=optimizer, epoch_length=2)
    )
    found = of_first_group(optimizer, scheduler, 1001)
    assert found[:5] == pytest.approx([1e-5, 505e-6, 1e-3, 505e-6, 1e-5])
    assert found[-1] == pytest.approx(1e-5)


def test_it_trains_through_the_runner(write_config):
    import json

    from ocec.apis.train import train

    config = write_config(
        "param_scheduler = [dict(type='CyclicLR', base_lr=1e-4, max_lr=5e-4,\n"
        '    step_size_up=2, by_epoch=False)]\n'
        'default_hooks = dict(logger=dict(interval=1))',
        num_rows=64,
    )
    result = train(config)
    lines = map(json.loads, (result.work_dir / 'metrics.jsonl').open())
    found = [line['lr'] for line in lines if line['phase'] == 'train']
    # 2 epochs of 2 batches; by 2e-4 per step
    assert found == pytest.approx([1e-4, 3e-4, 5e-4, 3e-4])


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (
            {'base_lr': 1e-3, 'max_lr': 1e-3},
            'base_lr must be >= 0 and less than max_lr, got base_lr=0.001, max_lr=0.00',
        ),
        ({'base_lr': -1.0}, 'base_lr must be >= 0 .* got base_lr=-1.0, max_lr=0.001'),
        ({'step_size_up': 0}, 'step_size_up must be > 0, got 0'),
        ({'step_size_down': -1}, 'step_size_down must be > 0, got -1'),
        ({'mode': 'exp'}, r"mode must be one of \('triangular', .*\), got 'exp'"),
        ({'mode': 'exp_range', 'gamma': 1.5}, r'gamma must be in \(0, 1\], got 1.5'),
        ({'gamma': 0.9}, "gamma=0.9 is for mode 'exp_range' only, got 'triangular'"),
        (
            {'by_epoch': True},
            'CyclicLR counts iterations: write by_epoch=False, or add convert_to_iter',
        ),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    arguments = {'by_epoch': False, **BOUNDS, **arguments}
    with pytest.raises(ValueError, match=message):
        CyclicLR(sgd(), **arguments)


def test_an_optimizer_without_a_rate_has_no_multiples():
    with pytest.raises(ValueError, match='an optimizer with lr > 0, got 0.0'):
        CyclicLR(sgd(0.0), **BOUNDS, by_epoch=False)
