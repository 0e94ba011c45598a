import pytest

from ocec.apis.errors import ConfigError
from ocec.apis.run_config import load_run_config
from ocec.apis.sweep_check import (
    check_sweep,
    dotted_keys,
    look_up,
    mismatch,
    settings_of_training,
)
from ocec.apis.sweep_config import read_sweep_config

LR = 'optim_wrapper.optimizer.lr'


@pytest.fixture
def check(write_config, tmp_path):
    """Return a factory that checks a sweep of the smallest eye config."""
    base = write_config(num_rows=32, groups=4)

    def make(text, **settings):
        file = tmp_path / 'sweep.py'
        head = f"base = {str(base)!r}\nmetric = 'eye/f1'\nnum_trials = 2\n"
        file.write_text(head + text)
        config = read_sweep_config(file, **settings)
        return config, check_sweep(config)

    return make


def test_a_good_sweep(check):
    config, configs = check(
        f"space = {{'{LR}': dict(type='float', low=1e-4, high=1e-2, log=True),\n"
        "'model.backbone.base_channels': [8, 16],\n"
        "'model.head.margin': [None, dict(type='CosFace', m=0.2, s=8.0)],\n"
        "'param_scheduler.0.start_factor': [0.1, 0.5],\n"
        "'optim_wrapper.optimizer.betas': [[0.9, 0.99], [0.9, 0.999]]}\n"
        "fixed = {'train_cfg.max_epochs': 1}\n"
    )
    assert configs['base'].train_cfg.max_epochs == 1
    settings = settings_of_training(config, config.variants['base'], {LR: 0.1}, 2)
    assert settings[LR] == 0.1
    assert settings['default_hooks.checkpoint.save_best'] == 'eye/f1'
    assert settings['train_cfg.max_epochs'] == 1
    assert settings['val_dataloader.dataset.fold'] == [2, 0]


@pytest.mark.parametrize(
    ('space', 'message'),
    [
        (
            "{'optim_wrapper.optimizer.lrr': [0.1, 0.2]}",
            'space: optim_wrapper.optimizer.lrr is not in the base config: .*takes no '
            'such argument.*did you mean optim_wrapper.optimizer.lr',
        ),
        (
            "{'optim_wraper.optimizer.lr': [0.1, 0.2]}",
            'optim_wraper.optimizer.lr is not in the base config.*did you mean '
            'optim_wrapper.optimizer.lr',
        ),
        (
            "{'train_cfg.max_epoch': [1, 2]}",
            'train_cfg.max_epoch is not in the base config.*max_epochs',
        ),
        ("{'learning_rate': [1, 2]}", 'learning_rate is not in the base config'),
        (
            "{'param_scheduler.9.end': [1, 2]}",
            'space: param_scheduler.9.end: .*index 9 is',
        ),
        (
            "{'model.backbone.base_channels': dict(type='float', low=8, high=16)}",
            'has 8, a whole number; take type="int"',
        ),
        ("{'model.backbone.base_channels': [8, 8.5]}", 'has 8, a whole number'),
        (
            "{'model.backbone.base_channels': [8, 'wide']}",
            "the base config has 8, a number; 'wide' is not",
        ),
        ("{'train_cfg.by_epoch': [True, 1]}", 'has True, True or False; 1 is not'),
        (
            "{'model.head.loss': [dict(type='BCELoss'), dict(type='FocalLos')]}",
            'FocalLos.*did you mean FocalLoss',
        ),
    ],
)
def test_a_space_that_does_not_fit_is_refused(check, space, message):
    with pytest.raises(ConfigError, match=message):
        check(f'space = {space}\n')


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ("fixed = {'train_cfg.max_epoch': 1}\nseeds = [1]", 'fixed: train_cfg.max_ep'),
        (
            "variants = dict(a={}, b={'model.head.dropuot': 0.1})\nseeds = [1]",
            'variant b: model.head.dropuot is not in the base.*model.head.dropout',
        ),
        (
            "metric = 'eye/acuracy'\nseeds = [1]",
            'eye/acuracy is not.*mean eye/accuracy',
        ),
        ("metric = 'val/f1'\nseeds = [1]", 'val/f1 is not a metric.*mean eye/f1'),
        ('folds = 5', 'folds=5: the data have only 3 groups in train and val'),
    ],
)
def test_what_is_shared_by_all_trials_is_checked(check, text, message):
    with pytest.raises(ConfigError, match=message):
        check(text)


def test_folds_need_eyes_with_a_column(check):
    with pytest.raises(ConfigError, match='folds: the datasets are split by split_ra'):
        check(
            'folds = 2',
            fixed={
                f'{name}_dataloader.dataset.split_ratios': {'train': 0.5, 'val': 0.5}
                for name in ('train', 'val', 'test')
            },
        )
    with pytest.raises(ConfigError, match='folds: .*gone.parquet'):
        check('folds = 2', data='gone.parquet')


def test_folds_need_the_column_group(check, make_eye_parquet):
    data = make_eye_parquet(group=None)
    with pytest.raises(ConfigError, match='folds: .*column "group" is missing'):
        check('folds = 2', data=str(data))


def test_folds_of_rows_need_no_groups(check):
    fixed = {
        f'{name}_dataloader.dataset.group_by': None for name in ('train', 'val', 'test')
    }
    config, _ = check('folds = 5', fixed=fixed)  # of 3 groups
    assert config.folds == 5
    with pytest.raises(ConfigError, match='folds=99: the data have only 2. rows in tr'):
        check('folds = 99', fixed=fixed)


def test_streams_have_folds(check):
    def settings(kind):
        return {f'{n}_dataloader.dataset.type': kind for n in ('train', 'val', 'test')}

    config, _ = check('folds = 2', fixed=settings('EyeParquetStream'))
    assert config.folds == 2


def test_look_up(write_config):
    cfg = load_run_config(write_config(num_rows=16))
    assert look_up(cfg, 'model.backbone.base_channels') == (8, True)
    assert look_up(cfg, 'param_scheduler.0.type') == ('LinearLR', True)
    assert look_up(cfg, 'param_scheduler[0].type') == ('LinearLR', True)
    assert look_up(cfg, 'param_scheduler[type=LinearLR].end') == (1, True)
    assert look_up(cfg, 'param_scheduler[type=Gone].end') == (None, False)
    assert look_up(cfg, 'param_scheduler.7') == (None, False)
    assert look_up(cfg, 'model.backbone.gone') == (None, False)


@pytest.mark.parametrize(
    ('old', 'value'),
    [
        (1, 2),
        (0.1, 1),
        (2, 3.0),
        ('a', 'b'),
        (None, [1]),
        ([1], (1, 2)),
        ({}, {}),
    ],
)
def test_what_may_stand_for_each_other(old, value):
    assert mismatch(old, value) is None


@pytest.mark.parametrize(('old', 'value'), [(1, True), ('a', 1), ([1], 1), ({}, [1])])
def test_what_may_not(old, value):
    assert 'is not' in mismatch(old, value)


def test_dotted_keys():
    assert dotted_keys({'a': [{'b': 1}]}) == ['a', 'a.0', 'a.0.b']
