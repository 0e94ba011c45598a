"""A verdict at the end of a training: how good, how sure, where, and what next."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from time import perf_counter

from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ocec.engine.hooks.checkpoint_hook import CheckpointHook, checkpoint_hook_of
from ocec.engine.last_scores import scored_parts
from ocec.functional.metric_interval import FEW_GROUPS, metric_interval
from ocec.registry import HOOKS


@HOOKS.register_module()
class VerdictHook(Hook):
    """Say which epoch was the best, with an interval, and where its files are.

    The interval of the best metric is drawn when its checkpoint is saved, over groups
    of the validation split, and stored in it, so that a resumed run knows it.
    """

    # after CheckpointHook (VERY_LOW) has saved, and after all other remarks
    priority = 'LOWEST'

    def __init__(self) -> None:
        #: of the best validation: its epoch, low, high and num_groups
        self.interval: dict | None = None
        self._last: dict[str, float] = {}

    def before_train(self, runner: Runner) -> None:
        """Start the clock.

        Args:
            runner: the runner.
        """
        self._start, self._first_epoch = perf_counter(), runner.epoch

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Keep the metrics.

        Args:
            runner: not used.
            metrics: of this validation.
        """
        self._last = metrics

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Draw the interval of a new best; store that of the best.

        Args:
            runner: the runner.
            checkpoint: what will be saved.
        """
        saver = checkpoint_hook_of(runner)
        best = saver and saver.best
        known = self.interval and self.interval['epoch']
        if best and best['epoch'] == runner.epoch != known:
            self.interval = _interval_of_last(runner, best['metric'])
        checkpoint['verdict'] = {'interval': self.interval}

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Take the interval over on resume.

        Args:
            runner: the runner.
            checkpoint: what was loaded.
        """
        if runner._resume and 'verdict' in checkpoint:
            self.interval = checkpoint['verdict']['interval']

    @master_only
    def after_train(self, runner: Runner) -> None:
        """Say the verdict.

        Args:
            runner: the runner.
        """
        saver = checkpoint_hook_of(runner)
        if saver is None or runner.epoch == self._first_epoch:
            return
        seconds = timedelta(seconds=round(perf_counter() - self._start))
        num_epochs = runner.epoch - self._first_epoch
        lines = [f'{self._judge(runner, saver)}; {num_epochs} epochs in {seconds}']
        lines += _files(runner, saver)
        runner.logger.info('\n'.join(['Verdict', *(f'  {line}' for line in lines)]))

    def _judge(self, runner: Runner, saver: CheckpointHook) -> str:
        best = saver.best
        if best is None:
            return 'no validation has told which epoch is the best'
        last = self._last.get(best['metric'])
        return (
            f'best       {best["metric"]} {best["value"]:.4f}'
            f'{self._interval_text(best["epoch"])} in epoch {best["epoch"]}'
            + ('' if last is None else f'; last epoch {last:.4f}')
        )

    def _interval_text(self, epoch: int) -> str:
        if self.interval is None or self.interval['epoch'] != epoch:
            return ''
        low, high, number = (self.interval[n] for n in ('low', 'high', 'num_groups'))
        if low != low:  # one group has no interval
            return ''
        few = ', few: it is too narrow' if number < FEW_GROUPS else ''
        return f' (95 % interval {low:.4f} to {high:.4f}, {number:,} groups{few})'


def _interval_of_last(runner: Runner, name: str) -> dict | None:
    """Return the interval of the last validation's metric, if it has one."""
    parts = scored_parts(runner.val_loop.evaluator)
    metric = next((part for part in parts if name.startswith(f'{part.prefix}/')), None)
    if metric is None:
        return None
    interval = metric_interval(name, metric.last_scores, threshold=metric.threshold)
    if interval is None:
        return None
    return {
        'epoch': runner.epoch,
        'low': interval.low,
        'high': interval.high,
        'num_groups': interval.num_groups,
    }


def _files(runner: Runner, saver: CheckpointHook) -> list[str]:
    folder = Path(runner.work_dir)
    name = saver.best['file'] if saver.best else (saver.kept or [None])[-1]
    lines = [f'curves     tensorboard --logdir {folder}']
    if name is None:
        return lines
    lines.insert(0, f'checkpoint {folder / name}')
    if runner.cfg.get('test_dataloader') is not None and runner.cfg.filename:
        config = folder / Path(runner.cfg.filename).name
        lines.append(f'next       python tools/test.py {config} {folder / name}')
    return lines
