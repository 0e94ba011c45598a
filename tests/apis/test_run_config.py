import re
from pathlib import Path

import pytest
from mmengine.config import Config

from ocec.apis.errors import ConfigError
from ocec.apis.run_config import (
    load_run_config,
    set_amp,
    set_input_size,
    set_randomness,
)

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def sources(cfg):
    return [cfg[name].dataset.data for name in LOADERS]


def test_config_is_left_alone_without_settings(write_config, capsys):
    path = write_config()
    cfg = load_run_config(path)
    expected = Config.fromfile(path)
    expected.model.input_size = (32, 64)  # what only the datasets know
    assert cfg._cfg_dict == expected._cfg_dict
    assert capsys.readouterr().out == ''


@pytest.mark.parametrize(
    ('settings', 'expected'),
    [
        (dict(data='a.parquet'), ('a.parquet', 'a.parquet', 'a.parquet')),
        (dict(val_data='v.parquet'), (None, 'v.parquet', 'v.parquet')),
        (
            dict(data='a.parquet', val_data='v.parquet'),
            ('a.parquet', 'v.parquet', 'v.parquet'),
        ),
        (dict(data=Path('a.parquet')), ('a.parquet', 'a.parquet', 'a.parquet')),
        (dict(data=['a.parquet', 'b.parquet']), (['a.parquet', 'b.parquet'],) * 3),
    ],
)
def test_each_loader_is_pointed_at_the_data_aloud(
    write_config, capsys, settings, expected
):
    path = write_config()
    [old, *_] = sources(Config.fromfile(path))
    cfg = load_run_config(path, **settings)
    assert sources(cfg) == [old if new is None else new for new in expected]
    assert capsys.readouterr().out.splitlines() == [
        f'{name}.dataset.data: {old!r} -> {new!r}'
        for name, new in zip(LOADERS, expected, strict=True)
        if new is not None
    ]


def test_data_of_a_config_without_test_loader(write_config, capsys):
    path = write_config('test_dataloader = test_evaluator = test_cfg = None')
    cfg = load_run_config(path, data='a.parquet')
    assert cfg.test_dataloader is None
    assert 'test_dataloader' not in capsys.readouterr().out


def test_cfg_options_are_applied_aloud(write_config, capsys):
    cfg = load_run_config(write_config(), cfg_options=['train_cfg.max_epochs=5'])
    assert cfg.train_cfg.max_epochs == 5
    assert capsys.readouterr().out == 'train_cfg.max_epochs: 2 -> 5\n'


@pytest.mark.parametrize(
    ('option', 'message'),
    [
        ('train_cfg.max_epochs', "--cfg-options: expected KEY=VALUE, got 'train_cfg.m"),
        ('param_scheduler.7.end=2', '--cfg-options: .*index 7 is out of range'),
    ],
)
def test_malformed_option_is_a_config_error(write_config, option, message):
    with pytest.raises(ConfigError, match=message):
        load_run_config(write_config(), cfg_options=[option])


def test_missing_config(tmp_path):
    path = tmp_path / 'gone.py'
    with pytest.raises(ConfigError, match=re.escape(f'{path}: no such config file')):
        load_run_config(path)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('a = (', r'broken\.py: SyntaxError: .*was never closed'),
        ('a = 1 / 0', r'broken\.py: ZeroDivisionError: division by zero'),
        ("_base_ = 'gone.py'", r'broken\.py: .*gone\.py'),
    ],
)
def test_config_that_cannot_be_read(tmp_path, text, message):
    path = tmp_path / 'broken.py'
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_run_config(path)


def test_findings_stop_unless_no_check(write_config, log_records):
    path = write_config('default_hooks = dict(checkpoint=dict(intervall=2))')
    with pytest.raises(ConfigError, match=r'1 problem\n(?s:.*)intervall(?s:.*)--no-ch'):
        load_run_config(path)
    load_run_config(path, no_check=True)
    assert any('intervall' in record.getMessage() for record in log_records)


@pytest.mark.parametrize(
    ('in_config', 'argument', 'expected'),
    [
        ('None', None, str(Path('work_dirs') / 'tiny0')),
        ("'runs/a'", None, 'runs/a'),
        ("'runs/a'", Path('runs') / 'b', 'runs/b'),
        ('None', 'runs/b', 'runs/b'),
    ],
)
def test_work_dir(write_config, in_config, argument, expected):
    path = write_config(f'work_dir = {in_config}')
    assert load_run_config(path, work_dir=argument).work_dir == expected


def test_amp_changes_the_wrapper_aloud(capsys):
    cfg = Config(dict(optim_wrapper=dict(type='OptimWrapper', optimizer=dict(lr=1))))
    set_amp(cfg)
    assert cfg.optim_wrapper == dict(type='AmpOptimWrapper', optimizer=dict(lr=1))
    out = capsys.readouterr().out
    assert out == "optim_wrapper.type: 'OptimWrapper' -> 'AmpOptimWrapper'\n"


@pytest.mark.parametrize(
    ('before', 'seed', 'deterministic', 'after', 'lines'),
    [
        (dict(seed=42), None, False, dict(seed=42), []),
        (dict(seed=42), 0, False, dict(seed=0), ['randomness.seed: 42 -> 0']),
        (
            dict(seed=42, deterministic=False),
            None,
            True,
            dict(seed=42, deterministic=True),
            ['randomness.deterministic: False -> True'],
        ),
        # without the flag, what the config says stays
        (dict(deterministic=True), None, False, dict(deterministic=True), []),
        (None, 7, False, dict(seed=7), ['randomness.seed: None -> 7']),
    ],
)
def test_randomness(capsys, before, seed, deterministic, after, lines):
    cfg = Config({} if before is None else dict(randomness=before))
    set_randomness(cfg, seed, deterministic)
    assert cfg.randomness == after
    assert capsys.readouterr().out.splitlines() == lines


def test_splits_of_one_file_that_differ_are_refused(write_config):
    config = write_config(
        "train_dataloader['dataset']['split_ratios'] = dict(train=0.8, val=0.2)"
    )
    with pytest.raises(
        ConfigError, match=r'is split in different ways[\s\S]*train_dataloader'
    ):
        load_run_config(config)


def test_the_model_learns_the_size_of_the_images(write_config):
    cfg = load_run_config(write_config())
    assert cfg.model.input_size == (32, 64)
    options = [f'{name}.dataset.image_size=(24,40)' for name in LOADERS]
    cfg = load_run_config(write_config(), cfg_options=options)
    assert cfg.model.input_size == (24, 40)


@pytest.mark.parametrize(
    ('key', 'listed'),
    [
        ('model.input_size', r'\n  model.input_size = \(24, 40\)'),
        ('val_dataloader.dataset.image_size', r'\n  val_dataloader.*= \(24, 40\)'),
    ],
)
def test_images_of_different_sizes_are_refused(write_config, key, listed):
    message = rf'images of different sizes:(?s:.*){listed}'
    with pytest.raises(ConfigError, match=message):
        load_run_config(write_config(), cfg_options=[f'{key}=(24,40)'])


def test_the_size_may_be_text(write_config):
    options = [f'{name}.dataset.image_size=24x40' for name in LOADERS]
    assert load_run_config(write_config(), cfg_options=options).model.input_size == (
        24,
        40,
    )


def test_a_size_that_is_none_is_refused(write_config):
    options = [f'{name}.dataset.image_size=wide' for name in LOADERS]
    with pytest.raises(ConfigError, match='wide'):
        load_run_config(write_config(), cfg_options=options)


def test_a_model_of_another_kind_is_left_alone():
    cfg = Config({'model': {'type': 'mmpretrain.ImageClassifier'}})
    set_input_size(cfg)
    assert 'input_size' not in cfg.model


def mix_of(first, second):
    sources = {'home': {'data': str(first)}, 'new': {'data': str(second)}}
    dataset = {'type': 'MixedEyes', 'image_size': (32, 64), 'sources': sources}
    lines = [
        f'{split}_dataloader = dict(dataset=dict(_delete_=True, '
        f'**{ {**dataset, "split": split} }))'
        for split in ('train', 'val', 'test')
    ]
    metric = "dict(_delete_=True, type='SourceMetric', sources=dict(home={}, new={}))"
    lines += [f'{split}_evaluator = {metric}' for split in ('val', 'test')]
    return '\n'.join(
        [*lines, "default_hooks = dict(checkpoint=dict(save_best='new/f1'))"]
    )


def test_a_mix_of_sources_is_a_config_without_findings(
    write_config, make_eye_parquet, capsys
):
    files = make_eye_parquet(), make_eye_parquet()
    cfg = load_run_config(write_config(mix_of(*files)))
    assert capsys.readouterr().out == ''
    assert tuple(cfg.model.input_size) == (32, 64)
    options = ['train_dataloader.dataset.sources.new.dta=1']
    with pytest.raises(ConfigError, match='sources.new.dta: EyeParquet takes no such'):
        load_run_config(write_config(mix_of(*files)), cfg_options=options)


def test_a_test_of_one_file_in_place_of_all_sources(
    write_config, make_eye_parquet, capsys
):
    text = mix_of(make_eye_parquet(), make_eye_parquet())
    text = text.replace("'home': {", "'home': {'interpolation': 'area', ")
    config = write_config(text)
    cfg = load_run_config(config, data='one.parquet', for_test=True)
    assert dict(cfg.test_dataloader.dataset) == {
        'type': 'EyeParquet',
        'data': 'one.parquet',
        'split': 'test',
        'image_size': (32, 64),
        'interpolation': 'area',
    }
    assert cfg.test_evaluator == {'type': 'BinaryMetric'}
    for split in ('train', 'val'):  # of no matter for a test
        assert cfg[f'{split}_dataloader'].dataset.type == 'MixedEyes'
    assert capsys.readouterr().out.splitlines() == [
        "test_dataloader.dataset: the sources home, new -> 'one.parquet'",
        "test_evaluator.type: 'SourceMetric' -> 'BinaryMetric'",
    ]


def test_a_file_for_each_source(write_config, make_eye_parquet, capsys):
    home = make_eye_parquet()
    config = write_config(mix_of(home, home))
    cfg = load_run_config(config, data=f'new=b.parquet,home={home}')
    for split in ('train', 'val', 'test'):
        sources = cfg[f'{split}_dataloader'].dataset.sources
        assert {name: source.data for name, source in sources.items()} == {
            'home': str(home),
            'new': 'b.parquet',
        }
    # only what changes is told
    assert capsys.readouterr().out.splitlines() == [
        f"{split}_dataloader.dataset.sources.new.data: '{home}' -> 'b.parquet'"
        for split in ('train', 'val', 'test')
    ]


@pytest.mark.parametrize(
    'data', ['home=', 'home=a.parquet,b.parquet', 'other=a.parquet', 'a,b', 'x=y=z']
)
def test_what_names_no_source_is_one_data_set(data, write_config, make_eye_parquet):
    config = write_config(mix_of(make_eye_parquet(), make_eye_parquet()))
    with pytest.raises(
        ConfigError, match='is one data set.*with --data NAME=FILE,NAME=FILE'
    ):
        load_run_config(config, data=data)


def test_one_file_for_the_training_of_a_mix_is_refused(write_config, make_eye_parquet):
    config = write_config(mix_of(make_eye_parquet(), make_eye_parquet()))
    message = (
        "'one.parquet' is one data set, train_dataloader has the sources home, new"
    )
    with pytest.raises(ConfigError, match=message):
        load_run_config(config, data='one.parquet')


def test_sources_of_one_file_that_are_split_differently_are_refused(
    write_config, make_eye_parquet
):
    file = make_eye_parquet()
    text = mix_of(file, make_eye_parquet())
    options = [
        'val_dataloader.dataset.sources.home.split_ratios=dict(train=0.5,val=0.5)'
    ]
    with pytest.raises(
        ConfigError, match=r'is split in different ways[\s\S]*val_dataloader\.home: '
    ):
        load_run_config(write_config(text), cfg_options=options)
