"""Embeddings laid out in a plane.

Shapes: N samples, D features, K components, M samples drawn.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

# scikit-learn's perplexity; it must be below the number of samples
PERPLEXITY = 30


class Projection(NamedTuple):
    """Points of a projection.

    Args:
        point_NK: (N, K) float64 coordinates.
        share_K: (K,) float64 share of the variance of each axis, in [0, 1].
    """

    point_NK: np.ndarray
    share_K: np.ndarray


def project_pca(embedding_ND: np.ndarray, *, num_components: int = 2) -> Projection:
    """Project onto the directions of largest variance.

    The sign of each axis is such that its largest weight is positive, so that two
    epochs of a run can be compared.

    Args:
        embedding_ND: (N, D) embeddings, N >= 1.
        num_components: K, > 0; axes beyond D are zeros.

    Returns:
        The points, centred, and the shares; zeros where nothing varies.

    Raises:
        ValueError: the shape is wrong, or there is no sample.
    """
    _check(embedding_ND)
    centred_ND = embedding_ND.astype(np.float64)
    centred_ND -= centred_ND.mean(axis=0)
    variance_D, axis_DD = np.linalg.eigh(centred_ND.T @ centred_ND / len(centred_ND))
    # eigh sorts upwards
    axis_DK = axis_DD[:, ::-1][:, :num_components]
    variance_K = variance_D[::-1][:num_components].clip(min=0)
    weight_K = axis_DK[np.abs(axis_DK).argmax(axis=0), range(axis_DK.shape[1])]
    point_NK = centred_ND @ (axis_DK * np.sign(weight_K))
    total = variance_D.clip(min=0).sum()
    share_K = variance_K / total if total > 0 else np.zeros_like(variance_K)
    missing = num_components - point_NK.shape[1]
    return Projection(
        np.pad(point_NK, ((0, 0), (0, missing))), np.pad(share_K, (0, missing))
    )


def project_tsne(embedding_ND: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """Lay neighbours side by side with t-SNE; distances between clusters mean little.

    The global random generators are not touched.

    Args:
        embedding_ND: (N, D) embeddings, N >= 3; draw thousands, not more: 2,000 of
            128 features take 7.5 s on one core.
        seed: the same seed gives the same picture.

    Returns:
        (N, 2) float64 coordinates; zeros where nothing varies.

    Raises:
        ImportError: scikit-learn is not installed.
        ValueError: the shape is wrong, or there are fewer than 3 samples.

    Source:
        van der Maaten and Hinton, Visualizing Data using t-SNE, JMLR 9, 2008.
    """
    _check(embedding_ND, at_least=3)
    try:
        from sklearn.manifold import TSNE
    except ImportError as error:
        raise ImportError(
            't-SNE needs scikit-learn: pip install "ocec[report]"'
        ) from error
    embedding_ND = embedding_ND.astype(np.float32)
    if not np.ptp(embedding_ND, axis=0).any():
        # scikit-learn would divide by zero and crash the process
        return np.zeros((len(embedding_ND), 2))
    perplexity = min(PERPLEXITY, (len(embedding_ND) - 1) / 3)
    # one feature has no second axis to start from
    start = 'pca' if embedding_ND.shape[1] > 1 else 'random'
    tsne = TSNE(init=start, perplexity=perplexity, random_state=seed)
    return tsne.fit_transform(embedding_ND).astype(np.float64)


def draw_samples(num: int, num_wanted: int, *, seed: int = 0) -> np.ndarray:
    """Draw some of N samples, the same ones for the same seed.

    Args:
        num: N, >= 0.
        num_wanted: how many at most, >= 0.
        seed: of the draw.

    Returns:
        (M,) int64 rising indices, M = min(num, num_wanted).
    """
    if num <= num_wanted:
        return np.arange(num)
    return np.sort(np.random.default_rng(seed).permutation(num)[:num_wanted])


def _check(embedding_ND: np.ndarray, at_least: int = 1) -> None:
    if embedding_ND.ndim != 2 or len(embedding_ND) < at_least:
        raise ValueError(
            f'embeddings must be (N, D) with N >= {at_least}, got {embedding_ND.shape}'
        )
