"""Optim wrappers that know the gradient norm, and mixed precision on any device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.device import get_device
from mmengine.optim import OptimWrapper as MMEngineOptimWrapper
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_, clip_grad_value_, get_total_norm

from ocec.engine.step_guard import StepGuard
from ocec.registry import OPTIM_WRAPPERS

AMP_DTYPES = {'bfloat16': torch.bfloat16, 'float16': torch.float16}


@OPTIM_WRAPPERS.register_module()
class OptimWrapper(MMEngineOptimWrapper):
    """mmengine's wrapper; the gradient norm is measured even without clipping.

    mmengine's own waits for the device at every step to log the norm as a float;
    here it stays a tensor, ``grad_norm``, that the logger reads when it logs.

    Args:
        optimizer: the optimizer.
        accumulative_counts: batches whose gradients make one step, >= 1.
        clip_grad: ``dict(max_norm=...)`` or ``dict(type='value', clip_value=...)``.
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        accumulative_counts: int = 1,
        clip_grad: dict | None = None,
    ) -> None:
        # a copy: mmengine takes the type out of the dict it is given
        clip_grad = None if clip_grad is None else dict(clip_grad)
        super().__init__(optimizer, accumulative_counts, clip_grad)
        if clip_grad is None:  # mmengine leaves the attribute out then
            self.clip_func = None
        #: norm over all gradients of the last step, before clipping
        self.grad_norm: Tensor | None = None
        #: leaves out steps whose gradients are not finite; set by NonFiniteHook
        self.guard: StepGuard | None = None

    @property
    def has_left_out_step(self) -> bool:
        """Whether the last step is known to be left out."""
        return self.guard is not None and self.guard.has_left_out

    def update_params(
        self,
        loss: Tensor,
        step_kwargs: dict | None = None,
        zero_kwargs: dict | None = None,
    ) -> None:
        """Propagate the loss; make a step when enough batches are accumulated.

        Args:
            loss: scalar.
            step_kwargs: of ``step``.
            zero_kwargs: of ``zero_grad``.
        """
        if self.guard is not None:
            loss = self.guard.watch_loss(loss)
        super().update_params(loss, step_kwargs, zero_kwargs)

    def initialize_count_status(
        self, model: nn.Module, init_counts: int, max_counts: int
    ) -> None:
        """Count on from a resumed iteration.

        Args:
            model: the model.
            init_counts: iterations trained.
            max_counts: iterations of the whole run.
        """
        # mmengine warns of lost gradients, which our checkpoints hold
        super().initialize_count_status(model, 0, max_counts)
        self._inner_count = init_counts

    def step(self, **kwargs: Any) -> None:
        """Measure the gradient norm, clip, update the parameters.

        Args:
            **kwargs: passed to the optimizer's ``step``.
        """
        self._measure_and_clip()
        if self._is_allowed():
            self.optimizer.step(**kwargs)

    def _is_allowed(self, *, has_scaler: bool = False) -> bool:
        return self.guard is None or self.guard.allows(
            self.optimizer, self.grad_norm, has_scaler=has_scaler
        )

    def _measure_and_clip(self) -> None:
        params = [
            param
            for group in self.optimizer.param_groups
            for param in group['params']
            if param.grad is not None
        ]
        if self.clip_func is clip_grad_norm_:
            self.grad_norm = clip_grad_norm_(params, **self.clip_grad_kwargs)
            return
        self.grad_norm = get_total_norm([param.grad for param in params])
        if self.clip_func is clip_grad_value_:
            clip_grad_value_(params, **self.clip_grad_kwargs)


@OPTIM_WRAPPERS.register_module()
class AmpOptimWrapper(OptimWrapper):
    """Mixed precision on CPU and GPU.

    mmengine's own refuses to run without a GPU. On a CPU only bfloat16 is of use;
    float16 needs a loss scale, which bfloat16 does not.

    Args:
        optimizer: the optimizer.
        accumulative_counts: batches whose gradients make one step, >= 1.
        clip_grad: as in :class:`OptimWrapper`.
        dtype: ``bfloat16`` or ``float16``; by default bfloat16 where the device can,
            else float16.
        init_scale: first loss scale, of float16 only.

    Raises:
        ValueError: an unknown dtype, or float16 on a CPU.
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        accumulative_counts: int = 1,
        clip_grad: dict | None = None,
        *,
        dtype: str | None = None,
        init_scale: float = 65536.0,
    ) -> None:
        super().__init__(optimizer, accumulative_counts, clip_grad)
        self.device_type = get_device().split(':')[0]
        if dtype is None:
            dtype = 'bfloat16' if _has_bfloat16(self.device_type) else 'float16'
        if dtype not in AMP_DTYPES:
            raise ValueError(
                f'dtype must be one of {sorted(AMP_DTYPES)}, got {dtype!r}'
            )
        if dtype == 'float16' and self.device_type == 'cpu':
            raise ValueError("dtype 'float16' needs a GPU; use 'bfloat16' on a CPU")
        self.dtype = AMP_DTYPES[dtype]
        self.loss_scaler = torch.amp.GradScaler(
            self.device_type, init_scale=init_scale, enabled=dtype == 'float16'
        )

    def backward(self, loss: Tensor, **kwargs: Any) -> None:
        """Scale the loss and propagate.

        Args:
            loss: scalar.
            **kwargs: passed to ``Tensor.backward``.
        """
        self.loss_scaler.scale(loss).backward(**kwargs)
        self._inner_count += 1

    def step(self, **kwargs: Any) -> None:
        """Unscale, measure, clip, update; a step with inf gradients is left out.

        Args:
            **kwargs: passed to the optimizer's ``step``.
        """
        self.loss_scaler.unscale_(self.optimizer)
        self._measure_and_clip()
        if self._is_allowed(has_scaler=self.loss_scaler.is_enabled()):
            self.loss_scaler.step(self.optimizer, **kwargs)
        self.loss_scaler.update()

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Autocast, and hold back gradient exchange while accumulating.

        Args:
            model: the model, wrapped or not.

        Yields:
            nothing.
        """
        with (
            super().optim_context(model),
            torch.autocast(self.device_type, dtype=self.dtype),
        ):
            yield

    def state_dict(self) -> dict:
        """Return the optimizer's state and the loss scale."""
        return {**super().state_dict(), 'loss_scaler': self.loss_scaler.state_dict()}

    def load_state_dict(self, state_dict: dict) -> None:
        """Load what ``state_dict`` returned, or a state without a loss scale.

        Args:
            state_dict: of this class or of :class:`OptimWrapper`.
        """
        state_dict = dict(state_dict)
        scaler_state = state_dict.pop('loss_scaler', None)
        if scaler_state and self.loss_scaler.is_enabled():
            self.loss_scaler.load_state_dict(scaler_state)
        super().load_state_dict(state_dict)


def _has_bfloat16(device_type: str) -> bool:
    return device_type != 'cuda' or torch.cuda.is_bf16_supported(
        including_emulation=False
    )
