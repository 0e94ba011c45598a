import subprocess
import sys
from pathlib import Path

import pytest
from mmengine.config import Config

from ocec import registry
from ocec.apis.cfg_options import apply_cfg_options, parse_cfg_options
from ocec.apis.config_check import check_config, ensure_config
from ocec.apis.errors import ConfigError

ROOT = Path(__file__).parent.parent.parent
SHIPPED = sorted(
    path
    for path in (ROOT / 'configs').rglob('*.py')
    # those of a stacking train nothing, those of a sweep are no configs of trainings
    if not {'_base_', 'sweeps'} & set(path.parts) and not path.name.startswith('stack')
)

BASE = """\
default_scope = 'ocec'
work_dir = 'work'
model = dict(
    type='ScratchModel',
    head=dict(type='ScratchHead', num_classes=1),
    data_preprocessor=dict(
        type='mmengine.ImgDataPreprocessor', mean=None, std=None))
train_dataloader = dict(
    batch_size=2,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='RepeatDataset', times=2,
        dataset=dict(type='ScratchDataset', path='/does/not/exist')))
val_dataloader = dict(
    batch_size=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='ScratchDataset', path='/does/not/exist'))
val_evaluator = dict(type='ScratchMetric')
train_cfg = dict(by_epoch=True, max_epochs=2)
val_cfg = dict()
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1),
    clip_grad=dict(max_norm=1),
    paramwise_cfg=dict(custom_keys={'.norm': dict(decay_mult=0, nesterov=True)}))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, end=1, convert_to_iter_based=True)]
default_hooks = dict(
    timer=None,
    logger=dict(type='LoggerHook', interval=1),
    checkpoint=dict(type='mmengine.CheckpointHook', save_best='eye/f1'))
custom_hooks = [
    dict(type='mmengine.EMAHook', momentum=0.1, priority='NORMAL')]
env_cfg = dict(mp_cfg=dict(mp_start_method='fork'), dist_cfg=dict(backend='gloo'))
randomness = dict(seed=1)
visualizer = dict(type='Visualizer', vis_backends=[dict(type='LocalVisBackend')])
log_processor = dict(window_size=5)
auto_scale_lr = dict(base_batch_size=2)
"""


class ScratchModel:
    def __init__(self, head, *, data_preprocessor=None):
        raise AssertionError('config_check must not build a model')


class ScratchHead:
    def __init__(self, in_channels, num_classes, dropout=0.0):
        raise AssertionError('config_check must not build a head')


class ScratchDataset:
    def __init__(self, path, pipeline=()):
        raise AssertionError('config_check must not read data')


class ScratchMetric:
    metric_names = ('f1', 'accuracy', 'loss')
    default_prefix = 'eye'


class ScratchOpen:
    def __init__(self, **kwargs):
        pass


@pytest.fixture(autouse=True)
def _scratch_classes():
    places = {
        ScratchModel: registry.MODELS,
        ScratchHead: registry.MODELS,
        ScratchOpen: registry.HOOKS,
        ScratchDataset: registry.DATASETS,
        ScratchMetric: registry.METRICS,
    }
    for cls, place in places.items():
        place.register_module(module=cls)
    yield
    for cls, place in places.items():
        place.module_dict.pop(cls.__name__)


@pytest.fixture
def load(tmp_path, monkeypatch):
    (tmp_path / 'base.py').write_text(BASE)
    monkeypatch.chdir(tmp_path)

    def _load(leaf='', *options):
        (tmp_path / 'leaf.py').write_text(f"_base_ = ['base.py']\n{leaf}\n")
        cfg = Config.fromfile('leaf.py')
        apply_cfg_options(cfg, parse_cfg_options(options))
        return cfg

    return _load


@pytest.fixture
def check(load):
    def _check(leaf='', *options):
        return [str(finding) for finding in check_config(load(leaf, *options))]

    return _check


def test_nothing_to_find(check):
    assert check() == []


def test_four_slips_are_reported_at_once(load):
    cfg = load("""
optim_wraper = dict(type='AmpOptimWrapper')
default_hooks = dict(
    checkpont=dict(interval=5),
    checkpoint=dict(save_best='acuracy'))
model = dict(
    head=dict(num_clases=1))
""")
    with pytest.raises(ConfigError, match='4 problems') as caught:
        ensure_config(cfg)
    assert caught.value.exit_code == 2
    lines = str(caught.value).splitlines()[1:-1]
    assert [line.split(':')[0:2] for line in lines] == [
        ['leaf.py', '3  optim_wraper'],
        ['leaf.py', '5  default_hooks.checkpont'],
        ['leaf.py', '8  model.head.num_clases'],
        ['leaf.py', '6  default_hooks.checkpoint.save_best'],
    ]
    meant = [line.rsplit('did you mean ', 1)[1] for line in lines]
    assert meant == ['optim_wrapper?', 'checkpoint?', 'num_classes?', 'eye/accuracy?']


@pytest.mark.parametrize(
    ('option', 'line'),
    [
        ('optimiser=1', 'optimiser: nothing reads this key; did you mean optim_wrap'),
        ('seed=1', 'seed: nothing reads this key; did you mean randomness.seed?'),
        ('zzz=1', 'zzz: nothing reads this key'),
        (
            'train_cfg.max_epoch=3',
            'train_cfg.max_epoch: EpochBasedTrainLoop takes no such argument; did you '
            'mean max_epochs?',
        ),
        (
            'optim_wrapper.optimizer.zzz=3',
            'optim_wrapper.optimizer.zzz: SGD takes no such argument, only lr, ',
        ),
        (
            'optim_wrapper.accumulativ_counts=3',
            'optim_wrapper.accumulativ_counts: OptimWrapper takes no such argument; '
            'did you mean accumulative_counts?',
        ),
        (
            'optim_wrapper.clip_grad.maxnorm=3',
            'optim_wrapper.clip_grad.maxnorm: optim_wrapper.clip_grad has no such key; '
            'did you mean max_norm?',
        ),
        (
            'optim_wrapper.paramwise_cfg.custom_keys=dict(bn=dict(lrmult=0))',
            'optim_wrapper.paramwise_cfg.custom_keys.bn.lrmult: optim_wrapper.'
            'paramwise_cfg.custom_keys.bn has no such key; did you mean lr_mult?',
        ),
        (
            'train_dataloader.num_worker=2',
            'train_dataloader.num_worker: train_dataloader has no such key; did you '
            'mean num_workers?',
        ),
        (
            'train_dataloader.sampler.shufle=2',
            'train_dataloader.sampler.shufle: DefaultSampler takes no such argument; '
            'did you mean shuffle?',
        ),
        (
            'train_dataloader.dataset.dataset.pth=2',
            'train_dataloader.dataset.dataset.pth: ScratchDataset takes no such '
            'argument; did you mean path?',
        ),
        (
            'param_scheduler.0.start_fator=1',
            'param_scheduler.0.start_fator: LinearLR takes no such argument; did you '
            'mean start_factor?',
        ),
        (
            'custom_hooks.0.momentm=1',
            'custom_hooks.0.momentm: EMAHook takes no such argument; did you mean '
            'momentum?',
        ),
        (
            'custom_hooks.0.ema_type=ExponentialMovingAvg',
            'custom_hooks.0.ema_type: ExponentialMovingAvg is not in MODELS; did you '
            'mean ExponentialMovingAverage?',
        ),
        (
            'default_hooks.checkpoint.save_bests=1',
            'default_hooks.checkpoint.save_bests: CheckpointHook takes no such '
            'argument; did you mean save_best?',
        ),
        (
            'env_cfg.cudnn_benchmarks=true',
            'env_cfg.cudnn_benchmarks: env_cfg has no such key; did you mean '
            'cudnn_benchmark?',
        ),
        (
            'auto_scale_lr.enabled=true',
            'auto_scale_lr.enabled: auto_scale_lr has no such key; did you mean enab',
        ),
        (
            'log_processor.windowsize=1',
            'log_processor.windowsize: LogProcessor takes no such argument; did you '
            'mean window_size?',
        ),
        (
            'visualizer.vis_backends.0.typ=1',
            'visualizer.vis_backends.0.typ: LocalVisBackend takes no such argument',
        ),
        (
            'model.head.type=ScrachHead',
            'model.head.type: ScrachHead is not in MODELS; did you mean ScratchHead?',
        ),
        (
            'default_hooks.logger.type=none',
            'default_hooks.logger.type: is missing',
        ),
    ],
)
def test_misspelt_key_on_the_command_line(check, option, line):
    [found] = check('', option)
    assert found.startswith(f'--cfg-options  {line}')


@pytest.mark.parametrize(
    ('leaf', 'line'),
    [
        ('model = None', 'model: is missing'),
        ('model = dict(head=dict(_delete_=True, dropout=0))', 'model.head.type: is mi'),
        (
            "model = dict(head=dict(_delete_=True, type='ScratchHead'))",
            'model.head.num_classes: is missing, ScratchHead needs it',
        ),
        (
            'train_cfg = dict(_delete_=True, by_epoch=True)',
            'train_cfg.max_epochs: is missing, EpochBasedTrainLoop needs it',
        ),
        (
            'train_cfg = dict(_delete_=True, max_epochs=1)',
            'train_cfg.by_epoch: is missing',
        ),
        (
            "train_cfg = dict(type='EpochBasedTrainLoop')",
            'train_cfg.by_epoch: type and by_epoch exclude each other',
        ),
        ('val_cfg = None', 'val_cfg: is missing beside val_dataloader and val_evaluat'),
        (
            'test_dataloader = dict(**_base_.val_dataloader)\ntest_cfg = dict()',
            'test_evaluator: is missing beside test_dataloader and test_cfg',
        ),
        (
            "val_dataloader = dict(_delete_=True, sampler=dict(type='DefaultSampler'),"
            " dataset=dict(type='ScratchDataset', path='x'))",
            'note: val_dataloader.batch_size: is missing, so it is 1',
        ),
        (
            'val_dataloader = dict(_delete_=True, batch_size=1,'
            " dataset=dict(type='ScratchDataset', path='x'))",
            'val_dataloader.sampler: is missing, so each rank would read everything',
        ),
        (
            "custom_hooks = [dict(type='LoggerHook', _delete_=True)]",
            'custom_hooks.0._delete_: is left over',
        ),
    ],
)
def test_missing_and_left_over(check, leaf, line):
    found = [finding.rsplit('  ', 1)[-1] for finding in check(leaf)]
    assert any(text.startswith(line) for text in found), found


def test_class_that_swallows_everything_is_noted(check):
    leaf = "custom_hooks = [dict(type='ScratchOpen', a=1, b=2)]"
    assert check(leaf) == [
        'leaf.py:2  note: custom_hooks.0: ScratchOpen takes **kwargs: a, b cannot be '
        'checked'
    ]


def test_own_name_among_the_default_hooks_is_noted(check):
    [found] = check("default_hooks = dict(zzz=dict(type='LoggerHook'))")
    assert 'note: default_hooks.zzz: is no default hook' in found


def test_missing_scope_is_noted():
    cfg = Config(dict(model=dict(type='ScratchModel', head=None)))
    [finding] = check_config(cfg)
    assert finding.is_note
    assert finding.key == 'default_scope'


def test_zoo_classes_are_checked(check):
    leaf = """
model = dict(_delete_=True, type='mmpretrain.ImageClassifier',
    data_preprocessor=dict(mean=[0], std=[1]),
    backbone=dict(type='mmpretrain.ResNet_CIFAR', dept=18, norm_cfg=dict(
        type='BN', requires_grad=True), init_cfg=dict(type='Kaiming', layer='Conv2d')),
    neck=dict(type='mmpretrain.GlobalAveragePooling'),
    head=dict(type='mmpretrain.LinearClsHead', num_classes=2, in_channels=4,
        loss=dict(type='mmpretrain.CrossEntropyLoss', loss_weigt=1.0)))
"""
    found = [line.split('  ', 1)[1] for line in check(leaf)]
    assert found == [
        'model.backbone.dept: ResNet_CIFAR takes no such argument; did you mean depth?',
        'model.backbone.depth: is missing, ResNet_CIFAR needs it',
        'model.head.loss.loss_weigt: CrossEntropyLoss takes no such argument; did you '
        'mean loss_weight?',
    ]


def test_config_that_imports_its_classes(tmp_path):
    path = tmp_path / 'lazy.py'
    path.write_text("""
from mmengine.hooks import LoggerHook
default_scope = 'ocec'
model = dict(type='ScratchModel', head=dict(type='ScratchHead', num_classes=1))
custom_hooks = [dict(type=LoggerHook, intervall=1)]
""")
    [finding] = check_config(Config.fromfile(path))
    assert finding.key == 'custom_hooks.0.intervall'
    assert finding.where.endswith('lazy.py:5')


def test_no_check_logs_and_goes_on(load, monkeypatch):
    logged = []
    monkeypatch.setattr(
        'ocec.apis.config_check.print_log', lambda text, *_: logged.append(text)
    )
    [finding] = ensure_config(load('zzz = 1'), no_check=True)
    assert finding.key == 'zzz'
    assert logged == ['config check:\nleaf.py:2  zzz: nothing reads this key']


def test_config_with_notes_only_runs(load):
    cfg = load("custom_hooks = [dict(type='ScratchOpen', a=1)]")
    assert [finding.is_note for finding in ensure_config(cfg)] == [True]


def test_config_is_not_changed(load):
    cfg = load()
    before = cfg.pretty_text
    check_config(cfg)
    assert cfg.pretty_text == before


@pytest.mark.parametrize('path', SHIPPED, ids=lambda path: path.stem)
def test_shipped_config_has_nothing_to_find(path):
    cfg = Config.fromfile(path)
    cfg.setdefault('work_dir', 'work_dirs/x')
    errors = [str(finding) for finding in check_config(cfg)]
    assert errors == []


def test_training_stops_with_exit_code_2_before_data_is_read(tmp_path):
    base = next(path for path in SHIPPED if 'ocec-baseline' in path.name)
    config = tmp_path / 'leaf.py'
    config.write_text(f"""
_base_ = [{str(base)!r}]
optim_wraper = dict()
default_hooks = dict(checkpont=dict(), checkpoint=dict(save_best='acuracy'))
model = dict(head=dict(num_clases=1))
""")
    done = subprocess.run(
        [sys.executable, ROOT / 'tools/train.py', config, '--data', '/does/not/exist'],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    for meant in ('optim_wrapper', 'checkpoint', 'num_classes', 'eye/accuracy'):
        assert f'did you mean {meant}?' in done.stderr
    assert 'Traceback' not in done.stderr
    assert not (tmp_path / 'work_dirs').exists()
