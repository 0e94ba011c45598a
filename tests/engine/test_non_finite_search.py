import math
from contextlib import nullcontext

import pytest
import torch
from torch import nn

from ocec.engine.non_finite_search import NonFinite, sample_ids, search
from ocec.structures import BatchTargets

IDS = [30, 31, 32, 33]


class Log(nn.Module):
    def forward(self, x):
        return x.log()


class Net(nn.Module):
    """Logs of inputs, a batch norm, a layer; the loss is the mean."""

    def __init__(self, loss=torch.mean):
        super().__init__()
        self.data_preprocessor = Keep()
        self.log = Log()
        self.norm = nn.BatchNorm1d(3)
        self.last = nn.Linear(3, 1)
        self.loss = loss

    def forward(self, inputs, data_samples, mode):
        assert mode == 'loss'
        return {'loss': self.loss(self.last(self.norm(self.log(inputs))))}

    def parse_losses(self, losses):
        return losses['loss'], losses


class Keep(nn.Module):
    def forward(self, data, training):
        return data


def make_batch(x):
    ids = torch.tensor(IDS)
    targets = BatchTargets(label_B=ids * 0, sample_id_B=ids, group_id_B=ids * 0)
    return {'inputs': x, 'data_samples': targets}


def good_inputs():
    return torch.rand(4, 3, generator=torch.Generator().manual_seed(0)) + 0.1


def test_nothing_is_found_in_good_numbers():
    model = Net()
    before = {name: x.clone() for name, x in model.state_dict().items()}
    found = search(model, make_batch(good_inputs()))
    assert not found.is_found
    assert found.num_parameters == 4
    assert found.lines() == ['samples: 30, 31, 32, 33']
    # statistics, gradients and hooks are as before
    assert all(torch.equal(x, before[n]) for n, x in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    assert not any(m._forward_hooks for m in model.modules())


def test_the_first_module_and_its_samples_are_named():
    x = good_inputs()
    x[2, 1] = -1.0  # log makes it NaN, the batch norm all rows of the column
    found = search(Net(), make_batch(x))
    assert found.is_found
    assert math.isnan(found.loss)
    assert (found.module, found.module_type) == ('log', 'Log')
    assert found.sample_ids == [32]
    assert found.inputs == found.weights == []
    assert found.gradients == ['norm.weight', 'last.weight', 'norm.bias'] or set(
        found.gradients
    ) >= {'norm.weight', 'last.weight'}
    assert 'an output that is not: log (Log)' in '\n'.join(found.lines())


def test_a_bad_batch_is_told_first():
    x = good_inputs()
    x[0, 0] = float('inf')
    found = search(Net(), make_batch(x))
    assert found.inputs == ['inputs']
    assert found.module != 'log'
    assert found.lines()[0] == 'the batch itself is not finite: inputs'


def test_bad_weights_are_told():
    model = Net()
    with torch.no_grad():
        model.last.weight[0, 0] = float('nan')
    found = search(model, make_batch(good_inputs()))
    assert found.weights == ['last.weight']
    assert found.module == 'last'


def test_a_loss_without_a_module():
    found = search(Net(loss=lambda x: x.sum() / 0), make_batch(good_inputs()))
    assert found.module == 'the model'
    found = search(
        Net(loss=lambda x: (x - x).abs().sqrt().sum()), make_batch(good_inputs())
    )
    # the loss is 0, the gradient of its root is infinite
    assert found.loss == 0
    assert found.module is None
    assert set(found.gradients) >= {'last.weight', 'last.bias'}
    assert f'{len(found.gradients)} of 4 parameters' in '\n'.join(found.lines())


def test_a_loss_scale_can_overflow_gradients():
    batch = make_batch(good_inputs())
    assert search(Net(), batch).gradients == []
    assert search(Net(), batch, loss_scale=1e39).gradients != []


def test_forward_runs_in_the_context():
    entered = []

    class Context(nullcontext):
        def __enter__(self):
            entered.append(True)

    search(Net(), make_batch(good_inputs()), context=Context)
    assert entered == [True]


def test_ids_of_a_batch_without_any():
    assert sample_ids({'inputs': torch.zeros(1)}) == []
    assert sample_ids(make_batch(good_inputs())) == IDS


@pytest.mark.parametrize(('num', 'end'), [(8, '7'), (9, '7 and 1 more')])
def test_long_lists_are_cut(num, end):
    (line,) = NonFinite(inputs=[str(i) for i in range(num)]).lines()
    assert line.endswith(f'6, {end}')
