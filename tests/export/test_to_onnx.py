import itertools

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from ocec.export import to_onnx as to_onnx_module
from ocec.export.export_graph import ExportGraph
from ocec.export.opencv_dnn import run_opencv
from ocec.export.to_onnx import to_onnx
from ocec.models import ImageClassifier

BACKBONES = ['OCECBaseline', 'OCECInvertedSE', 'OCECConvNeXt']
HEADS = ['AvgHead', 'AvgMaxMLPHead', 'TransformerHead', 'MLPMixerHead']
MARGINS = [None, 'CosFace', 'ArcFace']
MODELS = list(itertools.product(BACKBONES, HEADS, MARGINS))
SIZE = (16, 32)


def make_graph(backbone='OCECBaseline', head='AvgHead', margin=None, **settings):
    """Return a network whose norms and scales are not those of the start."""
    torch.manual_seed(0)
    model = ImageClassifier(
        {'type': backbone, 'base_channels': 8, 'num_blocks': 3},
        {'type': head, 'margin': None if margin is None else {'type': margin}},
        input_size=SIZE,
    )
    model.init_weights()
    for name, value in (*model.named_parameters(), *model.named_buffers()):
        if value.ndim == 1 and value.is_floating_point():
            low = 0.5 if 'var' in name or 'weight' in name or 'gamma' in name else -0.5
            nn.init.uniform_(value.data, low, 1)
    mean, std = torch.full((3,), 120.0), torch.full((3,), 45.0)
    return ExportGraph(model, mean=mean, std=std, **settings).eval()


def make_images(count, seed=0):
    rng = np.random.default_rng(seed)
    level_B = np.linspace(20, 235, count)[:, None, None, None]
    noise = rng.normal(0, 40, (count, 3, *SIZE))
    return (level_B + noise).clip(0, 255).astype(np.float32)


def run(model, images):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {'images': images})


def export(graph, **settings):
    settings = {'exporter': 'torchscript', 'log': len, **settings}
    return to_onnx(graph, torch.zeros(1, 3, *SIZE), **settings)


@pytest.mark.parametrize(('backbone', 'head', 'margin'), MODELS)
def test_every_combination_says_the_same(backbone, head, margin):
    # the dynamo exporter takes several seconds for each
    graph = make_graph(backbone, head, margin)
    model = export(graph)
    onnx.checker.check_model(model, full_check=True)
    kinds = {node.op_type for node in model.graph.node}
    assert not kinds & {'BatchNormalization', 'Gather', 'Identity', 'Constant'}
    for count in (1, 5):  # token heads, too, take any number of images
        images = make_images(count)
        with torch.no_grad():
            expected_B = graph(torch.from_numpy(images)).numpy()
        [prob_B] = run(model, images)
        assert prob_B.shape == (count,)
        np.testing.assert_allclose(prob_B, expected_B, atol=2e-6)
    assert expected_B.std() > 1e-5  # it depends on the images


def test_dynamo(tmp_path):
    lines = []
    graph = make_graph('OCECConvNeXt', 'TransformerHead', 'CosFace', embedding=True)
    names = ('prob_open', 'embedding')
    model = export(graph, exporter='auto', output_names=names, log=lines.append)
    assert lines == ['exporter: dynamo (torch.export)']
    onnx.checker.check_model(model, full_check=True)
    assert 'BatchNormalization' not in {node.op_type for node in model.graph.node}
    assert b'/ocec/models' not in model.SerializeToString()  # no paths of this machine
    images = make_images(3)
    with torch.no_grad():
        expected = graph(torch.from_numpy(images))
    for found, wanted in zip(run(model, images), expected, strict=True):
        np.testing.assert_allclose(found, wanted.numpy(), atol=2e-5)
    onnx.save(model, tmp_path / 'eye.onnx')
    answer = run_opencv(tmp_path / 'eye.onnx', [image[None] for image in images])
    assert answer.problem is None
    np.testing.assert_allclose(answer.prob_N, expected[0].numpy(), atol=1e-5)


def test_old_opsets_take_the_other_exporter():
    lines = []
    model = export(make_graph(), exporter='auto', opset=16, log=lines.append)
    assert lines == ['exporter: TorchScript (opset 16 < 18)']
    [opset] = model.opset_import
    assert (opset.version, model.ir_version) == (16, 8)


def test_fall_back_tells_why(monkeypatch):
    def fail(*args):
        raise RuntimeError('no such operator\nand a long story')

    monkeypatch.setattr(to_onnx_module, '_by_dynamo', fail)
    lines = []
    model = export(make_graph(), exporter='auto', log=lines.append)
    reason = 'the dynamo exporter failed: no such operator'
    assert lines == [f'exporter: TorchScript ({reason})']
    assert run(model, make_images(2))[0].shape == (2,)
    with pytest.raises(ValueError, match=f'{reason}\nand a long story'):
        export(make_graph(), exporter='dynamo')


class Hopeless(nn.Module):
    def forward(self, images):
        return torch.from_numpy(np.linalg.inv(images.numpy()[:, 0, :2, :2]))


def test_no_exporter_can():
    with pytest.raises(ValueError, match='the TorchScript exporter failed: '):
        export(Hopeless())


def test_fixed_batch():
    model = export(make_graph(head='TransformerHead'), batch=4)
    shape = model.graph.input[0].type.tensor_type.shape
    assert [axis.dim_value for axis in shape.dim] == [4, 3, *SIZE]
    assert run(model, make_images(4))[0].shape == (4,)


def test_slim():
    lines, graph = [], make_graph(head='MLPMixerHead')
    images = make_images(2)
    model = export(graph, slim=True, log=lines.append)
    assert lines[-1].startswith('onnxslim: ')
    plain = run(export(graph), images)[0]
    np.testing.assert_allclose(run(model, images)[0], plain, atol=1e-6)


def test_nothing_is_printed(capfd):
    export(make_graph())
    assert capfd.readouterr() == ('', '')


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'opset': 11}, 'opset must be in 15 to 23, got 11'),
        ({'exporter': 'tf'}, r"exporter must be one of \('auto', .*, got 'tf'"),
    ],
)
def test_wrong_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        export(make_graph(), **settings)


@pytest.mark.parametrize('head', HEADS)
def test_opencv_runs_it(head, tmp_path):
    graph = make_graph('OCECConvNeXt', head, 'ArcFace')
    file = tmp_path / 'eye.onnx'
    onnx.save(export(graph), file)
    images = make_images(2)
    answer = run_opencv(file, [image[None] for image in images])
    assert answer.problem is None
    with torch.no_grad():
        expected_B = graph(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(answer.prob_N, expected_B, atol=1e-5)
