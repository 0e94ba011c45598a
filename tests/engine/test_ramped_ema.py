import pytest
import torch
from torch import nn

from ocec.engine.ramped_ema import RampedEMA


def net():
    return nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))


def test_average_equals_a_slow_loop_over_parameters_and_buffers():
    model = net()
    ema = RampedEMA(model, decay=0.5)
    expected = {k: v.clone().double() for k, v in model.state_dict().items()}
    for n in range(20):
        with torch.no_grad():
            for value in model.state_dict().values():
                if value.is_floating_point():
                    value.normal_()
                else:
                    value.add_(1)
        ema.update_parameters(model)
        decay = min(0.5, (1 + n) / (10 + n))  # 0.1 at first, 0.5 from n = 8
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                expected[name] = decay * expected[name] + (1 - decay) * value
            else:
                expected[name] = value.double()
    for name, value in ema.module.state_dict().items():
        torch.testing.assert_close(value.double(), expected[name], atol=1e-6, rtol=0)
    assert ema.module[1].num_batches_tracked == 20


def test_a_shared_weight_is_averaged_once():
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    model[1].weight = model[0].weight
    nn.init.zeros_(model[0].weight)
    ema = RampedEMA(model, decay=0.5)
    nn.init.ones_(model[0].weight)
    ema.update_parameters(model)  # the decay of the first update is 0.1
    torch.testing.assert_close(ema.module[0].weight, torch.full((2, 2), 0.9))


def test_replaced_tensors_and_another_model_are_followed():
    model = net()
    ema = RampedEMA(model, decay=0.5)
    ema.update_parameters(model)
    model[1].running_mean = torch.full((2,), 8.0)  # as Module.to() does
    ema.update_parameters(model)  # decay 2 / 11
    torch.testing.assert_close(ema.module[1].running_mean, torch.full((2,), 72 / 11))
    other = net()
    other[1].running_mean.fill_(-1.0)
    ema.update_parameters(other)  # decay 3 / 12
    torch.testing.assert_close(
        ema.module[1].running_mean, torch.full((2,), 0.25 * 72 / 11 - 0.75)
    )


def test_buffers_that_are_not_saved_are_not_averaged():
    model = net()
    model.register_buffer('scratch', torch.zeros(1), persistent=False)
    ema = RampedEMA(model)
    model.scratch.fill_(5.0)
    ema.update_parameters(model)
    assert ema.module.scratch.item() == 0


def test_a_short_run_forgets_its_initial_weights():
    # 100 updates towards 1 from 0: a plain 0.999 would stand at 1 - 0.999^100 = 0.095
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    ema = RampedEMA(model, decay=0.999)
    nn.init.ones_(model.weight)
    for _ in range(100):
        ema.update_parameters(model)
    assert ema.module.weight.item() > 0.999


def test_state_carries_the_position_on_the_ramp():
    model = net()
    ema = RampedEMA(model)
    for _ in range(5):
        ema.update_parameters(model)
    other = RampedEMA(net())
    other.load_state_dict(ema.state_dict())
    with torch.no_grad():
        model[0].weight.add_(1)
    ema.update_parameters(model)
    other.update_parameters(model)
    for name, value in ema.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name


def test_the_average_does_not_touch_the_model():
    model = net()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    ema = RampedEMA(model)
    ema.update_parameters(model)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert not any(p.requires_grad for p in ema.module.parameters())


@pytest.mark.parametrize('decay', [-0.1, 1.0])
def test_decay_out_of_range(decay):
    with pytest.raises(ValueError, match=rf'decay must be in \[0, 1\), got {decay}'):
        RampedEMA(net(), decay=decay)
