import pytest
from mmengine.config import Config
from mmengine.hooks import CheckpointHook, EarlyStoppingHook
from mmengine.optim import ReduceOnPlateauLR

from ocec.apis.config_monitors import check_monitors
from ocec.apis.config_sites import iter_sites
from ocec.engine.hooks import FreezeHook
from ocec.evaluation import SourceMetric


class EyeMetric:
    metric_names = ('f1', 'accuracy', 'loss')
    default_prefix = 'eye'

    def __init__(self, prefix=None):
        pass


class SilentMetric:
    pass


CLASSES = {
    'EyeMetric': EyeMetric,
    'SilentMetric': SilentMetric,
    'SourceMetric': SourceMetric,
    'CheckpointHook': CheckpointHook,
    'EarlyStoppingHook': EarlyStoppingHook,
    'FreezeHook': FreezeHook,
    'ReduceOnPlateauLR': ReduceOnPlateauLR,
}
HAS = 'eye/f1, eye/accuracy, eye/loss'


def check(*, metric=None, val_cfg=True, **cfg):
    cfg['val_evaluator'] = metric or dict(type='EyeMetric')
    cfg['val_cfg'] = dict(type='EyeMetric') if val_cfg else None
    cfg = Config(cfg)
    sites = list(iter_sites(cfg))
    targets = {site.path: CLASSES[site.type] for site in sites}
    return [str(finding) for finding in check_monitors(cfg, sites, targets)]


def saving(save_best, **kwargs):
    hook = dict(type='CheckpointHook', save_best=save_best, **kwargs)
    return dict(default_hooks=dict(checkpoint=hook))


@pytest.mark.parametrize('name', ['eye/f1', ['eye/f1', 'eye/loss'], 'auto', None])
def test_metric_that_exists(name):
    assert check(**saving(name)) == []


@pytest.mark.parametrize(
    ('name', 'meant'),
    [('acuracy', 'eye/accuracy'), ('accuracy', 'eye/accuracy'), ('eye/F1', 'eye/f1')],
)
def test_misspelt_metric(name, meant):
    assert check(**saving(name)) == [
        f'default_hooks.checkpoint.save_best: {name} is not a metric of '
        f'val_evaluator, which has {HAS}; did you mean {meant}?'
    ]


def test_one_misspelt_metric_of_a_list():
    [line] = check(**saving(['eye/f1', 'eye/los']))
    assert 'eye/los is not' in line


def test_early_stopping_and_plateau():
    lines = check(
        custom_hooks=[dict(type='EarlyStoppingHook', monitor='acc')],
        # its default monitor is `loss`, its default rule `less`
        param_scheduler=dict(type='ReduceOnPlateauLR'),
    )
    assert len(lines) == 2
    assert lines[0].startswith('custom_hooks.0.monitor: acc is not a metric')
    assert lines[1].startswith('param_scheduler.monitor: loss is not a metric')
    assert lines[1].endswith('did you mean eye/loss?')


def test_prefix_of_the_config_wins():
    metric = dict(type='EyeMetric', prefix='left')
    assert check(metric=metric, **saving('left/f1')) == []
    [line] = check(metric=[metric], **saving('eye/f1'))
    assert line.endswith('did you mean left/f1?')


def test_metric_class_that_lists_nothing_is_noted():
    lines = check(metric=dict(type='SilentMetric'), **saving('acc'))
    assert lines == [
        'note: val_evaluator: SilentMetric does not list its metric_names, so acc is '
        'not checked'
    ]


def test_monitor_without_validation_is_noted():
    assert check(val_cfg=False, **saving('eye/f1')) == [
        'note: default_hooks.checkpoint.save_best: eye/f1 is monitored without '
        'validation'
    ]


@pytest.mark.parametrize(
    ('name', 'rule', 'right'),
    [
        ('eye/f1', 'less', 'greater'),
        ('eye/loss', 'greater', 'less'),
        (['eye/f1', 'eye/loss'], ['greater', 'greater'], 'less'),
    ],
)
def test_rule_against_the_metric(name, rule, right):
    [line] = check(**saving(name, rule=rule))
    assert line.startswith('default_hooks.checkpoint.rule: ')
    assert line.endswith(f"of which {right} is better; did you mean '{right}'?")


def test_default_rule_of_the_plateau_against_the_metric():
    [line] = check(param_scheduler=dict(type='ReduceOnPlateauLR', monitor='eye/f1'))
    assert line.startswith("param_scheduler.rule: 'less' contradicts eye/f1")


@pytest.mark.parametrize('rule', ['greater', None, ['greater']])
def test_right_rule(rule):
    assert check(**saving(['eye/f1'], rule=rule)) == []


@pytest.mark.parametrize(
    ('name', 'meant'),
    [
        ('home/f1', None),
        ('mean/auc', None),
        ('new/loss', None),
        ('mean/tp', 'home/tp'),
        ('old/f1', 'f1?'),
    ],
)
def test_metrics_of_each_source_and_their_mean(name, meant):
    metric = dict(type='SourceMetric', sources=dict(home=dict(), new=dict(weight=2)))
    lines = check(metric=metric, **saving(name))
    assert len(lines) == (meant is not None)
    for line in lines:
        assert f'{name} is not a metric of val_evaluator, which has home/f1,' in line


def test_metrics_that_steps_of_unfreezing_wait_for():
    steps = [
        dict(stages='blocks.*', monitor='eye/f1', value=0.8),
        dict(stages='all', monitor='eye/los', value=0.2),
        dict(stages='all', epoch=3),
    ]
    hook = dict(type='FreezeHook', freeze='backbone', unfreeze=steps)
    [finding] = check(custom_hooks=[hook])
    assert finding.startswith(
        'custom_hooks.0.unfreeze.1.monitor: eye/los is not a metric of val_evaluator'
    )
