"""One set of batch-norm statistics on all ranks."""

from __future__ import annotations

import torch
from mmengine.dist import all_reduce, get_world_size
from torch import nn


@torch.no_grad()
def average_buffers(module: nn.Module) -> None:
    """Replace every float buffer by its mean over the ranks.

    Each rank's batch norm has seen other images. Without this, each rank validates
    another model, and none of them is the one that is saved.

    Args:
        module: changed in place; on one rank nothing happens.
    """
    if get_world_size() == 1:
        return
    buffers = [b for b in module.buffers() if b.is_floating_point() and b.numel()]
    if not buffers:
        return
    flat = torch.cat([buffer.flatten().float() for buffer in buffers])
    all_reduce(flat, op='mean')
    for buffer, mean in zip(
        buffers, flat.split([b.numel() for b in buffers]), strict=True
    ):
        buffer.copy_(mean.view_as(buffer))
