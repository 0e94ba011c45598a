"""Search settings, or repeat trainings: many trials, on any number of machines."""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path

from mmengine.config import Config

from ocec.apis.cfg_options import parse_cfg_options
from ocec.apis.errors import ConfigError
from ocec.apis.run_config import LOADERS
from ocec.apis.sweep_check import EYE_DATASETS, check_sweep, settings_of_training
from ocec.apis.sweep_child import child_config_text, plain_value
from ocec.apis.sweep_config import (
    BASE,
    SweepConfig,
    as_options,
    read_sweep_config,
)
from ocec.apis.sweep_page import render_sweep_page
from ocec.apis.sweep_pool import TrialPool
from ocec.apis.sweep_results import SweepResults, collect_results, format_csv
from ocec.apis.sweep_results import format_table as format_results
from ocec.apis.sweep_trial import TrialPlan, TrialRun
from ocec.datasets.cache import footer_sha256
from ocec.datasets.eye_table import find_parquet_files
from ocec.engine.checkpoint_io import write_text_atomically
from ocec.search import Board, OtherSweepError, Ticket, open_storage, open_study
from ocec.search.board import Cell
from ocec.search.parameters import list_grid
from ocec.search.storage import hide_password, is_url

JOURNAL = 'journal.log'
# a page of many trials takes seconds
PAGE_SECONDS = 60.0
CONFIRM_SEEDS = (101, 102, 103, 104, 105)


def sweep(
    config: str | Path,
    *,
    data: str | None = None,
    workers: int = 1,
    work_dir: str | Path | None = None,
    storage: str | None = None,
    trials: int | None = None,
    timeout_minutes: float | None = None,
    retry_failed: bool = False,
    cfg_options: Sequence[str] = (),
    dry_run: bool = False,
) -> SweepResults:
    """Do the trials of a sweep that no process has done yet.

    Each trial is a process of its own in ``WORK_DIR/trial_NNNN``. The same command on
    the same storage goes on with what a killed one has left, and shares the work with
    those of other machines.

    Args:
        config: of the sweep, see :func:`ocec.apis.sweep_config.read_sweep_config`.
        data: of every dataset.
        workers: trials at once in this process, >= 1; they share cores and GPUs.
        work_dir: folder of all trials; by default ``work_dirs/<config name>``.
        storage: journal file or URL of a database; by default a journal in the
            work_dir.
        trials: how many in all, in place of that of the config.
        timeout_minutes: after which no trial begins any more.
        retry_failed: do failed trials again.
        cfg_options: ``KEY=VALUE`` texts for every trial.
        dry_run: only check, and say what would be done.

    Returns:
        The results of all trials so far, of every machine.

    Raises:
        ConfigError: the config is wrong, or the storage cannot be reached or holds
            another sweep.
        ValueError: a trial failed.
    """
    if workers < 1:
        raise ConfigError(f'--workers must be >= 1, got {workers}')
    if timeout_minutes is not None and timeout_minutes <= 0:
        raise ConfigError(f'--timeout-minutes must be > 0, got {timeout_minutes:g}')
    until = None if timeout_minutes is None else time.monotonic() + 60 * timeout_minutes
    settings = read_sweep_config(
        config, data=data, num_trials=trials, fixed=_read_options(cfg_options)
    )
    configs = check_sweep(settings)
    root = Path(work_dir or Path('work_dirs') / Path(config).stem)
    cells = list_cells(settings)
    number = settings.num_trials or len(cells)
    num_jobs = number if cells is None else min(number, len(cells))
    if dry_run:
        print(describe(settings, cells, num_jobs))
        return SweepResults([], settings.objectives, {}, [], [], [], 0)
    place = str(storage or root / JOURNAL)
    board = _open_board(settings, configs, place, cells, num_jobs)
    if retry_failed and (again := board.reopen_failed()):
        print(f'done again: trials {", ".join(map(str, again))}')

    drawn = [-math.inf]

    def on_change() -> None:
        results = collect_results(board, settings)
        is_due = time.monotonic() - drawn[-1] >= PAGE_SECONDS
        if is_due:
            drawn.append(time.monotonic())
        name = hide_password(place)
        write_results(results, settings, board, root, name, page=is_due)

    pool = TrialPool(
        board,
        lambda ticket: plan_trial(ticket, settings),
        root,
        storage=place if is_url(place) else str(Path(place).resolve()),
        workers=workers,
        on_change=on_change,
    )
    pool.run(until=until)
    results = collect_results(board, settings)
    write_results(results, settings, board, root, hide_password(place), page=True)
    print(format_results(results))
    print(f'written: {root / "sweep.html"}, sweep.csv, sweep.json')
    _say_what_next(results, root)
    return results


def list_cells(config: SweepConfig) -> list[Cell] | None:
    """List the trials of a sweep that needs no sampler.

    Args:
        config: of the sweep.

    Returns:
        A cell for each combination of values or variant, seed and fold, seeds and folds
        changing slowest, so that a sweep that is cut short has some of each; None for
        a sampler.
    """
    if config.space and config.sampler != 'grid':
        return None
    points = list_grid(config.space) if config.space else [{}]
    cells = []
    for (seed, fold), variant, values in product(
        config.repeats, config.variants, points
    ):
        labels = {'seed': seed, 'fold': fold}
        if len(config.variants) > 1:
            labels['variant'] = variant
        labels = {name: value for name, value in labels.items() if value is not None}
        name = json.dumps([values, labels], sort_keys=True, default=repr)
        cells.append(Cell(name, values, labels))
    return cells


def plan_trial(ticket: Ticket, config: SweepConfig) -> TrialPlan:
    """Work out what a trial trains.

    Args:
        ticket: of the board.
        config: of the sweep.

    Returns:
        The plan; a trial of a sampler trains every seed and fold.
    """
    variant = config.variants[ticket.labels.get('variant', BASE)]
    repeats = config.repeats
    if config.sampler == 'grid' or not config.space:
        repeats = [(ticket.labels.get('seed'), ticket.labels.get('fold'))]
    runs = tuple(
        TrialRun(
            folder='.' if len(repeats) == 1 else _repeat_name(seed, fold),
            cfg_options=tuple(
                as_options(settings_of_training(config, variant, ticket.values, fold))
            ),
            seed=seed,
            fold=fold,
        )
        for seed, fold in repeats
    )
    return TrialPlan(
        number=ticket.number,
        study=config.name,
        base=str(variant.base),
        data=config.data,
        runs=runs,
        objectives=tuple((o.metric, o.direction) for o in config.objectives),
        epoch=config.epoch,
        pruner=config.pruner,
        data_check='auto' if ticket.number == 0 else 'never',  # the data are the same
    )


def write_results(
    results: SweepResults,
    config: SweepConfig,
    board: Board,
    root: Path,
    storage: str,
    *,
    page: bool = False,
) -> None:
    """Write tables, the config of the best trial, and the page.

    Args:
        results: of the sweep.
        config: of the sweep.
        board: of the sweep.
        root: folder of all trials.
        storage: its name, without a password.
        page: write the page as well.
    """
    root.mkdir(parents=True, exist_ok=True)
    write_text_atomically(format_csv(results), root / 'sweep.csv')
    content = {
        'sweep': {**describe_settings(config), 'storage': storage},
        'counts': results.counts,
        'interruptions': results.num_interruptions,
        'best': results.best,
        'trials': [asdict(row) for row in results.rows],
        'groups': [
            {**asdict(group), 'means': _named(group.means)} for group in results.groups
        ],
        'pairs': [
            {
                **asdict(pair),
                'found': pair.found._asdict()
                | {'difference': pair.found.difference._asdict()},
            }
            for pair in results.pairs
        ],
    }
    text = json.dumps(_finite(content), indent=1, default=repr) + '\n'
    write_text_atomically(text, root / 'sweep.json')
    write_best(results, config, root)
    if page:
        html = render_sweep_page(results, config, board, root, storage)
        write_text_atomically(html, root / 'sweep.html')


def write_best(results: SweepResults, config: SweepConfig, root: Path) -> list[Path]:
    """Write the best trial as a config, and the sweep that confirms it.

    Args:
        results: of the sweep.
        config: of the sweep.
        root: folder for the files.

    Returns:
        The configs: ``best.py``, or ``pareto_trial_NNNN.py`` of each trial on the
        front.
    """
    rows = {row.number: row for row in results.rows}
    files = []
    for stale in root.glob('pareto_trial_*.py'):
        if int(stale.stem.rpartition('_')[2]) not in results.best:
            stale.unlink()
    for number in results.best:
        params = rows[number].params
        one = len(results.objectives) == 1
        file = root / ('best.py' if one else f'pareto_trial_{number:04d}.py')
        settings = settings_of_training(config, config.variants[BASE], params)
        text = child_config_text(
            config.base,
            settings,
            folder=root,
            docstring=f'Trial {number} of the sweep {config.file.name}: '
            f'{_score_words(results, number)} on the validation that chose it.',
        )
        write_text_atomically(text, file)
        files.append(file)
    if files and not config.is_repeated:
        write_text_atomically(_confirmation(config, files[0]), root / 'confirm.py')
    return files


def _score_words(results: SweepResults, number: int) -> str:
    """Objectives of a trial; means, where its config was trained several times."""
    for group in results.groups:
        if number in group.numbers:
            return ', '.join(
                f'{metric} {found.mean:.5g} (mean of {found.num_repeats})'
                for metric, found in group.means.items()
            )
    row = next(row for row in results.rows if row.number == number)
    return ', '.join(f'{k} {v:.5g}' for k, v in row.objectives.items())


def _confirmation(config: SweepConfig, best: Path) -> str:
    """A sweep that compares the best trial with the base config over new seeds."""
    first = config.objectives[0]
    fixed = settings_of_training(config, config.variants[BASE], {})
    # as in best.py: the folder may be moved together with the configs
    base = Path(os.path.relpath(config.base, best.resolve().parent)).as_posix()
    return (
        '"""Is the best trial better than the base config, over seeds that chose '
        'nothing?"""\n\n'
        f'base = {base!r}\n'
        'variants = dict(\n'
        f'    before={plain_value(fixed)!r},\n'
        f'    best=dict(base={best.name!r}),\n'
        ')\n'
        f'metric = {first.metric!r}\n'
        f'direction = {first.direction!r}\n'
        f'epoch = {config.epoch!r}\n'
        f'seeds = {list(CONFIRM_SEEDS)!r}\n'
        f'data = {config.data!r}\n'
    )


def describe_settings(config: SweepConfig) -> dict:
    """Return what a sweep is, as JSON can hold it."""
    return plain_value(
        {
            'config': str(config.file),
            'base': str(config.base),
            'space': {
                key: list(p.choices)
                or {'low': p.low, 'high': p.high, 'step': p.step, 'log': p.log}
                for key, p in config.space.items()
            },
            'variants': {
                name: {'base': str(v.base), **v.settings}
                for name, v in config.variants.items()
            },
            'fixed': config.fixed,
            'sampler': config.sampler,
            'objectives': [asdict(objective) for objective in config.objectives],
            'pruner': config.pruner,
            'num_trials': config.num_trials,
            'seed': config.seed,
            'seeds': list(config.seeds),
            'folds': config.folds,
            'epoch': config.epoch,
            'name': config.name,
            'data': config.data,
        }
    )


# what may change between two commands on one storage
NOT_COMPARED = ('config', 'base', 'variants', 'num_trials', 'sampler', 'pruner', 'data')


def _open_board(
    config: SweepConfig,
    configs: dict[str, Config],
    place: str,
    cells: list[Cell] | None,
    num_jobs: int,
) -> Board:
    settings = describe_settings(config)
    compared = {k: v for k, v in settings.items() if k not in NOT_COMPARED}
    compared['variants'] = {name: v.settings for name, v in config.variants.items()}
    compared['data_sha256'] = _hash_data(next(iter(configs.values())))
    compared['by_cells'] = cells is not None
    bases = [_plain_config(cfg) for cfg in configs.values()]
    text = json.dumps([compared, bases], sort_keys=True, default=repr)
    try:
        storage = open_storage(place)
    except ValueError as error:  # its message names the place
        raise ConfigError(str(error)) from error
    try:
        study = open_study(
            storage,
            config.name,
            directions=[o.direction for o in config.objectives],
            settings=json.loads(json.dumps(compared, default=repr)),
            fingerprint=hashlib.sha256(text.encode()).hexdigest(),
        )
    except OtherSweepError as error:
        raise ConfigError(f'{hide_password(place)}: {error}') from error
    return Board(
        study,
        config.space,
        sampler=config.sampler,
        seed=config.seed,
        num_jobs=num_jobs,
        cells=cells,
    )


def _plain_config(cfg: Config) -> dict:
    """Return what decides on the result of a config: without paths."""
    content = cfg.to_dict()
    for name in ('work_dir', 'data_root'):
        content.pop(name, None)
    for name in LOADERS:
        if content.get(name):
            content[name]['dataset'].pop('data', None)
    return content


def _hash_data(cfg: Config) -> str | None:
    """Identify the images of an eye config; None for other data."""
    dataset = (cfg.get('train_dataloader') or {}).get('dataset') or {}
    if dataset.get('type') not in EYE_DATASETS:
        return None
    try:
        files = find_parquet_files(dataset['data'])
    except (OSError, ValueError) as error:
        raise ConfigError(f'data: {error}') from error
    digests = sorted(footer_sha256(file) for file in files)
    return hashlib.sha256('\n'.join(digests).encode()).hexdigest()


def describe(config: SweepConfig, cells: list[Cell] | None, num_jobs: int) -> str:
    """Say in words what a sweep would do."""
    lines = [f'{num_jobs} trials of {config.base.name}']
    for cell in (cells or [])[:num_jobs]:
        facts = {**cell.labels, **cell.values}
        lines.append('  ' + ', '.join(f'{k}={v!r}' for k, v in facts.items()))
    if cells is None:
        lines += [f'  {key}: {_range(p)}' for key, p in config.space.items()]
        lines.append(f'  chosen by {config.sampler}')
    return '\n'.join(lines)


def _range(parameter) -> str:
    if parameter.choices:
        return f'one of {list(parameter.choices)}'
    scale = ' (log)' if parameter.log else ''
    return f'{parameter.low} to {parameter.high}{scale}'


def _say_what_next(results: SweepResults, root: Path) -> None:
    failed = results.counts['failed']
    if (root / 'confirm.py').exists() and results.best:
        print(
            'the best of many is chosen on val, and its score there is too good; '
            f'confirm it over seeds:\n  python tools/sweep.py {root / "confirm.py"} '
            f'--work-dir {root / "confirm"}'
        )
    if failed:
        raise ValueError(
            f'{failed} of {len(results.rows)} trials failed, see '
            f'{root / "sweep.html"}; --retry-failed does them again'
        )


def _read_options(cfg_options: Sequence[str]) -> dict:
    try:
        parse_cfg_options(list(cfg_options))
        options = [parse_cfg_options([text])[0] for text in cfg_options]
    except ValueError as error:
        raise ConfigError(f'--cfg-options: {error}') from error
    return {option.key: option.value for option in options}


def _repeat_name(seed: int | None, fold: int | None) -> str:
    parts = {'seed': seed, 'fold': fold}
    return '_'.join(f'{name}{n}' for name, n in parts.items() if n is not None)


def _named(means: dict) -> dict:
    return {metric: found._asdict() for metric, found in means.items()}


def _finite(value):
    """Replace what JSON cannot hold."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
