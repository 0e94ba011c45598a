import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from ocec.functional.split_clusters import connected_clusters


@pytest.mark.parametrize('seed', range(20))
def test_clusters_are_those_of_scipy(seed):
    rng = np.random.default_rng(seed)
    num_rows, num_pairs = int(rng.integers(1, 300)), int(rng.integers(0, 300))
    pairs = rng.integers(0, num_rows, (num_pairs, 2))
    ours = connected_clusters(num_rows, pairs)
    links = coo_matrix((np.ones(num_pairs), pairs.T), shape=(num_rows, num_rows))
    _, theirs = connected_components(links, directed=False)
    smallest = {code: np.flatnonzero(theirs == code)[0] for code in np.unique(theirs)}
    assert ours.tolist() == [smallest[code] for code in theirs]


def test_a_long_chain_is_one_cluster():
    # 100,000 frames, each like the next, in random order
    order = np.random.default_rng(0).permutation(100_000)
    clusters = connected_clusters(100_000, np.stack([order[:-1], order[1:]], axis=1))
    assert (clusters == 0).all()


def test_no_pairs_leave_all_alone():
    assert connected_clusters(3, np.zeros((0, 2), np.int64)).tolist() == [0, 1, 2]
    assert len(connected_clusters(0, np.zeros((0, 2), np.int64))) == 0


@pytest.mark.parametrize('pair', [[0, 3], [-1, 0]])
def test_foreign_rows_are_refused(pair):
    with pytest.raises(ValueError, match=rf'in \[0, 3\), got {pair[0]} to {pair[1]}'):
        connected_clusters(3, np.array([pair]))
