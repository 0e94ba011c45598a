"""Against optimizers that were given the gradients of good batches only."""

import random

import pytest
import torch
from torch import nn

from ocec.engine.optim import OptimWrapper
from ocec.engine.step_guard import (
    StepGuard,
    put_back_where,
    raw_states,
    set_raw_states,
)

NAN, INF = float('nan'), float('inf')


def make_model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))


def make_batches(num=6):
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(5, 3, generator=generator) for _ in range(num)]


def make_optimizer(model, name):
    if name == 'sgd':
        return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    return torch.optim.AdamW(model.parameters(), lr=0.1, fused=name == 'fused')


def run(batches, optimizer_name, *, guarded, is_async=None, **settings):
    model = make_model()
    optimizer = make_optimizer(model, optimizer_name)
    wrapper = OptimWrapper(optimizer, **settings)
    wrapper.initialize_count_status(model, 0, len(batches))
    if guarded:
        wrapper.guard = StepGuard(model, is_async=is_async)
    found = []
    for step, batch in enumerate(batches, 1):
        if guarded:
            wrapper.guard.begin(1, step, {'inputs': batch})
        wrapper.update_params(model(batch).square().mean())
        if guarded and (bad := wrapper.guard.poll()):
            found.append((step, bad))
    if guarded and (bad := wrapper.guard.poll(is_last=True)):
        found.append((len(batches), bad))
    return model, optimizer, found


def assert_same(model, other):
    for (name, x), y in zip(
        model.state_dict().items(), other.state_dict().values(), strict=True
    ):
        assert torch.equal(x, y), name


@pytest.mark.parametrize('value', [NAN, INF])
@pytest.mark.parametrize(
    ('optimizer', 'is_async', 'late'),
    [
        ('sgd', False, 0),
        ('fused', False, 0),
        ('foreach', False, 0),
        # as on a GPU: the fused optimizer leaves it out, others are waited for
        ('fused', True, 1),
        ('sgd', True, 0),
    ],
)
def test_a_bad_batch_leaves_no_trace(value, optimizer, is_async, late):
    good = make_batches()
    bad = torch.full((5, 3), value)
    model, used, found = run(
        [*good[:3], bad, *good[3:]], optimizer, guarded=True, is_async=is_async
    )
    expected, plain, _ = run(good, optimizer, guarded=False)
    assert_same(model, expected)
    for state, other in zip(used.state.values(), plain.state.values(), strict=True):
        for key in other:
            assert torch.equal(torch.as_tensor(state[key]), torch.as_tensor(other[key]))
    ((step, report),) = found
    assert step == 4 + late
    assert report.steps_late == late
    assert [batch.step for batch in report.batches] == [4]
    assert report.batches[0].data['inputs'] is bad


@pytest.mark.parametrize('is_async', [False, True])
def test_the_last_step_of_an_epoch_is_told_at_its_end(is_async):
    good = make_batches(3)
    bad = torch.full((5, 3), NAN)
    _, _, found = run([*good, bad], 'fused', guarded=True, is_async=is_async)
    ((step, report),) = found
    assert (step, report.steps_late) == (4, 0)


def test_without_bad_numbers_nothing_changes():
    batches = make_batches()
    expected, _, _ = run(batches, 'fused', guarded=False)
    for is_async in (False, True):
        model, _, found = run(batches, 'fused', guarded=True, is_async=is_async)
        assert_same(model, expected)
        assert found == []


def test_all_batches_of_a_step_that_accumulates_are_left_out():
    good = make_batches(6)
    batches = [*good[:2], good[2], torch.full((5, 3), NAN), *good[4:]]
    model, _, found = run(batches, 'sgd', guarded=True, accumulative_counts=2)
    expected, _, _ = run(
        [*good[:2], *good[4:]], 'sgd', guarded=False, accumulative_counts=2
    )
    assert_same(model, expected)
    ((_, report),) = found
    assert [batch.step for batch in report.batches] == [3, 4]


def test_an_infinite_loss_with_finite_gradients_counts():
    model = make_model()
    wrapper = OptimWrapper(make_optimizer(model, 'sgd'))
    wrapper.guard = StepGuard(model)
    before = {name: x.clone() for name, x in model.state_dict().items()}
    wrapper.guard.begin(1, 1, {})
    loss = model(make_batches(1)[0]).mean() + torch.tensor(INF)
    wrapper.update_params(loss)
    assert wrapper.has_left_out_step
    assert wrapper.guard.poll().batches[0].loss == INF
    assert all(torch.equal(x, before[n]) for n, x in model.state_dict().items())


def test_clipping_by_value_does_not_hide_it():
    model = make_model()
    clip = {'type': 'value', 'clip_value': 1.0}
    wrapper = OptimWrapper(make_optimizer(model, 'sgd'), clip_grad=clip)
    wrapper.guard = StepGuard(model)
    wrapper.guard.begin(1, 1, {})
    wrapper.update_params(model(torch.full((5, 3), INF)).mean())
    assert wrapper.guard.poll() is not None


def test_with_a_loss_scale_only_a_bad_loss_spoils_the_statistics():
    model = make_model()
    guard = StepGuard(model)
    optimizer = make_optimizer(model, 'sgd')
    mean = model[1].running_mean
    for loss, is_put_back in ((1.0, False), (NAN, True)):
        guard.begin(1, 1, {})
        before = mean.clone()
        guard.watch_loss(torch.tensor(loss))
        mean += 1
        # the scaler must be called: it leaves the step out itself, and lowers its scale
        assert guard.allows(optimizer, torch.tensor(INF), has_scaler=True)
        assert torch.equal(mean, before) == is_put_back
        assert guard.poll() is not None


@pytest.mark.parametrize('is_bad', [False, True])
def test_put_back_where_asks_no_device(is_bad):
    saved = [
        torch.tensor([1.5, -0.0, NAN]),
        torch.tensor([2.0, 3.0], dtype=torch.float16),
        torch.tensor(7),
        torch.tensor([True, False]),
        torch.tensor([0.1], dtype=torch.float64),
    ]
    new = [
        torch.tensor([NAN, -INF, 1e30]),
        torch.tensor([NAN, 1.0], dtype=torch.float16),
        torch.tensor(-(2**62)),
        torch.tensor([False, True]),
        torch.tensor([NAN], dtype=torch.float64),
    ]
    tensors = [x.clone() for x in new]
    put_back_where(torch.tensor(is_bad), tensors, saved)
    for x, expected in zip(tensors, saved if is_bad else new, strict=True):
        assert x.numpy().tobytes() == expected.numpy().tobytes()


def test_random_states_come_back():
    states = raw_states()
    first = random.random(), torch.rand(1)
    set_raw_states(states)
    assert (random.random(), torch.rand(1)) == first


def test_a_step_outside_of_the_loop_is_guarded_too():
    model = make_model()
    guard = StepGuard(model)
    optimizer = make_optimizer(model, 'sgd')
    assert not guard.allows(optimizer, torch.tensor(NAN))
    assert guard.allows(optimizer, torch.tensor(1.0))
    assert guard.poll() is None
