import pytest
import torch

from ocec.models.layers import ClipSqueezeExcite


@pytest.mark.parametrize(
    ('channels', 'hidden'), [(8, 8), (54, 8), (108, 8), (216, 16), (432, 32)]
)
def test_hidden_channels_are_those_of_the_original(channels, hidden):
    layer = ClipSqueezeExcite(channels)
    count = sum(p.numel() for p in layer.parameters())
    assert count == channels * hidden * 2 + hidden + channels


def test_gate_sees_the_whole_clip_and_no_other():
    torch.manual_seed(0)
    layer = ClipSqueezeExcite(6).double()
    x = torch.rand(2, 3, 6, 4, 5, dtype=torch.float64)
    found = layer(x.flatten(0, 1), 3).view_as(x)
    first, _, second, _ = layer.gate
    for clip in range(2):
        mean = torch.stack([x[clip, :, c].mean() for c in range(6)])
        hidden = (first.weight[:, :, 0, 0] @ mean + first.bias).relu()
        gate = (second.weight[:, :, 0, 0] @ hidden + second.bias).sigmoid()
        expected = x[clip] * gate[None, :, None, None]
        torch.testing.assert_close(found[clip], expected, rtol=0, atol=1e-12)
