"""From a feature map to a few tokens. Shapes: B images, C channels, H x W cells."""

from torch import Tensor, nn
from torch.nn import functional as F

from ocec.functional.token_grid import check_grid, nearest_grid


class TokenPool(nn.Module):
    """Average the cells of a feature map into a grid of T tokens.

    The kernel is fixed when it is built, so that exporters see a plain average pool.

    Args:
        feature_size: (H, W) of the feature map.
        grid: (rows, columns) of tokens, which must divide the map; None takes the
            one nearest to 2x4.

    Raises:
        ValueError: the grid does not divide the map.
    """

    def __init__(
        self, feature_size: tuple[int, int], grid: tuple[int, int] | None = None
    ) -> None:
        super().__init__()
        self.grid = nearest_grid(feature_size) if grid is None else tuple(grid)
        check_grid(self.grid, feature_size)
        self.feature_size = tuple(feature_size)
        self.kernel_size = (
            feature_size[0] // self.grid[0],
            feature_size[1] // self.grid[1],
        )
        self.num_tokens = self.grid[0] * self.grid[1]

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return (B, T, C), the tokens in row-major order.

        Args:
            x_BCHW: a map of the size that the pool was built for.

        Returns:
            (B, T, C).

        Raises:
            ValueError: a map of another size.
        """
        if tuple(x_BCHW.shape[2:]) != self.feature_size:
            raise ValueError(
                'the head was built for feature maps of '
                f'{self.feature_size[0]}x{self.feature_size[1]} cells, got '
                f'{x_BCHW.shape[2]}x{x_BCHW.shape[3]}: model.input_size must be the '
                'size of the images'
            )
        return F.avg_pool2d(x_BCHW, self.kernel_size).flatten(2).transpose(1, 2)
