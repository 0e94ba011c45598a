"""Ends a run that hangs, and says where."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ocec.engine.hang_watch import HangWatch
from ocec.engine.rank_pulse import start_pulse
from ocec.registry import HOOKS

# methods of a runner that run something
RUNS = ('train', 'val', 'test')
# modules in which a thread waits for somebody who looks at it in a debugger
DEBUGGERS = ('bdb', '_pydevd_bundle')


@HOOKS.register_module()
class WatchdogHook(Hook):
    """End the process with exit code 1 when the run hangs, after writing all stacks.

    It hangs when no batch of training, validation or test has finished for ``timeout``
    seconds, counted from the first one on, or, with several ranks, when one gives no
    sign of life for ``silence`` seconds: a thread of each rank gives them, however busy
    the rank is, so that only a process that is stopped, or a machine that is gone, is
    silent. ``hang_rankN.txt`` in the work_dir holds the stacks of every rank that can
    still write.

    What takes longer than ``timeout`` between two batches, as the metrics of a huge
    validation, needs a longer one.

    Args:
        timeout: seconds, > 0.
        silence: seconds, >= 10.

    Raises:
        ValueError: an argument is out of range.
    """

    # its time counts before that of other hooks
    priority = 'HIGHEST'

    def __init__(self, timeout: float = 900, *, silence: float = 20) -> None:
        if not timeout > 0:
            raise ValueError(f'timeout must be > 0, got {timeout}')
        if not silence >= 10:
            raise ValueError(f'silence must be >= 10, got {silence}')
        self.timeout = timeout
        self.silence = silence
        self._watch: HangWatch | None = None

    def before_run(self, runner: Runner) -> None:
        """Start to watch.

        Args:
            runner: the runner.
        """
        thread = threading.get_ident()
        if self._watch is not None:
            self._watch.stop()  # of a run of this runner that an exception has ended
        self._watch = HangWatch(
            Path(runner.work_dir),
            get_rank(),
            timeout=self.timeout,
            silence=self.silence,
            pulse=start_pulse(),
            is_running=lambda: is_on_stack(runner, thread),
        )
        self._watch.start()

    def after_run(self, runner: Runner) -> None:
        """Watch no more.

        Args:
            runner: not used.
        """
        self._watch.stop()

    def before_train_epoch(self, runner: Runner) -> None:
        """Note that the run goes on.

        Args:
            runner: the runner.
        """
        self._watch.beat(f'the beginning of epoch {runner.epoch + 1}')

    def after_train_epoch(self, runner: Runner) -> None:
        """Note that the run goes on.

        Args:
            runner: the runner.
        """
        self._watch.beat(f'the end of epoch {runner.epoch + 1}')

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Note that the run goes on.

        Args:
            runner: not used.
            metrics: not used.
        """
        self._watch.beat('the end of a validation')

    def _after_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | list | None = None,
        mode: str = 'train',
    ) -> None:
        self._watch.beat(f'batch {batch_idx + 1} of {mode}', arm=True)


def is_on_stack(runner: Runner, thread: int) -> bool:
    """Whether a thread is inside a run; an exception ends one without ``after_run``.

    A run that somebody has halted in a debugger counts as left: it may take any time.

    Args:
        runner: the runner.
        thread: number of the thread.

    Returns:
        True while ``train``, ``val`` or ``test`` of the runner has not returned.
    """
    frame = sys._current_frames().get(thread)
    while frame is not None:
        if frame.f_globals.get('__name__', '').split('.')[0] in DEBUGGERS:
            return False
        if frame.f_code.co_name in RUNS and frame.f_locals.get('self') is runner:
            return True
        frame = frame.f_back
    return False
