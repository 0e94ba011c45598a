import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, numpy_helper
from torch import nn

from ocec.export.precision import to_fp16, to_int8
from ocec.export.to_onnx import to_onnx


class Net(nn.Module):
    """Normalisation, two convolutions of unlike channels, a probability."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU()
        )
        self.last = nn.Linear(8, 1)
        with torch.no_grad():  # channels that one common scale could not hold
            self.net[0].weight *= torch.logspace(-2, 1, 8).view(-1, 1, 1, 1)

    def forward(self, images):
        x_BC = self.net((images - 120) / 45).mean(dim=(2, 3))
        return self.last(x_BC)[:, 0].sigmoid()


@pytest.fixture(scope='module')
def network():
    example = torch.zeros(1, 3, 8, 8)
    return to_onnx(Net(), example, exporter='torchscript', log=len)


def make_images(count, seed=0):
    rng = np.random.default_rng(seed)
    level_B = rng.uniform(0, 255, (count, 1, 1, 1))
    noise = rng.normal(0, 30, (count, 3, 8, 8))
    return (level_B + noise).clip(0, 255).astype(np.float32)


def run(model, images):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {'images': images})[0]


def types(model):
    return {t.name: t.data_type for t in model.graph.initializer}


def test_fp16_keeps_inputs_outputs_and_normalisation(network):
    before = network.SerializeToString()
    model = to_fp16(network)
    onnx.checker.check_model(model, full_check=True)
    for value in (*model.graph.input, *model.graph.output):
        assert value.type.tensor_type.elem_type == TensorProto.FLOAT
    sizes = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    kernels = [array for array in sizes.values() if array.ndim == 4]
    assert {array.dtype for array in kernels} == {np.dtype(np.float16)}
    scalars = {a.item() for a in sizes.values() if a.size == 1 and a.dtype.itemsize > 2}
    assert {120.0, 45.0} <= scalars
    images = make_images(50)
    gap = np.abs(run(model, images) - run(network, images)).max()
    assert 0 < gap < 5e-3
    assert network.SerializeToString() == before


def test_int8_is_per_channel_and_near(network):
    before = network.SerializeToString()
    batches = [make_images(16, seed) for seed in range(4)]
    model = to_int8(network, batches)
    onnx.checker.check_model(model, full_check=True)
    kinds = [node.op_type for node in model.graph.node]
    assert 'QuantizeLinear' in kinds
    kernels = [t for t in model.graph.initializer if len(t.dims) == 4]
    assert {t.data_type for t in kernels} == {TensorProto.INT8}
    scales = [t for t in model.graph.initializer if t.name.endswith('weight_scale')]
    assert [list(t.dims) for t in scales][:2] == [[8], [8]]
    images = make_images(200, seed=9)
    gap_N = np.abs(run(model, images) - run(network, images))
    assert 0 < gap_N.max() < 0.05
    assert network.SerializeToString() == before


def test_int8_needs_images(network):
    with pytest.raises(ValueError, match='int8 needs calibration images, got none'):
        to_int8(network, [])
