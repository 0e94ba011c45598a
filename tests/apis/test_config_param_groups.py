import pytest
from mmengine.config import Config

from ocec.apis.config_check import check_config

PLAIN_COSINE = """
param_scheduler = dict(_delete_=True, type='CosineAnnealingLR', by_epoch=True)
"""
LAYER_WISE = """
optim_wrapper = dict(
    constructor='LayerWiseLR',
    paramwise_cfg=dict(stem_lr_mult=0.2, norm_decay_mult=0),
)
"""


def check(write_config, text):
    cfg = Config.fromfile(write_config(text))
    # without the place in the file
    return [str(finding).split('  ')[-1] for finding in check_config(cfg)]


def freezing(**step):
    hook = {'type': 'FreezeHook', 'freeze': 'backbone', 'unfreeze': [step]}
    return f'custom_hooks = [{hook!r}]\n'


@pytest.mark.parametrize(
    'text',
    [
        LAYER_WISE + PLAIN_COSINE,
        freezing(stages='all', epoch=3),
        LAYER_WISE
        + PLAIN_COSINE
        + "custom_hooks = [dict(type='FreezeHook', freeze='stem', warmup_epochs=2, "
        "unfreeze=[dict(stages='stem', epoch=1)])]",
        # a constructor of its own decides what it reads
        "optim_wrapper = dict(constructor='mmpretrain."
        "LearningRateDecayOptimWrapperConstructor', "
        'paramwise_cfg=dict(layer_decay_rate=0.75))',
    ],
)
def test_settings_that_are_right(write_config, text):
    assert check(write_config, text) == []


@pytest.mark.parametrize(
    ('text', 'findings'),
    [
        (
            "optim_wrapper = dict(constructor='LayerWiseLr')",
            [
                'optim_wrapper.constructor: LayerWiseLr is not in '
                'OPTIM_WRAPPER_CONSTRUCTORS; did you mean LayerWiseLR?'
            ],
        ),
        (
            "optim_wrapper = dict(constructor='LayerWiseLR', "
            'paramwise_cfg=dict(head_mult=2, block_lr_mult=-1))' + PLAIN_COSINE,
            [
                'optim_wrapper.paramwise_cfg: paramwise_cfg.block_lr_mult must be >= '
                '0, got -1',
                'optim_wrapper.paramwise_cfg.head_mult: optim_wrapper.paramwise_cfg '
                'has no such key; did you mean head_lr_mult?',
            ],
        ),
        (
            LAYER_WISE + PLAIN_COSINE + 'param_scheduler.update(eta_min=1e-6)',
            [
                'note: param_scheduler.eta_min: is the same rate for every group of '
                'LayerWiseLR; eta_min_ratio scales with the group'
            ],
        ),
        (
            LAYER_WISE + "param_scheduler = dict(_delete_=True, type='OneCycleLR', "
            'eta_max=1e-3, by_epoch=True, convert_to_iter_based=True)',
            [
                'param_scheduler.eta_max: sets one rate for every group, so that '
                'LayerWiseLR has no effect; take another scheduler'
            ],
        ),
        (
            freezing(stages='all'),
            [
                "custom_hooks.0.unfreeze: unfreeze of 'all': say when, by epoch or by "
                'monitor and value'
            ],
        ),
        (
            freezing(stages='all', monitor='eye/f2', value=0.9),
            ['custom_hooks.0.unfreeze.0.monitor: eye/f2 is not a metric of '],
        ),
        (
            "custom_hooks = [dict(type='FreezeHook', freeze='stem', warmup_epochs=2, "
            "unfreeze=[dict(stages='stem', epoch=1)])]",
            [
                "custom_hooks.0.warmup_of: 'unfrozen' needs parameter groups by stage; "
                "set optim_wrapper.constructor='LayerWiseLR', or warmup_of='all'"
            ],
        ),
    ],
)
def test_settings_that_are_wrong(write_config, text, findings):
    found = check(write_config, text)
    assert len(found) == len(findings)
    for finding, expected in zip(sorted(found), sorted(findings), strict=True):
        assert finding.startswith(expected)
