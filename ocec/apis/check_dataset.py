"""Check a data set: leaks between its splits, bad rows, and what predicts the label."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from ocec.apis.check_dataset_findings import find_problems
from ocec.apis.check_dataset_gaps import find_gaps
from ocec.apis.check_dataset_leaks import LEAK, MAX_NEAR_SHARE, Finding
from ocec.apis.check_dataset_numbers import (
    count_rows,
    predict_from_cues,
    size_histogram,
    summarise_cues,
)
from ocec.apis.check_dataset_page import render_page
from ocec.apis.check_dataset_scan import ScannedPictures, scan_pictures
from ocec.apis.progress import track
from ocec.datasets.eye_table import EyeTable, find_parquet_files, read_eye_table
from ocec.engine.checkpoint_io import write_text_atomically
from ocec.functional.perceptual_hash import HASH_BITS, NEAR_CORRELATION, NEAR_DISTANCE
from ocec.preparation.near_duplicates import find_near_duplicates

VERDICTS = {
    'leak': 'LEAK FOUND',
    'unknown': 'LEAK NOT EXCLUDED',
    'clean': 'NO LEAK FOUND',
}


class LeakError(ValueError):
    """The splits of a data set share what they must not."""


@dataclass(frozen=True)
class DatasetReport:
    """What a check found.

    Args:
        files: the parquet files.
        verdict: ``leak``; ``unknown``: none found, but what could not be compared may
            hide one; ``clean``.
        headline: the verdict in a line, with its reason.
        findings: leaks first.
        counts: of :func:`ocec.apis.check_dataset_numbers.count_rows`.
        cues: how well size and brightness predict the label.
        spreads: of size and brightness by split and class.
        sizes: histograms of width and height.
        settings: limits of the search for near duplicates.
    """

    files: tuple[str, ...]
    verdict: str
    headline: str
    findings: tuple[Finding, ...]
    counts: list[dict]
    cues: list[dict]
    spreads: list[dict]
    sizes: dict[str, dict]
    settings: dict


def check_dataset(
    files: Sequence[str | Path],
    *,
    json_file: str | Path | None = None,
    html: str | Path | None = None,
    near_distance: int = NEAR_DISTANCE,
    near_correlation: float = NEAR_CORRELATION,
    max_near_share: float = MAX_NEAR_SHARE,
    allow_outside: bool = False,
    jobs: int | None = None,
) -> DatasetReport:
    """Read every row and picture, print a summary, write the reports.

    With more than one job the calling script needs the usual
    ``if __name__ == '__main__'``.

    Args:
        files: parquet files, folders or patterns; together one data set.
        json_file: where to write all numbers and the rows of each finding.
        html: where to write a page with contact sheets.
        near_distance: bits in which the hashes of near duplicates may differ.
        near_correlation: of the thumbnails of near duplicates, at least, in (0, 1].
        max_near_share: share of val or test that may look like a row of another split
            before that is called a leak, in [0, 1].
        allow_outside: also read pictures outside the folder of their parquet file.
        jobs: processes, >= 1; None takes all cores.

    Returns:
        What was found.

    Raises:
        FileNotFoundError: a file is not there.
        ValueError: a file is damaged, or an argument is out of range.
    """
    for name, value, is_good, rule in (
        ('near_distance', near_distance, 0 <= near_distance < HASH_BITS, '[0, 63]'),
        ('near_correlation', near_correlation, 0 < near_correlation <= 1, '(0, 1]'),
        ('max_near_share', max_near_share, 0 <= max_near_share <= 1, '[0, 1]'),
    ):
        if not is_good:
            raise ValueError(f'{name} must be in {rule}, got {value}')
    table = read_eye_table(find_parquet_files(files))
    if not len(table):
        raise ValueError(f'{table.files[0]}: no rows')
    scanned = scan_pictures(table, jobs=jobs, allow_outside=allow_outside)
    bands = partial(track, total=near_distance + 1, what='searching look-alikes, band')
    near = find_near_duplicates(
        scanned.facts_N,
        scanned.thumb_NHW,
        table.split_N,
        max_distance=near_distance,
        min_correlation=near_correlation,
        progress=bands,
    )
    findings = find_problems(table, scanned, near, max_near_share=max_near_share)
    verdict, headline = judge(table, scanned, findings)
    report = DatasetReport(
        files=tuple(map(str, table.files)),
        verdict=verdict,
        headline=headline,
        findings=tuple(findings),
        counts=count_rows(table),
        cues=predict_from_cues(table, scanned.facts_N),
        spreads=summarise_cues(table, scanned.facts_N),
        sizes=size_histogram(table, scanned.facts_N),
        settings={
            'near_distance': near_distance,
            'near_correlation': near_correlation,
            'max_near_share': max_near_share,
        },
    )
    print(format_summary(report))
    if json_file is not None:
        _write(json.dumps(asdict(report), indent=1) + '\n', Path(json_file))
    if html is not None:
        page = render_page(report, table, scanned.facts_N, allow_outside=allow_outside)
        _write(page, Path(html))
    return report


def require_no_leak(files: Sequence[str | Path], **settings) -> DatasetReport:
    """Check a data set, and fail when it leaks.

    Args:
        files: parquet files, folders or patterns; together one data set.
        **settings: those of :func:`check_dataset`.

    Returns:
        What was found.

    Raises:
        LeakError: the splits share groups, pictures or look-alikes.
    """
    report = check_dataset(files, **settings)
    if report.verdict == 'leak':
        raise LeakError(report.headline)
    return report


def judge(
    table: EyeTable, scanned: ScannedPictures, findings: Sequence[Finding]
) -> tuple[str, str]:
    """Come to a verdict.

    Args:
        table: the rows.
        scanned: their pictures.
        findings: what is wrong with them.

    Returns:
        Verdict (``leak``, ``unknown``, ``clean``) and headline.
    """
    if leaks := [finding.title for finding in findings if finding.level == LEAK]:
        verdict, reasons = 'leak', leaks
    elif gaps := [*find_gaps(table, scanned.facts_N['height'] > 0)]:
        verdict, reasons = 'unknown', gaps
    else:
        verdict = 'clean'
        reasons = [f'{len(table):,} rows, {len(table.group_names):,} groups']
    return verdict, f'{VERDICTS[verdict]}: {"; ".join(reasons)}'


def format_summary(report: DatasetReport) -> str:
    """Write a report for the terminal, the headline first.

    Args:
        report: what a check found.

    Returns:
        Some lines of text.
    """
    lines = [report.headline, '', f'{"split":10}{"rows":>10}{"closed":>10}{"open":>10}']
    lines[-1] += f'{"open %":>8}{"groups":>8}{"no group":>10}'
    lines += [
        f'{c["split"]:10}{c["rows"]:>10,}{c["closed"]:>10,}{c["open"]:>10,}'
        f'{c["open_share"]:>8.1%}{c["groups"]:>8,}{c["rows_without_group"]:>10,}'
        for c in report.counts
    ]
    if report.cues:
        told = ', '.join(f'{c["cue"]} {c["auc"]:.2f}' for c in report.cues)
        lines += ['', f'label told from one cue alone, AUC (0.5 is chance): {told}']
    for finding in report.findings:
        lines += ['', f'{finding.level}: {finding.title}', f'  {finding.meaning}']
        lines += [f'  {count:>8,}  {reason}' for reason, count in finding.reasons]
    return '\n'.join(lines)


def _write(text: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text_atomically(text, path)
    print(f'written: {path}')
