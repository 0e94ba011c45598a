"""Console, TensorBoard and ``metrics.jsonl`` from one hook."""

from __future__ import annotations

import math
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import torch
from mmengine.device import get_device
from mmengine.dist import get_world_size, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from ocec.engine.hooks.checkpoint_hook import checkpoint_hook_of
from ocec.engine.host_memory import peak_memory_mb
from ocec.engine.metrics_file import MetricsFile
from ocec.engine.optim.param_groups import highest_rate, trained_rates
from ocec.engine.waiting_scalars import pack_scalars, unpack_scalars
from ocec.registry import HOOKS

RATIO_DIGITS = 4


@HOOKS.register_module()
class LoggerHook(Hook):
    """Log losses, learning rate, gradient norm, speed and metrics.

    Losses stay on the device between two log lines, so that logging waits for the
    device once per interval. Every record carries epoch and step; the x axis is the
    step everywhere, also for validation.

    A loss that is not finite stops the run at the next line. With ``NonFiniteHook``,
    which decides before, the means are those of the finite ones.

    Args:
        interval: batches between two lines, > 0; the last batch of an epoch always
            ends an interval.

    Raises:
        ValueError: ``interval`` is not positive.
    """

    priority = 'BELOW_NORMAL'

    def __init__(self, interval: int = 50) -> None:
        if interval <= 0:
            raise ValueError(f'interval must be > 0, got {interval}')
        self.interval = interval
        self._window: list[dict[str, Tensor]] = []
        #: per name, sum over the batches of the epoch and how many had it
        self._epoch_sums: dict[str, float] = {}
        self._epoch_counts: dict[str, int] = {}
        self._window_images = self._epoch_images = 0
        # of this epoch, before it was resumed
        self._earlier_seconds = 0.0
        self._epoch_start: float | None = None
        self._resumed: dict = {}

    def before_run(self, runner: Runner) -> None:
        """Open the metrics file.

        Args:
            runner: the runner.
        """
        self._file = MetricsFile(Path(runner.work_dir) / 'metrics.jsonl')

    def before_train(self, runner: Runner) -> None:
        """Stitch the metrics file to the resumed step.

        Args:
            runner: the runner.
        """
        self._first_step = runner.iter
        self._run_seconds = 0.0
        if is_main_process():
            known = self._resumed.get('num_lines'), self._resumed.get('waiting', ())
            self._file.start(runner.iter, runner.timestamp, *known)

    def before_train_epoch(self, runner: Runner) -> None:
        """Start the clocks; of a resumed epoch take the sums over.

        Args:
            runner: not used.
        """
        within, self._resumed = self._resumed, {}
        device = torch.device(get_device())
        self._epoch_sums = dict(within.get('sums', {}))
        self._epoch_counts = dict(within.get('counts', {}))
        values = iter(unpack_scalars(within.get('window_values'), device))
        self._window = [
            {name: next(values) for name in names}
            for names in within.get('window_names', [])
        ]
        self._window_images = within.get('window_images', 0)
        self._epoch_images = within.get('epoch_images', 0)
        self._earlier_seconds = within.get('seconds', 0.0)
        self._wait_seconds = 0.0
        self._epoch_start = self._window_start = self._iter_end = time.perf_counter()

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Note how long the batch was waited for.

        Args:
            runner: the runner.
            batch_idx: number of the batch in the epoch.
            data_batch: the batch.
        """
        self._wait_seconds += time.perf_counter() - self._iter_end
        # of actions the inputs are a dict, whose length says nothing
        self._window_images += len(data_batch['data_samples'])

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Keep the losses; log at the end of an interval.

        Args:
            runner: the runner.
            batch_idx: number of the batch in the epoch.
            data_batch: the batch.
            outputs: named scalars of this batch.
        """
        values = {name: value.detach() for name, value in outputs.items()}
        grad_norm = getattr(runner.optim_wrapper, 'grad_norm', None)
        # while gradients accumulate there is no norm, or that of an old step
        if grad_norm is not None and runner.optim_wrapper.should_update():
            values['grad_norm'] = grad_norm.detach()
        self._window.append(values)
        num_batches = len(runner.train_dataloader)
        if (batch_idx + 1) % self.interval == 0 or batch_idx + 1 == num_batches:
            self._log_window(runner, batch_idx, num_batches)
        self._iter_end = time.perf_counter()

    def after_train_epoch(self, runner: Runner) -> None:
        """Log the means of the epoch.

        Args:
            runner: the runner.
        """
        seconds = time.perf_counter() - self._epoch_start
        self._run_seconds += seconds
        seconds += self._earlier_seconds
        images = self._epoch_images * get_world_size()
        means = {n: s / self._epoch_counts[n] for n, s in self._epoch_sums.items()}
        record = {
            **means,
            'seconds': seconds,
            'images_per_second': images / seconds,
            'peak_memory_mb': peak_memory_mb(),
        }
        # mmengine counts the epoch up after this hook
        self._write(runner, 'train_epoch', runner.epoch + 1, runner.iter, record)
        runner.logger.info(
            f'Epoch(train) [{runner.epoch + 1}/{runner.max_epochs}]  '
            f'{_text(means)}  {images / seconds:,.0f} img/s  {seconds:.1f} s'
        )
        self._epoch_sums, self._epoch_counts, self._epoch_images = {}, {}, 0
        self._earlier_seconds, self._epoch_start = 0.0, None

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Force the metrics to disk; store the sums of the epoch.

        Args:
            runner: not used.
            checkpoint: what will be saved.
        """
        self._file.sync()
        seconds = self._earlier_seconds
        if self._epoch_start is not None:
            seconds += time.perf_counter() - self._epoch_start
        checkpoint['logger'] = {
            'num_lines': self._file.num_lines,
            'waiting': list(self._file.waiting),
            'sums': dict(self._epoch_sums),
            'counts': dict(self._epoch_counts),
            'window_names': [list(values) for values in self._window],
            'window_values': pack_scalars(
                [value for values in self._window for value in values.values()]
            ),
            'window_images': self._window_images,
            'epoch_images': self._epoch_images,
            'seconds': seconds,
        }

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Take them over on resume.

        Args:
            runner: the runner.
            checkpoint: what was loaded.
        """
        if runner._resume:
            self._resumed = checkpoint.get('logger', {})

    def before_val_epoch(self, runner: Runner) -> None:
        """Start the clock.

        Args:
            runner: the runner.
        """
        self._eval_start = time.perf_counter()

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Log the metrics.

        Args:
            runner: the runner.
            metrics: of this validation.
        """
        training = not isinstance(runner._train_loop, (dict, type(None)))
        epoch, step = (runner.epoch, runner.iter) if training else (0, 0)
        seconds = time.perf_counter() - self._eval_start
        self._write(runner, 'val', epoch, step, {**metrics, 'seconds': seconds})
        line = f'{_text(metrics)}  {seconds:.1f} s'
        if training:
            self._run_seconds += seconds
            best = _best_text(runner, metrics)
            line = f' [{epoch}/{runner.max_epochs}]  {line}{best}'
        runner.logger.info(f'Epoch(val)  {line}')

    def before_test_epoch(self, runner: Runner) -> None:
        """Start the clock.

        Args:
            runner: the runner.
        """
        self._eval_start = time.perf_counter()

    def after_test_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Log the metrics.

        Args:
            runner: the runner.
            metrics: of this test.
        """
        seconds = time.perf_counter() - self._eval_start
        self._write(runner, 'test', 0, 0, {**metrics, 'seconds': seconds})
        runner.logger.info(f'Epoch(test)  {_text(metrics)}  {seconds:.1f} s')

    def after_run(self, runner: Runner) -> None:
        """Flush TensorBoard and the metrics.

        Args:
            runner: the runner.
        """
        runner.visualizer.close()
        if is_main_process():
            self._file.finish()

    def _log_window(self, runner: Runner, batch_idx: int, num_batches: int) -> None:
        # what is not finite is of a step that was left out
        is_guarded = getattr(runner.optim_wrapper, 'guard', None) is not None
        means = self._close_window(only_finite=is_guarded)
        now = time.perf_counter()
        seconds = now - self._window_start
        rates = {
            'images_per_second': self._window_images * get_world_size() / seconds,
            'seconds_per_batch': seconds / self._window_batches,
            'wait_share': min(self._wait_seconds / seconds, 1.0),
        }
        optimizer = runner.optim_wrapper.optimizer
        lr = highest_rate(optimizer)
        by_stage = {f'lr_{k}': rate for k, rate in trained_rates(optimizer).items()}
        eta = self._eta(runner, now)
        self._epoch_images += self._window_images
        self._window_start, self._window_images, self._wait_seconds = now, 0, 0.0
        record = {'lr': lr, **by_stage, **means, **rates}
        self._write(runner, 'train', runner.epoch + 1, runner.iter + 1, record)
        runner.logger.info(
            f'Epoch(train) [{runner.epoch + 1}/{runner.max_epochs}]'
            f'[{batch_idx + 1}/{num_batches}]  lr {lr:.3e}  {_text(means)}  '
            f'{rates["images_per_second"]:,.0f} img/s  eta {eta}'
        )
        if not is_guarded:
            _check_finite(means, runner, lr)

    def _close_window(self, *, only_finite: bool = False) -> dict[str, float]:
        """Read the tensors of the interval, all in one go; return their means."""
        names = [name for values in self._window for name in values]
        tensors = [
            value.float() for values in self._window for value in values.values()
        ]
        sums, counts = {}, Counter(names)
        for name, value in zip(names, torch.stack(tensors).tolist(), strict=True):
            if not math.isfinite(value) and (only_finite or name == 'grad_norm'):
                # float16 skips steps with inf gradients while it looks for its scale
                counts[name] -= 1
                continue
            sums[name] = sums.get(name, 0.0) + value
        self._window_batches = len(self._window)
        for name, total in sums.items():
            self._epoch_sums[name] = self._epoch_sums.get(name, 0.0) + total
            self._epoch_counts[name] = self._epoch_counts.get(name, 0) + counts[name]
        means = {name: total / counts[name] for name, total in sums.items()}
        self._window = []
        return means

    def _eta(self, runner: Runner, now: float) -> timedelta:
        """Time left; validation counts as much as it has taken up to now."""
        done = runner.iter + 1 - self._first_step
        spent = self._run_seconds + now - self._epoch_start
        left = runner.max_iters - runner.iter - 1
        return timedelta(seconds=int(spent / done * left))

    def _write(self, runner, phase: str, epoch: int, step: int, record: dict) -> None:
        if not is_main_process():
            return
        self._file.append(phase, epoch, step, record)
        scalars = {
            f'{phase}/{name}': value
            for name, value in record.items()
            if isinstance(value, (int, float))
        }
        runner.visualizer.add_scalars(scalars, step=step)


def _check_finite(means: dict[str, float], runner: Runner, lr: float) -> None:
    if math.isfinite(means['loss']):
        return
    raise FloatingPointError(
        f'the loss is {means["loss"]} in epoch {runner.epoch + 1}, at or shortly '
        f'before step {runner.iter + 1} (lr {lr:.3e}). Lower the learning rate, '
        'lengthen the warmup, or clip gradients with optim_wrapper.clip_grad'
    )


def _best_text(runner: Runner, metrics: dict[str, float]) -> str:
    """Write the best so far, this validation included."""
    saver = checkpoint_hook_of(runner)
    best = saver and saver.best_after(metrics, runner.epoch)
    if not best:
        return ''
    value = f'{best["value"]:.{RATIO_DIGITS}f}'
    return f'  best {best["metric"]} {value} (epoch {best["epoch"]})'


def _text(values: dict) -> str:
    """Write numbers as the console shows them."""
    return '  '.join(
        f'{name} {value:.{RATIO_DIGITS}f}'
        if isinstance(value, float)
        else f'{name} {value}'
        for name, value in values.items()
    )
