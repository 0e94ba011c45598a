"""Scores of some samples in the middle of a run. Shapes: M samples drawn."""

from __future__ import annotations

import numpy as np
import torch
from mmengine.model import is_model_wrapper
from torch import nn
from torch.utils.data import DataLoader, Subset

from ocec.structures import BatchScores


def score_samples(
    model: nn.Module, loader: DataLoader, index_M: np.ndarray
) -> dict[str, np.ndarray]:
    """Score samples as validation does: no augmentation, no random number drawn.

    Args:
        model: as the runner holds it; left in the mode that it was in.
        loader: tells dataset, collate function and size of a batch.
        index_M: (M,) indices into its dataset, M > 0.

    Returns:
        Fields of :class:`BatchScores` as arrays, in the order of ``index_M``.
    """
    model = model.module if is_model_wrapper(model) else model
    was_training = model.training
    model.eval()
    batches = DataLoader(
        Subset(loader.dataset, index_M.tolist()),
        batch_size=loader.batch_sampler.batch_size,
        collate_fn=loader.collate_fn,
        generator=torch.Generator(),  # or starting to read would draw a global number
    )
    scored: list[BatchScores] = []
    with torch.no_grad():
        for batch in batches:
            scored += model.val_step(batch)
    model.train(was_training)
    fields = [name for name, value in vars(scored[0]).items() if value is not None]
    return {
        field: torch.cat([getattr(scores, field) for scores in scored]).cpu().numpy()
        for field in fields
    }
