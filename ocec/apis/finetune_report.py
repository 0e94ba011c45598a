"""After a fine-tuning: methods against each other, on the new data and the old."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ocec.apis.errors import ConfigError
from ocec.apis.finetune_report_changes import Change, find_changes, wrong_everywhere
from ocec.apis.finetune_report_numbers import MethodRow, build_rows
from ocec.apis.finetune_report_page import render_page
from ocec.apis.finetune_report_runs import (
    ZERO_SHOT,
    ReportRun,
    find_report_runs,
    parse_runs,
    parse_start,
)
from ocec.apis.finetune_report_scores import Side, score_sides
from ocec.apis.finetune_report_text import report_json, report_markdown, report_text
from ocec.apis.finetune_report_words import collect_notes, find_best, summarize
from ocec.engine.checkpoint_io import write_text_atomically

ON_TERMINAL = '-'
SAME_DATA = 'there is nothing to forget'


@dataclass
class FinetuneReport:
    """All numbers of a report.

    Args:
        split: of both data sets.
        methods: name to its runs, the start first.
        sides: ``B`` and ``A`` to what was scored there.
        rows: of the table, in the order of the methods.
        changes: among the errors, of B first.
        wrong_everywhere: ``B`` and ``A`` to the places of images that every method
            gets wrong.
        best: method with the highest F1 on B.
        summary: sentences.
        notes: what the reader must know.
    """

    split: str
    methods: dict[str, list[ReportRun]]
    sides: dict[str, Side]
    rows: list[MethodRow]
    changes: list[Change]
    wrong_everywhere: dict[str, np.ndarray]
    best: str
    summary: list[str]
    notes: list[str]


def finetune_report(
    a: str | Path,
    b: str | Path,
    *,
    start: str | Path,
    runs: Sequence[str],
    split: str = 'val',
    out: str | Path = 'finetune_report.html',
    json: str | Path | None = None,
    markdown: str | Path | None = None,
    limit: int = 40,
    trust_checkpoint: bool = False,
) -> FinetuneReport:
    """Score methods of fine-tuning on B and on A, print the table, write the page.

    Args:
        a: parquet file, folder or pattern of the data that the start was trained on.
        b: the same of the new camera.
        start: checkpoint or work_dir that the fine-tuning started from; several,
            joined by commas, where each seed had its own.
        runs: ``NAME=WORK_DIR`` or ``NAME=WORK_DIR,WORK_DIR2`` of several seeds; a
            checkpoint may stand in place of a work_dir. The method called ``scratch``
            is one that others are compared with.
        split: of A and of B.
        out: the page.
        json: file for all numbers; None for none.
        markdown: file for the table as Markdown; ``-`` prints it in place of the text.
        limit: images of each list of the page, >= 1.
        trust_checkpoint: unpickle anything from checkpoints.

    Returns:
        The numbers.

    Raises:
        ConfigError: an argument is wrong, or a run has no checkpoint.
        ImportError: jinja2 or matplotlib is not installed.
        ValueError: a checkpoint is damaged, or there is no labelled image.
    """
    if limit < 1:
        raise ConfigError(f'--limit must be >= 1, got {limit}')
    data = {'A': str(a), 'B': str(b)}
    if Path(a).resolve() == Path(b).resolve():
        raise ConfigError(f'--a and --b are both {a}: {SAME_DATA}')
    methods = {ZERO_SHOT: find_report_runs(ZERO_SHOT, parse_start(start), '--start')}
    for name, paths in parse_runs(runs).items():
        methods[name] = find_report_runs(name, paths, f'--run {name}')
    sides = score_sides(methods, data, split=split, trust_checkpoint=trust_checkpoint)
    if sides['A'].fingerprint == sides['B'].fingerprint:
        raise ConfigError(f'--a {a} and --b {b} hold the same images: {SAME_DATA}')
    report = build_report(methods, sides, split)
    page = render_page(report, limit=limit)
    files = {out: page}
    if json is not None:
        files[json] = report_json(report)
    if markdown not in (None, ON_TERMINAL):
        files[markdown] = report_markdown(report)
    is_piped = markdown == ON_TERMINAL
    print(report_markdown(report) if is_piped else report_text(report))
    for path, text in files.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        write_text_atomically(text, Path(path))
        # what may go into a file of its own holds the table only
        print(f'written: {path}', file=sys.stderr if is_piped else sys.stdout)
    return report


def build_report(
    methods: dict[str, list[ReportRun]], sides: dict[str, Side], split: str
) -> FinetuneReport:
    """Work out everything that is reported.

    Args:
        methods: name to its runs, the start first.
        sides: ``B`` and ``A`` to what was scored there.
        split: of both.

    Returns:
        The numbers.
    """
    rows = build_rows(methods, sides)
    return FinetuneReport(
        split=split,
        methods=methods,
        sides=sides,
        rows=rows,
        changes=[change for side in sides.values() for change in find_changes(side)],
        wrong_everywhere={at: wrong_everywhere(side) for at, side in sides.items()},
        best=find_best(rows).name,
        summary=summarize(rows, sides),
        notes=collect_notes(methods, rows, sides),
    )
