from dataclasses import replace

import numpy as np
import pytest
import torch

from ocec.apis import export_onnx_gate
from ocec.apis.export_onnx_gate import inputs_of, judge
from ocec.apis.export_onnx_settings import ExportSettings
from ocec.apis.export_onnx_source import open_source
from ocec.export.export_graph import ExportGraph
from ocec.export.onnx_metadata import write_metadata
from ocec.export.opencv_dnn import OpenCVRun
from ocec.export.to_onnx import to_onnx

SETTINGS = ExportSettings(repeats=2)


@pytest.fixture
def source(make_member, own_data):
    with open_source(make_member(own_data), SETTINGS) as opened:
        yield opened


@pytest.fixture
def write_file(source, tmp_path):
    def write(precision='fp32', shift=0.0):
        preprocessor = source.model.data_preprocessor
        graph = ExportGraph(
            source.model, mean=preprocessor.mean + shift, std=preprocessor.std
        )
        model = to_onnx(
            graph, torch.zeros(1, 3, 32, 64), exporter='torchscript', log=len
        )
        write_metadata(model, replace(source.card, precision=precision))
        (tmp_path / 'x.onnx').write_bytes(model.SerializeToString())
        return tmp_path / 'x.onnx'

    return write


def test_a_true_copy_passes(source, write_file, tmp_path):
    judged = judge(file := write_file(), source, SETTINGS, tmp_path / 'eye.onnx')
    assert (judged.verdict, judged.failures) == ('passed', [])
    assert judged.num_bytes == file.stat().st_size
    assert set(judged.agreements) == {'onnxruntime', 'opencv'}
    assert set(judged.latencies) == {'torch', 'onnxruntime', 'opencv'}
    assert judged.as_dict()['file'] == 'eye.onnx'
    assert judged.metrics['num_images'] == 16


def test_another_normalisation_fails(source, write_file):
    file = write_file(shift=30.0)
    judged = judge(file, source, SETTINGS, file)
    assert judged.verdict == 'failed'
    # both runtimes run the file, and both tell
    assert any(text.startswith('P(open) differs by') for text in judged.failures)
    assert any(text.startswith('OpenCV ') for text in judged.failures)


def test_opencv_is_no_reason_to_fail_where_it_cannot(source, write_file, monkeypatch):
    answer = OpenCVRun('4.9', problem='cannot load: no such layer')
    monkeypatch.setattr(export_onnx_gate, 'run_opencv', lambda *a, **k: answer)
    judged = judge(file := write_file(), source, SETTINGS, file)
    assert judged.verdict == 'passed'
    assert judged.opencv == {'version': '4.9', 'problem': 'cannot load: no such layer'}
    assert set(judged.agreements) == {'onnxruntime'}


def test_other_precisions_are_not_given_to_opencv(source, write_file):
    judged = judge(file := write_file('fp16'), source, SETTINGS, file)
    assert (judged.opencv, judged.verdict) == (None, 'passed')


def test_without_images_nothing_is_checked(source, write_file):
    file = write_file()
    judged = judge(file, replace(source, images=None), SETTINGS, file)
    assert (judged.verdict, judged.agreements) == ('not checked', {})


@pytest.mark.parametrize('dtype', ['uint8', 'float32'])
def test_inputs_are_pixels(source, dtype):
    settings = ExportSettings(dtype=dtype)
    [batch] = inputs_of(source.images, settings)
    assert batch.dtype == dtype
    np.testing.assert_array_equal(batch, source.images.pixels_NCHW)


def test_inputs_of_raw_are_single_pictures(source):
    pictures = [np.zeros((3, 5, 3), np.uint8), np.ones((7, 2, 3), np.uint8)]
    images = replace(source.images, pictures=pictures)
    shapes = [x.shape for x in inputs_of(images, ExportSettings(input='raw'))]
    assert shapes == [(1, 3, 5, 3), (1, 7, 2, 3)]
