"""Expected rates: torch.optim.lr_scheduler.ReduceLROnPlateau, epoch by epoch."""

import numpy as np
import pytest
import torch
from mmengine.optim import LinearLR
from mmengine.optim import ReduceOnPlateauLR as MMEngineReduceOnPlateauLR
from torch.optim.lr_scheduler import ReduceLROnPlateau

from ocec.engine.optim import OptimWrapper
from ocec.engine.schedulers import ReduceOnPlateauLR
from ocec.registry import PARAM_SCHEDULERS

NAN, INF = float('nan'), float('inf')
MONITOR = 'eye/loss'
BASE = 1e-4
WARMUP = 5


def sgd(*rates):
    params = [torch.nn.Parameter(torch.zeros(1)) for _ in rates or [BASE]]
    groups = zip(params, rates or [BASE], strict=True)
    return torch.optim.SGD([{'params': [p], 'lr': lr} for p, lr in groups], lr=BASE)


def run(optimizer, schedulers, values):
    """Train an epoch for each value of the metric, as ParamSchedulerHook does.

    Returns the rate that each epoch trains with, and the rate after the last.
    """
    rates = [optimizer.param_groups[0]['lr']]
    for value in values:
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
        for scheduler in schedulers:
            if getattr(scheduler, 'need_val_args', False):
                scheduler.step({MONITOR: value})
        rates.append(optimizer.param_groups[0]['lr'])
    return rates


def torch_rates(values, *rates, **arguments):
    optimizer = sgd(*rates)
    scheduler = ReduceLROnPlateau(optimizer, **arguments)
    found = [optimizer.param_groups[0]['lr']]
    for value in values:
        scheduler.step(value)
        found.append(optimizer.param_groups[0]['lr'])
    return found


def plateau(optimizer, **arguments):
    return ReduceOnPlateauLR(optimizer, MONITOR, **arguments)


def warmup_and_plateau(optimizer, **arguments):
    arguments = {'factor': 0.5, 'patience': 2, 'begin': WARMUP, **arguments}
    warmup = LinearLR(optimizer, start_factor=1 / WARMUP, end=WARMUP)
    return [warmup, plateau(optimizer, **arguments)]


def test_it_is_the_one_that_configs_get():
    assert PARAM_SCHEDULERS.get('ReduceOnPlateauLR') is ReduceOnPlateauLR


# the arithmetic


def test_the_cut_comes_at_the_third_bad_epoch_for_a_patience_of_two():
    optimizer = sgd()
    scheduler = plateau(optimizer, factor=0.5, patience=2)
    # 0.5 is the best; 0.6, 0.7, 0.5 are no improvement; nor are the three after them
    rates = run(optimizer, [scheduler], [0.9, 0.5, 0.6, 0.7, 0.5, 0.5, 0.5, 0.5, 0.4])
    assert rates == [BASE] * 5 + [BASE / 2] * 3 + [BASE / 4] * 2


RANDOM = np.random.default_rng(0).normal(0.5, 0.05, 60).round(3).tolist()


@pytest.mark.parametrize(
    'arguments',
    [
        {'factor': 0.5, 'patience': 2},
        {'factor': 0.1, 'patience': 0},
        {'factor': 0.7, 'patience': 5},
        {'factor': 0.5, 'patience': 1, 'cooldown': 3},
        {'factor': 0.5, 'patience': 1, 'threshold': 0.05},
        {'factor': 0.5, 'patience': 1, 'eps': 1e-5},
    ],
)
@pytest.mark.parametrize('rule', ['less', 'greater'])
@pytest.mark.parametrize('threshold_rule', ['rel', 'abs'])
def test_epochs_are_those_of_torch(arguments, rule, threshold_rule):
    optimizer = sgd()
    both = {'rule': rule, 'threshold_rule': threshold_rule}
    scheduler = plateau(optimizer, **arguments, **both)
    expected = torch_rates(
        RANDOM,
        mode={'less': 'min', 'greater': 'max'}[rule],
        threshold_mode=threshold_rule,
        **arguments,
    )
    assert run(optimizer, [scheduler], RANDOM) == expected
    assert len(set(expected)) > 2


@pytest.mark.parametrize(
    'values',
    [[NAN] * 6, [INF] * 6, [0.5, NAN, 0.4, INF, NAN, NAN, 0.3], [3e9, 2e9, 1e9] * 2],
)
def test_values_out_of_the_ordinary_are_as_in_torch(values):
    optimizer = sgd()
    scheduler = plateau(optimizer, factor=0.5, patience=1)
    expected = torch_rates(values, factor=0.5, patience=1)
    assert run(optimizer, [scheduler], values) == expected


def test_each_group_has_its_own_bound():
    rates = (1e-4, 1e-5)
    optimizer, theirs = sgd(*rates), sgd(*rates)
    bounds = [4e-5, 1e-6]
    scheduler = plateau(optimizer, factor=0.5, patience=0, min_value=bounds)
    reference = ReduceLROnPlateau(theirs, factor=0.5, patience=0, min_lr=bounds)
    run(optimizer, [scheduler], [1.0] * 4)
    for _ in range(4):
        reference.step(1.0)
    found = [group['lr'] for group in optimizer.param_groups]
    assert found == [group['lr'] for group in theirs.param_groups]
    # three cuts: the first group stops at its bound
    assert found == pytest.approx([4e-5, 1e-5 / 8])


def test_it_cuts_through_an_optim_wrapper():
    wrapper = OptimWrapper(sgd(1e-4, 1e-5))
    scheduler = plateau(wrapper, factor=0.5, patience=0)
    for _ in range(2):
        scheduler.step()
        scheduler.step({MONITOR: 1.0})
    assert wrapper.get_lr()['lr'] == pytest.approx([5e-5, 5e-6])


@pytest.mark.parametrize(
    ('monitor', 'values'),
    [('eye/loss', [0.5, 0.4, 0.3, 0.2]), ('eye/f1', [0.5, 0.6, 0.7, 0.8])],
)
def test_the_rule_follows_from_the_metric(monitor, values):
    optimizer = sgd()
    scheduler = ReduceOnPlateauLR(optimizer, monitor, factor=0.5, patience=0)
    for value in values:
        scheduler.step()
        scheduler.step({monitor: value})
    assert optimizer.param_groups[0]['lr'] == BASE
    for value in reversed(values):
        scheduler.step()
        scheduler.step({monitor: value})
    # the best again, then three worse ones
    assert optimizer.param_groups[0]['lr'] == BASE / 16


# which epochs count


def test_warmup_hands_the_full_rate_over():
    optimizer = sgd()
    falling = [1.0 / (epoch + 1) for epoch in range(20)]
    rates = run(optimizer, warmup_and_plateau(optimizer), falling)
    warmup = [BASE * (epoch + 1) / WARMUP for epoch in range(WARMUP)]
    assert rates[:WARMUP] == pytest.approx(warmup, rel=1e-12)
    assert rates[WARMUP:] == [BASE] * 16  # exactly


@pytest.mark.parametrize('base', [1.2e-4, 3e-4, 7e-5])
@pytest.mark.parametrize('epochs', [3, 10, 20])
def test_the_handed_over_rate_is_right_to_the_last_digits(base, epochs):
    optimizer = sgd(base)
    warmup = LinearLR(optimizer, start_factor=1 / epochs, end=epochs)
    schedulers = [warmup, plateau(optimizer, begin=epochs)]
    rates = run(optimizer, schedulers, [0.5] * (epochs + 1))
    assert rates[-1] == pytest.approx(base, rel=1e-14)


def test_no_epoch_of_the_warmup_counts():
    # the loss rises all through the warmup, from a value that is never reached again
    bad_start = [0.01, 0.1, 0.2, 0.3, 0.4]
    after = [0.9, 0.8, 0.8, 0.8, 0.8, 0.8]
    optimizer = sgd()
    rates = run(optimizer, warmup_and_plateau(optimizer), bad_start + after)
    assert rates[WARMUP:] == torch_rates(after, factor=0.5, patience=2)
    # 0.9 and 0.8 improve; the third 0.8 after that brings the cut
    assert rates[WARMUP:] == [BASE] * 5 + [BASE / 2] * 2


def test_mmengine_counts_the_last_epoch_of_the_warmup():
    # the fault that ours is for; once it is mended upstream, ours can lose its range
    optimizer = sgd()
    warmup = LinearLR(optimizer, start_factor=1 / WARMUP, end=WARMUP)
    theirs = MMEngineReduceOnPlateauLR(optimizer, MONITOR, begin=WARMUP)
    run(optimizer, [warmup, theirs], [0.5] * WARMUP)
    assert theirs.last_step == 0  # one validation counted
    last = MMEngineReduceOnPlateauLR(optimizer, MONITOR, end=3)
    run(optimizer, [last], [0.5] * 3)
    assert last.last_step == 1  # two of three


def test_the_last_epoch_counts():
    # a run of 4 epochs, whose end mmengine sets to 4
    values = [0.5, 0.6, 0.7, 0.8]
    optimizer = sgd()
    rates = run(optimizer, [plateau(optimizer, factor=0.5, patience=2, end=4)], values)
    assert rates == torch_rates(values, factor=0.5, patience=2)
    assert rates[-1] == BASE / 2


def test_nothing_counts_from_end_on():
    optimizer = sgd()
    scheduler = plateau(optimizer, factor=0.5, patience=0, begin=1, end=3)
    rates = run(optimizer, [scheduler], [0.1, 0.5, 0.6, 0.7, 0.8])
    # epoch 1 sets the best, epoch 2 is bad, 3 and 4 are past the end
    assert rates == [BASE] * 3 + [BASE / 2] * 3


def test_patience_counts_validations_not_epochs():
    optimizer = sgd()
    scheduler = plateau(optimizer, factor=0.5, patience=1, begin=2)
    rates = []
    for epoch in range(10):
        scheduler.step()
        if epoch % 2:  # val_interval=2: after epochs 1, 3, 5, 7, 9 counted from 0
            scheduler.step({MONITOR: 0.5})
        rates.append(optimizer.param_groups[0]['lr'])
    # 1 is before begin, 3 sets the best, 5 and 7 are bad, 9 is bad again
    assert rates == [BASE] * 7 + [BASE / 2] * 3


def test_a_run_by_iterations_counts_from_its_first_validation():
    optimizer = sgd()
    scheduler = plateau(optimizer, factor=0.5, patience=0, end=1)
    for _ in range(2):
        scheduler.step({MONITOR: 0.5})
    assert optimizer.param_groups[0]['lr'] == BASE / 2


# resume


@pytest.mark.parametrize('cut', [1, 4, 5, 7, 8, 11])
def test_a_resumed_run_goes_on_exactly(cut):
    values = [0.3, 0.1, 0.2, 0.9, 0.8, 0.7, 0.6, 0.7, 0.6, 0.7, 0.5, 0.6, 0.6, 0.6]
    whole = sgd()
    expected = run(whole, warmup_and_plateau(whole, cooldown=1), values)
    assert len(set(expected[WARMUP:])) == 3
    first, second = sgd(), sgd()
    before = warmup_and_plateau(first, cooldown=1)
    assert run(first, before, values[:cut]) == expected[: cut + 1]
    # as the runner does: build, then load the optimizer, then the schedulers
    after = warmup_and_plateau(second, cooldown=1)
    second.load_state_dict(first.state_dict())
    for scheduler, loaded in zip(after, before, strict=True):
        scheduler.load_state_dict(loaded.state_dict())
    assert run(second, after, values[cut:]) == expected[cut:]


@pytest.mark.parametrize('cut', range(1, 7))
def test_a_run_resumed_in_its_cooldown_goes_on_exactly(cut):
    arguments = {'factor': 0.5, 'patience': 0, 'cooldown': 2}
    # the first bad one cuts, the next two are passed over, the one after cuts again
    expected = [BASE] * 2 + [BASE / 2] * 3 + [BASE / 4] * 3
    first, second = sgd(), sgd()
    before = plateau(first, **arguments)
    assert run(first, [before], [0.5] * cut) == expected[: cut + 1]
    after = plateau(second, **arguments)
    second.load_state_dict(first.state_dict())
    after.load_state_dict(before.state_dict())
    assert run(second, [after], [0.5] * (7 - cut)) == expected[cut:]


def test_a_resumed_run_may_be_longer_and_more_patient():
    first, second = sgd(), sgd()
    short = plateau(first, factor=0.5, patience=1, end=2)
    run(first, [short], [0.5, 0.6])
    longer = plateau(second, factor=0.5, patience=3, end=10)
    longer.load_state_dict(short.state_dict())
    rates = run(second, [longer], [0.6, 0.6, 0.6])
    # with the one before these are four bad ones
    assert rates == [BASE] * 3 + [BASE / 2]


def test_a_checkpoint_of_mmengines_own_can_be_resumed():
    optimizer = sgd()
    theirs = MMEngineReduceOnPlateauLR(optimizer, MONITOR, factor=0.5, patience=2)
    run(optimizer, [theirs], [0.5, 0.6, 0.6])
    ours = plateau(optimizer, factor=0.5, patience=2)
    ours.load_state_dict(theirs.state_dict())
    assert run(optimizer, [ours], [0.6]) == [BASE, BASE / 2]


# what it says


def messages(log_records, level):
    return [r.getMessage() for r in log_records if r.levelname == level]


def test_a_cut_is_told(log_records):
    optimizer = sgd(1e-4, 1e-5)
    run(optimizer, [plateau(optimizer, factor=0.5, patience=1)], [0.25, 0.5, 0.5])
    assert messages(log_records, 'INFO') == [
        'eye/loss has not been better than 0.25 for 2 validations: '
        'lr 1e-05, 0.0001 -> 5e-06, 5e-05'
    ]


def test_a_rate_at_its_bound_is_not_told_again(log_records):
    optimizer = sgd()
    run(optimizer, [plateau(optimizer, patience=0, min_value=BASE)], [0.5] * 5)
    assert messages(log_records, 'INFO') == []


def test_a_begin_within_the_warmup_is_told(log_records):
    warmup_and_plateau(sgd())
    assert messages(log_records, 'WARNING') == []
    warmup_and_plateau(sgd(), begin=0)
    assert messages(log_records, 'WARNING') == [
        'ReduceOnPlateauLR counts from the first epoch on, while the rate is still '
        'warmed up (2e-05 of 0.0001): a cut would outlast the warmup. Give it '
        "begin=<the warmup's epochs>"
    ]


def test_a_run_that_ends_before_it_begins_is_told(log_records):
    optimizer = sgd()
    scheduler = plateau(optimizer, patience=0, begin=2, end=2)
    assert messages(log_records, 'WARNING') == [
        'ReduceOnPlateauLR begins after 2 epochs and ends after 2, the length of the '
        'run unless given: it never cuts the rate'
    ]
    # NaN is bad from the first one on
    assert run(optimizer, [scheduler], [NAN] * 5) == [BASE] * 6


def test_unknown_metric():
    scheduler = ReduceOnPlateauLR(sgd(), 'eye/los')
    message = (
        r"ReduceOnPlateauLR\.monitor='eye/los' is not a validation metric; "
        r"there are \['eye/f1', 'eye/loss'\]"
    )
    with pytest.raises(KeyError, match=message):
        scheduler.step({'eye/loss': 1.0, 'eye/f1': 1.0})


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'rule': 'max'}, r"rule must be one of \('greater', 'less'\), got 'max'"),
        (
            {'threshold_rule': 'relative'},
            r"threshold_rule must be one of \('rel', 'abs'\), got 'relative'",
        ),
        ({'factor': 1.0}, r'factor must be in \(0, 1\), got 1.0'),
        ({'factor': 0}, r'factor must be in \(0, 1\), got 0'),
        ({'patience': -1}, 'patience must be >= 0, got -1'),
        ({'threshold': -0.1}, 'threshold must be >= 0, got -0.1'),
        ({'cooldown': -2}, 'cooldown must be >= 0, got -2'),
        ({'by_epoch': False}, 'ReduceOnPlateauLR looks at validations: by_epoch=True'),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        plateau(sgd(), **arguments)
