import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import parser

from ocec.export.resize_graph import prepend_resize, resize_model


def run(model, images):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return session.run(None, {'images': images})[0]


def by_opencv(images_NHWC, size):
    height, width = size
    resized = [cv2.resize(x, (width, height)) for x in images_NHWC]
    return np.stack(resized).transpose(0, 3, 1, 2).astype(np.float32)


@pytest.mark.parametrize('size', [(24, 40), (32, 64), (48, 48)])
def test_equal_to_opencv_to_the_last_bit(size):
    rng = np.random.default_rng(0)
    model = resize_model(size, opset=18)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    height, width = size
    shapes = [(1, 1), (1, 90), (90, 1), size, (2 * height, 2 * width), (3, 200)]
    shapes += rng.integers(1, 160, (60, 2)).tolist()
    for shape in shapes:
        images = rng.integers(0, 256, (2, *shape, 3), np.uint8)
        pixels = session.run(None, {'images': images})[0]
        np.testing.assert_array_equal(pixels, by_opencv(images, size), str(shape))


def test_extreme_pixels():
    # sums of 255 * 2048 are the largest there are; edges between 0 and 255
    checks = np.indices((37, 53)).sum(axis=0) % 2 * 255
    images = np.repeat(checks.astype(np.uint8)[None, :, :, None], 3, axis=3)
    for batch in (images, np.full_like(images, 255), np.zeros_like(images)):
        pixels = run(resize_model((24, 40), opset=18), batch)
        np.testing.assert_array_equal(pixels, by_opencv(batch, (24, 40)))


def test_floats_are_rounded_to_whole_pixels():
    images = np.random.default_rng(0).uniform(-9, 264, (2, 37, 53, 3))
    images = images.astype(np.float32)
    whole = np.clip(np.rint(images), 0, 255).astype(np.uint8)
    pixels = run(resize_model((24, 40), opset=18, dtype='float32'), images)
    np.testing.assert_array_equal(pixels, by_opencv(whole, (24, 40)))


def test_before_a_network_with_a_fixed_batch():
    network = parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]>\n'
        'net (float[2, 3, 4, 6] images) => (float[2, 3] prob_open)\n'
        '{ prob_open = ReduceMean <axes = [2, 3], keepdims = 0> (images) }'
    )
    model = prepend_resize(network, (4, 6))
    onnx.checker.check_model(model, full_check=True)
    [axis, *_] = model.graph.input[0].type.tensor_type.shape.dim
    assert axis.dim_value == 2
    images = np.random.default_rng(0).integers(0, 256, (2, 9, 8, 3), np.uint8)
    expected = by_opencv(images, (4, 6)).mean(axis=(2, 3))
    np.testing.assert_allclose(run(model, images), expected, rtol=1e-5)


def test_old_opset():
    with pytest.raises(ValueError, match='a resize in the graph needs opset >= 16, go'):
        resize_model((4, 6), opset=15)
