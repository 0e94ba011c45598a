import pytest

from ocec.functional.token_grid import check_grid, divisors, nearest_grid


@pytest.mark.parametrize('number', range(1, 40))
def test_divisors_equal_a_slow_loop(number):
    assert divisors(number) == [d for d in range(1, 41) if d * (number // d) == number]


@pytest.mark.parametrize(
    ('feature_size', 'grid'),
    [
        ((4, 8), (2, 4)),  # convnext, 32x64
        ((3, 5), (3, 5)),  # convnext, 24x40
        ((8, 16), (2, 4)),  # baseline, 32x64
        ((6, 10), (2, 5)),  # baseline, 24x40
        ((2, 4), (2, 4)),
        ((1, 2), (1, 2)),
        ((7, 13), (1, 1)),
    ],
)
def test_nearest_grid_by_hand(feature_size, grid):
    assert nearest_grid(feature_size) == grid
    check_grid(grid, feature_size)


def test_a_grid_that_does_not_divide_is_refused_with_those_that_do():
    message = (
        r'token_grid=\(2, 3\) does not divide the 4x8 feature map. Grids that would '
        'fit: 1x1, 1x2, 1x4, 1x8, 2x1, 2x2, 2x4, 2x8, 4x1, 4x2, 4x4, 4x8. '
        'token_grid=None takes 2x4'
    )
    with pytest.raises(ValueError, match=message):
        check_grid((2, 3), (4, 8))


@pytest.mark.parametrize('grid', [(0, 4), (-2, 4), (2,), (2, 4, 1), (8, 16)])
def test_what_is_no_grid_is_refused(grid):
    with pytest.raises(ValueError, match='does not divide the 4x8 feature map'):
        check_grid(grid, (4, 8))
