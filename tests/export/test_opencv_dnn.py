import cv2
import numpy as np
import onnx
import pytest
from onnx import parser

from ocec.export import opencv_dnn
from ocec.export.opencv_dnn import run_opencv


@pytest.fixture
def write_model(tmp_path):
    def write(body, constants='int64 unused = {0}'):
        model = parser.parse_model(
            '<ir_version: 8, opset_import: ["" : 18]>\n'
            f'g (float[N, 1] images) => (float[N, 1] prob_open) <{constants}> '
            f'{{ {body} }}'
        )
        onnx.save(model, tmp_path / 'x.onnx')
        return tmp_path / 'x.onnx'

    return write


def batches(*values):
    return [np.full((2, 1), value, np.float32) for value in values]


def test_outputs_in_order(write_model):
    file = write_model('prob_open = Sigmoid (images)')
    values = np.linspace(-2, 2, 12)  # more than ten: names sort as numbers
    answer = run_opencv(file, batches(*values), repeats=3)
    assert (answer.version, answer.problem) == (cv2.__version__, None)
    np.testing.assert_allclose(answer.prob_N, 1 / (1 + np.exp(-values)), rtol=1e-5)
    assert answer.seconds_R.shape == (3,)
    assert (answer.seconds_R > 0).all()


def test_a_graph_it_does_not_know(write_model):
    file = write_model('prob_open = BitShift <direction = "LEFT"> (images, images)')
    answer = run_opencv(file, batches(1))
    assert answer.problem.startswith(('cannot load: ', 'cannot run: '))
    assert answer.prob_N is None


def test_a_crash_is_told(write_model, monkeypatch):
    file = write_model('prob_open = Sigmoid (images)')
    monkeypatch.setattr(opencv_dnn, 'PROGRAM', 'import os; os.abort()')
    answer = run_opencv(file, batches(1))
    assert answer.problem.startswith('OpenCV crashed (exit status -6')


def test_what_python_says_is_told(write_model, monkeypatch):
    file = write_model('prob_open = Sigmoid (images)')
    monkeypatch.setattr(opencv_dnn, 'PROGRAM', 'import no_such_module')
    problem = run_opencv(file, batches(1)).problem
    assert problem.startswith('OpenCV crashed (exit status 1): ModuleNotFoundError: ')


def test_endless_runs_are_ended(write_model, monkeypatch):
    file = write_model('prob_open = Sigmoid (images)')
    monkeypatch.setattr(opencv_dnn, 'PROGRAM', 'import time; time.sleep(60)')
    monkeypatch.setattr(opencv_dnn, 'TIMEOUT', 0.1)
    answer = run_opencv(file, batches(1))
    assert answer.problem == 'cannot run: no answer within 0.1 s'
