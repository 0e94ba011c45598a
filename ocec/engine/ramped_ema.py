"""Moving average of a model: parameters and buffers, with a ramped decay."""

from __future__ import annotations

import copy
import itertools

import torch
from torch import nn

from ocec.registry import MODELS


@MODELS.register_module()
class RampedEMA(nn.Module):
    """Exponential moving average whose decay grows with the number of updates.

    At update n (from 0) the decay is ``min(decay, (1 + n) / (10 + n))``, so that a
    short run is not validated on its initial weights: with a plain 0.999 after 100
    updates 90 % of the average is still the initial model. Buffers are averaged too:
    averaged weights with live batch-norm statistics are another model.

    Args:
        model: the model to average; copied.
        decay: final decay, in [0, 1).

    Raises:
        ValueError: ``decay`` is out of range.

    Source:
        The ramp: Abadi et al., TensorFlow, ``ExponentialMovingAverage(num_updates)``.
    """

    # mmengine's EMAHook asks whether buffers are swapped for validation
    update_buffers = True

    def __init__(self, model: nn.Module, *, decay: float = 0.999) -> None:
        super().__init__()
        if not 0 <= decay < 1:
            raise ValueError(f'decay must be in [0, 1), got {decay}')
        self.module = copy.deepcopy(model).requires_grad_(False)
        self.decay = decay
        self.register_buffer('steps', torch.tensor(0))
        self._num_updates = 0
        # not as an attribute of a module: the live model is no part of the average
        self.__dict__['_paired_model'] = None

    def decay_at(self, num_updates: int) -> float:
        """Return the decay of the update after ``num_updates`` others."""
        return min(self.decay, (1 + num_updates) / (10 + num_updates))

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Move the average towards a model.

        Args:
            model: the model as it is now; same architecture.
        """
        if self._paired_model is not model:
            self._pair_up(model)
        weight = 1 - self.decay_at(self._num_updates)
        averaged, live = _tensors(self._float_slots)
        torch._foreach_lerp_(averaged, live, weight)
        for averaged, live, name in self._counter_slots:  # a counter has no average
            averaged[name].copy_(live[name])
        self._num_updates += 1
        self.steps.fill_(self._num_updates)

    def _pair_up(self, model: nn.Module) -> None:
        """Find the places of each averaged tensor and its model, once per model.

        ``state_dict`` walks the modules in Python, half a millisecond at every step.
        """
        live_modules = dict(model.named_modules())
        by_tensor = {  # a tensor that two modules share is averaged once
            id(tensor): (
                getattr(module, table),
                getattr(live_modules[prefix], table),
                name,
            )
            for prefix, module in self.module.named_modules()
            for table in ('_parameters', '_buffers')
            for name, tensor in getattr(module, table).items()
            if tensor is not None and name not in module._non_persistent_buffers_set
        }
        slots = list(by_tensor.values())
        is_float = [own[name].is_floating_point() for own, _, name in slots]
        self._float_slots = list(itertools.compress(slots, is_float))
        self._counter_slots = [
            slot for slot, yes in zip(slots, is_float, strict=True) if not yes
        ]
        self.__dict__['_paired_model'] = model

    def _load_from_state_dict(self, state_dict, prefix, *args) -> None:
        super()._load_from_state_dict(state_dict, prefix, *args)
        self._num_updates = int(self.steps)


def _tensors(slots: list[tuple[dict, dict, str]]) -> tuple[list, list]:
    """Read the tensors as they are now: modules may put others in their place."""
    averaged = [own[name] for own, _, name in slots]
    live = [live[name] for _, live, name in slots]
    return averaged, live
