import json

import onnx
import pytest
from onnx import parser

from ocec.export.onnx_metadata import (
    KEY,
    ModelCard,
    card_of,
    load_proto,
    read_metadata,
    write_metadata,
)

FIELDS = {
    'input': 'resized',
    'dtype': 'float32',
    'layout': 'NCHW',
    'image_size': (24, 40),
    'normalized_inside': True,
    'mean': (120.0, 119.0, 118.0),
    'std': (45.0, 46.0, 47.0),
}


@pytest.fixture
def model():
    return parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 18]>\n'
        'g (float[N] images) => (float[N] prob_open) { prob_open = Sigmoid(images) }'
    )


def with_values(model, **changes):
    card = json.loads(json.dumps(vars(ModelCard(**FIELDS))))
    entry = model.metadata_props.add()
    entry.key, entry.value = KEY, json.dumps({**card, **changes})
    return model


def test_card_comes_back(model, tmp_path):
    card = ModelCard(
        **FIELDS,
        precision='int8',
        threshold=0.4,
        thresholds={'best_f1': 0.4},
        metrics={'f1': 0.9},
    )
    write_metadata(model, card)
    onnx.save(model, tmp_path / 'eye.onnx')
    assert read_metadata(tmp_path / 'eye.onnx') == card


def test_the_text_is_the_contract(model):
    write_metadata(model, ModelCard(**FIELDS))
    [entry] = model.metadata_props
    values = json.loads(entry.value)
    assert entry.key == 'ocec'
    assert (values['format'], values['task'], values['color']) == (1, 'eye', 'RGB')
    assert values['classes'] == ['closed', 'open']
    assert (values['output'], values['threshold']) == ('prob_open', 0.5)
    assert (values['image_size'], values['parity']) == ([24, 40], 'not checked')


def test_writing_again_replaces_the_card_only(model):
    other = model.metadata_props.add()
    other.key, other.value = 'author', 'me'
    for threshold in (0.1, 0.2):
        write_metadata(model, ModelCard(**FIELDS, threshold=threshold))
    assert [entry.key for entry in model.metadata_props] == ['author', KEY]
    assert card_of(model, 'x.onnx').threshold == 0.2


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'input': 'cropped'}, r"input must be one of \('resized', 'raw'\), got 'crop"),
        ({'precision': 'fp8'}, 'precision must be one of'),
        ({'image_size': (24,)}, r'image_size must be \(H, W\), got \(24,\)'),
        ({'std': (1.0, 0.0, 1.0)}, 'std be > 0, got'),
        ({'threshold': 1.5}, r'threshold must be in \[0, 1\], got 1.5'),
    ],
)
def test_wrong_fields(change, message):
    with pytest.raises(ValueError, match=message):
        ModelCard(**{**FIELDS, **change})


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'task': 'pair'}, r"x.onnx: a model of the task 'pair', not one that tells"),
        ({'format': 7}, 'x.onnx: metadata of format 7, this version reads 1'),
        ({'mean': [1.0]}, 'x.onnx: its metadata are incomplete: mean and std must'),
    ],
)
def test_cards_that_are_refused(model, changes, message):
    with pytest.raises(ValueError, match=message):
        card_of(with_values(model, **changes), 'x.onnx')


def test_unknown_fields_of_later_versions_are_ignored(model):
    assert card_of(with_values(model, colour_space='sRGB'), 'x').image_size == (24, 40)


def test_no_card(model):
    with pytest.raises(ValueError, match='x.onnx: an ONNX file without the metadata'):
        card_of(model, 'x.onnx')


def test_damaged_files(model, tmp_path):
    file = tmp_path / 'eye.onnx'
    with pytest.raises(FileNotFoundError, match='eye.onnx: no such model'):
        load_proto(file)
    content = model.SerializeToString()
    for damaged in (b'', content[: len(content) // 2], b'no onnx at all'):
        file.write_bytes(damaged)
        with pytest.raises(ValueError, match='eye.onnx: truncated, or no ONNX file'):
            load_proto(file)


def test_weights_in_another_file_are_not_opened(model, tmp_path):
    tensor = model.graph.initializer.add()
    tensor.name, tensor.data_location = 'w', onnx.TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = 'location', '../secret.bin'
    file = tmp_path / 'eye.onnx'
    file.write_bytes(model.SerializeToString())
    with pytest.raises(ValueError, match=r'weights w are in another file \(../secret'):
        load_proto(file)
