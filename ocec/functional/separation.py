"""How well two classes lie apart. Arrays in, numbers out.

Shapes: N samples, D features.
"""

import numpy as np


def fisher_ratio(features_ND: np.ndarray, labels_N: np.ndarray) -> float:
    """Squared distance of the class means over the sum of the class variances.

    ``|mu_1 - mu_0|^2 / (s_0^2 + s_1^2)`` with s_c^2 the mean squared distance of a
    class from its mean: the trace form, on features scaled to length 1, so that it
    changes neither with the scale of a network nor with that of a single sample.

    Args:
        features_ND: (N, D) embeddings.
        labels_N: (N,) 1 open, 0 closed.

    Returns:
        >= 0; nan when a class is missing; inf when both classes are points apart.

    Raises:
        ValueError: the shapes do not fit.

    Source:
        Fisher, 1936; trace criterion of Fukunaga, Introduction to Statistical Pattern
        Recognition, 1990, section 10.2, for two classes of equal weight.

    Example:
        >>> x = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
        >>> fisher_ratio(x, np.array([1, 1, 0, 0]))
        2.0
    """
    if features_ND.ndim != 2 or labels_N.shape != (len(features_ND),):
        raise ValueError(
            'features must be (N, D) and labels (N,), got '
            f'{features_ND.shape} and {labels_N.shape}'
        )
    features_ND = features_ND.astype(np.float64)
    lengths_N1 = np.linalg.norm(features_ND, axis=1, keepdims=True)
    # an embedding of zeros has no direction and stays at the origin
    unit_ND = np.divide(
        features_ND, lengths_N1, out=np.zeros_like(features_ND), where=lengths_N1 > 0
    )
    closed_ND, open_ND = unit_ND[labels_N == 0], unit_ND[labels_N == 1]
    if not len(closed_ND) or not len(open_ND):
        return float('nan')
    between = np.square(open_ND.mean(axis=0) - closed_ND.mean(axis=0)).sum()
    within = sum(x_ND.var(axis=0).sum() for x_ND in (closed_ND, open_ND))
    if within == 0:
        return float('inf') if between > 0 else float('nan')
    return float(between / within)
