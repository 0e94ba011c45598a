"""Compare runs by their work_dirs: a page, tables, a picture."""

from __future__ import annotations

import difflib
import os.path
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ocec.apis.compare_runs_page import is_metric, render_page
from ocec.apis.compare_runs_text import print_table, write_csv, write_markdown
from ocec.apis.errors import ConfigError
from ocec.engine.checkpoint_io import write_text_atomically
from ocec.engine.metric_rule import rule_of
from ocec.visualization.run_curves_plot import draw_curves
from ocec.visualization.run_groups import RunGroup, group_runs
from ocec.visualization.run_log import RunError, RunLog, find_runs, read_run
from ocec.visualization.run_numbers import default_target, summarize_run

FORMATS = ('html', 'md', 'csv', 'png')
PREFERRED = ('val/f1', 'val/fused_top1', 'val/accuracy', 'val/auc', 'val/loss')
"""What runs are judged by unless told otherwise: the first that any of them has."""


@dataclass
class Comparison:
    """Runs side by side.

    Args:
        runs: that could be read, in the order of the command line.
        groups: of seeds.
        metric: the curve they are judged by, as ``val/f1``; empty if none has one.
        rule: ``greater`` or ``less`` is better.
        target: of that metric, None if no run has it.
        numbers: of each run, by the keys of ``COLUMNS``.
        problems: folder to why it cannot be shown.
        notes: on the comparison as a whole.
        written: when, in words.
    """

    runs: list[RunLog]
    groups: list[RunGroup]
    metric: str
    rule: str
    target: float | None
    numbers: list[dict[str, float | None]]
    problems: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    written: str = ''


def compare_runs(
    work_dirs: Sequence[str | Path],
    *,
    out: str | Path | None = None,
    formats: Sequence[str] = (),
    metric: str | None = None,
    target: float | None = None,
    watch: float | None = None,
) -> Comparison:
    """Compare runs and write reports; the table is printed as well.

    Args:
        work_dirs: of runs, or folders of work_dirs.
        out: file to write; other formats go beside it under the same name.
        formats: some of html, md, csv, png; the one of ``out`` by default.
        metric: to judge by, as ``f1`` or ``eye/f1``.
        target: of that metric; what every run reaches by default.
        watch: seconds between two looks at the runs, until all have ended or Ctrl-C;
            None for one look.

    Returns:
        The comparison.

    Raises:
        ConfigError: there is no such metric or format, or ``watch`` is not positive.
        ValueError: a folder holds nothing to show. The others are reported before.
    """
    if watch is not None and watch <= 0:
        raise ConfigError(f'--watch must be > 0 seconds, got {watch:g}')
    files = _output_files(out, formats)
    reader = RunReader(work_dirs)
    settings = {'metric': metric, 'target': target}
    comparison = _look(reader, files, settings, refresh=watch)
    if watch is not None:
        comparison = _watch(reader, files, settings, watch, comparison)
    if comparison.problems:
        listed = '\n'.join(f'  {p}: {why}' for p, why in comparison.problems.items())
        raise ValueError(
            f'{len(comparison.problems)} of {len(work_dirs)} arguments cannot be '
            f'shown, the report holds the other runs:\n{listed}'
        )
    return comparison


class RunReader:
    """Reads runs, and reads again only those whose logs have changed.

    Args:
        work_dirs: of runs, or folders of work_dirs.
    """

    def __init__(self, work_dirs: Sequence[str | Path]) -> None:
        self._arguments = list(dict.fromkeys(Path(path) for path in work_dirs))
        self._known: dict[Path, tuple[tuple, RunLog]] = {}

    def read(self) -> tuple[list[RunLog], dict[str, str]]:
        """Read all runs.

        Returns:
            Runs with unique names, and path to why it cannot be shown.
        """
        found, problems = {}, {}
        for argument in self._arguments:
            try:
                for path in find_runs(argument):
                    found.setdefault(path.resolve(), path)
            except (RunError, OSError) as error:
                problems[str(argument)] = str(error)
        runs = []
        for path in found.values():
            try:
                runs.append(self._read(path))
            except (RunError, OSError) as error:
                problems[str(path)] = str(error)
        for run, name in zip(runs, unique_names([r.path for r in runs]), strict=True):
            run.name = name
        return runs, problems

    def _read(self, path: Path) -> RunLog:
        stamp = tuple(
            (str(file), file.stat().st_size, file.stat().st_mtime_ns)
            for pattern in ('*.json*', '*.py', '*/vis_data/*.json')
            for file in sorted(path.glob(pattern))
        )
        # the state of a run that goes on depends on the time, too
        if path in self._known and self._known[path][0] == stamp:
            run = self._known[path][1]
            if not run.state.startswith('going on'):
                return run
        run = read_run(path)
        self._known[path] = (stamp, run)
        return run


def build_comparison(
    runs: list[RunLog],
    problems: dict[str, str],
    *,
    metric: str | None = None,
    target: float | None = None,
) -> Comparison:
    """Work out what is compared.

    Args:
        runs: that could be read.
        problems: folder to why it could not.
        metric: to judge by, as ``f1`` or ``eye/f1``; a usual one by default.
        target: of that metric; what every run reaches by default.

    Returns:
        The comparison.

    Raises:
        ConfigError: no run has that metric.
    """
    chosen = choose_metric(runs, metric)
    rule = rule_of(chosen)
    if target is None and chosen:
        target = default_target(runs, chosen, rule)
    groups = group_runs(runs)
    notes = [message for group in groups for message in group.messages]
    without = [run.name for run in runs if chosen and chosen not in run.curves]
    if not chosen and runs:
        notes.append('no run has a validation metric: only training is compared')
    elif without:
        notes.append(
            f'no common metric: {", ".join(without[:8])}'
            f'{" and others" if len(without) > 8 else ""} did not log {chosen}'
        )
    return Comparison(
        runs=runs,
        groups=groups,
        metric=chosen,
        rule=rule,
        target=target,
        numbers=[summarize_run(r, chosen, rule=rule, target=target) for r in runs],
        problems=problems,
        notes=notes,
        written=datetime.now().strftime('%Y-%m-%d %H:%M:%S'),
    )


def choose_metric(runs: Sequence[RunLog], metric: str | None) -> str:
    """Return the curve that runs are judged by.

    Args:
        runs: to compare.
        metric: as the user wrote it: ``f1``, ``val/f1`` or ``eye/f1``.

    Returns:
        Name of a curve; empty if no run has a validation metric.

    Raises:
        ConfigError: no run has that metric.
    """
    curves = {n: c for run in runs for n, c in run.curves.items() if is_metric(n)}
    if metric is None:
        usual = [name for name in PREFERRED if name in curves]
        return next(iter([*usual, *sorted(curves)]), '')
    for name, curve in curves.items():
        if metric in (name, name.removeprefix('val/'), curve.logged_as):
            return name
    names = sorted(name.removeprefix('val/') for name in curves)
    close = difflib.get_close_matches(metric, names, n=1, cutoff=0.4)
    hint = f'; did you mean {close[0]}?' if close else '.'
    raise ConfigError(
        f'--metric {metric}: no run has it{hint} '
        f'There are: {", ".join(names) or "none"}'
    )


def unique_names(paths: Sequence[Path]) -> list[str]:
    """Name runs by their folders, with as many parents as tell them apart.

    Args:
        paths: of work_dirs, all different.

    Returns:
        A name for each.
    """
    names = [path.resolve().name for path in paths]
    if len(set(names)) == len(names):
        return names
    whole = [str(path.resolve()) for path in paths]
    common = os.path.commonpath(whole)
    return [os.path.relpath(path, common) for path in whole]


def _look(
    reader: RunReader, files: dict[str, Path], settings: dict, refresh: float | None
) -> Comparison:
    """Read the runs once, write all reports and print the table."""
    runs, problems = reader.read()
    if not runs:
        listed = '\n'.join(f'  {path}: {why}' for path, why in problems.items())
        raise ValueError(f'there is no run to show:\n{listed}')
    comparison = build_comparison(runs, problems, **settings)
    write_reports(comparison, files, refresh=refresh)
    print_table(comparison)
    for path in files.values():
        print(f'written: {path}')
    return comparison


def write_reports(
    comparison: Comparison, files: dict[str, Path], *, refresh: float | None = None
) -> None:
    """Write a comparison in some formats.

    Args:
        comparison: the runs.
        files: format to file.
        refresh: seconds after which the page loads itself anew; None for never.

    Raises:
        ImportError: plotly, jinja2 or matplotlib is not installed.
        OSError: a file cannot be written.
    """
    for kind, path in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == 'html':
            seconds = None if refresh is None else max(1, round(refresh))
            page = render_page(comparison, refresh_seconds=seconds)
            # a browser that loads it meanwhile must not see half a page
            write_text_atomically(page, path)
        elif kind == 'md':
            write_text_atomically(write_markdown(comparison), path)
        elif kind == 'csv':
            write_text_atomically(write_csv(comparison), path)
        else:
            draw_curves(
                comparison.runs, comparison.groups, path, metric=comparison.metric
            )


def _watch(
    reader: RunReader,
    files: dict[str, Path],
    settings: dict,
    seconds: float,
    comparison: Comparison,
) -> Comparison:
    """Look again and again; the last page does not load itself anew."""
    try:
        while any(run.state.startswith('going on') for run in comparison.runs):
            time.sleep(seconds)
            comparison = _look(reader, files, settings, refresh=seconds)
        print('all runs have ended')
    except KeyboardInterrupt:
        print('watching stopped')
    write_reports(comparison, files)
    return comparison


def _output_files(out: str | Path | None, formats: Sequence[str]) -> dict[str, Path]:
    unknown = [kind for kind in formats if kind not in FORMATS]
    if unknown:
        raise ConfigError(f'--format must be of {", ".join(FORMATS)}, got {unknown[0]}')
    if out is None:
        if formats:
            raise ConfigError('--format needs -o FILE to know where to write')
        return {}
    out = Path(out)
    kind = out.suffix.lstrip('.').lower()
    if not formats:
        if kind not in FORMATS:
            raise ConfigError(
                f'-o {out} must end in {", ".join(f".{kind}" for kind in FORMATS)}, or '
                'name the formats with --format'
            )
        return {kind: out}
    stem = out.with_suffix('') if kind in FORMATS else out
    return {
        name: out if name == kind else stem.with_name(f'{stem.name}.{name}')
        for name in dict.fromkeys(formats)
    }
