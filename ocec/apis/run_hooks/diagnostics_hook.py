"""Plots, numbers and lists of what a run has learned, while it goes on."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, Runner
from torch.utils.data import Dataset

from ocec.apis.diagnose import diagnose
from ocec.apis.run_hooks.score_samples import score_samples
from ocec.engine.last_scores import scored_parts
from ocec.functional.probability import DEFAULT_THRESHOLD
from ocec.registry import HOOKS
from ocec.visualization.embedding_projection import draw_samples

# what the first one takes on one core, matplotlib's import included
ASSUMED_SECONDS = 1.0


class _Moment(NamedTuple):
    """When in the run; the epoch of tested weights may be unknown."""

    epoch: int | None
    step: int


class _Scored(NamedTuple):
    """What is diagnosed."""

    split: str
    scores: dict[str, np.ndarray]
    dataset: Dataset
    threshold: float


@HOOKS.register_module()
class DiagnosticsHook(Hook):
    """Write ``diagnostics/<split>/epoch_XXXX/`` below the work_dir.

    It holds what :func:`ocec.apis.diagnose.diagnose` finds in the scores of the last
    validation; the plots go to TensorBoard too. Where several sources are validated at
    once, each has its own, ``<split>/<source>/``. The last validation of a training is
    always written, and so is a test, as ``diagnostics/test/``; others every
    ``interval`` epochs, as long as that stays cheap. The main process writes; the
    others go on and wait at the next step. No random number of the run is used.

    Args:
        interval: epochs between two diagnoses of a training, > 0; -1 for the last
            validation only.
        max_share: share of the time since the training began that diagnoses before the
            last may take, in (0, 1]; what would take more is left out, and the log
            says so. 1 leaves nothing out.
        tsne_samples: embeddings to lay out with t-SNE in the last diagnosis, 0 for
            none; needs scikit-learn, and 1,000 take 4 s on one core.
        train_samples: samples of the training split to score and diagnose beside
            those of validation, without augmentation, as ``diagnostics/train/``;
            0 for none. The last of a run that stops early has none.
        list_limit: samples of each list at most, > 0.
        seed: of the samples drawn.

    Raises:
        ValueError: an argument is out of range.
    """

    # after CheckpointHook (VERY_LOW), so that the checkpoint is safe before anything is
    # drawn; before the verdict (LOWEST), which is to be the last line
    priority = 95

    def __init__(
        self,
        interval: int = 10,
        *,
        max_share: float = 0.03,
        tsne_samples: int = 0,
        train_samples: int = 0,
        list_limit: int = 200,
        seed: int = 0,
    ) -> None:
        if interval <= 0 and interval != -1:
            raise ValueError(f'interval must be > 0, or -1, got {interval}')
        if not 0 < max_share <= 1:
            raise ValueError(f'max_share must be in (0, 1], got {max_share}')
        for name, value in (
            ('tsne_samples', tsne_samples),
            ('train_samples', train_samples),
        ):
            if value < 0:
                raise ValueError(f'{name} must be >= 0, got {value}')
        if list_limit <= 0:
            raise ValueError(f'list_limit must be > 0, got {list_limit}')
        self.interval = interval
        self.max_share = max_share
        self.tsne_samples = tsne_samples
        self.train_samples = train_samples
        self.list_limit = list_limit
        self.seed = seed
        #: seconds taken by all diagnoses of this training
        self.seconds = 0.0
        self._last_seconds = ASSUMED_SECONDS
        self._train_scores: dict[str, np.ndarray] | None = None
        self._pending: _Moment | None = None
        self._loaded = _Moment(None, 0)

    def before_train(self, runner: Runner) -> None:
        """Start the clock.

        Args:
            runner: the runner.
        """
        self._start = time.perf_counter()
        self.seconds = 0.0

    def before_val_epoch(self, runner: Runner) -> None:
        """Score the training samples, while the averaged weights are in the model.

        Args:
            runner: the runner.
        """
        self._train_scores = None
        wanted = self.train_samples and is_main_process() and _is_training(runner)
        if not wanted or not (self._is_due(runner.epoch) or _is_last(runner)):
            return
        start = time.perf_counter()
        loader = runner.train_dataloader
        index_M = draw_samples(len(loader.dataset), self.train_samples, seed=self.seed)
        self._train_scores = score_samples(runner.model, loader, index_M)
        self.seconds += time.perf_counter() - start

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Write what is due, unless it may be the last, which waits for the end.

        Args:
            runner: the runner.
            metrics: not used.
        """
        if not is_main_process():
            return
        if not _is_training(runner):
            self._diagnose_evaluation(runner, runner.val_loop, 'val')
            return
        self._pending = _Moment(runner.epoch, runner.iter)
        is_due = self._is_due(runner.epoch) and not _is_last(runner)
        if is_due and self._is_affordable(runner):
            self._write_pending(runner, tsne_samples=0)

    def after_train(self, runner: Runner) -> None:
        """Write the last validation.

        Args:
            runner: the runner.
        """
        if is_main_process() and self._pending is not None:
            self._write_pending(runner, tsne_samples=self.tsne_samples)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Note which epoch is tested.

        Args:
            runner: the runner.
            checkpoint: what was loaded.
        """
        meta = checkpoint.get('meta', {})
        self._loaded = _Moment(meta.get('epoch'), meta.get('iter', 0))

    def after_test_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Write what the test shows.

        Args:
            runner: the runner.
            metrics: not used.
        """
        if is_main_process():
            self._diagnose_evaluation(runner, runner.test_loop, 'test')

    def _is_due(self, epoch: int) -> bool:
        return self.interval > 0 and epoch % self.interval == 0

    def _is_affordable(self, runner: Runner) -> bool:
        # one more follows at the end
        cost = self.seconds + 2 * self._last_seconds
        elapsed = time.perf_counter() - self._start
        if self.max_share == 1 or cost <= self.max_share * elapsed:
            return True
        runner.logger.info(
            f'diagnostics of epoch {runner.epoch} are left out: they would take more '
            f'than {self.max_share:.1%} of the time (DiagnosticsHook.max_share)'
        )
        return False

    def _write_pending(self, runner: Runner, *, tsne_samples: int) -> None:
        """Diagnose the last validation of a training, and note what that takes."""
        start = time.perf_counter()
        moment, self._pending = self._pending, None
        validated = _last_scored(runner.val_loop, 'val', runner)
        for scored in validated:
            self._diagnose(runner, scored, moment, tsne_samples)
        if validated and self._train_scores is not None:
            trained = validated[0]._replace(
                split='train',
                scores=self._train_scores,
                dataset=runner.train_dataloader.dataset,
            )
            self._diagnose(runner, trained, moment, 0)
        self._last_seconds = time.perf_counter() - start
        self.seconds += self._last_seconds

    def _diagnose_evaluation(self, runner: Runner, loop: BaseLoop, split: str) -> None:
        """Diagnose an evaluation outside a training."""
        for scored in _last_scored(loop, split, runner):
            self._diagnose(runner, scored, self._loaded, self.tsne_samples)

    def _diagnose(
        self, runner: Runner, scored: _Scored, moment: _Moment, tsne_samples: int
    ) -> None:
        epoch = 'unknown' if moment.epoch is None else f'{moment.epoch:04d}'
        split = scored.split
        found = diagnose(
            scored.scores,
            scored.dataset,
            Path(runner.work_dir) / 'diagnostics' / split / f'epoch_{epoch}',
            threshold=scored.threshold,
            tsne_samples=tsne_samples,
            list_limit=self.list_limit,
            is_held_out=split != 'train',
            seed=self.seed,
            about={'split': split, 'epoch': moment.epoch, 'step': moment.step},
        )
        for name, image in found.images.items():
            runner.visualizer.add_image(
                f'diagnostics/{split}/{name}', image, step=moment.step
            )
        scalars = {
            f'diagnostics/{split}/{name}': value
            for name, value in found.numbers.items()
            if value is not None and math.isfinite(value)
        }
        runner.visualizer.add_scalars(scalars, step=moment.step)
        sizes = ', '.join(
            f'{samples.num_found:,} {name.replace("_", " ")}'
            for name, samples in found.lists.items()
        )
        runner.logger.info(f'diagnostics of {split}: {sizes}; see {found.folder}')


def _is_training(runner: Runner) -> bool:
    # the config of a loop that was not asked for stays a dict
    return isinstance(runner._train_loop, BaseLoop)


def _is_last(runner: Runner) -> bool:
    return runner.epoch == runner.max_epochs or runner.train_loop.stop_training


def _last_scored(loop: BaseLoop, split: str, runner: Runner) -> list[_Scored]:
    """Return the scores of the last evaluation by source, if a metric kept them."""
    parts = scored_parts(loop.evaluator)
    if not parts:
        runner.logger.info(
            f'no diagnostics of {split}: no metric keeps the scores, as BinaryMetric '
            'does'
        )
    return [
        _Scored(
            split if len(parts) == 1 else f'{split}/{part.prefix}',
            part.last_scores,
            loop.dataloader.dataset,
            getattr(part, 'threshold', DEFAULT_THRESHOLD),
        )
        for part in parts
    ]
