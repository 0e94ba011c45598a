"""Runtime facts in the message hub, without its per-iteration scalars."""

from __future__ import annotations

from mmengine.hooks import RuntimeInfoHook as MMEngineRuntimeInfoHook
from mmengine.runner import Runner

from ocec.registry import HOOKS


@HOOKS.register_module()
class RuntimeInfoHook(MMEngineRuntimeInfoHook):
    """mmengine's hook, less what waits for the device at every iteration.

    Its own copies every loss to the host and appends it to an array that is copied
    whole; our :class:`LoggerHook` keeps tensors and reads them once per interval.
    """

    def before_train_epoch(self, runner: Runner) -> None:
        """Tell the message hub the epoch; seed the loader's generator by it.

        Args:
            runner: the runner.
        """
        super().before_train_epoch(runner)
        generator = runner.train_dataloader.generator
        if generator is not None:
            generator.manual_seed(runner.seed + runner.epoch)

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Tell the message hub the iteration.

        Args:
            runner: the runner.
            batch_idx: number of the batch in the epoch.
            data_batch: not used.
        """
        runner.message_hub.update_info('iter', runner.iter)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Do nothing; see the class.

        Args:
            runner: the runner.
            batch_idx: number of the batch in the epoch.
            data_batch: not used.
            outputs: not used.
        """
