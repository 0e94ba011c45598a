import copy

import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.optim import CosineAnnealingLR, LinearLR, build_optim_wrapper
from mmengine.registry import init_default_scope
from torch import nn

import ocec.models  # noqa: F401  registers the models
from ocec.engine.optim import LayerWiseLR
from ocec.registry import MODELS

OPTIMIZER = {'type': 'AdamW', 'lr': 1e-3, 'weight_decay': 0.1}
MODEL = {
    'type': 'ImageClassifier',
    'backbone': {'type': 'OCECBaseline', 'base_channels': 4, 'num_blocks': 3},
    'head': {'type': 'AvgHead', 'margin': {'type': 'CosFace'}},
}


@pytest.fixture(autouse=True)
def _scope():
    MMLogger.get_current_instance()
    init_default_scope('ocec')


def build(paramwise, *, model=None, **optimizer):
    model = model or MODELS.build(copy.deepcopy(MODEL))
    cfg = {
        'type': 'OptimWrapper',
        'optimizer': {**OPTIMIZER, **optimizer},
        'constructor': 'LayerWiseLR',
        'paramwise_cfg': paramwise,
    }
    return model, build_optim_wrapper(model, cfg)


def rates(wrapper):
    return {group['stage']: group['lr'] for group in wrapper.optimizer.param_groups}


def test_rates_fall_towards_the_image():
    _, wrapper = build({'layer_decay_rate': 0.5, 'head_lr_mult': 2})
    # the margin goes with the head
    assert rates(wrapper) == pytest.approx(
        {
            'stem': 1e-3 / 8,
            'blocks.0': 1e-3 / 4,
            'blocks.1': 1e-3 / 2,
            'blocks.2': 1e-3,
            'head': 2e-3,
            'margin': 2e-3,
        }
    )


def test_each_part_may_have_its_own():
    paramwise = {
        'stem_lr_mult': 0.2,
        'block_lr_mult': 0.8,
        'layer_decay_rate': 0.5,
        'margin_lr_mult': 4,
    }
    assert rates(build(paramwise)[1]) == pytest.approx(
        {
            'stem': 0.2e-3,
            'blocks.0': 0.2e-3,
            'blocks.1': 0.4e-3,
            'blocks.2': 0.8e-3,
            'head': 1e-3,
            'margin': 4e-3,
        }
    )


def test_every_parameter_is_in_one_group():
    model, wrapper = build({'norm_decay_mult': 0})
    groups = wrapper.optimizer.param_groups
    members = [id(param) for group in groups for param in group['params']]
    assert len(members) == len(set(members))
    assert set(members) == {id(param) for param in model.parameters()}


def test_norms_biases_and_scales_without_weight_decay():
    model = MODELS.build(
        {
            'type': 'ImageClassifier',
            'backbone': {'type': 'OCECConvNeXt', 'base_channels': 4, 'num_blocks': 1},
            'head': {'type': 'AvgHead'},
        }
    )
    settings = {'norm_decay_mult': 0, 'bias_decay_mult': 0.5, 'flat_decay_mult': 0.25}
    _, wrapper = build(settings, model=model)
    decay = {
        id(param): group['weight_decay']
        for group in wrapper.optimizer.param_groups
        for param in group['params']
    }
    norms = {
        f'{name}.{own}'
        for name, module in model.named_modules()
        if 'Norm' in type(module).__name__
        for own, _ in module.named_parameters(recurse=False)
    }
    kinds = set()
    for name, param in model.named_parameters():
        if name in norms:
            expected = 0.0
        elif name.endswith('bias'):
            expected = 0.05
        else:
            expected = 0.025 if param.ndim == 1 else 0.1
        assert decay[id(param)] == pytest.approx(expected), name
        kinds.add(expected)
    assert kinds == {0.0, 0.05, 0.025, 0.1}


def test_without_multiples_of_the_decay_all_parameters_decay():
    _, wrapper = build({'head_lr_mult': 2})
    assert {group['weight_decay'] for group in wrapper.optimizer.param_groups} == {0.1}
    assert len(wrapper.optimizer.param_groups) == 6


def test_schedulers_scale_every_group_by_its_own_rate():
    _, wrapper = build({'layer_decay_rate': 0.5, 'norm_decay_mult': 0})
    own = [group['lr'] for group in wrapper.optimizer.param_groups]
    schedulers = [
        LinearLR(wrapper, start_factor=0.1, end=3),
        CosineAnnealingLR(wrapper, eta_min_ratio=0.01, begin=3, end=10, T_max=7),
    ]
    shares = []
    for _ in range(10):
        found = [group['lr'] for group in wrapper.optimizer.param_groups]
        ratio = [now / base for now, base in zip(found, own, strict=True)]
        assert ratio == pytest.approx([ratio[0]] * len(ratio))
        shares.append(ratio[0])
        wrapper.step()
        for scheduler in schedulers:
            scheduler.step()
    assert shares[0] == pytest.approx(0.1)
    assert shares[2] > 0.6 > shares[7] > shares[9]


def test_what_its_owner_has_frozen_is_left_alone():
    model = MODELS.build(copy.deepcopy(MODEL))
    model.backbone.stem.requires_grad_(False)
    assert 'stem' not in rates(build({}, model=model)[1])


def test_the_groups_are_printed(log_records):
    build({'margin_lr_mult': 4})
    [table] = [r.getMessage() for r in log_records if 'layer-wise' in r.getMessage()]
    rows = [line.split() for line in table.splitlines()]
    assert rows[1] == ['stage', 'tensors', 'parameters', 'lr', 'weight', 'decay']
    assert [row[0] for row in rows[2:]] == list(rates(build({})[1]))
    # two directions of the 8 channels after the third block
    assert rows[-1] == ['margin', '1', '16', '0.004', '0.1']


def test_a_multiple_of_what_is_not_there(log_records):
    model = nn.Module()
    model.backbone, model.head = nn.Linear(1, 1), nn.Linear(1, 1)
    build({'stem_lr_mult': 0.5, 'margin_lr_mult': 4}, model=model)
    warnings = [r.getMessage() for r in log_records if r.levelname == 'WARNING']
    assert warnings == [
        'paramwise_cfg.stem_lr_mult=0.5 has no effect: the stages of this model are '
        'backbone, head',
        'paramwise_cfg.margin_lr_mult=4 has no effect: the stages of this model are '
        'backbone, head',
    ]


@pytest.mark.parametrize(
    ('optimizer', 'paramwise', 'message'),
    [
        (
            OPTIMIZER,
            {'stem': 0.1},
            r'paramwise_cfg\.stem: LayerWiseLR has no such key, only stem_lr_mult, ',
        ),
        (OPTIMIZER, {'head_lr_mult': -1}, r'head_lr_mult must be >= 0, got -1'),
        (OPTIMIZER, {'head_lr_mult': None}, r'head_lr_mult must be >= 0, got None'),
        (OPTIMIZER, {'norm_decay_mult': False}, r'must be >= 0, got False'),
        ({'type': 'AdamW'}, {}, r'LayerWiseLR needs optim_wrapper\.optimizer\.lr'),
        (
            {'type': 'AdamW', 'lr': 1},
            {'norm_decay_mult': 0},
            r'paramwise_cfg\.norm_decay_mult needs .*optimizer\.weight_decay',
        ),
    ],
)
def test_settings_that_are_refused(optimizer, paramwise, message):
    with pytest.raises(ValueError, match=message):
        LayerWiseLR({'optimizer': optimizer}, paramwise)


def test_weight_decay_reaches_only_what_has_a_gradient():
    model, wrapper = build({}, lr=0.1)
    model.backbone.requires_grad_(False)
    before = {name: param.clone() for name, param in model.named_parameters()}
    loss = model.head.margin(torch.ones(2, 8)).sum()
    wrapper.update_params(loss)
    after = dict(model.named_parameters())
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == {'head.margin.weight'}
