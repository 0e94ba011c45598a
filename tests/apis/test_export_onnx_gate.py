from dataclasses import replace

import numpy as np
import onnx
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
    def write(precision='fp32', shift=0.0, batch=None):
        preprocessor = source.model.data_preprocessor
        graph = ExportGraph(
            source.model, mean=preprocessor.mean + shift, std=preprocessor.std
        )
        model = to_onnx(
            graph,
            torch.zeros(1, 3, 32, 64),
            batch=batch,
            exporter='torchscript',
            log=len,
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


def grey(source):
    """Return a source whose images have three equal channels."""
    images = source.images
    pixels_NCHW = np.repeat(images.pixels_NCHW[:, :1], 3, axis=1)
    prob_N = export_onnx_gate._torch_prob(source, pixels_NCHW)
    images = replace(images, pixels_NCHW=pixels_NCHW, torch_prob_N=prob_N)
    return replace(source, images=images)


def rewrite(file, nodes, constants, *, behind):
    """Put nodes before the network, from ``images``, or behind it, from ``before``."""
    model = onnx.load(file)
    name, inside = ('prob_open', 'before') if behind else ('images', 'after')
    for node in model.graph.node:
        names = node.output if behind else node.input
        names[:] = [inside if x == name else x for x in names]
    model.graph.initializer.extend(
        onnx.numpy_helper.from_array(value, key) for key, value in constants.items()
    )
    old = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*old, *nodes] if behind else [*nodes, *old])
    file.write_bytes(model.SerializeToString())


def test_grey_images_do_not_hide_a_swap_of_the_channels(source, write_file):
    file = write_file()
    source = grey(source)
    assert judge(file, source, SETTINGS, file).failures == []
    swap = onnx.helper.make_node('Gather', ['images', 'bgr'], ['after'], axis=1)
    rewrite(file, [swap], {'bgr': np.int64([2, 1, 0])}, behind=False)
    judged = judge(file, source, SETTINGS, file)
    assert judged.agreements['onnxruntime'].max_gap < 1e-4
    [failure] = judged.failures
    assert failure.startswith('P(open) of tinted images differs by ')


def test_single_images_are_compared_too(source, write_file, monkeypatch):
    # OpenCV gets single images anyway, where it can run the file
    answer = OpenCVRun('4.9', problem='cannot load: no such layer')
    monkeypatch.setattr(export_onnx_gate, 'run_opencv', lambda *a, **k: answer)
    make, file = onnx.helper.make_node, write_file()
    nodes = [  # P(open) times 0 for one image, times 1 for more
        make('Shape', ['before'], ['count']),
        make('Sub', ['count', 'one'], ['others']),
        make('Min', ['others', 'one'], ['any_other']),
        make('Cast', ['any_other'], ['factor'], to=onnx.TensorProto.FLOAT),
        make('Mul', ['before', 'factor'], ['prob_open']),
    ]
    rewrite(file, nodes, {'one': np.int64([1])}, behind=True)
    judged = judge(file, source, SETTINGS, file)
    assert judged.agreements['onnxruntime'].max_gap < 1e-4
    assert judged.verdict == 'failed'


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


@pytest.mark.parametrize(('batch', 'expected'), [(None, 1), (3, 3)])
def test_latencies_are_of_as_many_images_for_all(
    source, write_file, monkeypatch, batch, expected
):
    seen, file = {}, write_file(batch=batch)
    true_measure = export_onnx_gate.measure_latencies

    def measure(calls, *, repeats):
        seen.update({name: len(call()) for name, call in calls.items()})
        return true_measure(calls, repeats=repeats)

    monkeypatch.setattr(export_onnx_gate, 'measure_latencies', measure)
    judged = judge(file, source, SETTINGS, file)
    assert judged.verdict == 'passed'
    assert seen == {'torch': expected, 'onnxruntime': expected}
