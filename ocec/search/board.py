"""Deals trials out to any number of processes that share a storage.

A trial belongs to a job: one cell of a grid, or one draw of a sampler. A job whose
worker died is dealt out again, as a new trial in the folder of the old one. Where two
processes take a job at once, the trial with the lower number has it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ocec.search.liveness import SILENCE_SECONDS, describe_worker, is_alive
from ocec.search.parameters import Parameter
from ocec.search.strategies import build_sampler, import_optuna

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

JOB, FOLDER, WORKER, TOKEN, LABELS = 'job', 'folder', 'worker', 'token', 'labels'
INTERRUPTED, DISCARDED, ERROR = 'interrupted', 'discarded', 'error'


@dataclass(frozen=True)
class Cell:
    """A job that is known in advance.

    Args:
        name: unique.
        values: key to value of each parameter.
        labels: further facts, as seed and fold.
    """

    name: str
    values: dict
    labels: dict


@dataclass(frozen=True)
class Ticket:
    """A trial that this process has to do.

    Args:
        number: of the trial.
        values: key to value of each parameter.
        labels: those of its cell.
        folder: name of its folder; that of an earlier trial where one was interrupted.
        resumes: number of that trial; None for a new job.
    """

    number: int
    values: dict
    labels: dict
    folder: str
    resumes: int | None = None


class Board:
    """The trials of one sweep.

    Args:
        study: of the sweep.
        space: key to parameter.
        sampler: name of a sampler; not used with cells.
        seed: of the sampler.
        num_jobs: how many are wanted, over all processes.
        cells: jobs that are known in advance; None asks the sampler.
    """

    def __init__(
        self,
        study: Study,
        space: Mapping[str, Parameter],
        *,
        sampler: str = 'tpe',
        seed: int = 0,
        num_jobs: int,
        cells: Sequence[Cell] | None = None,
    ) -> None:
        self.study = study
        self.space = dict(space)
        self.num_jobs = num_jobs
        self.cells = None if cells is None else list(cells)[:num_jobs]
        self._sampler, self._seed = sampler, seed
        self._states = import_optuna().trial.TrialState
        self._worker = describe_worker()

    def next(self) -> Ticket | None:
        """Take the next job.

        Returns:
            The trial to do; None when every job is done, or is being done.
        """
        self.release_dead()
        trials = self.study.get_trials(deepcopy=False)
        for name, old, cell in self._open_jobs(trials):
            if (ticket := self._claim(name, old, cell)) is not None:
                return ticket
        if self.cells is None and len(self.jobs(trials)) < self.num_jobs:
            return self._ask()
        return None

    def beat(self, tickets: Sequence[Ticket]) -> list[Ticket]:
        """Say that this process still works on trials.

        Args:
            tickets: of those trials.

        Returns:
            Those that another process has taken over since.
        """
        optuna = import_optuna()
        self._worker['seen'] = time.time()
        lost = []
        for ticket in tickets:
            try:
                self._set(self._trial_of(ticket.number), WORKER, self._worker)
            except optuna.exceptions.UpdateFinishedTrialError:
                lost.append(ticket)
        return lost

    def complete(self, ticket: Ticket, values: Sequence[float]) -> None:
        """Note the objectives of a finished trial."""
        self.study.tell(ticket.number, list(values), skip_if_finished=True)

    def prune(self, ticket: Ticket) -> None:
        """Note that a trial was given up early."""
        self._end(ticket.number, self._states.PRUNED)

    def fail(self, ticket: Ticket, error: str) -> None:
        """Note that a trial failed, and why; it is not done again."""
        self._end(ticket.number, self._states.FAIL, ERROR, error)

    def interrupt(self, ticket: Ticket, reason: str) -> None:
        """Give a trial back: the next process goes on with it."""
        self._end(ticket.number, self._states.FAIL, INTERRUPTED, reason)

    def note(self, ticket: Ticket, name: str, value: object) -> None:
        """Keep a fact with a trial; JSON can hold the value."""
        self._set(self._trial_of(ticket.number), name, value)

    def release_dead(self) -> list[int]:
        """Give back the trials of processes that no longer live.

        Returns:
            Numbers of these trials.
        """
        released = []
        for trial in self.study.get_trials(deepcopy=False):
            if trial.state != self._states.RUNNING or self._is_alive(trial):
                continue
            is_whole = JOB in trial.user_attrs or set(self.space) <= set(trial.params)
            reason = INTERRUPTED if is_whole else DISCARDED
            if self._end(trial.number, self._states.FAIL, reason, 'its worker died'):
                released.append(trial.number)
        return released

    def reopen_failed(self) -> list[int]:
        """Let failed jobs be done again.

        Returns:
            Numbers of their trials.
        """
        failed = [
            trial
            for owner in self.jobs().values()
            if (trial := owner).state == self._states.FAIL and ERROR in trial.user_attrs
        ]
        known = self.study.user_attrs.get('reopened', [])
        numbers = [trial.number for trial in failed]
        self.study.set_user_attr('reopened', sorted({*known, *numbers}))
        return numbers

    def jobs(self, trials: Sequence[FrozenTrial] | None = None) -> dict:
        """Return the trial that stands for each job.

        Args:
            trials: of the study; None reads them.

        Returns:
            Name of the job to the first trial that was not interrupted, else to the
            last one that was; in the order of their first trials.
        """
        trials = self.study.get_trials(deepcopy=False) if trials is None else trials
        reopened = set(self.study.user_attrs.get('reopened', ()))
        owners: dict = {}
        for trial in trials:
            if DISCARDED in trial.user_attrs:
                continue
            name = trial.user_attrs.get(JOB, f'trial {trial.number}')
            if name not in owners or self._is_given_back(owners[name], reopened):
                owners[name] = trial
        return owners

    def count(self) -> dict[str, int]:
        """Count the jobs.

        Returns:
            ``done``, ``pruned``, ``failed``, ``running``, ``interrupted`` and
            ``wanted``.
        """
        counts = dict.fromkeys(
            ('done', 'pruned', 'failed', 'running', 'interrupted'), 0
        )
        for trial in self.jobs().values():
            counts[self.state_of(trial)] += 1
        return {**counts, 'wanted': self.num_jobs}

    def state_of(self, trial: FrozenTrial) -> str:
        """Return ``done``, ``pruned``, ``failed``, ``running`` or ``interrupted``."""
        if trial.state == self._states.FAIL:
            return 'interrupted' if INTERRUPTED in trial.user_attrs else 'failed'
        names = {self._states.COMPLETE: 'done', self._states.PRUNED: 'pruned'}
        return names.get(trial.state, 'running')

    def values_of(self, trial: FrozenTrial) -> dict:
        """Return key to value of the parameters of a trial."""
        return {
            key: self.space[key].decode(stored)
            for key, stored in trial.params.items()
            if key in self.space
        }

    def _open_jobs(self, trials: Sequence[FrozenTrial]) -> list[tuple]:
        """Jobs to be done that need no sampler: name, earlier trial, cell."""
        owners = self.jobs(trials)
        reopened = set(self.study.user_attrs.get('reopened', ()))
        cells = {cell.name: cell for cell in self.cells or ()}
        given_back = [
            (name, trial, cells.get(name))
            for name, trial in owners.items()
            if self._is_given_back(trial, reopened)
            and (self.cells is None or name in cells)
        ]
        new = [(name, None, cell) for name, cell in cells.items() if name not in owners]
        return given_back + new

    def _claim(self, name: str, old: FrozenTrial | None, cell: Cell | None):
        """Add a trial for a job; returns None where another process was faster."""
        optuna = import_optuna()
        values = cell.values if old is None else self.values_of(old)
        space = {key: self.space[key] for key in values}
        token = uuid.uuid4().hex
        kept = {} if old is None else dict(old.user_attrs)
        for attribute in (INTERRUPTED, ERROR):
            kept.pop(attribute, None)
        labels = kept.get(LABELS, {}) if cell is None else cell.labels
        attributes = {JOB: name, TOKEN: token, WORKER: self._worker, LABELS: labels}
        self.study.add_trial(
            optuna.create_trial(
                state=self._states.RUNNING,
                params={key: p.encode(values[key]) for key, p in space.items()},
                distributions={key: p.distribution() for key, p in space.items()},
                user_attrs={**kept, **attributes},
                system_attrs=None if old is None else old.system_attrs,
                intermediate_values=None if old is None else old.intermediate_values,
            )
        )
        trials = self.study.get_trials(deepcopy=False)
        mine = next(t for t in reversed(trials) if t.user_attrs.get(TOKEN) == token)
        if self.jobs(trials)[name].number != mine.number:
            self._end(mine.number, self._states.FAIL, DISCARDED, 'another was faster')
            return None
        folder = kept.get(FOLDER) or folder_name(mine.number)
        self._set(mine, FOLDER, folder)
        resumes = None if old is None else old.number
        return Ticket(mine.number, dict(values), labels, folder, resumes)

    def _ask(self) -> Ticket | None:
        """Let the sampler choose; returns None where enough trials have begun."""
        trial = self.study.ask()
        trial.set_user_attr(WORKER, self._worker)
        trial.set_user_attr(FOLDER, folder_name(trial.number))
        names = list(self.jobs())
        if names.index(f'trial {trial.number}') >= self.num_jobs:
            self._end(trial.number, self._states.FAIL, DISCARDED, 'one too many')
            return None
        # 1000003: the seeds of two sweeps with seeds 0 and 1 have no trial in common
        seed = (self._seed * 1_000_003 + trial.number) % 2**32
        self.study.sampler = build_sampler(self._sampler, seed)
        values = {key: p.suggest(trial) for key, p in self.space.items()}
        return Ticket(trial.number, values, {}, folder_name(trial.number))

    def _is_given_back(self, trial: FrozenTrial, reopened: set[int]) -> bool:
        is_failed = trial.state == self._states.FAIL
        return is_failed and (
            INTERRUPTED in trial.user_attrs or trial.number in reopened
        )

    def _is_alive(self, trial: FrozenTrial) -> bool:
        worker = trial.user_attrs.get(WORKER)
        if worker is not None:
            return is_alive(worker)
        # died between two writes, or is about to say who it is
        return time.time() - trial.datetime_start.timestamp() < SILENCE_SECONDS

    def _end(
        self, number: int, state, attribute: str | None = None, value: str = ''
    ) -> bool:
        """Finish a trial; returns False where another process has finished it."""
        optuna = import_optuna()
        try:
            if attribute is not None:
                self._set(self._trial_of(number), attribute, value)
            self.study.tell(number, state=state)
        except (optuna.exceptions.UpdateFinishedTrialError, ValueError):
            return False
        return True

    def _trial_of(self, number: int) -> FrozenTrial:
        return self.study.get_trials(deepcopy=False)[number]

    def _set(self, trial: FrozenTrial, name: str, value: object) -> None:
        self.study._storage.set_trial_user_attr(trial._trial_id, name, value)


def folder_name(number: int) -> str:
    """Return the name of the folder of a trial."""
    return f'trial_{number:04d}'
