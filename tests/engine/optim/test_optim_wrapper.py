import pytest
import torch
from torch import nn

from ocec.engine.optim import AmpOptimWrapper, OptimWrapper


def model_and_optimizer(lr=1.0):
    model = nn.Linear(2, 1, bias=False)
    nn.init.zeros_(model.weight)
    return model, torch.optim.SGD(model.parameters(), lr=lr)


@pytest.mark.parametrize('wrapper_class', [OptimWrapper, AmpOptimWrapper])
@pytest.mark.parametrize(
    ('clip_grad', 'weight'),
    [
        (None, [-3.0, -4.0]),
        ({'max_norm': 1.0}, [-0.6, -0.8]),  # (3, 4) has norm 5
        ({'type': 'value', 'clip_value': 2.0}, [-2.0, -2.0]),
    ],
)
def test_gradient_norm_is_that_before_clipping(wrapper_class, clip_grad, weight):
    model, optimizer = model_and_optimizer()
    wrapper = wrapper_class(optimizer, clip_grad=clip_grad)
    loss = (model.weight * torch.tensor([[3.0, 4.0]])).sum()
    wrapper.update_params(loss)
    assert wrapper.grad_norm.item() == pytest.approx(5.0)
    torch.testing.assert_close(
        model.weight.data, torch.tensor([weight]), rtol=1e-4, atol=0
    )


def test_accumulated_gradients_make_one_step_of_their_mean():
    model, optimizer = model_and_optimizer()
    wrapper = OptimWrapper(optimizer, accumulative_counts=2)
    wrapper.initialize_count_status(model, 0, 4)
    for scale in (1.0, 3.0):
        wrapper.update_params((model.weight * scale).sum())
    # mean of 1 and 3
    torch.testing.assert_close(model.weight.data, torch.full((1, 2), -2.0))


def test_amp_computes_in_bfloat16_on_a_cpu_and_keeps_float32_weights():
    model, optimizer = model_and_optimizer()
    wrapper = AmpOptimWrapper(optimizer)
    if wrapper.device_type != 'cpu':
        pytest.skip('for machines without a GPU')
    with wrapper.optim_context(model):
        output = model(torch.ones(1, 2))
    assert output.dtype is torch.bfloat16
    wrapper.update_params(output.float().sum())
    assert model.weight.dtype is torch.float32
    assert model.weight.grad is None


def test_amp_state_loads_into_full_precision_and_back():
    _, optimizer = model_and_optimizer(lr=0.3)
    amp, plain = AmpOptimWrapper(optimizer), OptimWrapper(model_and_optimizer()[1])
    plain_state = plain.state_dict()
    plain.load_state_dict(
        {k: v for k, v in amp.state_dict().items() if k != 'loss_scaler'}
    )
    assert plain.get_lr()['lr'] == [0.3]
    amp.load_state_dict(plain_state)
    assert amp.get_lr()['lr'] == [1.0]


def test_unusable_dtypes():
    _, optimizer = model_and_optimizer()
    with pytest.raises(ValueError, match="dtype must be one of .*, got 'float8'"):
        AmpOptimWrapper(optimizer, dtype='float8')
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="'float16' needs a GPU; use 'bfloat16'"):
            AmpOptimWrapper(optimizer, dtype='float16')


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
def test_float16_scales_the_loss_and_skips_a_step_with_inf():
    model = nn.Linear(2, 1, bias=False).cuda()
    wrapper = AmpOptimWrapper(
        torch.optim.SGD(model.parameters(), lr=1.0), dtype='float16'
    )
    before, scale = model.weight.detach().clone(), wrapper.loss_scaler.get_scale()
    wrapper.update_params(model.weight.sum() * float('inf'))
    assert torch.equal(model.weight, before)
    assert wrapper.loss_scaler.get_scale() == scale / 2
