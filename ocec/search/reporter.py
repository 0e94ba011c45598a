"""Tells a sweep how a training goes, from the process of the training."""

from __future__ import annotations

from pathlib import Path

from ocec.search.storage import open_storage
from ocec.search.strategies import build_pruner, import_optuna


class EpochReporter:
    """Reports a metric of each epoch, and asks whether to go on.

    Args:
        storage: journal file or URL.
        study: name of the study.
        number: of the trial.
        pruner: settings, see :func:`ocec.search.strategies.build_pruner`.
        max_epochs: of the training.
    """

    def __init__(
        self,
        storage: str | Path,
        study: str,
        number: int,
        *,
        pruner: str | dict | None,
        max_epochs: int,
    ) -> None:
        optuna = import_optuna()
        opened = optuna.load_study(
            storage=open_storage(storage),
            study_name=study,
            pruner=build_pruner(pruner, max_epochs=max_epochs),
        )
        trial_id = opened.get_trials(deepcopy=False)[number]._trial_id
        self._trial = optuna.trial.Trial(opened, trial_id)
        self._reported = set(opened.trials[number].intermediate_values)

    def __call__(self, epoch: int, value: float) -> bool:
        """Report an epoch.

        Args:
            epoch: from 1; one that an interrupted training has reported is not
                reported again.
            value: of the metric, finite.

        Returns:
            Whether the training should be given up.
        """
        if epoch not in self._reported:
            self._trial.report(value, epoch)
            self._reported.add(epoch)
        return self._trial.should_prune()
