"""What to do when a loss or a gradient is NaN or infinite, and where it comes from."""

from __future__ import annotations

from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from ocec.engine.non_finite_report import report_bad_step
from ocec.engine.optim.optim_wrapper import OptimWrapper
from ocec.engine.rollback import last_finite_checkpoint, roll_back
from ocec.engine.scale_watch import ScaleWatch
from ocec.engine.step_guard import BadStep, StepGuard
from ocec.registry import HOOKS

POLICIES = ('stop', 'skip', 'rollback')


@HOOKS.register_module()
class NonFiniteHook(Hook):
    """Leave out a step whose loss or gradients are not finite, and say why they are.

    The step is never made: neither weights nor statistics nor averages see it, see
    :class:`ocec.engine.step_guard.StepGuard`. Then the batch is trained on again, with
    the same random numbers and a look at every module, and the message names samples,
    module and parameters. ``non_finite_epochE_iterI.pth`` in the work_dir holds all
    that ``tools/misc/replay_batch.py`` needs to do the same. What one rank finds all
    ranks act on.

    With a loss scale (float16) gradients that overflow are no event, a loss is; a
    scale that stays low is warned of.

    Args:
        policy: ``stop`` raises; ``skip`` goes on with the next batch; ``rollback`` goes
            back to the weights of the last checkpoint that are finite, with lower
            learning rates, and on with the next batch.
        max_skips: steps that ``skip`` leaves out in a run before it stops, >= 0.
        max_consecutive: of them in a row, >= 0.
        lr_factor: times all learning rates after each rollback, in (0, 1].
        max_rollbacks: in a run before it stops, >= 0.
        scale_floor: a loss scale below it is too low, > 0.
        scale_steps: for so many steps before the warning, > 0.

    Raises:
        ValueError: an argument is out of range.
    """

    # before hooks that look at the step
    priority = 'VERY_HIGH'

    def __init__(
        self,
        policy: str = 'stop',
        *,
        max_skips: int = 20,
        max_consecutive: int = 5,
        lr_factor: float = 0.5,
        max_rollbacks: int = 3,
        scale_floor: float = 1.0,
        scale_steps: int = 100,
    ) -> None:
        if policy not in POLICIES:
            raise ValueError(f'policy must be one of {POLICIES}, got {policy!r}')
        limits = dict(
            max_skips=max_skips,
            max_consecutive=max_consecutive,
            max_rollbacks=max_rollbacks,
        )
        for name, value in limits.items():
            if value < 0:
                raise ValueError(f'{name} must be >= 0, got {value}')
        if not 0 < lr_factor <= 1:
            raise ValueError(f'lr_factor must be in (0, 1], got {lr_factor}')
        self.policy = policy
        self.max_skips = max_skips
        self.max_consecutive = max_consecutive
        self.lr_factor = lr_factor
        self.max_rollbacks = max_rollbacks
        self._scale_watch = ScaleWatch(scale_floor, scale_steps)
        #: steps left out, in the run and in a row, and rollbacks
        self.num_skips = self.num_consecutive = self.num_rollbacks = 0
        self._guard: StepGuard | None = None

    def before_train(self, runner: Runner) -> None:
        """Put the guard in front of the optimizer.

        Args:
            runner: the runner.
        """
        if not isinstance(runner.optim_wrapper, OptimWrapper):
            kind = type(runner.optim_wrapper).__name__
            runner.logger.warning(
                f'NonFiniteHook does nothing: it works with OptimWrapper and '
                f'AmpOptimWrapper of this package, not with {kind}'
            )
            return
        self._guard = runner.optim_wrapper.guard = StepGuard(_bare(runner))

    def before_train_epoch(self, runner: Runner) -> None:
        """List the buffers anew.

        Args:
            runner: not used.
        """
        if self._guard is not None:
            self._guard.find_buffers()

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Note the batch and the random state.

        Args:
            runner: the runner.
            batch_idx: not used.
            data_batch: the batch.
        """
        if self._guard is not None:
            self._guard.begin(runner.epoch + 1, runner.iter + 1, data_batch)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Act on a step that was left out.

        Args:
            runner: the runner.
            batch_idx: not used.
            data_batch: not used.
            outputs: not used.

        Raises:
            FloatingPointError: the policy is to stop, or its bounds are reached.
        """
        if self._guard is None:
            return
        bad = self._guard.poll()
        if bad is not None:
            self._act(runner, bad)
        elif runner.optim_wrapper.should_update():
            self.num_consecutive = 0
        self._scale_watch.after_step(runner, runner.iter + 1)

    def after_train_epoch(self, runner: Runner) -> None:
        """Wait for the answer on the last step, before anything is saved.

        Args:
            runner: the runner.

        Raises:
            FloatingPointError: the policy is to stop, or its bounds are reached.
        """
        bad = None if self._guard is None else self._guard.poll(is_last=True)
        if bad is not None:
            self._act(runner, bad)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Store the counts.

        Args:
            runner: not used.
            checkpoint: what will be saved.
        """
        checkpoint['non_finite'] = {
            'num_skips': self.num_skips,
            'num_rollbacks': self.num_rollbacks,
        }

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Take the counts over on resume.

        Args:
            runner: the runner.
            checkpoint: what was loaded.
        """
        if runner._resume:
            stored = checkpoint.get('non_finite', {})
            self.num_skips = stored.get('num_skips', 0)
            self.num_rollbacks = stored.get('num_rollbacks', 0)

    def _act(self, runner: Runner, bad: BadStep) -> None:
        scale = _loss_scale(runner)
        if scale is not None and not _any_loss_is_bad(bad):
            self._scale_watch.note_overflow(bad.batches[-1])
            return
        text = report_bad_step(runner, bad, scale or 1.0)
        if self.policy == 'stop':
            raise FloatingPointError(text)
        if self.policy == 'skip':
            self._skip(runner, text)
        else:
            self._roll_back(runner, text)

    def _skip(self, runner: Runner, text: str) -> None:
        self.num_skips += 1
        self.num_consecutive += 1
        for name, number, limit in (
            ('max_skips', self.num_skips, self.max_skips),
            ('max_consecutive', self.num_consecutive, self.max_consecutive),
        ):
            if number > limit:
                raise FloatingPointError(
                    f'{text}\nNonFiniteHook.{name}={limit} steps are left out already'
                )
        runner.logger.warning(
            f'{text}\nThe step is left out: {self.num_skips} of at most '
            f'{self.max_skips} in this run, {self.num_consecutive} of '
            f'{self.max_consecutive} in a row'
        )

    def _roll_back(self, runner: Runner, text: str) -> None:
        self.num_rollbacks += 1
        if self.num_rollbacks > self.max_rollbacks:
            raise FloatingPointError(
                f'{text}\nNonFiniteHook.max_rollbacks={self.max_rollbacks} are made '
                'already'
            )
        name = last_finite_checkpoint(runner)
        if name is None:
            raise FloatingPointError(
                f'{text}\nThere is no checkpoint to roll back to yet'
            )
        roll_back(runner, name, lr_factor=self.lr_factor)
        runner.logger.warning(
            f'{text}\nRolled back to {name}, all learning rates times '
            f'{self.lr_factor:g}; data and schedule go on from here: '
            f'{self.num_rollbacks} of at most {self.max_rollbacks} in this run'
        )


def _any_loss_is_bad(bad: BadStep) -> bool:
    """Whether the loss of any rank is not finite; every rank must call this."""
    losses = [float(batch.loss) for batch in bad.batches]
    return any(all_gather_object(any(loss - loss != 0 for loss in losses)))


def _loss_scale(runner: Runner) -> float | None:
    scaler = getattr(runner.optim_wrapper, 'loss_scaler', None)
    return scaler.get_scale() if scaler is not None and scaler.is_enabled() else None


def _bare(runner: Runner):
    return runner.model.module if is_model_wrapper(runner.model) else runner.model
