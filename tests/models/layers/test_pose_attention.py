import pytest
import torch
from torch.nn import functional as F

from ocec.models.layers import PoseAttention


def make_layer(**kwargs):
    torch.manual_seed(0)
    layer = PoseAttention(**kwargs).double()
    torch.nn.init.constant_(layer.spatial[1].weight, 1.5)
    torch.nn.init.constant_(layer.spatial[1].bias, -0.25)
    return layer


def test_parameters_are_those_of_the_original():
    # 2 * 49 of the cells, 2 of the norm, 7 of the frames
    assert sum(p.numel() for p in PoseAttention().parameters()) == 107
    assert PoseAttention().spatial[1].momentum == 0.01


def test_weights_by_frames_written_out():
    layer = make_layer().eval()
    pose = torch.randn(2, 5, 4, 6, 6, dtype=torch.float64)
    found = layer.weights(pose)
    conv, norm = layer.spatial
    for clip in range(2):
        cells = []
        for t in range(4):
            frame = pose[clip, :, t]
            maps = torch.stack([frame.max(0).values, frame.sum(0) / 5])
            z = F.conv2d(maps[None], conv.weight, padding=3)[0, 0]
            z = (z - norm.running_mean) / (norm.running_var + 1e-5).sqrt()
            cells.append((z * norm.weight + norm.bias).sigmoid())
        means = F.pad(torch.stack([c.mean() for c in cells]), (3, 3))
        kernel = layer.temporal.weight[0, 0]
        for t in range(4):
            frame_weight = (means[t : t + 7] * kernel).sum().sigmoid()
            expected = cells[t] * frame_weight
            torch.testing.assert_close(found[clip, 0, t], expected, rtol=0, atol=1e-12)
    assert 0 < found.min() < found.max() < 1


def test_features_grow_by_their_weight():
    layer = make_layer().eval()
    rgb, pose = (torch.randn(2, c, 3, 4, 4, dtype=torch.float64) for c in (7, 5))
    expected = rgb + rgb * layer.weights(pose)
    torch.testing.assert_close(layer(rgb, pose), expected, rtol=0, atol=1e-12)


def test_both_streams_learn_through_it():
    layer = make_layer()
    rgb, pose = (
        torch.randn(2, c, 3, 4, 4, dtype=torch.float64, requires_grad=True)
        for c in (7, 5)
    )
    layer(rgb, pose).square().sum().backward()
    for x in (rgb, pose, *layer.parameters()):
        assert x.grad.abs().sum() > 0


def test_sizes_that_differ_are_refused():
    with pytest.raises(ValueError, match=r'got \(4, 7, 7\) and \(4, 8, 8\): the side'):
        PoseAttention()(torch.zeros(1, 3, 4, 7, 7), torch.zeros(1, 3, 4, 8, 8))


@pytest.mark.parametrize('name', ['kernel_size', 'temporal_kernel_size'])
def test_even_kernels_are_refused(name):
    with pytest.raises(ValueError, match='kernel sizes must be odd, got 4'):
        PoseAttention(**{name: 4})
