"""Models on the straight line between two of one architecture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor


def interpolate_weights(
    state_a: Mapping[str, Tensor], state_b: Mapping[str, Tensor], alpha: float
) -> dict[str, Tensor]:
    """Return ``(1 - alpha) A + alpha B`` of weights and buffers.

    What is no floating-point number, such as the counter of a batch norm, is that of B.

    Args:
        state_a: name to tensor of model A.
        state_b: the same names and shapes, of model B.
        alpha: share of B, in [0, 1].

    Returns:
        Name to new tensor; at 0 and 1 exactly A and B.

    Raises:
        ValueError: ``alpha`` is out of range, or the models differ in names or shapes.

    Source:
        Wortsman et al., Robust fine-tuning of zero-shot models (WiSE-FT), 2022,
        arXiv:2109.01903.

    Example:
        >>> import torch
        >>> a, b = {'w': torch.tensor([0.0])}, {'w': torch.tensor([4.0])}
        >>> interpolate_weights(a, b, 0.25)
        {'w': tensor([1.])}
    """
    if not 0 <= alpha <= 1:
        raise ValueError(f'alpha must be in [0, 1], got {alpha}')
    _check_alike(state_a, state_b)
    return {
        name: state_a[name].lerp(b, alpha) if b.is_floating_point() else b.clone()
        for name, b in state_b.items()
    }


def choose_alpha(
    alphas: Sequence[float],
    metric_a: Sequence[float],
    metric_b: Sequence[float],
    *,
    weight_b: float = 0.5,
    keep_a: float | None = None,
) -> int:
    """Choose a model on the line by what it gives on two data sets.

    Args:
        alphas: share of B of each model, rising from 0.
        metric_a: of each model on the data of A; larger is better.
        metric_b: of each model on the data of B.
        weight_b: of B in the mean to be the highest, in [0, 1].
        keep_a: instead of that, the highest on B among those that give at most this
            much less on A than model A does, >= 0.

    Returns:
        The place in ``alphas``; of equally good ones that nearest to A.

    Raises:
        ValueError: a setting is out of range, or the first alpha is not 0.

    Example:
        >>> choose_alpha([0, 0.5, 1], [0.9, 0.89, 0.7], [0.6, 0.8, 0.9])
        1
    """
    if alphas[0] != 0:
        raise ValueError(f'the first alpha must be 0, model A, got {alphas[0]}')
    if not 0 <= weight_b <= 1:
        raise ValueError(f'weight_b must be in [0, 1], got {weight_b}')
    if keep_a is not None and not keep_a >= 0:
        raise ValueError(f'keep_a must be >= 0, got {keep_a}')
    places = list(range(len(alphas)))
    if keep_a is None:
        values = [
            (1 - weight_b) * a + weight_b * b
            for a, b in zip(metric_a, metric_b, strict=True)
        ]
    else:
        # rounding must not shut out what loses exactly as much
        least = metric_a[0] - keep_a - 1e-9
        places = [place for place in places if metric_a[place] >= least]
        values = metric_b
    return max(places, key=lambda place: (values[place], -place))


def _check_alike(state_a: Mapping[str, Tensor], state_b: Mapping[str, Tensor]) -> None:
    unlike = [
        name
        for name in {**state_a, **state_b}
        if name not in state_a
        or name not in state_b
        or state_a[name].shape != state_b[name].shape
    ]
    if unlike:
        shapes = (
            tuple(state[unlike[0]].shape) if unlike[0] in state else 'missing'
            for state in (state_a, state_b)
        )
        raise ValueError(
            f'A and B are no models of one architecture: {len(unlike)} tensors differ, '
            f'as {unlike[0]}: {" and ".join(map(str, shapes))}'
        )
