"""Batch-norm statistics made equal on all ranks before anybody looks at them."""

from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.runner import Runner

from ocec.engine.buffer_sync import average_buffers
from ocec.registry import HOOKS


@HOOKS.register_module()
class SyncBuffersHook(Hook):
    """Average the buffers over the ranks after every training epoch.

    :class:`EMAHook` does the same for the averaged model.
    """

    # before hooks that save or validate
    priority = 'HIGH'

    def after_train_epoch(self, runner: Runner) -> None:
        """Average.

        Args:
            runner: the runner.
        """
        average_buffers(runner.model)
