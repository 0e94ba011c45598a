import sys

import numpy as np
import pytest

from ocec.apis.eye_boxes_deim import DeimDetector

onnx = pytest.importorskip('onnx')
pytest.importorskip('onnxruntime')

# label, x1, y1, x2, y2, score
FOUND = np.array(
    [
        [19, 0.1, 0.1, 0.2, 0.2, 0.99],  # a mouth
        [17, 0.6, 0.5, 0.8, 0.6, 0.7],
        [17, 0.1, 0.5, 0.3, 0.6, 0.8],
        [17, 0.62, 0.5, 0.82, 0.6, 0.6],  # the first again
        [17, 0.9, 0.9, 1.0, 1.0, 0.1],
    ],
    'f',
)


def write_deim(path, found=FOUND, *, name='images', shape=(1, 3, 640, 640), pixel=None):
    """A network with DEIMv2's input and output.

    It finds the same in every picture; ``pixel`` puts the mean of that channel into
    the score of the first row.
    """
    helper, make = onnx.helper, onnx.numpy_helper.from_array
    mark = np.zeros((1, *found.shape), 'f')
    channels = np.zeros((1, 3, 1, 1), 'f')
    if pixel is not None:
        mark[0, 0, 5], channels[0, pixel] = 1, 3
    constants = [
        make(np.array(found, 'f')[None], 'found'),
        make(mark, 'mark'),
        make(channels, 'channels'),
    ]
    nodes = [
        helper.make_node('Mul', [name, 'channels'], ['chosen']),
        helper.make_node(
            'ReduceMean', ['chosen'], ['mean'], axes=[0, 1, 2, 3], keepdims=0
        ),
        helper.make_node('Mul', ['mark', 'mean'], ['added']),
        helper.make_node('Add', ['found', 'added'], ['label_xyxy_score']),
    ]
    inputs = [helper.make_tensor_value_info(name, 1, shape)]
    outputs = [helper.make_tensor_value_info('label_xyxy_score', 1, mark.shape)]
    graph = helper.make_graph(nodes, 'deim', inputs, outputs, constants)
    opsets = [helper.make_opsetid('', 13)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


def test_the_two_best_eyes_in_pixels_of_the_frame(tmp_path):
    detector = DeimDetector(write_deim(tmp_path / 'deim.onnx'))
    found = detector.detect(np.zeros((100, 200, 3), np.uint8), 0)
    boxes = [np.round((b.x1, b.y1, b.x2, b.y2), 3).tolist() for b in found]
    assert boxes == [[20, 50, 60, 60], [120, 50, 160, 60]]
    assert [round(box.score, 3) for box in found] == [0.8, 0.7]


def test_class_and_score_can_be_chosen(tmp_path):
    file, frame = write_deim(tmp_path / 'deim.onnx'), np.zeros((100, 100, 3), np.uint8)
    [mouth] = DeimDetector(file, eye_class=19).detect(frame, 0)
    assert mouth.x1 == pytest.approx(10)
    assert DeimDetector(file, min_score=0.9).detect(frame, 0) == []
    assert len(DeimDetector(file, min_score=0.75).detect(frame, 0)) == 1


@pytest.mark.parametrize(
    ('name', 'shape', 'pixel', 'expected'),
    [
        # RGB in [0, 1]: channel 0 is red
        ('images', (1, 3, 640, 640), 0, 0.8),
        ('images', ('N', 3, 'H', 'W'), 2, 0.2),
        # BGR in [0, 255]: channel 0 is blue
        ('input_bgr', (1, 3, 'H', 'W'), 0, 51.0),
        ('input_bgr', (1, 3, 32, 32), 2, 204.0),
    ],
)
def test_pixels_are_what_the_file_expects(tmp_path, name, shape, pixel, expected):
    found = np.array([[17, 0, 0, 1, 1, 0]], 'f')
    file = write_deim(tmp_path / 'a.onnx', found, name=name, shape=shape, pixel=pixel)
    frame = np.empty((48, 64, 3), np.uint8)
    frame[:] = (204, 102, 51)
    [box] = DeimDetector(file, min_score=0.0).detect(frame, 0)
    assert box.score == pytest.approx(expected, rel=1e-3)  # a float32 mean


def test_what_is_not_such_a_detector_is_told(tmp_path):
    frame = np.zeros((10, 10, 3), np.uint8)
    with pytest.raises(FileNotFoundError, match='no.onnx: no such detector'):
        DeimDetector(tmp_path / 'no.onnx')
    broken = tmp_path / 'broken.onnx'
    broken.write_bytes(b'no model')
    with pytest.raises(ValueError, match='broken.onnx: truncated, or no ONNX'):
        DeimDetector(broken)
    flat = write_deim(tmp_path / 'flat.onnx', shape=(1, 1, 64, 64))
    with pytest.raises(
        ValueError, match=r'one input \(1, 3, H, W\), got images \[1, 1'
    ):
        DeimDetector(flat)
    seven = write_deim(tmp_path / 'seven.onnx', np.zeros((4, 7), 'f'))
    with pytest.raises(ValueError, match=r'must be \(1, Q, 6\) .* got \(1, 4, 7\)'):
        DeimDetector(seven).detect(frame, 0)
    pixels = np.array([[17, 10, 20, 30, 40, 0.9]], 'f')
    detector = DeimDetector(write_deim(tmp_path / 'pixels.onnx', pixels))
    with pytest.raises(ValueError, match=r'shares of the frame, got \[10.0, 20.0'):
        detector.detect(frame, 0)


def test_without_onnxruntime_the_extra_is_named(tmp_path, monkeypatch):
    file = write_deim(tmp_path / 'deim.onnx')
    monkeypatch.setitem(sys.modules, 'onnxruntime', None)
    with pytest.raises(ImportError, match=r'pip install "ocec\[export\]"'):
        DeimDetector(file)
