"""Grids of tokens that a feature map can be pooled to."""

# what the grid aims at: 32x64 images and a total stride of 8 give 4x8 cells
PREFERRED_GRID = (2, 4)


def divisors(number: int) -> list[int]:
    """Return the divisors of a number, ascending.

    Args:
        number: >= 1.

    Returns:
        From 1 to ``number``.

    Example:
        >>> divisors(6)
        [1, 2, 3, 6]
    """
    return [d for d in range(1, number + 1) if number % d == 0]


def nearest_grid(
    feature_size: tuple[int, int], preferred: tuple[int, int] = PREFERRED_GRID
) -> tuple[int, int]:
    """Return the grid nearest to the preferred one among those that divide a map.

    Args:
        feature_size: (rows, columns) of the feature map.
        preferred: (rows, columns) aimed at.

    Returns:
        (rows, columns); of two divisors equally near, the larger.

    Example:
        >>> nearest_grid((4, 8)), nearest_grid((3, 5)), nearest_grid((1, 2))
        ((2, 4), (3, 5), (1, 2))
    """
    rows, columns = (
        min(divisors(size), key=lambda d: (abs(d - aim), -d))
        for size, aim in zip(feature_size, preferred, strict=True)
    )
    return rows, columns


def check_grid(grid: tuple[int, int], feature_size: tuple[int, int]) -> None:
    """Refuse a grid that does not divide the feature map.

    Args:
        grid: (rows, columns) of tokens.
        feature_size: (rows, columns) of the feature map.

    Raises:
        ValueError: with all the grids that would fit.

    Example:
        >>> check_grid((2, 4), (4, 8))
    """
    rows, columns = feature_size
    if len(grid) == 2 and min(grid) > 0 and not (rows % grid[0] or columns % grid[1]):
        return
    fitting = ', '.join(f'{r}x{c}' for r in divisors(rows) for c in divisors(columns))
    raise ValueError(
        f'token_grid={tuple(grid)} does not divide the {rows}x{columns} feature map. '
        f'Grids that would fit: {fitting}. token_grid=None takes '
        f'{"x".join(map(str, nearest_grid(feature_size)))}'
    )
