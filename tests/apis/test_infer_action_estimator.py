import sys

import numpy as np
import pytest

from ocec.apis.infer_action_estimator import (
    OnnxPoseEstimator,
    PersonTracker,
    estimate_poses,
)
from ocec.apis.infer_video_read import Frame

K = 3
FOUND = np.array([[[10, 20, 0.5], [30, 40, 0.25], [0, 8, 1]]], 'f')


def write_estimator(path, found=FOUND, *, shape=(1, 3, 40, 80), dtype=1, channel=None):
    """An ONNX file that finds the same in every picture.

    ``channel`` multiplies the scores by the mean level of that channel.
    """
    onnx = pytest.importorskip('onnx')
    helper, make = onnx.helper, onnx.numpy_helper.from_array
    weight = np.zeros((1, shape[1], 1, 1), 'f')
    factor, offset = np.ones_like(found), np.zeros_like(found)
    if channel is not None:
        weight[0, channel] = shape[1]
        factor[..., 2], offset[..., 2] = 0, 1
    constants = [
        make(np.asarray(x, 'f'), name)
        for name, x in (
            ('found', found),
            ('weight', weight),
            ('factor', factor),
            ('offset', offset),
        )
    ]
    nodes = [
        helper.make_node('Cast', ['picture'], ['level'], to=1),
        helper.make_node('Mul', ['level', 'weight'], ['chosen']),
        helper.make_node(
            'ReduceMean', ['chosen'], ['mean'], axes=[0, 1, 2, 3], keepdims=0
        ),
        helper.make_node('Mul', ['offset', 'mean'], ['varied']),
        helper.make_node('Add', ['factor', 'varied'], ['times']),
        helper.make_node('Mul', ['found', 'times'], ['joints']),
    ]
    inputs = [helper.make_tensor_value_info('picture', dtype, shape)]
    outputs = [helper.make_tensor_value_info('joints', 1, found.shape)]
    graph = helper.make_graph(nodes, 'pose', inputs, outputs, constants)
    opsets = [helper.make_opsetid('', 13)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


def open_estimator(path, **settings):
    pytest.importorskip('onnxruntime')
    return OnnxPoseEstimator(write_estimator(path, **settings), num_joints=K)


def test_places_are_in_pixels_of_the_frame(tmp_path):
    estimator = open_estimator(tmp_path / 'p.onnx')
    # the frame is half as wide and twice as high as the input
    keypoint, score = estimator.estimate(np.zeros((80, 40, 3), np.uint8))
    assert keypoint.tolist() == [[[5, 40], [15, 80], [0, 16]]]
    assert score.tolist() == [[0.5, 0.25, 1]]


def test_an_open_size_takes_the_frame_as_it_is(tmp_path):
    shape = (1, 3, 'height', 'width')
    estimator = open_estimator(tmp_path / 'p.onnx', shape=shape, found=FOUND[None])
    keypoint, _ = estimator.estimate(np.zeros((33, 55, 3), np.uint8))
    np.testing.assert_array_equal(keypoint, FOUND[..., :2])


@pytest.mark.parametrize(('dtype', 'highest'), [(1, 1), (2, 255)])
@pytest.mark.parametrize('channel', [0, 2])
def test_pixels_are_rgb(dtype, highest, channel, tmp_path):
    settings = {'dtype': dtype, 'channel': channel}
    estimator = open_estimator(tmp_path / 'p.onnx', **settings)
    frame = np.zeros((40, 80, 3), np.uint8)
    frame[..., 0] = 255
    _, score = estimator.estimate(frame)
    expected = FOUND[..., 2] * (highest if channel == 0 else 0)
    np.testing.assert_allclose(score, expected, rtol=1e-5)


def test_nobody_and_numbers_that_are_none(tmp_path):
    nobody = open_estimator(tmp_path / 'p.onnx', found=np.zeros((0, K, 3), 'f'))
    keypoint, score = nobody.estimate(np.zeros((40, 80, 3), np.uint8))
    assert keypoint.shape == (0, K, 2)
    assert score.shape == (0, K)
    found = FOUND.copy()
    found[0, 1, 0], found[0, 2, 2] = np.nan, -3
    estimator = open_estimator(tmp_path / 'q.onnx', found=found)
    keypoint, score = estimator.estimate(np.zeros((40, 80, 3), np.uint8))
    assert keypoint[0, 1].tolist() == [0, 0]
    assert score.tolist() == [[0.5, 0, 0]]


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'found': FOUND[..., :2]}, r'output must be \(P, K, 3\) .* got \(1, 3, 2\)'),
        ({'found': FOUND[:, :2]}, 'it finds 2 joints, the model of actions expects 3'),
    ],
)
def test_other_outputs_are_refused(settings, message, tmp_path):
    estimator = open_estimator(tmp_path / 'p.onnx', **settings)
    with pytest.raises(ValueError, match=message):
        estimator.estimate(np.zeros((40, 80, 3), np.uint8))


def test_other_inputs_and_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r'has one input \(1, 3, H, W\) of float32'):
        open_estimator(tmp_path / 'p.onnx', shape=(1, 1, 40, 80))
    with pytest.raises(ValueError, match=r'got picture .* tensor\(int32\)'):
        open_estimator(tmp_path / 'p.onnx', dtype=6)
    with pytest.raises(FileNotFoundError, match='no such pose estimator'):
        OnnxPoseEstimator(tmp_path / 'none.onnx', num_joints=K)
    (tmp_path / 'text.onnx').write_text('no model')
    with pytest.raises(ValueError, match='onnxruntime cannot read it'):
        OnnxPoseEstimator(tmp_path / 'text.onnx', num_joints=K)


def test_without_onnxruntime_the_extra_is_named(tmp_path, monkeypatch):
    path = write_estimator(tmp_path / 'p.onnx')
    monkeypatch.setitem(sys.modules, 'onnxruntime', None)
    with pytest.raises(ImportError, match=r'pip install "ocec\[export\]"'):
        OnnxPoseEstimator(path, num_joints=K)


def person(x, score=1.0):
    return np.full((1, K, 2), x, np.float32), np.full((1, K), score, np.float32)


def together(*persons):
    return tuple(np.concatenate(part) for part in zip(*persons, strict=True))


def test_persons_keep_their_numbers():
    tracker = PersonTracker(2)
    assert tracker.update(*together(person(10, 0.5), person(90))) == {0: 1, 1: 0}
    # the other order, and both have moved
    assert tracker.update(*together(person(80), person(15, 0.9))) == {0: 0, 1: 1}
    # one is away, then back
    assert tracker.update(*person(20)) == {1: 0}
    assert tracker.update(*together(person(25), person(70))) == {0: 1, 1: 0}
    # of three the best two
    crowd = together(person(25), person(50, 0.1), person(70, 0.7))
    assert tracker.update(*crowd) == {0: 2, 1: 0}
    # without any joint there is nobody
    assert tracker.update(*person(5, 0.0)) == {}


class Scripted:
    def __init__(self, answers):
        self.answers = iter(answers)

    def estimate(self, frame_HWC):
        return next(self.answers)


def frames(count):
    return (Frame(n, n / 10, np.zeros((6, 8, 3), np.uint8)) for n in range(count))


def test_poses_of_a_video():
    nobody = np.zeros((0, K, 2)), np.zeros((0, K))
    answers = [person(3), nobody, together(person(9), person(4))]
    poses = estimate_poses(frames(3), Scripted(answers), name='v', max_persons=2)
    assert (poses.name, poses.num_frames, poses.frame_hw) == ('v', 3, (6, 8))
    keypoint, score = poses.window(0, 3)
    assert keypoint[:, :, 0, 0].tolist() == [[3, 0, 4], [0, 0, 9]]
    assert score[:, :, 0].tolist() == [[1, 0, 1], [0, 0, 1]]


def test_a_video_without_persons_or_frames():
    nobody = np.zeros((0, K, 2)), np.zeros((0, K))
    poses = estimate_poses(frames(2), Scripted([nobody] * 2), name='v', max_persons=2)
    assert poses.window(0, 2)[0].shape == (1, 2, K, 2)
    with pytest.raises(ValueError, match='v: no frame to find poses in'):
        estimate_poses(frames(0), Scripted([]), name='v', max_persons=2)
