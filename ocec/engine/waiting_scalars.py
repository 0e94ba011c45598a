"""Scalars that wait on a device, for a checkpoint: brought over in one go.

Shapes: N scalars.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def pack_scalars(scalars: Sequence[Tensor]) -> Tensor:
    """Bring scalars to the CPU.

    Args:
        scalars: N of them, on one device.

    Returns:
        (N,) float32.
    """
    if not scalars:
        return torch.empty(0)
    return torch.stack([scalar.detach().float() for scalar in scalars]).cpu()


def unpack_scalars(packed_N: Tensor | None, device: torch.device) -> list[Tensor]:
    """Take them apart again.

    Args:
        packed_N: (N,), or None for none.
        device: where to.

    Returns:
        N scalars.
    """
    return [] if packed_N is None else list(packed_N.to(device).unbind())
