"""Gradient checkpointing: keep a block's input, compute its inside a second time."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


def checkpoint_block(block: nn.Module, x_BCHW: Tensor) -> Tensor:
    """Run a block without keeping its intermediate maps for the backward pass.

    They are computed again when the gradient needs them, with the same random draws
    (drop path, dropout). Batch norms count the batch once: the second run leaves
    their running statistics alone.

    Args:
        block: maps one tensor to one tensor.
        x_BCHW: its input.

    Returns:
        The output of ``block(x_BCHW)``.
    """

    def contexts() -> tuple[AbstractContextManager, AbstractContextManager]:
        return nullcontext(), keep_running_statistics(block)

    return checkpoint(
        block,
        x_BCHW,
        use_reentrant=False,
        preserve_rng_state=True,
        context_fn=contexts,
    )


@contextmanager
def keep_running_statistics(module: nn.Module) -> Iterator[None]:
    """Let batch norms in training mode leave their running statistics as they are.

    What they compute does not change: in training they normalise with the mean and
    variance of the batch.

    Args:
        module: holds the batch norms.

    Yields:
        Nothing; the updates are on again afterwards.
    """
    norms = [
        norm
        for norm in module.modules()
        if isinstance(norm, _BatchNorm) and norm.track_running_stats and norm.training
    ]
    buffers = [dict(norm.named_buffers(recurse=False)) for norm in norms]
    # updates go to copies; without statistics at all, other tensors would be saved
    # for the backward pass than in the first run, which checkpoint refuses
    for norm, kept in zip(norms, buffers, strict=True):
        for name, buffer in kept.items():
            setattr(norm, name, buffer.clone())
    try:
        yield
    finally:
        for norm, kept in zip(norms, buffers, strict=True):
            for name, buffer in kept.items():
                setattr(norm, name, buffer)
