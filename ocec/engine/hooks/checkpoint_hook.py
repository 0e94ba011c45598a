"""Checkpoints saved after validation, with retention and a record of the best."""

from __future__ import annotations

import json
from pathlib import Path

from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ocec.engine.checkpoint_io import remove_checkpoint, write_text_atomically
from ocec.engine.metric_rule import RULES, is_better, rule_of
from ocec.registry import HOOKS


@HOOKS.register_module()
class CheckpointHook(Hook):
    """Save every ``interval`` epochs, and whenever a metric is the best so far.

    mmengine's own saves before validation, so the plateau scheduler and early
    stopping are stored one validation stale and a resumed run differs. This one
    saves after it. ``best.json`` names the best file, its metric, epoch and SHA-256.
    A best checkpoint is complete: training can go on from it.

    Args:
        interval: epochs between checkpoints, > 0; -1 saves the last epoch only.
        max_keep_ckpts: how many of them to keep, > 0; -1 keeps all.
        save_last: save the last epoch whatever the interval.
        save_best: full name of a validation metric, as ``eye/f1``; None saves no best.
        rule: ``greater`` or ``less`` is better; by default ``less`` for a loss or an
            error, else ``greater``.
        max_keep_best: how many best checkpoints to keep, > 0.

    Raises:
        ValueError: an argument is out of range.
    """

    priority = 'VERY_LOW'

    def __init__(
        self,
        interval: int = 1,
        *,
        max_keep_ckpts: int = -1,
        save_last: bool = True,
        save_best: str | None = None,
        rule: str | None = None,
        max_keep_best: int = 1,
    ) -> None:
        for name, value in (('interval', interval), ('max_keep_ckpts', max_keep_ckpts)):
            if value <= 0 and value != -1:
                raise ValueError(f'{name} must be > 0, or -1, got {value}')
        if max_keep_best <= 0:
            raise ValueError(f'max_keep_best must be > 0, got {max_keep_best}')
        if rule is not None and rule not in RULES:
            raise ValueError(f'rule must be one of {RULES}, got {rule!r}')
        self.interval = interval
        self.max_keep_ckpts = max_keep_ckpts
        self.save_last = save_last
        self.save_best = save_best
        self.rule = rule or (rule_of(save_best) if save_best else 'greater')
        self.max_keep_best = max_keep_best
        self.best: dict | None = None
        #: names of the files this run still keeps, oldest first
        self.kept: list[str] = []
        self.kept_best: list[str] = []

    @master_only
    def before_train(self, runner: Runner) -> None:
        """Forget what an earlier run in this folder called its last and best.

        Args:
            runner: the runner.
        """
        if runner.iter == 0:
            for name in ('best.json', 'last_checkpoint'):
                (Path(runner.work_dir) / name).unlink(missing_ok=True)

    def after_train_epoch(self, runner: Runner) -> None:
        """Save now if no validation follows this epoch.

        Args:
            runner: the runner.
        """
        # mmengine counts the epoch up after this hook
        if not _validates(runner, runner.epoch + 1):
            self._save_if_due(runner, runner.epoch + 1)

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Save what is due, when schedulers have seen the metrics.

        Args:
            runner: the runner.
            metrics: of this validation.

        Raises:
            KeyError: the metric of ``save_best`` is not among them.
        """
        if runner._train_loop is None or isinstance(runner._train_loop, dict):
            return  # a validation outside training saves nothing
        best = self.best_after(metrics, runner.epoch)
        if best is not self.best:
            self.best, name = best, best['file']
            dropped = _keep(self.kept_best, name, self.max_keep_best)
            self._save(runner, name, runner.epoch, dropped)
        self._save_if_due(runner, runner.epoch)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Store the best and what is kept, so that a resumed run goes on with them.

        Args:
            runner: the runner.
            checkpoint: what will be saved.
        """
        checkpoint['checkpoint_hook'] = {
            'best': self.best,
            'kept': self.kept,
            'kept_best': self.kept_best,
        }

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Take the best over on resume.

        Args:
            runner: the runner.
            checkpoint: what was loaded.
        """
        if runner._resume and 'checkpoint_hook' in checkpoint:
            stored = checkpoint['checkpoint_hook']
            self.best = stored['best']
            self.kept, self.kept_best = list(stored['kept']), list(stored['kept_best'])

    def best_after(self, metrics: dict[str, float], epoch: int) -> dict | None:
        """Return what the best is once a validation counts; nothing is saved.

        Args:
            metrics: of the validation.
            epoch: from 1, that was trained before it.

        Returns:
            ``metric``, ``value``, ``epoch`` and ``file``; None if there is no best.

        Raises:
            KeyError: the metric of ``save_best`` is not among them.
        """
        if self.save_best is None:
            return self.best
        if self.save_best not in metrics:
            raise KeyError(
                f'CheckpointHook.save_best={self.save_best!r} is not a validation '
                f'metric; there are {sorted(metrics)}'
            )
        value = metrics[self.save_best]
        # NaN beats nothing
        if value != value or not is_better(
            value, self.best and self.best['value'], self.rule
        ):
            return self.best
        return {
            'metric': self.save_best,
            'value': float(value),
            'epoch': epoch,
            'file': f'best_{self.save_best.replace("/", "_")}_epoch_{epoch}.pth',
        }

    def _save_if_due(self, runner: Runner, epoch: int) -> None:
        due = self.interval > 0 and epoch % self.interval == 0
        last = epoch == runner.max_epochs or runner.train_loop.stop_training
        if not (due or (self.save_last and last)):
            return
        name = f'epoch_{epoch}.pth'
        dropped = _keep(self.kept, name, self.max_keep_ckpts)
        self._save(runner, name, epoch, dropped)
        _write_last(runner, name)

    def _save(self, runner: Runner, name: str, epoch: int, dropped: list[str]) -> None:
        digest = runner.save_checkpoint(
            runner.work_dir, name, meta={'epoch': epoch, 'iter': _iterations(runner)}
        )
        if self.best and self.best['file'] == name:
            _write_best(runner, {**self.best, 'sha256': digest})
        _remove(runner, dropped)  # only now: there is always one good checkpoint


def checkpoint_hook_of(runner: Runner) -> CheckpointHook | None:
    """Return the hook of a run that saves its checkpoints; None without one."""
    return next((h for h in runner.hooks if isinstance(h, CheckpointHook)), None)


def _validates(runner: Runner, epoch: int) -> bool:
    """Whether mmengine's loop will validate after this epoch."""
    loop = runner.train_loop
    return (
        runner.val_loop is not None
        and epoch >= loop.val_begin
        and (epoch % loop.val_interval == 0 or epoch == runner.max_epochs)
    )


def _iterations(runner: Runner) -> int:
    return runner.iter


def _keep(kept: list[str], name: str, limit: int) -> list[str]:
    """Add a name; return those that are over the limit now."""
    if name not in kept:
        kept.append(name)
    dropped = []
    while limit > 0 and len(kept) > limit:
        dropped.append(kept.pop(0))
    return dropped


@master_only
def _remove(runner: Runner, names: list[str]) -> None:
    for name in names:
        remove_checkpoint(Path(runner.work_dir) / name)


@master_only
def _write_best(runner: Runner, best: dict) -> None:
    text = json.dumps(best, indent=2) + '\n'
    write_text_atomically(text, Path(runner.work_dir) / 'best.json')
    runner.logger.info(
        f'best so far: {best["metric"]} {best["value"]:.4f}, {best["file"]}'
    )


@master_only
def _write_last(runner: Runner, name: str) -> None:
    path = Path(runner.work_dir) / name
    write_text_atomically(str(path), Path(runner.work_dir) / 'last_checkpoint')
