import numpy as np
import onnx
import pytest
from onnx import parser

from ocec.export.onnx_classifier import OnnxClassifier, open_session
from ocec.export.onnx_metadata import ModelCard, write_metadata

# P(open) is the mean of all values, over 1000
MEAN_NET = """
<ir_version: 8, opset_import: ["" : 18]>
g ({input} images) => (float[{batch}] prob_open, float[{batch}, 3] embedding)
<int64[3] axes = {{1, 2, 3}}, int64[2] cells = {{{cells}}}, float thousand = {{1000}}>
{{
    x = Cast <to = 1> (images)
    mean = ReduceMean <keepdims = 0> (x, axes)
    prob_open = Div (mean, thousand)
    embedding = ReduceMean <keepdims = 0> (x, cells)
}}
"""


@pytest.fixture
def write_model(tmp_path):
    """Return a factory of files; arguments are fields of the card."""

    def write(batch='N', **fields):
        is_raw = fields.get('input') == 'raw'
        fields = {
            'input': 'resized',
            'dtype': 'float32',
            'layout': 'NCHW',
            'image_size': (2, 4),
            'normalized_inside': True,
            'mean': (100.0, 100.0, 100.0),
            'std': (10.0, 20.0, 40.0),
            **fields,
        }
        kind = 'uint8' if fields['dtype'] == 'uint8' else 'float'
        shape = f'{batch}, h, w, 3' if is_raw else f'{batch}, 3, 2, 4'
        text = MEAN_NET.format(
            input=f'{kind}[{shape}]', batch=batch, cells='1, 2' if is_raw else '2, 3'
        )
        model = parser.parse_model(text)
        write_metadata(model, ModelCard(**fields))
        onnx.save(model, tmp_path / 'eye.onnx')
        return tmp_path / 'eye.onnx'

    return write


def constant_images(*values):
    return np.stack([np.full((3, 2, 4), value, np.uint8) for value in values])


@pytest.mark.parametrize('dtype', ['uint8', 'float32'])
def test_predict(write_model, dtype):
    classifier = OnnxClassifier(write_model())
    prob_B = classifier.predict(constant_images(100, 200, 250).astype(dtype))
    assert prob_B.dtype == np.float32
    np.testing.assert_allclose(prob_B, [0.1, 0.2, 0.25])
    assert classifier.card.image_size == (2, 4)


@pytest.mark.parametrize('dtype', ['uint8', 'float32'])
def test_raw_pictures_of_any_size(write_model, dtype):
    file = write_model(input='raw', dtype=dtype, layout='NHWC')
    classifier = OnnxClassifier(file)
    for height, width in ((1, 1), (7, 3)):
        images = np.full((2, height, width, 3), 50, dtype)
        np.testing.assert_allclose(classifier.predict(images), [0.05, 0.05])


def test_normalised_for_the_file_where_it_does_not(write_model):
    classifier = OnnxClassifier(write_model(normalized_inside=False))
    # (140 - 100) / (10, 20, 40) = 4, 2, 1
    [prob] = classifier.predict(constant_images(140))
    assert prob == pytest.approx((4 + 2 + 1) / 3 / 1000)


def test_a_fixed_batch_is_filled_up(write_model):
    classifier = OnnxClassifier(write_model(batch=2))
    assert classifier.batch_size == 2
    values = [10, 20, 30, 40, 50]
    for count in range(1, 6):
        prob_B = classifier.predict(constant_images(*values[:count]))
        np.testing.assert_allclose(prob_B, np.array(values[:count]) / 1000)


def test_embedding(write_model):
    classifier = OnnxClassifier(write_model(embedding=True))
    images = constant_images(10, 20)
    images[1, 2] = 40
    np.testing.assert_allclose(classifier.embed(images), [[10, 10, 10], [20, 20, 40]])
    with pytest.raises(ValueError, match='no output "embedding": export it with --emb'):
        OnnxClassifier(write_model()).embed(images)


IMAGES = constant_images(1).astype(np.float32)


@pytest.mark.parametrize(
    ('images', 'message'),
    [
        (IMAGES.tolist(), 'images must be a numpy array, got list'),
        (IMAGES[0], r'shape \(B, 3, 2, 4\), got \(3, 2, 4\)'),
        (np.zeros((1, 4, 2, 4), np.uint8), r'shape \(B, 3, 2, 4\), got \(1, 4, 2, 4\)'),
        (np.zeros((1, 3, 4, 4), np.uint8), r'got \(1, 3, 4, 4\): resize them as the'),
        (np.zeros((0, 3, 2, 4), np.uint8), r'no images: the shape is \(0, 3, 2, 4\)'),
        (IMAGES.astype(np.float64), 'images must be uint8 or float32, got float64'),
        (IMAGES.astype(np.int32), 'images must be uint8 or float32, got int32'),
        (IMAGES * np.nan, 'images must be finite, got NaN or infinity'),
        (IMAGES * np.inf, 'images must be finite, got NaN or infinity'),
    ],
)
def test_bad_images(write_model, images, message):
    with pytest.raises(ValueError, match=message):
        OnnxClassifier(write_model()).predict(images)


@pytest.mark.parametrize(
    ('images', 'message'),
    [
        (np.zeros((1, 5, 5, 4), np.uint8), r'shape \(B, h, w, 3\), got \(1, 5, 5, 4\)'),
        (np.zeros((5, 5, 3), np.uint8), r'shape \(B, h, w, 3\), got \(5, 5, 3\)'),
        (
            np.zeros((1, 5, 5, 3), np.float32),
            'must be uint8 for this file, got float32',
        ),
        (np.zeros((1, 0, 5, 3), np.uint8), r'no images: the shape is \(1, 0, 5, 3\)'),
    ],
)
def test_bad_raw_pictures(write_model, images, message):
    file = write_model(input='raw', dtype='uint8', layout='NHWC')
    with pytest.raises(ValueError, match=message):
        OnnxClassifier(file).predict(images)


def test_uint8_files_do_not_round(write_model):
    with pytest.raises(ValueError, match='must be uint8 for this file, got float32'):
        OnnxClassifier(write_model(dtype='uint8')).predict(IMAGES)


def test_sessions_that_cannot_be(write_model):
    file = write_model()
    with pytest.raises(ValueError, match='threads must be >= 1, got 0'):
        OnnxClassifier(file, threads=0)
    with pytest.raises(ValueError, match='x.onnx: onnxruntime cannot load it'):
        open_session(b'no model', 'x.onnx')
