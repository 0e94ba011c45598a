"""Remarks on a run while it trains, each with its evidence and what to try."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from mmengine.device import get_device
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from ocec.engine.average_lag import average_of, share_of_old, validate_again
from ocec.engine.hooks.checkpoint_hook import checkpoint_hook_of
from ocec.engine.waiting_scalars import pack_scalars, unpack_scalars
from ocec.functional import run_advice
from ocec.functional.run_advice import Advice
from ocec.registry import HOOKS

# batches whose numbers wait on the device before they are read
BATCHES_PER_READ = 1000
# steps of the running median of the gradient norm
NORM_WINDOW = 50
CURVES = ('epoch', 'train_loss', 'val_loss', 'metric', 'lr')
RAW_CURVES = ('epoch', 'averaged_loss', 'raw_loss')


@HOOKS.register_module()
class AdviceHook(Hook):
    """Warn of overfitting, unfit learning rates, spikes, a lagging average.

    What counts is decided in ``ocec/functional/run_advice.py``. Each kind of remark
    comes once per run, and all kinds are named again at the end. A collapsed class is
    reported by the metric itself.

    The metric watched is ``save_best`` of :class:`CheckpointHook`. Losses and gradient
    norms stay on the device until the epoch ends.

    Args:
        raw_interval: epochs between two validations of the weights that are not
            averaged, > 0, to see whether the average lags; each costs as much as a
            validation. None: only the length of the average is looked at.

    Raises:
        ValueError: ``raw_interval`` is not positive.
    """

    # after the metric is there, before CheckpointHook (VERY_LOW) saves the state
    priority = 'LOW'

    def __init__(self, *, raw_interval: int | None = None) -> None:
        if raw_interval is not None and raw_interval <= 0:
            raise ValueError(f'raw_interval must be > 0, got {raw_interval}')
        self.raw_interval = raw_interval
        #: one value per validation
        self.curves: dict[str, list] = {name: [] for name in CURVES}
        self.raw_curves: dict[str, list] = {name: [] for name in RAW_CURVES}
        #: kind to the epoch in which it was told
        self.given: dict[str, int] = {}
        #: (step, gradient norm) of the last steps
        self.last_norms: list[tuple[int, float]] = []
        # of the epochs since the last validation
        self._loss_sum, self._num_losses = 0.0, 0
        self._losses: list[Tensor] = []
        self._norms: list[Tensor] = []
        self._norm_steps: list[int] = []
        self._epoch_norms: list[tuple[int, float]] = []
        self._resumed: dict = {}

    def before_train_epoch(self, runner: Runner) -> None:
        """Start an epoch, or go on with a resumed one.

        Args:
            runner: not used.
        """
        within, self._resumed = self._resumed, {}
        device = torch.device(get_device())
        self._losses = unpack_scalars(within.get('losses'), device)
        self._norms = unpack_scalars(within.get('norms'), device)
        self._norm_steps = list(within.get('norm_steps', []))
        self._epoch_norms = [tuple(pair) for pair in within.get('epoch_norms', [])]

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Keep the loss and the gradient norm, on the device.

        Args:
            runner: the runner.
            batch_idx: number of the batch in the epoch.
            data_batch: not used.
            outputs: named scalars of this batch.
        """
        self._losses.append(outputs['loss'].detach())
        norm = getattr(runner.optim_wrapper, 'grad_norm', None)
        # while gradients accumulate there is no norm, or that of an old step
        if norm is not None and runner.optim_wrapper.should_update():
            self._norms.append(norm.detach())
            self._norm_steps.append(runner.iter + 1)
        if len(self._losses) == BATCHES_PER_READ:
            self._read()

    def after_train_epoch(self, runner: Runner) -> None:
        """Look for gradient spikes.

        Args:
            runner: the runner.
        """
        self._read()
        pairs = self.last_norms + self._epoch_norms
        if self._epoch_norms:
            steps, norms = zip(*pairs, strict=True)
            spikes = run_advice.gradient_spikes(
                norms,
                steps,
                since=self._epoch_norms[0][0],
                max_norm=_max_norm(runner),
                window=NORM_WINDOW,
            )
            # mmengine counts the epoch up after this hook
            self._tell(runner, runner.epoch + 1, spikes)
        self.last_norms = pairs[-NORM_WINDOW:]
        self._epoch_norms = []

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Judge the curves.

        Args:
            runner: the runner.
            metrics: of this validation.
        """
        if isinstance(runner._train_loop, (dict, type(None))) or not self._num_losses:
            return  # a validation outside training
        saver = checkpoint_hook_of(runner)
        monitor, rule = (saver.save_best, saver.rule) if saver else (None, 'greater')
        values = (
            runner.epoch,
            self._loss_sum / self._num_losses,
            metrics.get(_loss_beside(monitor, metrics), math.nan),
            metrics.get(monitor, math.nan),
            runner.optim_wrapper.get_lr()['lr'][0],
        )
        for name, value in zip(CURVES, values, strict=True):
            self.curves[name].append(value)
        self._loss_sum, self._num_losses = 0.0, 0
        self._tell(runner, runner.epoch, *self._judge(runner, monitor, rule))
        if self.raw_interval and runner.epoch % self.raw_interval == 0:
            self._compare_with_raw(runner, metrics, monitor)

    def after_train(self, runner: Runner) -> None:
        """Judge the whole run; name again what was said in it.

        Args:
            runner: the runner.
        """
        saver = checkpoint_hook_of(runner)
        remarks = [_lagging_average(runner)]
        if runner.epoch == runner.max_epochs:
            remarks.append(
                run_advice.rising_rate(self.curves['epoch'], self.curves['lr'])
            )
        if saver and runner.epoch == runner.max_epochs:
            remarks.append(
                run_advice.still_rising(
                    self.curves['epoch'],
                    self.curves['metric'],
                    metric=saver.save_best,
                    rule=saver.rule,
                )
            )
        self._tell(runner, runner.epoch, *remarks)
        if self.given and is_main_process():
            kinds = [f'{kind} (epoch {epoch})' for kind, epoch in self.given.items()]
            runner.logger.warning(f'ADVICE was given on: {", ".join(kinds)}')

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Store the curves, and what is kept of the epoch.

        Args:
            runner: not used.
            checkpoint: what will be saved.
        """
        checkpoint['advice'] = {
            'curves': self.curves,
            'raw_curves': self.raw_curves,
            'given': self.given,
            'last_norms': self.last_norms,
            'loss_sum': self._loss_sum,
            'num_losses': self._num_losses,
            # not summed up yet: sums of other parts would be rounded otherwise
            'within_epoch': {
                'losses': pack_scalars(self._losses),
                'norms': pack_scalars(self._norms),
                'norm_steps': list(self._norm_steps),
                'epoch_norms': [list(pair) for pair in self._epoch_norms],
            },
        }

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Take the curves over on resume.

        Args:
            runner: the runner.
            checkpoint: what was loaded.
        """
        if not (runner._resume and 'advice' in checkpoint):
            return
        stored = checkpoint['advice']
        self.curves = {name: list(stored['curves'][name]) for name in CURVES}
        self.raw_curves = {n: list(stored['raw_curves'][n]) for n in RAW_CURVES}
        self.given = dict(stored['given'])
        self.last_norms = list(stored['last_norms'])
        self._loss_sum = stored['loss_sum']
        self._num_losses = stored['num_losses']
        self._resumed = stored.get('within_epoch', {})

    def _read(self) -> None:
        """Bring what waits on the device to the host, all in one go."""
        if not self._losses:
            return
        tensors = [x.float() for x in (*self._losses, *self._norms)]
        values = torch.stack(tensors).tolist()
        # steps that are left out, see NonFiniteHook, say nothing of the curve
        losses = list(filter(math.isfinite, values[: len(self._losses)]))
        self._loss_sum += sum(losses)
        self._num_losses += len(losses)
        norms = values[len(self._losses) :]
        self._epoch_norms += zip(self._norm_steps, norms, strict=True)
        self._losses, self._norms, self._norm_steps = [], [], []

    def _judge(
        self, runner: Runner, monitor: str | None, rule: str
    ) -> Iterable[Advice | None]:
        curves, max_epochs = self.curves, runner.max_epochs
        return (
            run_advice.overfitting(
                curves['epoch'], curves['train_loss'], curves['val_loss']
            ),
            run_advice.idle_learning_rate(
                curves['epoch'], curves['lr'], max_epochs=max_epochs
            ),
            run_advice.plateau_at_high_rate(
                curves['epoch'],
                curves['metric'],
                curves['lr'],
                metric=monitor,
                rule=rule,
                max_epochs=max_epochs,
            ),
        )

    def _compare_with_raw(
        self, runner: Runner, metrics: dict[str, float], monitor: str | None
    ) -> None:
        """Validate the weights as they are trained; EMAHook has put them back."""
        name = _loss_beside(monitor, metrics)
        if name is None or average_of(runner) is None:
            return
        raw = validate_again(runner)
        values = (runner.epoch, metrics[name], raw[name])
        for curve, value in zip(RAW_CURVES, values, strict=True):
            self.raw_curves[curve].append(value)
        self._tell(
            runner, runner.epoch, run_advice.slow_average(*self.raw_curves.values())
        )

    def _tell(self, runner: Runner, epoch: int, *remarks: Advice | None) -> None:
        for advice in remarks:
            if advice is None or advice.kind in self.given:
                continue
            self.given[advice.kind] = epoch
            if is_main_process():
                runner.logger.warning(
                    f'ADVICE {advice.kind}: {advice.evidence}. '
                    f'To try: {advice.suggestion}'
                )


def _loss_beside(monitor: str | None, metrics: dict[str, float]) -> str | None:
    """Return the validation loss of the metric that is watched, or any other."""
    name = f'{(monitor or "").rsplit("/", 1)[0]}/loss'
    if name in metrics:
        return name
    return next((n for n in metrics if n.rsplit('/', 1)[-1] == 'loss'), None)


def _max_norm(runner: Runner) -> float | None:
    """Return the norm to which gradients are clipped."""
    settings = getattr(runner.optim_wrapper, 'clip_grad_kwargs', None) or {}
    return settings.get('max_norm')


def _lagging_average(runner: Runner) -> Advice | None:
    average = average_of(runner)
    share = None if average is None else share_of_old(average)
    if share is None:
        return None
    return run_advice.lagging_average(share, num_steps=int(average.steps))
