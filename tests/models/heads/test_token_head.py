import pytest
import torch
from torch import nn

from ocec.models.heads.token_head import TokenHead


class Doubling(TokenHead):
    """Its layers double every token."""

    def __init__(self, in_channels=6, **kwargs):
        settings = dict(
            feature_size=(4, 8), token_grid=None, dropout=0.0, loss=None, margin=None
        )
        super().__init__(in_channels, 1, **{**settings, **kwargs})
        self.layers = nn.Module()
        self.layers.forward = lambda tokens: 2 * tokens


def test_the_embedding_is_the_normed_mean_token():
    feat = torch.randn(3, 6, 4, 8)
    expected = nn.functional.layer_norm(2 * feat.mean(dim=(2, 3)), (6,))
    torch.testing.assert_close(Doubling().embed((feat,)), expected)


def test_an_unknown_map_is_refused():
    message = (
        r'Doubling must know the size of the feature map: set '
        r'model.input_size=\(height, width\) of the images, or '
        'model.head.feature_size'
    )
    with pytest.raises(ValueError, match=message):
        Doubling(feature_size=None)


def test_a_grid_that_does_not_divide_is_refused():
    with pytest.raises(
        ValueError, match='Grids that would fit: 1x1, 1x2, 1x4, 1x8, 2x1'
    ):
        Doubling(token_grid=(2, 3))
