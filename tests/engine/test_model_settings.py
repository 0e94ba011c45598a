import sys

import pytest
from mmengine.config import Config

from ocec.engine.model_settings import (
    differing_settings,
    head_type,
    margin_type,
    read_stored_model,
    settings_from_shapes,
)
from ocec.registry import MODELS

MODEL = dict(
    type='ImageClassifier',
    backbone=dict(type='OCECConvNeXt', base_channels=8),
    head=dict(type='AutoHead', margin=dict(type='CosFace', m=-0.5)),
    input_size=(32, 64),
)


def test_model_of_a_stored_config():
    text = Config(dict(seed=1, model=MODEL, other='model')).pretty_text
    assert read_stored_model({'cfg': text}) == MODEL


@pytest.mark.parametrize(
    'meta',
    [
        None,
        {'epoch': 3},
        {'cfg': 'model = open("x")'},
        {'cfg': 'model = dict(a=__import__("os").getcwd())'},
        {'cfg': 'model = 3'},
        {'cfg': 'model = ('},
        {'cfg': 'optim_wrapper = dict()'},
    ],
)
def test_what_is_more_than_plain_values_tells_nothing(meta):
    assert read_stored_model(meta) is None


@pytest.mark.parametrize(
    'cfg',
    [
        dict(type='OCECBaseline', base_channels=12, num_blocks=5),
        dict(type='OCECInvertedSE', num_blocks=1, expansion=2, se_reduction=4),
        dict(type='OCECConvNeXt', num_blocks=3, expansion=3, in_channels=1),
    ],
)
def test_settings_from_shapes(cfg):
    backbone = MODELS.build(cfg)
    state = {f'backbone.{name}': x for name, x in backbone.state_dict().items()}
    told = settings_from_shapes(state)
    if cfg['type'] == 'OCECBaseline':
        assert set(told) == {'type', 'base_channels', 'num_blocks', 'in_channels'}
    defaults = dict(base_channels=32, num_blocks=4, in_channels=3)
    assert {**told, **defaults, **cfg} == told | cfg
    assert differing_settings(told, cfg) == []


def test_shapes_of_another_backbone_tell_nothing():
    assert settings_from_shapes({}) is None
    assert settings_from_shapes({'head.fc.weight': None}) is None


def test_differences_are_those_of_the_issue():
    given = dict(type='OCECBaseline')
    own = dict(type='OCECBaseline', base_channels=48, drop_path_rate=0.3, with_cp=True)
    expected = ['checkpoint: base_channels=32, config: 48']
    assert differing_settings(given, own) == expected
    assert differing_settings(own, own) == []


def test_another_type_is_told_with_what_both_have():
    given = dict(type='OCECInvertedSE', num_blocks=6, se_reduction=4)
    assert differing_settings(given, dict(type='OCECBaseline')) == [
        'checkpoint: type=OCECInvertedSE, config: OCECBaseline',
        'checkpoint: num_blocks=6, config: 4',
    ]


def test_nested_settings_and_sequences():
    given = dict(type='X', stages=[1, (2, 3)], only_there=1)
    own = dict(type='X', stages=(1, [2, 3]), only_here=2)
    assert sorted(differing_settings(given, own)) == [
        'checkpoint: only_here=not set, config: 2',
        'checkpoint: only_there=1, config: not set',
    ]
    assert differing_settings(None, own) == []


def test_no_module_is_imported_because_a_file_names_it():
    cfg = dict(backbone=dict(type='antigravity.fly'), head=dict(type='AutoHead'))
    assert head_type(cfg) is None
    assert differing_settings(cfg['backbone'], dict(type='antigravity')) == [
        'checkpoint: type=antigravity.fly, config: antigravity'
    ]
    assert 'antigravity' not in sys.modules


@pytest.mark.parametrize(
    ('model', 'head', 'margin'),
    [
        (MODEL, 'TransformerHead', 'CosFace'),
        (dict(head=dict(type='ocec.AvgHead', margin=None)), 'AvgHead', 'none'),
        (dict(head=dict(type='AutoHead')), None, 'none'),
        (dict(backbone=dict(type='OCECBaseline')), None, None),
        (None, None, None),
    ],
)
def test_head_and_margin(model, head, margin):
    assert head_type(model) == head
    assert margin_type(model) == margin
