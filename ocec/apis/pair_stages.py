"""All stages of the digit pairs: data, trainings, stacking, a summary."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from ocec.apis.errors import ConfigError
from ocec.apis.make_digit_pairs import make_digit_pairs
from ocec.apis.pair_stage_plan import (
    PROFILES,
    STACKING,
    STAGES,
    StageMember,
    choose_members,
)
from ocec.apis.pair_stage_pool import train_runs
from ocec.apis.pair_stage_run import MemberRun, describe_run, hash_data
from ocec.apis.pair_stage_summary import summarize_runs, summary_text
from ocec.apis.stack import stack
from ocec.engine.checkpoint_io import write_text_atomically

SUMMARY = 'summary'


def pair_stages(
    *,
    data: str | Path = 'data/digit_pairs',
    work_dir: str | Path = 'work_dirs/pair',
    small: bool = False,
    stages: Sequence[str] = (),
    members: Sequence[str] = (),
    seeds: Sequence[int] = (),
    jobs: int = 1,
    digits: str | None = None,
    cfg_options: Sequence[str] = (),
    retrain: bool = False,
    dry_run: bool = False,
) -> dict[str, list[dict]]:
    """Train the members of the stages and stack them.

    What has finished is skipped, what was interrupted goes on from its last checkpoint.
    Each member has its own work_dir, ``WORK_DIR/STAGE/NAME-sSEED``.

    Args:
        data: folder of pairs; drawn first if it does not exist.
        work_dir: folder of all stages.
        small: the nets for two CPU cores, in place of those of the guide.
        stages: of ``STAGES``; none for all.
        members: names of nets; none for all.
        seeds: in place of those of the profile.
        jobs: trainings at once, >= 1; they share the cores.
        digits: idx or npz file of single digits, if pairs have to be drawn.
        cfg_options: ``KEY=VALUE`` texts for every member.
        retrain: begin the chosen members anew, whatever is there.
        dry_run: only show what would be done.

    Returns:
        The summary, see :func:`ocec.apis.pair_stage_summary.summarize_runs`.

    Raises:
        ConfigError: there is no such stage or net, a config is wrong, or a folder holds
            a run with other settings.
        ValueError: a member failed; the others were trained.
    """
    if jobs < 1:
        raise ConfigError(f'--jobs must be >= 1, got {jobs}')
    chosen = choose_members(
        PROFILES['small' if small else 'full'],
        stages=stages,
        names=members,
        seeds=seeds,
        cfg_options=cfg_options,
    )
    data, root = Path(data), Path(work_dir)
    if dry_run:
        print(_plan_text(chosen, stages))
        return {'members': [], 'means': []}
    if not data.exists():
        print(f'{data} does not exist: pairs are drawn into it')
        make_digit_pairs(data, digits=digits)
    digest = hash_data(data) if chosen else ''
    runs = [describe_run(member, root, data, digest) for member in chosen]
    failed = _train(runs, jobs, retrain)
    summary = summarize_runs(runs, failed)
    if runs:
        text = summary_text(summary)
        print(text)
        write_text_atomically(text + '\n', root / f'{SUMMARY}.md')
        content = json.dumps(summary, indent=1) + '\n'
        write_text_atomically(content, root / f'{SUMMARY}.json')
    if failed:
        listed = '\n'.join(f'  {name}: {problem}' for name, problem in failed.items())
        raise ValueError(
            f'{len(failed)} of {len(runs)} members failed; the same command goes on '
            f'with them:\n{listed}'
        )
    if not stages or STACKING in stages:
        stack_stages(root, data)
    return summary


def stack_stages(root: Path, data: Path) -> Path:
    """Stack every finished member below a folder.

    Args:
        root: folder of all stages.
        data: folder of pairs with ``stack.npz`` and ``test.npz``.

    Returns:
        Folder of the stacking.

    Raises:
        ConfigError: less than two members have finished.
    """
    names = {
        f'{record.parent.parent.name}-{record.parent.name}': record.parent
        for stage in STAGES
        for record in sorted((root / stage).glob('*/finished.json'))
    }
    if len(names) < 2:
        raise ConfigError(
            f'{root}: {STACKING} needs two finished members or more, found {len(names)}'
        )
    out = root / STACKING
    out.mkdir(parents=True, exist_ok=True)
    entries = ''.join(
        f'    dict(name={name!r}, work_dir={str(folder)!r}),\n'
        for name, folder in names.items()
    )
    config = out / 'stack_config.py'
    text = (
        f'members = [\n{entries}]\n'
        f'stack = dict(data={str(data)!r}, split="stack")\n'
        f'test = dict(data={str(data)!r}, split="test")\n'
        f'out = {str(out)!r}\n'
    )
    write_text_atomically(text, config)
    return stack(config).out


def _train(runs: Sequence[MemberRun], jobs: int, retrain: bool) -> dict[str, str]:
    waiting = []
    for run in runs:
        # all folders are looked at before the first training begins
        if retrain or run.state() != 'finished':
            waiting.append(run)
        else:
            print(f'skipped {run.name}: it has finished')
    for run in waiting:
        os.close(run.lock())  # refuses a folder where a training goes on
        run.prepare(anew=retrain)
    if not waiting:
        return {}
    cores = len(os.sched_getaffinity(0))
    jobs = min(jobs, len(waiting))
    return train_runs(waiting, jobs=jobs, threads=max(1, cores // jobs))


def _plan_text(members: Sequence[StageMember], stages: Sequence[str]) -> str:
    lines = []
    for stage, what in STAGES.items():
        own = [member for member in members if member.stage == stage]
        if own or (stage == STACKING and (not stages or stage in stages)):
            lines.append(f'{stage}: {what}')
        for member in own:
            options = ' '.join(member.cfg_options)
            lines.append(f'  {member.run:24} {member.path.name} {options}'.rstrip())
    return '\n'.join(lines)
