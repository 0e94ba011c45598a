import pytest
import torch
from torch import nn

from ocec.models.layers.token_pool import TokenPool


def test_tokens_are_means_of_their_cells_row_by_row():
    x = torch.randn(2, 3, 4, 8, generator=torch.Generator().manual_seed(0))
    pool = TokenPool((4, 8))
    tokens = pool(x)
    assert pool.grid == (2, 4)
    assert pool.num_tokens == 8
    assert tokens.shape == (2, 8, 3)
    for row in range(2):
        for column in range(4):
            cells = x[:, :, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            torch.testing.assert_close(
                tokens[:, 4 * row + column], cells.mean(dim=(2, 3))
            )


@pytest.mark.parametrize('grid', [(1, 1), (4, 8), (2, 2)])
def test_an_explicit_grid_equals_adaptive_pooling(grid):
    x = torch.randn(2, 3, 4, 8)
    expected = nn.functional.adaptive_avg_pool2d(x, grid).flatten(2).transpose(1, 2)
    torch.testing.assert_close(TokenPool((4, 8), grid)(x), expected)


def test_a_grid_that_does_not_fit_is_refused_when_it_is_built():
    with pytest.raises(ValueError, match='does not divide the 4x8 feature map'):
        TokenPool((4, 8), (2, 3))


def test_a_map_of_another_size_is_refused():
    message = (
        'built for feature maps of 4x8 cells, got 3x5: model.input_size must be the '
        'size of the images'
    )
    with pytest.raises(ValueError, match=message):
        TokenPool((4, 8))(torch.zeros(1, 2, 3, 5))
