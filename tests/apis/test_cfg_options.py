import argparse

import pytest
from mmengine.config import Config

from ocec.apis.cfg_options import (
    OPTION_PATHS,
    TypeSelector,
    apply_cfg_options,
    parse_cfg_options,
)


@pytest.fixture
def cfg():
    return Config(
        dict(
            train_cfg=dict(max_epochs=20),
            optimizer=dict(type='SGD', lr=1, nested=dict(k=1)),
            pipeline=[
                dict(type='Load'),
                dict(type='mmpretrain.RandomFlip', prob=0.5),
            ],
            two=[dict(type='A'), dict(type='A')],
            nothing=None,
            size=(32, 64),
        )
    )


def change(cfg, *items):
    return apply_cfg_options(cfg, parse_cfg_options(items))


def test_key_is_split_at_the_first_equals_outside_brackets():
    [option] = parse_cfg_options(['a.b[1].c[type=x.Flip].2 = k=v'])
    assert option.path == ('a', 'b', '1', 'c', TypeSelector('x.Flip'), '2')
    assert option.value == 'k=v'


def test_no_options():
    assert parse_cfg_options(None) == []


def test_occurrences_extend():
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action='extend', default=[])
    args = parser.parse_args(['--cfg-options', 'a=1', 'b=2', '--cfg-options', 'c=none'])
    keys = [option.key for option in parse_cfg_options(args.cfg_options)]
    assert keys == ['a', 'b', 'c']


@pytest.mark.parametrize(
    ('item', 'message'),
    [
        ('lr', "expected KEY=VALUE, got 'lr'"),
        ('=3', "expected KEY=VALUE, got '=3'"),
        ('a[type=B', r"expected KEY=VALUE, got 'a\[type=B'"),
        ('a..b=1', r"a..b: cannot read the key at '..b'; write a.b, a.0.b"),
        ('.a=1', "cannot read the key at '.a'"),
        ('a b=1', "cannot read the key at ' b'"),
        ('a.=1', r"cannot read the key at '\.'"),
        ('a.b=dict(c=1', r'a.b: dict\(c=1 is not a valid dict'),
    ],
)
def test_malformed_option(item, message):
    with pytest.raises(ValueError, match=message):
        parse_cfg_options([item])


@pytest.mark.parametrize(
    ('item', 'line'),
    [
        ('train_cfg.max_epochs=4', 'train_cfg.max_epochs: 20 -> 4'),
        ('train_cfg.max_epoch=4', 'train_cfg.max_epoch: (new key) -> 4'),
        ('a.b.c=none', 'a.b.c: (new key) -> None'),
        ('pipeline.1.prob=0', 'pipeline.1.prob: 0.5 -> 0'),
        ('pipeline[1].prob=0', 'pipeline.1.prob: 0.5 -> 0'),
        ('pipeline[-1].prob=0', 'pipeline.1.prob: 0.5 -> 0'),
        ('pipeline[type=RandomFlip].prob=0', 'pipeline.1.prob: 0.5 -> 0'),
        ('pipeline[type=mmpretrain.RandomFlip].prob=0', 'pipeline.1.prob: 0.5 -> 0'),
        ('size.1=7', 'size.1: 64 -> 7'),
        ('nothing=3', 'nothing: None -> 3'),
        ('optimizer=dict(lr=3)', 'optimizer.lr: 1 -> 3'),
        ('optimizer=dict(nested=dict(k=2))', 'optimizer.nested.k: 1 -> 2'),
    ],
)
def test_change_is_reported(cfg, item, line):
    assert change(cfg, item) == [line]


def test_changes_are_in_the_config(cfg):
    change(cfg, 'pipeline.1.prob=0', 'size.1=7', 'a.b=2,3', 'train_cfg.max_epochs=4')
    assert cfg.pipeline == [
        dict(type='Load'),
        dict(type='mmpretrain.RandomFlip', prob=0),
    ]
    assert cfg.size == (32, 7)
    assert cfg.a.b == [2, 3]
    assert cfg.train_cfg.max_epochs == 4
    # still a config that can be written and read
    assert Config.fromstring(cfg.pretty_text, '.py').a.b == [2, 3]


def test_dict_is_merged(cfg):
    change(cfg, 'optimizer=dict(lr=3)')
    assert cfg.optimizer == dict(type='SGD', lr=3, nested=dict(k=1))


def test_dict_of_another_type_replaces(cfg):
    [line] = change(cfg, 'optimizer=dict(type=Adam, eps=1)')
    assert cfg.optimizer == dict(type='Adam', eps=1)
    assert line.endswith("-> {'type': 'Adam', 'eps': 1} (replaced: another type)")


def test_dict_with_delete_replaces(cfg):
    [line] = change(cfg, 'optimizer=dict(_delete_=True, lr=2)')
    assert cfg.optimizer == dict(lr=2)
    assert line.endswith("-> {'lr': 2} (replaced: _delete_=True)")


def test_delete_of_nothing_leaves_no_marker(cfg):
    change(cfg, 'new=dict(_delete_=True, a=dict(_delete_=True, b=1))')
    assert cfg.new == dict(a=dict(b=1))


def test_list_shared_by_two_keys_changes_under_one_only():
    shared = [dict(prob=1)]
    cfg = Config(dict(a=1))
    cfg._cfg_dict['x'] = cfg._cfg_dict['y'] = shared
    change(cfg, 'x.0.prob=0')
    assert (cfg.x[0]['prob'], cfg.y[0]['prob']) == (0, 1)


@pytest.mark.parametrize(
    ('item', 'message'),
    [
        (
            'pipeline.7.x=1',
            r'pipeline.7.x: pipeline has 2 items \(0 Load, 1 mmpretrain.RandomFlip\); '
            'index 7 is out of range',
        ),
        ('pipeline.prob=1', "pipeline has 2 items .*; 'prob' is not an index"),
        ('pipeline[type=Crop].x=1', 'pipeline has 2 items .*, none of type Crop'),
        ('two[type=A].x=1', 'two has 2 items .*, 2 of type A; give the index'),
        ('train_cfg[type=A].x=1', r'train_cfg is a dict with the keys .*max_epochs'),
        ('nothing.x=1', 'nothing is None, neither a dict nor a list'),
        ('size.1.x=1', 'size.1 is 64, neither a dict nor a list'),
        ('pipelin.1.x=1', r"pipelin does not exist, .* has the keys .*'pipeline'"),
        ('pipelin[type=A].x=1', 'pipelin does not exist'),
    ],
)
def test_key_that_leads_nowhere(cfg, item, message):
    with pytest.raises(ValueError, match=message):
        change(cfg, item)


def test_paths_are_kept_for_config_check(cfg):
    change(cfg, 'optimizer=dict(lr=3)', 'pipeline[type=RandomFlip].prob=0')
    change(cfg, 'a=1')
    assert vars(cfg)[OPTION_PATHS] == (
        ('optimizer', 'lr'),
        ('pipeline', '1', 'prob'),
        ('a',),
    )
    assert OPTION_PATHS not in cfg


@pytest.mark.parametrize(
    ('item', 'message'),
    [
        ('.'.join('a' * 200) + '=1', 'the key has 200 steps, at most 100'),
        ('a=' + '[01,' * 1500 + ']' * 1500, 'a: the value is nested too deeply'),
        ('a={[1]: 2}', 'a: unhashable type'),
    ],
)
def test_what_is_too_deep_or_no_key_is_told(item, message):
    with pytest.raises(ValueError, match=message):
        apply_cfg_options(Config({}), parse_cfg_options([item]))
