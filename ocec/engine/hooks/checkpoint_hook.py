"""Checkpoints saved after validation, with retention and a record of the best."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

from mmengine.dist import broadcast_object_list, is_main_process, master_only
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ocec.engine.checkpoint_io import remove_checkpoint, write_text_atomically
from ocec.engine.metric_rule import RULES, is_better, rule_of
from ocec.engine.rank_agreement import RankAgreement
from ocec.registry import HOOKS

#: the state within an epoch
ROLLING = 'last.pth'
#: which checkpoints a run has written
FILES = 'checkpoints.json'


@HOOKS.register_module()
class CheckpointHook(Hook):
    """Save every ``interval`` epochs, and whenever a metric is the best so far.

    mmengine's own saves before validation, so the plateau scheduler and early
    stopping are stored one validation stale and a resumed run differs. This one
    saves after it. ``best.json`` names the best file, its metric, epoch and SHA-256.
    A best checkpoint is complete: training can go on from it. ``last.pth`` is the state
    between two epochs' checkpoints, written after a signal and every ``every_minutes``,
    and removed by the next checkpoint of an epoch.

    A save that fails, as on a full disk, is told; the run goes on, and its next save is
    another try. If the last one fails too, so does the run, and at once if it is that
    of a best. The checkpoint before it stays in any case.

    Args:
        interval: epochs between checkpoints, > 0; -1 saves the last epoch only.
        max_keep_ckpts: how many of them to keep, > 0; -1 keeps all.
        save_last: save the last epoch whatever the interval.
        save_best: full name of a validation metric, as ``eye/f1``; None saves no best.
        rule: ``greater`` or ``less`` is better; by default ``less`` for a loss or an
            error, else ``greater``.
        max_keep_best: how many best checkpoints to keep, > 0.
        every_minutes: minutes after which to save within an epoch too, > 0; with
            gradient accumulation at the next step. None saves none.

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
        every_minutes: float | None = None,
    ) -> None:
        for name, value in (('interval', interval), ('max_keep_ckpts', max_keep_ckpts)):
            if value <= 0 and value != -1:
                raise ValueError(f'{name} must be > 0, or -1, got {value}')
        if max_keep_best <= 0:
            raise ValueError(f'max_keep_best must be > 0, got {max_keep_best}')
        if every_minutes is not None and not every_minutes > 0:
            raise ValueError(f'every_minutes must be > 0, got {every_minutes}')
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
        self.every_minutes = every_minutes
        self._is_due_by_time = False
        # of saves that failed: their files may be there all the same
        self._refused: list[str] = []
        # of the last save, if it failed
        self._failure: str | None = None

    def before_train(self, runner: Runner) -> None:
        """Forget what an earlier run in this folder called its last and best.

        Args:
            runner: the runner.
        """
        self._saved_at = time.monotonic()
        self._agreement = RankAgreement() if self.every_minutes else None
        if not is_main_process():
            return
        folder = Path(runner.work_dir)
        if runner.iter == 0:
            for name in ('best.json', 'last_checkpoint', FILES):
                (folder / name).unlink(missing_ok=True)
            _remove(runner, [ROLLING])
        elif (folder / FILES).is_file():
            # a run that was killed in between has not removed them
            outdated = json.loads((folder / FILES).read_text())['outdated']
            needed = {*self.kept, *self.kept_best, Path(runner._load_from or '').name}
            _remove(runner, [name for name in outdated if name not in needed])

    def between_batches(self, runner: Runner) -> None:
        """Save if it is time to.

        Args:
            runner: the runner.
        """
        if self._agreement is None or runner.train_loop.is_stopped:
            return
        minutes = (time.monotonic() - self._saved_at) / 60
        # the clock of one rank counts
        wish = is_main_process() and minutes >= self.every_minutes
        self._is_due_by_time |= self._agreement.ask(wish)
        if self._is_due_by_time and runner.optim_wrapper.should_update():
            self._is_due_by_time = False
            self.save_now(runner)

    def save_now(self, runner: Runner) -> None:
        """Save the state between two batches.

        Args:
            runner: the runner; every rank must call this.
        """
        self._save(runner, ROLLING, runner.epoch)

    def check_saved(self) -> None:
        """Check that the state of the last save is on disk.

        Raises:
            OSError: that save has failed.
        """
        if self._failure is not None:
            raise OSError(f'the last checkpoint is not saved: {self._failure}')

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
            OSError: the best cannot be written, which no later save makes up for.
        """
        if runner._train_loop is None or isinstance(runner._train_loop, dict):
            return  # a validation outside training saves nothing
        best = self.best_after(metrics, runner.epoch)
        if best is not self.best:
            before, self.best = self.best, best
            limit = self.max_keep_best
            if not self._keep(
                runner, self.kept_best, best['file'], limit, runner.epoch
            ):
                self.best = before
                self.check_saved()
        self._save_if_due(runner, runner.epoch)

    def after_train(self, runner: Runner) -> None:
        """Fail if what was trained is not on disk.

        Args:
            runner: the runner.

        Raises:
            OSError: the last save has failed.
        """
        if self._agreement is not None:
            self._agreement.last()
        self.check_saved()

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
        self._keep(runner, self.kept, f'epoch_{epoch}.pth', self.max_keep_ckpts, epoch)

    def _keep(
        self,
        runner: Runner,
        kept: list[str],
        name: str,
        limit: int,
        epoch: int,
    ) -> bool:
        """Save one more, and remove those that are over the limit then."""
        before = list(kept)
        if name not in kept:
            kept.append(name)
        dropped = kept[: max(len(kept) - limit, 0)] if limit > 0 else []
        del kept[: len(dropped)]
        if kept is self.kept:
            dropped.append(ROLLING)  # older than this one
        in_use = {name, *self.kept, *self.kept_best}
        dropped += [refused for refused in self._refused if refused not in in_use]
        if not self._save(runner, name, epoch, outdated=dropped):
            kept[:] = before
            self._refused.append(name)
            return False
        self._refused = []
        _remove(runner, dropped)  # only now: there is always one good checkpoint
        return True

    def _save(
        self, runner: Runner, name: str, epoch: int, *, outdated: Sequence[str] = ()
    ) -> bool:
        """Save, and tell what is the last and the best now; False if it fails."""
        meta = {'epoch': epoch, 'iter': runner.iter}
        is_best = self.best is not None and self.best['file'] == name
        failure = [None]
        try:
            digest = runner.save_checkpoint(runner.work_dir, name, meta=meta)
            if is_main_process():
                files = [*self.kept_best, *self.kept, name]
                _write_files(runner, files, outdated)
                if not is_best:
                    path = Path(runner.work_dir) / name
                    write_text_atomically(str(path), path.with_name('last_checkpoint'))
                if is_best:
                    _write_best(runner, {**self.best, 'sha256': digest})
        except OSError as error:
            failure = [str(error)]
            runner.logger.error(
                f'{name} is not saved: {error}. The checkpoint before it is as it was'
            )
        # records are the main process' alone, and all must think the same
        broadcast_object_list(failure)
        self._failure = failure[0]
        self._saved_at = time.monotonic()
        return self._failure is None


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


@master_only
def _remove(runner: Runner, names: list[str]) -> None:
    for name in names:
        remove_checkpoint(Path(runner.work_dir) / name)


def _write_best(runner: Runner, best: dict) -> None:
    text = json.dumps(best, indent=2) + '\n'
    write_text_atomically(text, Path(runner.work_dir) / 'best.json')
    runner.logger.info(
        f'best so far: {best["metric"]} {best["value"]:.4f}, {best["file"]}'
    )


def _write_files(runner: Runner, files: list[str], outdated: Sequence[str]) -> None:
    """Write which files are checkpoints of this run, and which are to be removed."""
    # newest last; a file is named once, where it was written last
    unique = list(dict.fromkeys(reversed(files)))[::-1]
    text = json.dumps({'files': unique, 'outdated': list(outdated)}, indent=2) + '\n'
    write_text_atomically(text, Path(runner.work_dir) / FILES)
