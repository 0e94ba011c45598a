"""Groups where nobody noted any: what is linked by pairs belongs together.

Shapes: N rows, P pairs.
"""

import numpy as np


def connected_clusters(num_rows: int, pair_P2: np.ndarray) -> np.ndarray:
    """Number the clusters that pairs of rows form, directly or through others.

    Every row takes the smallest number among its neighbours, and then the number that
    this one has by now, until nothing changes: the rounds needed grow with the
    logarithm of the longest chain, as of the frames of a video.

    Args:
        num_rows: N >= 0.
        pair_P2: (P, 2) int64 row numbers in [0, N), in any order.

    Returns:
        (N,) int64: the smallest row number of the cluster of each row.

    Raises:
        ValueError: a row number is out of range.

    Example:
        >>> connected_clusters(5, np.array([[3, 1], [3, 4]])).tolist()
        [0, 1, 2, 1, 1]
    """
    pair_P2 = np.asarray(pair_P2, np.int64).reshape(-1, 2)
    if pair_P2.size and not 0 <= pair_P2.min() <= pair_P2.max() < num_rows:
        raise ValueError(
            f'pairs must name rows in [0, {num_rows}), got {pair_P2.min()} to '
            f'{pair_P2.max()}'
        )
    root_N = np.arange(num_rows)
    first_P, second_P = pair_P2.T
    while True:
        low_P = np.minimum(root_N[first_P], root_N[second_P])
        before_N = root_N.copy()
        # the roots themselves take the smaller number, and with them all they stand for
        np.minimum.at(root_N, before_N[first_P], low_P)
        np.minimum.at(root_N, before_N[second_P], low_P)
        while not np.array_equal(root_N, root_N[root_N]):
            root_N = root_N[root_N]
        if np.array_equal(root_N, before_N):
            return root_N
