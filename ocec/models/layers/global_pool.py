"""Pooling of a whole feature map. Shapes: B images, C channels, H x W cells."""

from torch import Tensor


def global_mean(x_BCHW: Tensor) -> Tensor:
    """Average the cells of each channel.

    The map is permuted first: the gradient of ``mean((2, 3))`` is contiguous as NCHW,
    and every convolution before it then works on a copied layout (baseline, batch 256
    at 32x64, bfloat16, one core of an AMD EPYC: 108 ms a step against 97 ms).

    Args:
        x_BCHW: (B, C, H, W), best in channels_last memory.

    Returns:
        (B, C).

    Example:
        >>> import torch
        >>> global_mean(torch.tensor([[[[1.0, 3.0]]]]))
        tensor([[2.]])
    """
    return x_BCHW.permute(0, 2, 3, 1).mean(dim=(1, 2))


def global_max(x_BCHW: Tensor) -> Tensor:
    """Take the largest cell of each channel; laid out as in :func:`global_mean`.

    Args:
        x_BCHW: (B, C, H, W), best in channels_last memory.

    Returns:
        (B, C); cells of one value share the gradient.

    Example:
        >>> import torch
        >>> global_max(torch.tensor([[[[1.0, 3.0]]]]))
        tensor([[3.]])
    """
    return x_BCHW.permute(0, 2, 3, 1).amax(dim=(1, 2))
