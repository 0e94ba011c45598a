"""Histograms of gradients in TensorBoard."""

from __future__ import annotations

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmengine.visualization import TensorboardVisBackend

from ocec.registry import HOOKS


@HOOKS.register_module()
class GradHistogramHook(Hook):
    """Write a histogram of the gradient of every parameter now and then.

    A gradient that is not finite has no histogram and is left out.

    Args:
        interval: batches between two sets of histograms, > 0; with gradient
            accumulation the next optimizer step writes.

    Raises:
        ValueError: ``interval`` is not positive.
    """

    def __init__(self, interval: int = 500) -> None:
        if interval <= 0:
            raise ValueError(f'interval must be > 0, got {interval}')
        self.interval = interval

    def before_train(self, runner: Runner) -> None:
        """Watch the optimizer: gradients are gone once its step is over.

        Args:
            runner: the runner.

        Raises:
            ValueError: the config writes no TensorBoard events.
        """
        backends = runner.visualizer._vis_backends.values()
        writers = [b for b in backends if isinstance(b, TensorboardVisBackend)]
        if not writers:
            raise ValueError(
                'GradHistogramHook needs TensorBoard: add dict(type='
                "'TensorboardVisBackend') to visualizer.vis_backends"
            )
        self._writer = writers[0].experiment
        self._runner = runner
        # first multiple of the interval that is still to come
        self._next = -(-runner.iter // self.interval) * self.interval
        runner.optim_wrapper.optimizer.register_step_pre_hook(self._before_step)

    def _before_step(self, optimizer, args, kwargs) -> None:
        runner = self._runner
        if runner.iter < self._next or not is_main_process():
            return
        self._next = (runner.iter // self.interval + 1) * self.interval
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        for name, param in model.named_parameters():
            if param.grad is not None and param.grad.isfinite().all():
                self._writer.add_histogram(f'grad/{name}', param.grad, runner.iter)
