"""Tell the modules that ask for it how far training is."""

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from ocec.registry import HOOKS


@HOOKS.register_module()
class MarginWarmupHook(Hook):
    """Call ``set_epoch`` of every module that has it, before each step.

    The epoch is a fraction, counted in batches, so that a margin grows evenly and a
    resumed run goes on where it was.
    """

    def before_train(self, runner: Runner) -> None:
        """Find the modules.

        Args:
            runner: the runner.
        """
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        self._modules = [m for m in model.modules() if hasattr(m, 'set_epoch')]

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Tell the epoch.

        Args:
            runner: the runner.
            batch_idx: number of the batch in the epoch.
            data_batch: not used.
        """
        # iterations of a run that other ranks have begun are not those of this one
        num_batches = len(runner.train_dataloader)
        epoch = (runner.epoch * num_batches + batch_idx) / num_batches
        for module in self._modules:
            module.set_epoch(epoch)
