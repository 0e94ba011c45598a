"""A loss scale that falls and falls: something overflows at every step."""

from __future__ import annotations

from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from ocec.engine.non_finite_search import search
from ocec.engine.step_guard import WatchedBatch, raw_states, set_raw_states


class ScaleWatch:
    """Warns once of a loss scale that stays below a floor, with the cause.

    The scale is read once in ``steps`` steps, so that the device is hardly waited for.

    Args:
        floor: a scale below it is too low, > 0.
        steps: for so many, > 0.

    Raises:
        ValueError: an argument is not positive.
    """

    def __init__(self, floor: float, steps: int) -> None:
        for name, value in (('scale_floor', floor), ('scale_steps', steps)):
            if not value > 0:
                raise ValueError(f'{name} must be > 0, got {value}')
        self.floor = floor
        self.steps = steps
        self._was_low = self._has_warned = False
        self._overflow: WatchedBatch | None = None

    def note_overflow(self, batch: WatchedBatch) -> None:
        """Keep a batch whose gradients overflowed.

        Args:
            batch: the batch.
        """
        self._overflow = batch

    def after_step(self, runner: Runner, step: int) -> None:
        """Read the scale when it is time, and warn.

        Args:
            runner: the runner.
            step: from 1.
        """
        scaler = getattr(runner.optim_wrapper, 'loss_scaler', None)
        is_due = scaler is not None and scaler.is_enabled() and step % self.steps == 0
        if not is_due or self._has_warned:
            return
        scale = scaler.get_scale()
        is_low = scale < self.floor
        if is_low and self._was_low:
            self._has_warned = True
            self._warn(runner, scale)
        self._was_low = is_low

    def _warn(self, runner: Runner, scale: float) -> None:
        lines = [
            f'the loss scale is {scale:g}, below {self.floor:g} for {self.steps} '
            'steps: gradients overflow float16 at nearly every step, and small ones '
            'are lost. Use optim_wrapper.dtype="bfloat16", clip gradients, or lower '
            'the learning rate'
        ]
        if self._overflow is not None:
            lines += [f'  {line}' for line in self._cause(runner, scale)]
        runner.logger.warning('\n'.join(lines))

    def _cause(self, runner: Runner, scale: float) -> list[str]:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        before = raw_states()
        set_raw_states(self._overflow.rng)
        try:
            return search(
                model,
                self._overflow.data,
                context=lambda: runner.optim_wrapper.optim_context(model),
                loss_scale=scale,
            ).lines()
        finally:
            set_raw_states(before)
