import numpy as np
import pytest

from ocec.apis.eye_boxes_yunet import YuNetDetector, boxes_of_landmarks

onnx = pytest.importorskip('onnx')

# what YuNet says of a face: of each cell of 8 pixels the scores, the box in cells from
# the cell's corner and as logarithms, and five landmarks in cells
CELL_PX, SIDE_PX = 8, 64
FACE_CELL = (3, 2)  # row, column: the corner is at x 16, y 24
SCORE = 0.9
LANDMARKS = ((0.0, 0.0), (2.0, 0.5), (1.0, 1.0), (0.5, 2.0), (1.5, 2.0))


def write_yunet(path, *, face=True):
    """A network with YuNet's input and outputs that finds the same in every picture."""
    helper, make = onnx.helper, onnx.numpy_helper.from_array
    nodes, constants, outputs = [], [], []
    for stride in (8, 16, 32):
        cells = (SIDE_PX // stride) ** 2
        sizes = {'cls': 1, 'obj': 1, 'bbox': 4, 'kps': 10}
        values = {name: np.zeros((1, cells, size), 'f') for name, size in sizes.items()}
        if face and stride == CELL_PX:
            cell = FACE_CELL[0] * (SIDE_PX // stride) + FACE_CELL[1]
            values['cls'][0, cell] = values['obj'][0, cell] = SCORE
            values['bbox'][0, cell] = (1, 1, np.log(4), np.log(4))
            values['kps'][0, cell] = np.ravel(LANDMARKS)
        for name, value in values.items():
            out, size = f'{name}_{stride}', value.shape[2]
            kernel = np.zeros((size, 3, stride, stride), 'f')
            constants += [
                make(value, f'{out}_value'),
                make(kernel, f'{out}_kernel'),
                make(np.array([1, -1, size]), f'{out}_shape'),
            ]
            sides = {'strides': [stride] * 2, 'kernel_shape': [stride] * 2}
            nodes += [
                helper.make_node(
                    'Conv', ['input', f'{out}_kernel'], [f'{out}_a'], **sides
                ),
                helper.make_node(
                    'Transpose', [f'{out}_a'], [f'{out}_b'], perm=[0, 2, 3, 1]
                ),
                helper.make_node('Reshape', [f'{out}_b', f'{out}_shape'], [f'{out}_c']),
                helper.make_node('Add', [f'{out}_c', f'{out}_value'], [out]),
            ]
            outputs.append(helper.make_tensor_value_info(out, 1, value.shape))
    shape = [1, 3, SIDE_PX, SIDE_PX]
    inputs = [helper.make_tensor_value_info('input', 1, shape)]
    graph = helper.make_graph(nodes, 'yunet', inputs, outputs, constants)
    opsets = [helper.make_opsetid('', 11)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=7), path)
    return path


def test_eyes_of_the_face_through_opencv(tmp_path):
    detector = YuNetDetector(write_yunet(tmp_path / 'yunet.onnx'))
    found = detector.detect(np.full((SIDE_PX, SIDE_PX, 3), 7, np.uint8), 0)
    # landmarks at (16, 24) and (32, 28): sqrt(16^2 + 4^2) apart
    apart = 272**0.5
    assert [box.centre for box in found] == [(16, 24), (32, 28)]
    for box in found:
        assert box.width == pytest.approx(0.55 * apart)
        assert box.y2 - box.y1 == pytest.approx(0.3 * apart)
        assert box.score == pytest.approx(SCORE)
        assert box.eye is None
    # another size of frame, padded to the same network input
    again = detector.detect(np.zeros((50, 60, 3), np.uint8), 1)
    assert [box.centre for box in again] == [(16, 24), (32, 28)]


def test_no_face_no_eyes(tmp_path):
    frame = np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8)
    nobody = YuNetDetector(write_yunet(tmp_path / 'a.onnx', face=False))
    assert nobody.detect(frame, 0) == []
    strict = YuNetDetector(write_yunet(tmp_path / 'b.onnx'), min_score=0.95)
    assert strict.detect(frame, 0) == []


def test_landmarks_in_one_place_are_no_eyes():
    assert boxes_of_landmarks((5.0, 5.0), (5.5, 5.0)) == []


def test_what_is_not_yunet_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match='no.onnx: no such detector'):
        YuNetDetector(tmp_path / 'no.onnx')
    broken = tmp_path / 'broken.onnx'
    broken.write_bytes(b'not a model')
    with pytest.raises(ValueError, match='broken.onnx: OpenCV cannot read it as YuNet'):
        YuNetDetector(broken)
    # a model, but of something else
    helper = onnx.helper
    shape = [1, 3, SIDE_PX, SIDE_PX]
    values = [helper.make_tensor_value_info(name, 1, shape) for name in ('input', 'y')]
    node = helper.make_node('Relu', ['input'], ['y'])
    graph = helper.make_graph([node], 'other', values[:1], values[1:])
    other = tmp_path / 'other.onnx'
    opsets = [helper.make_opsetid('', 11)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=7), other)
    detector = YuNetDetector(other)
    with pytest.raises(ValueError, match='other.onnx: OpenCV cannot run it as YuNet'):
        detector.detect(np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8), 0)
