import json

import numpy as np
import pytest
import torch
from mmengine.dataset import DefaultSampler
from mmengine.optim import OptimWrapper
from torch import nn
from torch.utils.data import DataLoader

from ocec.apis.errors import ConfigError
from ocec.apis.lr_finder import _prepare_runner, find_lr, run_range_test
from ocec.apis.run_config import load_run_config
from ocec.apis.train import train

LRS = np.geomspace(1e-4, 1e-1, 6).tolist()


@pytest.fixture
def prepare(write_config, tmp_path):
    """Return a factory of (model, optim wrapper, train loader) of a tiny config."""

    def make(text=''):
        config = write_config(text)
        runner = _prepare_runner(load_run_config(config, work_dir=tmp_path / 'temp'))
        return runner.model, runner.optim_wrapper, runner.train_dataloader

    return make


class Scripted(nn.Module):
    """A model whose losses are given; it remembers the batches."""

    def __init__(self, losses):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.losses = iter(losses)
        self.batches = []

    def train_step(self, data, optim_wrapper):
        self.batches.append(data.tolist())
        return {'loss': torch.tensor(float(next(self.losses)))}


def scripted(losses, *, accumulation=1):
    model = Scripted(losses)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    wrapper = OptimWrapper(optimizer, accumulative_counts=accumulation)
    data = list(range(6))
    loader = DataLoader(data, batch_size=2, sampler=DefaultSampler(data, shuffle=True))
    return model, wrapper, loader


def tensors_of(model):
    named = [*model.named_parameters(), *model.named_buffers()]
    return {name: tensor.detach().clone() for name, tensor in named}


def test_model_and_optimizer_are_left_bit_identical(prepare):
    model, wrapper, loader = prepare()
    model.eval()
    model.train_step(next(iter(loader)), wrapper)  # the optimizer has a state now
    before = tensors_of(model)
    groups = [dict(group) for group in wrapper.optimizer.param_groups]
    moments = [
        {name: value.clone() for name, value in state.items()}
        for state in wrapper.optimizer.state.values()
    ]
    seen = []
    hook = model.register_forward_pre_hook(lambda *_: seen.append(tensors_of(model)))
    run_range_test(model, wrapper, loader, lrs=LRS)
    hook.remove()
    # it did train: weights and running statistics moved
    for name in ('head.fc.weight', 'backbone.stem.1.running_mean'):
        assert not torch.equal(seen[-1][name], before[name])
    after = tensors_of(model)
    assert after.keys() == before.keys()
    assert 'data_preprocessor.mean' in after
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not any(module.training for module in model.modules())
    for group, old in zip(wrapper.optimizer.param_groups, groups, strict=True):
        assert group == old | {'params': group['params']}
    states = wrapper.optimizer.state.values()
    for state, old in zip(states, moments, strict=True):
        assert all(torch.equal(state[name], old[name]) for name in old)


def test_first_loss_is_that_of_a_training(write_config, tmp_path):
    # same first weights, images, augmentation, class weight and precision
    config = write_config('default_hooks = dict(logger=dict(interval=1))')
    folder = train(config, work_dir=tmp_path / 'run').work_dir
    lines = [json.loads(line) for line in (folder / 'metrics.jsonl').open()]
    files_before = sorted(folder.rglob('*'))
    find_lr(config, min_lr=1e-4, num_iters=40, out_dir=tmp_path / 'out')
    points = json.loads((tmp_path / 'out/lr_curve.json').read_text())['points']
    assert points['loss'][0] == pytest.approx(lines[0]['loss'], rel=1e-6)
    assert sorted(folder.rglob('*')) == files_before


def test_files_and_printed_suggestion(write_config, tmp_path, capsys, monkeypatch):
    config = write_config()
    text = config.read_text()
    monkeypatch.chdir(tmp_path)
    suggestion = find_lr(config, min_lr=1e-4, num_iters=40, seed=3)
    out = tmp_path / 'work_dirs' / f'{config.stem}_lr'
    names = {'lr_curve.csv', 'lr_curve.json', 'lr_curve.png'}
    assert {file.name for file in out.iterdir()} == names
    content = json.loads((out / 'lr_curve.json').read_text())
    assert content['suggestion']['min_over_10'] == suggestion.min_over_10
    assert (content['seed'], content['batch_size']) == (3, 16)
    assert content['points']['lr'][0] == pytest.approx(1e-4)
    lr = f'optim_wrapper.optimizer.lr={suggestion.min_over_10:.2g}'
    assert f'use it: --cfg-options {lr}\n' in capsys.readouterr().out
    assert config.read_text() == text
    assert not (tmp_path / 'run').exists()
    again = find_lr(config, min_lr=1e-4, num_iters=40, seed=3)
    assert again == suggestion


def test_rates_rise_and_groups_keep_their_ratio(prepare, monkeypatch):
    text = (
        'optim_wrapper = dict(paramwise_cfg=dict('
        "custom_keys={'head': dict(lr_mult=0.1)}))"
    )
    model, wrapper, loader = prepare(text)
    groups = wrapper.optimizer.param_groups
    rates, step = [], wrapper.optimizer.step

    def watched(*args, **kwargs):
        rates.append(sorted({group['lr'] for group in groups}))
        return step(*args, **kwargs)

    monkeypatch.setattr(wrapper.optimizer, 'step', watched)
    curve = run_range_test(model, wrapper, loader, lrs=LRS)
    assert curve.lr == LRS
    np.testing.assert_allclose(rates, [[0.1 * lr, lr] for lr in LRS])


def test_clipping_and_precision_are_those_of_the_config(prepare, monkeypatch):
    text = (
        "optim_wrapper = dict(_delete_=True, type='AmpOptimWrapper', "
        "optimizer=dict(type='SGD', lr=0.1), clip_grad=dict(max_norm=1e-3))"
    )
    model, wrapper, loader = prepare(text)
    moves, dtypes, step = [], [], wrapper.optimizer.step

    def watched(*args, **kwargs):
        params = [p for g in wrapper.optimizer.param_groups for p in g['params']]
        before = [param.detach().clone() for param in params]
        step(*args, **kwargs)
        moved = [(p.detach() - b).norm() for p, b in zip(params, before, strict=True)]
        moves.append(float(torch.stack(moved).norm()))

    monkeypatch.setattr(wrapper.optimizer, 'step', watched)
    model.head.fc.register_forward_hook(lambda *io: dtypes.append(io[2].dtype))
    run_range_test(model, wrapper, loader, lrs=LRS)
    # plain SGD moves by lr * norm of the clipped gradient
    np.testing.assert_allclose(moves, [lr * 1e-3 for lr in LRS], rtol=0.01)
    assert set(dtypes) == {torch.bfloat16}


def test_accumulated_batches_make_one_step():
    model, wrapper, loader = scripted([1, 3, 2, 6], accumulation=2)
    curve = run_range_test(model, wrapper, loader, lrs=LRS[:2])
    assert curve.loss == [2, 4]
    assert len(model.batches) == 4


def test_loader_begins_anew_in_another_order():
    model, wrapper, loader = scripted([1] * 6)
    run_range_test(model, wrapper, loader, lrs=LRS)
    first, second = sum(model.batches[:3], []), sum(model.batches[3:], [])
    assert sorted(first) == sorted(second) == list(range(6))
    assert first != second


@pytest.mark.parametrize(
    ('losses', 'recorded'),
    [
        ([1, 0.5, 2, 2.25, 9, 9], [1, 0.5, 2, 2.25]),  # 2.25 > 4 x 0.5
        ([1, 0.5, float('nan'), 1, 1, 1], [1, 0.5]),
        ([1, 0.5, float('inf'), 1, 1, 1], [1, 0.5]),
        ([1, 1, 1, 1, 1, 1], [1] * 6),
    ],
)
def test_end_of_the_test(losses, recorded):
    curve = run_range_test(*scripted(losses), lrs=LRS, smoothing=0.0)
    assert curve.loss == recorded
    assert curve.lr == LRS[: len(recorded)]


def test_model_is_restored_after_an_error():
    model, wrapper, loader = scripted([])
    model.eval()
    with pytest.raises(StopIteration):
        run_range_test(model, wrapper, loader, lrs=LRS)
    assert not model.training
    assert wrapper.optimizer.param_groups[0]['lr'] == 0.1


def test_own_rate_must_be_positive():
    model, wrapper, loader = scripted([1])
    wrapper.optimizer.defaults['lr'] = 0.0
    with pytest.raises(ValueError, match='optimizer.lr must be > 0, got 0.0'):
        run_range_test(model, wrapper, loader, lrs=LRS)


def test_loss_that_is_not_finite_from_the_start(write_config, tmp_path):
    text = "model = dict(data_preprocessor=dict(mean=[float('nan')] * 3))"
    with pytest.raises(FloatingPointError, match='loss is nan at the first step, befo'):
        find_lr(write_config(text), out_dir=tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


def test_curve_without_descent_is_still_drawn(write_config, tmp_path):
    out = tmp_path / 'out'
    with pytest.raises(ValueError, match=r'did not fall: .* The curve: .*lr_curve.png'):
        find_lr(write_config(), min_lr=1e-12, max_lr=1e-11, num_iters=20, out_dir=out)
    content = json.loads((out / 'lr_curve.json').read_text())
    assert content['suggestion'] is None
    assert len(content['points']['loss']) == 20
    assert (out / 'lr_curve.png').is_file()


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(min_lr=0.0), 'must be 0 < min < max, got 0.0 and 1.0'),
        (dict(min_lr=1.0), 'must be 0 < min < max, got 1.0 and 1.0'),
        (dict(max_lr=float('inf')), 'must be 0 < min < max, got 1e-06 and inf'),
        (dict(num_iters=19), '--num-iters must be >= 20, got 19'),
        (dict(cfg_options=['modle.x=1']), 'modle'),
    ],
)
def test_wrong_usage(write_config, settings, message):
    with pytest.raises(ConfigError, match=message):
        find_lr(write_config(), **settings)


def test_config_without_training(write_config):
    text = 'train_dataloader = train_cfg = optim_wrapper = param_scheduler = None'
    with pytest.raises(ConfigError, match='there is no train_dataloader to train on'):
        find_lr(write_config(text))


def test_a_margin_with_a_warmup_is_tested_in_full(prepare):
    margin = 'margin=dict(type="CosFace", m=0.3, warmup_epochs=5)'
    model, wrapper, loader = prepare(f'model = dict(head=dict({margin}))')
    assert model.head.margin.current_m == 0.3
    assert len(run_range_test(model, wrapper, loader, lrs=LRS)) > 0
