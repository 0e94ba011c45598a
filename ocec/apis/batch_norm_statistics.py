"""Statistics of batch norms, measured anew for weights that were never trained."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.data import Dataset

BATCH_SIZE = 256


@torch.no_grad()
def estimate_batch_norm(model: nn.Module, batches: Iterable[dict]) -> int:
    """Replace running means and variances by those over some batches.

    Everything else is in evaluation mode: no dropout, no augmentation.

    Args:
        model: changed in place; afterwards in evaluation mode.
        batches: as the model's ``data_preprocessor`` takes them.

    Returns:
        How many batch norms there are; with none nothing is read.

    Source:
        Izmailov et al., Averaging Weights Leads to Wider Optima and Better
        Generalization, 2018, arXiv:1803.05407, section 3.2.
    """
    model.eval()
    norms = [
        module
        for module in model.modules()
        if isinstance(module, _BatchNorm) and module.track_running_stats
    ]
    if not norms:
        return 0
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over batches, all weighing the same
        norm.train()
    for batch in batches:
        data = model.data_preprocessor(batch, False)
        model(data['inputs'], mode='tensor')
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.eval()
    return len(norms)


def even_batches(datasets: Sequence[Dataset], *, seed: int = 0) -> Iterator[dict]:
    """Draw batches that hold equally many images of each dataset.

    Statistics of one data set alone would be wrong for the other.

    Args:
        datasets: whose ``__getitems__`` returns finished batches; of each as many are
            drawn as the smallest has, none twice.
        seed: of the draws.

    Yields:
        ``inputs``: (B, C, H, W) of all, at most ``BATCH_SIZE`` of each.
    """
    generator = torch.Generator().manual_seed(seed)
    num = min(map(len, datasets))
    drawn = [torch.randperm(len(d), generator=generator)[:num] for d in datasets]
    for places in torch.arange(num).split(BATCH_SIZE):
        parts = [
            dataset.__getitems__(index[places].tolist())['inputs']
            for dataset, index in zip(datasets, drawn, strict=True)
        ]
        yield {'inputs': torch.cat(parts), 'data_samples': None}
