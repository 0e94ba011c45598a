"""Moving average of a model: parameters and buffers, with a ramped decay."""

from __future__ import annotations

import copy

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

    def decay_at(self, num_updates: int) -> float:
        """Return the decay of the update after ``num_updates`` others."""
        return min(self.decay, (1 + num_updates) / (10 + num_updates))

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Move the average towards a model.

        Args:
            model: the model as it is now; same architecture.
        """
        floats, live_floats = [], []
        state = model.state_dict()
        for name, averaged in self.module.state_dict().items():
            live = state[name].detach()
            if averaged.is_floating_point():
                floats.append(averaged)
                live_floats.append(live)
            else:  # a counter has no average
                averaged.copy_(live)
        weight = 1 - self.decay_at(self._num_updates)
        torch._foreach_lerp_(floats, live_floats, weight)
        self._num_updates += 1
        self.steps.fill_(self._num_updates)

    def _load_from_state_dict(self, state_dict, prefix, *args) -> None:
        super()._load_from_state_dict(state_dict, prefix, *args)
        self._num_updates = int(self.steps)
