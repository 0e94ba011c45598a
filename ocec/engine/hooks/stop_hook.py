"""A training that ends in order when it is asked to."""

from __future__ import annotations

from mmengine.dist import all_reduce, is_distributed
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import tensor

from ocec.engine.hooks.checkpoint_hook import checkpoint_hook_of
from ocec.engine.rank_agreement import RankAgreement
from ocec.engine.stop_signal import StopSignal
from ocec.engine.train_loop import ValidationStopped


class StopHook(Hook):
    """Save and stop between two batches, once a signal has asked any rank for it.

    While gradients accumulate it waits for the step that they are for. A validation is
    left at once, and done again by the resumed run.

    Args:
        stop: the wish.
    """

    # when EMAHook has put the weights back that a validation swaps
    priority = 'VERY_LOW'

    def __init__(self, stop: StopSignal) -> None:
        self.stop = stop
        self._is_agreed = False

    def before_train(self, runner: Runner) -> None:
        """Prepare the exchange between ranks; from now on there is something to save.

        Args:
            runner: not used.
        """
        self._agreement = RankAgreement()
        self.stop.is_armed = True

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Interrupt a loop that is not ours, which cannot be stopped in order.

        Args:
            runner: the runner.
            batch_idx: not used.
            data_batch: not used.
            outputs: not used.

        Raises:
            KeyboardInterrupt: a signal has come.
        """
        if self.stop.asked and not hasattr(runner.train_loop, 'is_stopped'):
            raise KeyboardInterrupt

    def between_batches(self, runner: Runner) -> None:
        """Save and stop, if that is wanted.

        Args:
            runner: the runner.

        Raises:
            OSError: the checkpoint cannot be written.
        """
        if self._wants() and runner.optim_wrapper.should_update():
            self._save(runner)

    def before_val_epoch(self, runner: Runner) -> None:
        """Find out how many batches every rank has.

        Args:
            runner: the runner.
        """
        if not hasattr(self, '_agreement'):
            return  # a validation outside training
        num_batches = tensor(len(runner.val_dataloader))
        if is_distributed():
            all_reduce(num_batches, op='min')
        self._num_common_batches = int(num_batches)

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: list | None = None,
    ) -> None:
        """Leave the validation, if that is wanted.

        Args:
            runner: the runner.
            batch_idx: number of the batch.
            data_batch: not used.
            outputs: not used.

        Raises:
            ValidationStopped: to the loop.
        """
        is_asked = hasattr(self, '_agreement') and batch_idx < self._num_common_batches
        if batch_idx + 1 == len(runner.val_dataloader):
            # what validates again in after_val_epoch can no more be left
            self._num_common_batches = 0
        if is_asked and self._wants():
            raise ValidationStopped

    def after_stopped_validation(self, runner: Runner) -> None:
        """Save the state of before the validation, and stop.

        Args:
            runner: the runner.

        Raises:
            OSError: the checkpoint cannot be written.
        """
        self._save(runner)

    def after_train(self, runner: Runner) -> None:
        """End the exchange; what is asked for now comes too late to stop anything.

        Args:
            runner: not used.
        """
        self._agreement.last()

    def _wants(self) -> bool:
        if not self._is_agreed:
            self._is_agreed = self._agreement.ask(self.stop.asked is not None)
        return self._is_agreed

    def _save(self, runner: Runner) -> None:
        self._agreement.last()
        saver = checkpoint_hook_of(runner)
        name = self.stop.name or 'a signal to another rank'
        where = f'epoch {runner.epoch + 1}, step {runner.iter}'
        if saver is None:
            runner.logger.warning(
                f'{name}: stopped in {where}; nothing is saved, as the config has no '
                'CheckpointHook'
            )
        else:
            saver.save_now(runner)
            saver.check_saved()
            runner.logger.info(f'{name}: saved and stopped in {where}')
        runner.train_loop.is_stopped = True
