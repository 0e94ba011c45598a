"""Nearest neighbours of embeddings. Shapes: N samples, K queries, M neighbours."""

from __future__ import annotations

import numpy as np

# numbers of similarity in memory at once: 64 MiB
MAX_BLOCK = 1 << 24


def nearest_neighbours(
    embedding_ND: np.ndarray, query_K: np.ndarray, *, num: int = 6
) -> tuple[np.ndarray, np.ndarray]:
    """Find the samples whose embeddings point most nearly the same way.

    Args:
        embedding_ND: (N, D) embeddings; one of length zero is like no other.
        query_K: (K,) indices of the samples whose neighbours are wanted.
        num: neighbours of each, >= 1; fewer where there are not so many samples.

    Returns:
        (K, M) int64 indices, the nearest first and of equals the first, the sample
        itself left out, and (K, M) float32 cosine similarity in [-1, 1];
        M = min(num, N - 1).

    Raises:
        ValueError: the embeddings are not (N, D), a query is out of range, or ``num``
            is below 1.

    Example:
        >>> x_ND = np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 0.3]])
        >>> index, cosine = nearest_neighbours(x_ND, np.array([0]), num=1)
        >>> index.tolist(), cosine.round(3).tolist()
        ([[2]], [[0.9950000047683716]])
    """
    if np.ndim(embedding_ND) != 2:
        raise ValueError(f'embeddings must be (N, D), got {np.shape(embedding_ND)}')
    if num < 1:
        raise ValueError(f'num must be >= 1, got {num}')
    num_samples, query_K = len(embedding_ND), np.asarray(query_K, np.int64)
    if len(query_K) and not 0 <= query_K.min() <= query_K.max() < num_samples:
        raise ValueError(
            f'queries must be in [0, {num_samples}), got {query_K.min()} to '
            f'{query_K.max()}'
        )
    unit_ND = _unit(np.asarray(embedding_ND, np.float32))
    num = min(num, max(num_samples - 1, 0))
    index_KM = np.empty((len(query_K), num), np.int64)
    cosine_KM = np.empty((len(query_K), num), np.float32)
    step = max(1, MAX_BLOCK // max(1, num_samples))
    for start in range(0, len(query_K), step):
        rows = slice(start, start + step)
        cosine_BN = unit_ND[query_K[rows]] @ unit_ND.T
        cosine_BN[np.arange(len(cosine_BN)), query_K[rows]] = -np.inf
        index_KM[rows] = _largest(cosine_BN, num)
        cosine_KM[rows] = np.take_along_axis(cosine_BN, index_KM[rows], axis=1)
    return index_KM, cosine_KM.clip(-1, 1)


def _unit(x_ND: np.ndarray) -> np.ndarray:
    length_N1 = np.linalg.norm(x_ND, axis=1, keepdims=True)
    return np.divide(x_ND, length_N1, out=np.zeros_like(x_ND), where=length_N1 > 0)


def _largest(x_BN: np.ndarray, num: int) -> np.ndarray:
    """Places of the largest of each row, largest first, of equals the first."""
    if num < x_BN.shape[1] - 1:
        found_BM = np.sort(np.argpartition(-x_BN, num, axis=1)[:, :num], axis=1)
    else:
        found_BM = np.broadcast_to(np.arange(x_BN.shape[1]), x_BN.shape)
    order = np.argsort(-np.take_along_axis(x_BN, found_BM, 1), axis=1, kind='stable')
    return np.take_along_axis(found_BM, order, axis=1)[:, :num]
