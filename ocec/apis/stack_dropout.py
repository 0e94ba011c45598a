"""Monte Carlo dropout: several passes with dropout, and nothing else, switched on.

Shapes: N rows, B in a batch, T passes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from mmengine.config import Config
from mmengine.device import get_device
from torch import nn
from torch.utils.data import Dataset

from ocec.engine.runner import Runner
from ocec.registry import MODELS

DROPOUT = (
    nn.Dropout,
    nn.Dropout1d,
    nn.Dropout2d,
    nn.Dropout3d,
    nn.AlphaDropout,
    nn.FeatureAlphaDropout,
)


def dropout_scores(
    cfg: Config, weights: dict, dataset: Dataset, *, num_passes: int, seed: int
) -> dict[str, np.ndarray]:
    """Score a data set several times with random dropout.

    Args:
        cfg: with ``model`` and ``test_dataloader``, as ``score_checkpoint`` ran it.
        weights: ``state_dict`` of the checkpoint.
        dataset: what to score.
        num_passes: T, >= 2.
        seed: of the dropout.

    Returns:
        ``prob`` (N,) mean of P(label 1) over the passes, ``spread`` (N,) its standard
        deviation (T - 1 in the denominator), ``sample_id`` (N,), sorted by it.

    Raises:
        ValueError: the model has no dropout.

    Source:
        Gal and Ghahramani, Dropout as a Bayesian Approximation, ICML 2016,
        arXiv:1506.02142.
    """
    with torch.random.fork_rng():  # building the model draws its weights
        model = MODELS.build(cfg.model).to(get_device())
    names = {name.removeprefix('module.'): value for name, value in weights.items()}
    model.load_state_dict(names, strict=False)  # score_checkpoint has compared them
    loader = Runner.build_dataloader({**cfg.test_dataloader, 'dataset': dataset}, seed)
    parts = []
    with torch.random.fork_rng(), torch.no_grad(), dropout_only(model):
        torch.manual_seed(seed)
        for batch in loader:
            prob_TB = torch.stack(
                [model.test_step(batch)[0].prob_B for _ in range(num_passes)]
            ).double()
            id_B = batch['data_samples'].sample_id_B
            parts.append((id_B, prob_TB.mean(0), prob_TB.std(0)))
    id_N, prob_N, spread_N = (
        torch.cat(column).cpu().numpy() for column in zip(*parts, strict=True)
    )
    order = np.argsort(id_N, kind='stable')
    return {
        'prob': prob_N[order],
        'spread': spread_N[order],
        'sample_id': id_N[order],
    }


@contextmanager
def dropout_only(model: nn.Module) -> Iterator[None]:
    """Switch dropout layers to training; all others, batch norm above all, stay.

    Args:
        model: is in eval mode afterwards.

    Yields:
        nothing.

    Raises:
        ValueError: there is no dropout layer with a probability above 0.
    """
    model.eval()
    layers = [m for m in model.modules() if isinstance(m, DROPOUT) and m.p > 0]
    if not layers:
        raise ValueError(
            'mc_dropout: the model has no dropout layer with p > 0, so all passes '
            'would be equal'
        )
    # the fused encoder layer of torch skips the dropout inside it
    was_fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        for layer in layers:
            layer.train()
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(was_fused)
        model.eval()
