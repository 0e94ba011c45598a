import json
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config

from ocec.apis.errors import ConfigError
from ocec.apis.export_onnx_settings import ExportSettings
from ocec.apis.export_onnx_source import _check_resize, open_source
from ocec.engine.checkpoint_io import file_sha256, load_safely, save_atomically


def add(checkpoint, **content):
    save_atomically({**load_safely(checkpoint), **content}, checkpoint)
    return checkpoint


def open_card(checkpoint, **settings):
    arguments = settings.pop('arguments', {})
    settings = {'parity': False, **settings}
    with open_source(checkpoint, ExportSettings(**settings), **arguments) as source:
        return source.card


@pytest.fixture
def checkpoint(make_member, own_data):
    return make_member(own_data)


THRESHOLDS = {
    'split': 'val',
    'best_f1': 0.42,
    'false_alarm': 0.9,
    'temperature': 1.5,
    'data': {'files': [{'file': '/home/me/eyes.parquet'}]},
}


def test_card_of_a_run(checkpoint):
    card = open_card(checkpoint)
    weights = load_safely(checkpoint)['state_dict']
    mean = weights['data_preprocessor.mean'].flatten().tolist()
    assert card.mean == tuple(mean)
    assert card.image_size == (32, 64)
    assert (card.input, card.layout, card.dtype) == ('resized', 'NCHW', 'float32')
    assert (card.thresholds, card.temperature, card.git) == (None, None, None)
    assert card.checkpoint_sha256 == file_sha256(checkpoint)
    assert card.config == 'best.py'


def test_card_of_raw_input(checkpoint):
    card = open_card(checkpoint, input='raw')
    assert (card.input, card.layout, card.dtype) == ('raw', 'NHWC', 'uint8')


def test_what_lies_beside_the_checkpoint(checkpoint):
    (checkpoint.parent / 'ocec-mine_1xb8.py').write_text('')
    git = {'commit': 'abc', 'changed': ''}
    sessions = [{'git': None}, {'git': git}]
    text = json.dumps({'sessions': sessions})
    (checkpoint.parent / 'provenance.json').write_text(text)
    card = open_card(checkpoint)
    assert (card.config, card.git) == ('ocec-mine_1xb8.py', git)


def test_name_of_the_experiment(checkpoint):
    meta = load_safely(checkpoint)['meta']
    add(checkpoint, meta={**meta, 'experiment_name': 'ocec-x_1xb8_20261121_112313'})
    assert open_card(checkpoint).config == 'ocec-x_1xb8.py'


@pytest.mark.parametrize(
    ('threshold', 'expected'),
    [(None, 0.42), ('best_f1', 0.42), ('false_alarm', 0.9), ('0.3', 0.3), (0.7, 0.7)],
)
def test_threshold(checkpoint, threshold, expected):
    card = open_card(add(checkpoint, thresholds=THRESHOLDS), threshold=threshold)
    assert card.threshold == expected
    assert card.temperature == 1.5
    assert card.thresholds['best_f1'] == 0.42
    assert 'data' not in card.thresholds  # it names folders


def test_threshold_of_zero(checkpoint):
    add(checkpoint, thresholds={'best_f1': None, 'precision': 0.0})
    assert open_card(checkpoint, threshold='precision').threshold == 0.0
    # as in inference, one that is no number is none
    add(checkpoint, thresholds={'best_f1': float('nan')})
    assert open_card(checkpoint).threshold == 0.5


def test_resize_of_a_mix_is_that_of_its_sources():
    sources = {'home': {'data': 'home.parquet', 'interpolation': 'area'}}
    mix = {'type': 'MixedEyes', 'split': 'val', 'sources': sources}
    runner = SimpleNamespace(cfg=Config({'test_dataloader': {'dataset': mix}}))
    with pytest.raises(ConfigError, match="resized with interpolation='area'"):
        _check_resize(runner, ExportSettings(input='raw'))


def test_threshold_of_the_config(make_member, own_data):
    checkpoint = make_member(own_data, 'test_evaluator = dict(threshold=0.6)')
    assert open_card(checkpoint).threshold == 0.6


@pytest.mark.parametrize(
    ('threshold', 'message'),
    [
        ('precision', 'the checkpoint holds best_f1, false_alarm; or give a number'),
        ('1.5', r'--threshold must be in \[0, 1\], got 1.5'),
    ],
)
def test_wrong_threshold(checkpoint, threshold, message):
    with pytest.raises(ConfigError, match=message):
        open_card(add(checkpoint, thresholds=THRESHOLDS), threshold=threshold)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (
            "test_dataloader = dict(dataset=dict(interpolation='area'))",
            "with interpolation='area'; the graph of --input raw has bilinear only",
        ),
        (
            'test_dataloader = dict(dataset=dict(pipeline=['
            "dict(type='mmcv.Resize', scale=(64, 32))]))",
            'trained with a pipeline of its own',
        ),
    ],
)
def test_other_resizes_are_refused_for_raw(make_member, own_data, text, message):
    checkpoint = make_member(own_data, text)
    with pytest.raises(ConfigError, match=message):
        open_card(checkpoint, input='raw')
    card = open_card(checkpoint)
    assert card.input == 'resized'
    assert card.pipeline == ('pipeline' in text)


def test_images_of_the_split(checkpoint):
    with open_source(checkpoint, ExportSettings(max_images=5), split='train') as source:
        assert (source.images.split, len(source.images)) == ('train', 5)
        assert not source.model.training
        devices = {p.device for p in source.model.parameters()}
        assert devices == {torch.device('cpu')}


def test_missing_data(checkpoint, own_data):
    own_data.unlink()
    with pytest.raises(ConfigError, match='Name yours with --data FILE.parquet'):
        open_card(checkpoint, parity=True)
