import cv2
import numpy as np
import pytest

from ocec.apis.eye_classifier import EyeClassifier
from ocec.apis.eye_classifier_onnx import OnnxNetwork
from ocec.export.onnx_metadata import KEY, ModelCard, write_metadata

onnx = pytest.importorskip('onnx')
SIZE = (6, 10)


@pytest.fixture
def write_model(tmp_path):
    """Return a factory of files whose P(open) is sigmoid(mean red - 128).

    Args of the factory: fields of the card, and the number of images of a call.
    """

    def write(batch='batch', **fields):
        card = ModelCard(
            **{
                'input': 'resized',
                'dtype': 'float32',
                'layout': 'NCHW',
                'image_size': SIZE,
                'normalized_inside': True,
                'mean': (0, 0, 0),
                'std': (1, 1, 1),
                **fields,
            }
        )
        is_raw = card.input == 'raw'
        shape = [batch, 'h', 'w', 3] if is_raw else [batch, 3, *card.image_size]
        floats, number = (
            onnx.TensorProto.FLOAT,
            getattr(onnx.TensorProto, card.dtype.upper().removesuffix('32')),
        )
        node, tensor = onnx.helper.make_node, onnx.helper.make_tensor
        graph = onnx.helper.make_graph(
            [
                node('Cast', ['images'], ['pixels'], to=floats),
                node('Gather', ['pixels', 'red'], ['reds'], axis=3 if is_raw else 1),
                node('ReduceMean', ['reds', 'axes'], ['mean'], keepdims=0),
                node('Sub', ['mean', 'middle'], ['logit']),
                node('Sigmoid', ['logit'], ['prob_open']),
            ],
            'red',
            [onnx.helper.make_tensor_value_info('images', number, shape)],
            [onnx.helper.make_tensor_value_info('prob_open', floats, [batch])],
            [
                tensor('red', onnx.TensorProto.INT64, [], [0]),
                tensor('axes', onnx.TensorProto.INT64, [2], [1, 2]),
                tensor('middle', floats, [], [128.0]),
            ],
        )
        opset = [onnx.helper.make_opsetid('', 18)]
        model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=9)
        write_metadata(model, card)
        path = tmp_path / 'model.onnx'
        onnx.save(model, path)
        return path

    return write


RAW = {'input': 'raw', 'dtype': 'uint8', 'layout': 'NHWC'}


def by_hand(image, interpolation=cv2.INTER_LINEAR):
    resized = cv2.resize(image, SIZE[::-1], interpolation=interpolation)
    return 1 / (1 + np.exp(128.0 - resized[..., 0].mean()))


@pytest.mark.parametrize('fields', [{}, {'dtype': 'uint8'}, RAW, {'batch': 4}])
def test_crops_of_any_size_on_files_of_any_contract(write_model, fields):
    rng = np.random.default_rng(0)
    # green and blue at their ends: a swap of the channels would show
    crops = [
        np.dstack([rng.integers(120, 136, size), np.zeros(size), np.full(size, 255)])
        for size in ((9, 14), (4, 5), (6, 10), (30, 20), (7, 7))
    ]
    crops = [crop.astype(np.uint8) for crop in crops]
    classifier = EyeClassifier(write_model(**fields), batch_size=3)
    expected = [by_hand(crop) for crop in crops]
    np.testing.assert_allclose(classifier.predict_crops(crops), expected, atol=1e-4)
    found = classifier.predict(crops)
    np.testing.assert_array_equal(found.prob_open_N, classifier.predict_crops(crops))
    assert found.is_open_N.tolist() == [prob >= 0.5 for prob in expected]


def test_interpolation_of_the_training(write_model):
    image = np.random.default_rng(1).integers(0, 256, (60, 70, 3), np.uint8)
    network = OnnxNetwork(write_model(interpolation='area'))
    resized = cv2.resize(image, SIZE[::-1], interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(network.prepare(image), resized)
    assert network.image_size == SIZE


def test_a_pipeline_of_the_training_is_not_left_out(write_model):
    with pytest.raises(ValueError, match='with a pipeline of its own, which the file'):
        EyeClassifier(write_model(pipeline=True))


@pytest.mark.parametrize(
    ('card', 'expected'),
    [
        (
            {'threshold': 0.25, 'thresholds': {'best_f1': 0.25, 'split': 'val'}},
            (0.25, 'best F1 on val'),
        ),
        (
            {'threshold': 0.25, 'thresholds': {'best_f1': 0.3}},
            (0.25, 'of the ONNX file'),
        ),
        ({'threshold': 0.5}, (0.5, 'default: the model holds none')),
    ],
)
def test_threshold_is_that_of_the_file(write_model, card, expected):
    classifier = EyeClassifier(write_model(**card))
    assert (classifier.threshold, classifier.threshold_source) == expected


def test_models_that_are_none(write_model, tmp_path):
    path = write_model()
    cut = tmp_path / 'cut.onnx'
    cut.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match=r'cut\.onnx: truncated, or no ONNX file'):
        EyeClassifier(cut)
    model = onnx.load(path)
    model.metadata_props[0].value = '{"format": 1, "task": "pair"}'
    assert model.metadata_props[0].key == KEY
    onnx.save(model, path)
    with pytest.raises(ValueError, match=r"model\.onnx: a model of the task 'pair'"):
        EyeClassifier(path)
