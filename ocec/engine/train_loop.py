"""mmengine's loop of epochs, which can stop and go on between any two batches."""

from __future__ import annotations

from typing import Any

from mmengine.dist import broadcast_object_list, get_dist_info
from mmengine.runner import EpochBasedTrainLoop as MMEngineEpochBasedTrainLoop
from torch import nn

from ocec.engine.checkpoint_io import rng_state, set_rng_state
from ocec.engine.train_batches import TrainBatches
from ocec.registry import LOOPS


class ValidationStopped(Exception):  # noqa: N818  no error: somebody wants it
    """Raised by a hook to leave a validation, which a resumed run does again."""


@LOOPS.register_module()
class EpochBasedTrainLoop(MMEngineEpochBasedTrainLoop):
    """mmengine's loop; a run that is stopped anywhere goes on as if it had not been.

    * Two more moments for hooks: ``between_batches``, when a batch is over and all that
      a checkpoint holds is in order, and ``after_stopped_validation``.
    * A hook that has saved and wants to leave sets ``is_stopped``; ``after_train`` is
      not called then.
    * ``state_dict`` says where in the epoch the run is: the samples that all ranks have
      seen of it. A resumed epoch reads none of them again, also with other ranks, over
      which the rest is divided anew.
    * What is drawn while a batch is read depends on seed, epoch, rank and number of the
      batch, not on the number of workers: see :class:`TrainBatches`.
    """

    #: a checkpoint is written and the run is to end here
    is_stopped = False
    #: the epoch is trained, its validation is not done
    is_validation_due = False
    # samples of this epoch that all ranks have seen, and the ranks that began it
    _seen = 0
    _begun_with: int | None = None
    _batches: TrainBatches | None = None
    _seed: int | None = None

    def run(self) -> nn.Module:
        """Train.

        Returns:
            The model.
        """
        self.runner.call_hook('before_train')
        # the config may have lost its validation meanwhile
        if self.is_validation_due and self.runner.val_loop is not None:
            self._validate()
        while not (self.is_stopped or self._is_done()):
            self.run_epoch()
            if self.is_stopped:
                break
            self._decide_current_val_interval()
            if self._validates_now():
                self._validate()
        if not self.is_stopped:
            self.runner.call_hook('after_train')
        return self.runner.model

    def run_epoch(self) -> None:
        """Train an epoch, or what is left of it."""
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        batches = self._prepared()
        if not self._seen:
            self._begun_with = get_dist_info()[1]
        for number, batch in batches.of_epoch(
            self._epoch, self._seen, self._begun_with
        ):
            self.run_iter(number, batch)
            self._seen += batches.samples_of_a_step
            self.runner.call_hook('between_batches')
            if self.is_stopped:
                return
        self._seen = 0
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1

    def state_dict(self) -> dict:
        """Return where the run is in its epoch, and what its order depends on."""
        return {
            'seen': self._seen,
            'begun_with': self._begun_with or get_dist_info()[1],
            'is_validation_due': self.is_validation_due,
            'seed': self.seed,
            'sampler_seed': getattr(self._sampler, 'seed', None),
        }

    def load_state_dict(self, state: dict) -> None:
        """Go on from there; epoch and iteration are known already.

        Args:
            state: what ``state_dict`` returned; of a checkpoint without one nothing,
                then an epoch begins.
        """
        self._seed = state.get('seed')
        if state.get('sampler_seed') is not None and hasattr(self._sampler, 'seed'):
            self._sampler.seed = state['sampler_seed']
        self.is_validation_due = state.get('is_validation_due', False)
        self._seen = state.get('seen', 0)
        self._begun_with = state.get('begun_with', 1)
        first = self._prepared().first_of(self._seen, self._begun_with)
        # other ranks have other numbers of batches; those trained stay as they were
        num_batches = len(self.dataloader)
        left = num_batches * (self._max_epochs - self._epoch) - first
        self._max_iters = self._iter + max(left, 0)

    @property
    def seed(self) -> int:
        """Seed of what is drawn while data are read, equal on all ranks."""
        if self._seed is None:
            seeds = [self.runner.seed]
            broadcast_object_list(seeds)
            self._seed = seeds[0]
        return self._seed

    @property
    def is_in_epoch(self) -> bool:
        """Whether some of the epoch is trained and some is not, or not yet closed."""
        return self._seen > 0

    @property
    def _sampler(self) -> Any:
        return getattr(self.dataloader.batch_sampler, 'sampler', None)

    def _is_done(self) -> bool:
        return self._epoch >= self._max_epochs or self.stop_training

    def _prepared(self) -> TrainBatches:
        if self._batches is None:
            self._batches = TrainBatches(self.dataloader, self.seed)
        return self._batches

    def _validates_now(self) -> bool:
        if self.runner.val_loop is None or self._epoch < self.val_begin:
            return False
        return self._epoch % self.val_interval == 0 or self._epoch == self._max_epochs

    def _validate(self) -> None:
        """Validate; a validation that is stopped leaves no trace."""
        # a checkpoint that follows the validation must not ask for it again
        self.is_validation_due = False
        before = rng_state()
        try:
            self.runner.val_loop.run()
        except ValidationStopped:
            set_rng_state(before)
            self.is_validation_due = True
            self.runner.call_hook('after_stopped_validation')
