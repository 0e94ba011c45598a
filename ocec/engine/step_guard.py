"""Keeps numbers that are not finite out of the weights."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass
class WatchedBatch:
    """A batch that is trained on, and what is needed to train on it again.

    Args:
        epoch: from 1.
        step: from 1, counted over the epochs.
        data: as it came from the loader.
        rng: states of the random generators before the batch, see :func:`raw_states`.
        loss: scalar; None until it is computed.
    """

    epoch: int
    step: int
    data: dict
    rng: tuple
    loss: Tensor | None = None


@dataclass(frozen=True)
class BadStep:
    """An optimizer step that was left out.

    Args:
        batches: whose gradients were meant for it; several where they accumulate.
        steps_late: steps taken since, 0 or 1.
    """

    batches: list[WatchedBatch]
    steps_late: int


class StepGuard:
    """Leaves out optimizer steps whose gradients are not finite.

    What is looked at is the gradient norm, which is computed anyway. A loss that is
    not finite is made to have gradients that are not either. Ranks average their
    gradients, so what one rank has all ranks see, and they decide alike.

    On a CPU the norm is known at once. On a GPU a fused optimizer leaves the step out
    by itself, by the flag that loss scales use, and the host reads that flag while the
    next step is computed; an optimizer that cannot is waited for. Buffers, such as the
    statistics of batch norms, are put back to before the step.

    Args:
        model: the model, not wrapped.
        is_async: read the flag one step later; by default on a GPU.
    """

    def __init__(self, model: nn.Module, *, is_async: bool | None = None) -> None:
        self._model = model
        device = next(model.parameters()).device
        self.is_async = device.type != 'cpu' if is_async is None else is_async
        #: whether the last step is known to be left out
        self.has_left_out = False
        self._batches: list[WatchedBatch] = []
        self._bad: BadStep | None = None
        self._pending: tuple[list[WatchedBatch], _LateFlag] | None = None
        self._due: tuple[list[WatchedBatch], _LateFlag] | None = None
        self.find_buffers()

    def find_buffers(self) -> None:
        """List the buffers anew; modules may have put others in their place."""
        self._buffers = [b for b in self._model.buffers() if b.numel()]
        self._saved = [torch.empty_like(b) for b in self._buffers]

    @torch.no_grad()
    def begin(self, epoch: int, step: int, data: dict) -> None:
        """Note the batch that is trained on next.

        Args:
            epoch: from 1.
            step: from 1.
            data: the batch.
        """
        if not self._batches and self._buffers:
            torch._foreach_copy_(self._saved, self._buffers)
        self._batches.append(WatchedBatch(epoch, step, data, raw_states()))

    def watch_loss(self, loss: Tensor) -> Tensor:
        """Return the same loss, whose gradients are NaN if it is not finite.

        Args:
            loss: scalar.

        Returns:
            Scalar of the same value.
        """
        if self._batches:
            self._batches[-1].loss = loss.detach()
        if loss.device.type == 'cpu' and math.isfinite(loss.item()):
            return loss
        # times 1, or times NaN
        return loss * (loss.detach() * 0 + 1)

    @torch.no_grad()
    def allows(
        self,
        optimizer: torch.optim.Optimizer,
        grad_norm: Tensor,
        *,
        has_scaler: bool = False,
    ) -> bool:
        """Decide on a step.

        Args:
            optimizer: that will make it.
            grad_norm: scalar, over all gradients.
            has_scaler: a loss scale leaves out such steps by itself.

        Returns:
            Whether to call the optimizer or the scaler.
        """
        batches, self._batches = self._batches, []
        self._due, self._pending = self._pending, None
        self.has_left_out = False
        can_skip = getattr(optimizer, '_step_supports_amp_scaling', False)
        if batches and self.is_async and (has_scaler or can_skip):
            self._decide_on_device(batches, optimizer, grad_norm, has_scaler)
            return True
        if math.isfinite(grad_norm.item()):
            return True
        self.has_left_out = True
        if batches:  # not a step outside the loop
            self._bad = BadStep(batches, steps_late=0)
            # with a loss scale gradients overflow though the forward was finite
            is_spoiled = not has_scaler or not _sum_of_losses(batches).isfinite()
            if is_spoiled and self._buffers:
                torch._foreach_copy_(self._buffers, self._saved)
        return has_scaler

    def _decide_on_device(
        self,
        batches: list[WatchedBatch],
        optimizer: torch.optim.Optimizer,
        grad_norm: Tensor,
        has_scaler: bool,
    ) -> None:
        is_bad = spoils = ~grad_norm.isfinite()
        if has_scaler:
            spoils = is_bad & ~_sum_of_losses(batches).isfinite()
        else:
            optimizer.found_inf = is_bad.float()
        put_back_where(spoils, self._buffers, self._saved)
        self._pending = batches, _LateFlag(is_bad)

    def poll(self, *, is_last: bool = False) -> BadStep | None:
        """Return a step that was left out, once.

        Every rank gets the same answer at the same step.

        Args:
            is_last: no step follows: wait for the answer on the last one.

        Returns:
            On a CPU the step just made; on a GPU that before it.
        """
        late, steps = (self._pending, 0) if is_last else (self._due, 1)
        if is_last:
            self._pending = None
        self._due = None
        if late is not None and late[1].read():
            self._bad = BadStep(late[0], steps)
        bad, self._bad = self._bad, None
        return bad


@torch.no_grad()
def put_back_where(flag: Tensor, tensors: list[Tensor], saved: list[Tensor]) -> None:
    """Put tensors back if a flag on the device says so, without asking it.

    Of integers 0 times anything is 0, of floats 0 times NaN is NaN.

    Args:
        flag: scalar bool.
        tensors: changed in place.
        saved: what they were; same shapes and dtypes.
    """
    for integer in (torch.uint8, torch.int16, torch.int32, torch.int64):
        pairs = [
            (tensor.view(integer), old.view(integer))
            for tensor, old in zip(tensors, saved, strict=True)
            if tensor.itemsize == integer.itemsize
        ]
        if not pairs:
            continue
        now, old = (list(column) for column in zip(*pairs, strict=True))
        torch._foreach_sub_(now, old)
        torch._foreach_mul_(now, (~flag).to(integer))
        torch._foreach_add_(now, old)


def raw_states() -> tuple:
    """Return the states of Python's and torch's random generators, not to be saved.

    That of numpy takes longer to read than all the rest of the guard, and no model
    draws from it.
    """
    cuda = torch.cuda.get_rng_state() if torch.cuda.is_available() else None
    return random.getstate(), torch.get_rng_state(), cuda


def set_raw_states(states: tuple) -> None:
    """Put the random generators back.

    Args:
        states: what :func:`raw_states` returned.
    """
    python, cpu, cuda = states
    random.setstate(python)
    torch.set_rng_state(cpu)
    if cuda is not None:
        torch.cuda.set_rng_state(cuda)


class _LateFlag:
    """A flag on its way to the host."""

    def __init__(self, flag: Tensor) -> None:
        self._value, self._event = flag, None
        if flag.is_cuda:
            self._value = torch.empty_like(flag, device='cpu', pin_memory=True)
            self._value.copy_(flag, non_blocking=True)
            self._event = torch.cuda.Event()
            self._event.record()

    def read(self) -> bool:
        if self._event is not None:
            self._event.synchronize()
        return bool(self._value)


def _sum_of_losses(batches: list[WatchedBatch]) -> Tensor:
    return torch.stack([b.loss.float() for b in batches if b.loss is not None]).sum()
