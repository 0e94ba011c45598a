"""EMA that counts optimizer steps."""

from __future__ import annotations

from mmengine.hooks import EMAHook as MMEngineEMAHook
from mmengine.runner import Runner

from ocec.engine.buffer_sync import average_buffers
from ocec.registry import HOOKS


@HOOKS.register_module()
class EMAHook(MMEngineEMAHook):
    """mmengine's hook; with gradient accumulation it updates once per step.

    Validation, the saved best and everything exported use the averaged weights;
    ``state_dict`` of a checkpoint holds them, ``ema_state_dict`` the raw ones.

    Args:
        ema_type: class of the average (MODELS).
        strict_load: as in mmengine.
        begin_iter: iteration from which to average.
        begin_epoch: epoch from which to average.
        **kwargs: arguments of ``ema_type``, as ``decay`` of :class:`RampedEMA`.
    """

    def __init__(
        self,
        ema_type: str = 'RampedEMA',
        strict_load: bool = False,
        begin_iter: int = 0,
        begin_epoch: int = 0,
        **kwargs,
    ) -> None:
        super().__init__(ema_type, strict_load, begin_iter, begin_epoch, **kwargs)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Update the average after an optimizer step, unless it was left out.

        Args:
            runner: the runner.
            batch_idx: number of the batch in the epoch.
            data_batch: not used.
            outputs: not used.
        """
        wrapper = runner.optim_wrapper
        if wrapper.should_update() and not getattr(wrapper, 'has_left_out_step', False):
            super().after_train_iter(runner, batch_idx, data_batch, outputs)

    def after_stopped_validation(self, runner: Runner) -> None:
        """Put the weights back that the validation has swapped.

        Args:
            runner: not used.
        """
        self._swap_ema_parameters()

    def after_train_epoch(self, runner: Runner) -> None:
        """Give every rank the same averaged batch-norm statistics.

        Args:
            runner: the runner.
        """
        average_buffers(self.ema_model)
