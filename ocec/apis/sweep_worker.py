"""The process of one trial: trains what ``trial.json`` of its folder says."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

from ocec.apis.command import run_command
from ocec.apis.sweep_config import Objective
from ocec.apis.sweep_hook import SweepHook
from ocec.apis.sweep_measure import metrics_of_run, minutes_of_run, objectives_of_runs
from ocec.apis.sweep_trial import TrialPlan, TrialRun, read_plan, write_result
from ocec.apis.train import train
from ocec.engine.checkpoint_io import write_text_atomically

STORAGE_VARIABLE = 'OCEC_SWEEP_STORAGE'
FINISHED_FILE = 'finished.json'
LOOK_SECONDS = 1.0
# exit code: stopped by a signal, to be gone on with (EX_TEMPFAIL of sysexits.h)
STOPPED = 75


def train_trial(folder: str | Path) -> None:
    """Train the runs of a trial, each from its last checkpoint where there is one.

    Args:
        folder: with ``trial.json``; gets ``result.json`` at the end.

    Raises:
        SystemExit: with ``STOPPED``; a signal has stopped a training, which the next
            process goes on with.
        ValueError: nothing was validated, or a metric is not finite.
    """
    folder = Path(folder)
    plan = read_plan(folder)
    for run in plan.runs:
        work_dir = folder / run.folder
        if (work_dir / FINISHED_FILE).is_file():
            continue
        if _train_run(plan, run, work_dir):
            runs = [{'train_minutes': minutes_of_run(work_dir)}]
            write_result(folder, {'state': 'pruned', 'values': None, 'runs': runs})
            return
        text = json.dumps({'finished': time.time()}) + '\n'
        write_text_atomically(text, work_dir / FINISHED_FILE)
    values, runs = objectives_of_runs(
        [folder / run.folder for run in plan.runs],
        [Objective(*objective) for objective in plan.objectives],
        epoch=plan.epoch,
        base=Path(plan.base),
        cfg_options=plan.runs[0].cfg_options,
    )
    write_result(folder, {'state': 'done', 'values': values, 'runs': runs})


def _train_run(plan: TrialPlan, run: TrialRun, work_dir: Path) -> bool:
    """Train; returns whether the sweep gave the trial up."""
    hooks = [] if plan.pruner is None else [_pruning_hook(plan, run)]
    result = train(
        plan.base,
        work_dir=work_dir,
        data=plan.data,
        resume='auto',
        cfg_options=run.cfg_options,
        seed=run.seed,
        data_check=plan.data_check,
        hooks=hooks,
    )
    if result.stopped_by:
        sys.exit(STOPPED)
    objectives = [Objective(*objective) for objective in plan.objectives]
    metrics_of_run(work_dir, objectives, plan.epoch)  # says what is not finite
    return any(hook.is_pruned for hook in hooks)


def _pruning_hook(plan: TrialPlan, run: TrialRun) -> SweepHook:
    from ocec.apis.run_config import load_run_config
    from ocec.search.reporter import EpochReporter

    cfg = load_run_config(plan.base, cfg_options=run.cfg_options, data=plan.data)
    reporter = EpochReporter(
        os.environ[STORAGE_VARIABLE],
        plan.study,
        plan.number,
        pruner=plan.pruner,
        max_epochs=cfg.train_cfg.max_epochs,
    )
    return SweepHook(plan.objectives[0][0], reporter)


def end_with_parent(parent: int) -> None:
    """End this process soon after its parent, also after one that was killed.

    Args:
        parent: its process id.
    """

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_SECONDS)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=look, daemon=True).start()


def main() -> int:
    """Train the trial of the folder that is given; returns the exit code."""
    os.environ['OCEC_TRACEBACK'] = '1'  # the sweep shows it
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the sweep's
    end_with_parent(int(sys.argv[2]))
    return run_command(train_trial, folder=sys.argv[1])


if __name__ == '__main__':
    sys.exit(main())
