"""Hyper-parameters and final metrics on TensorBoard's HPARAMS page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.visualization import TensorboardVisBackend

from ocec.engine.hooks.checkpoint_hook import checkpoint_hook_of
from ocec.registry import HOOKS

# what a run is made of; the rest says where it ran and what it wrote
PARTS = (
    'model',
    'train_dataloader',
    'optim_wrapper',
    'param_scheduler',
    'train_cfg',
    'custom_hooks',
    'randomness',
    'compile',
)


@HOOKS.register_module()
class HParamsHook(Hook):
    """Write the flattened config beside the final metrics, so that runs compare.

    Both land in the run's own folder, where its curves are. Without TensorBoard in
    ``visualizer.vis_backends`` there is nothing to write. A run that is stopped from
    outside is not on the page.
    """

    priority = 'LOWEST'

    def __init__(self) -> None:
        self._last: dict[str, float] = {}

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Keep the metrics.

        Args:
            runner: not used.
            metrics: of this validation.
        """
        self._last = {
            name: value for name, value in metrics.items() if isinstance(value, float)
        }

    @master_only
    def after_train(self, runner: Runner) -> None:
        """Write, once the run is complete.

        Args:
            runner: the runner.
        """
        metrics = {f'hparam/last/{name}': value for name, value in self._last.items()}
        saver = checkpoint_hook_of(runner)
        if saver is not None and saver.best is not None:
            metrics[f'hparam/best/{saver.best["metric"]}'] = saver.best['value']
            metrics['hparam/best/epoch'] = saver.best['epoch']
        values = {
            name: value
            for part in PARTS
            for name, value in _flat(part, runner.cfg.get(part))
        }
        for backend in runner.visualizer._vis_backends.values():
            if isinstance(backend, TensorboardVisBackend):
                # '.': by default torch opens a folder of its own, another run
                backend.experiment.add_hparams(values, metrics, run_name='.')


def _flat(name: str, value: Any) -> Iterator[tuple[str, bool | int | float | str]]:
    """Yield dotted names and plain values; short lists of numbers stay together."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(f'{name}.{key}', item)
    elif isinstance(value, (list, tuple)) and any(
        isinstance(item, (dict, list, tuple)) for item in value
    ):
        for index, item in enumerate(value):
            yield from _flat(f'{name}.{index}', item)
    elif isinstance(value, (bool, int, float, str)):
        yield name, value
    elif value is not None:
        yield name, str(value)
