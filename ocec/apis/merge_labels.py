"""Merge corrected labels back into a data set, with a log of what changed."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ocec.apis.errors import ConfigError
from ocec.preparation.atomic_files import new_files
from ocec.preparation.label_corrections import (
    Correction,
    check_corrections,
    corrections_of_file,
    read_corrections,
    write_corrected,
)

LOG_SUFFIXES = ('.json', '.csv')


@dataclass(frozen=True)
class MergedLabels:
    """What was done.

    Args:
        out: the parquet with the new labels.
        log: the list of changes.
        changed: the corrections that changed a label.
        num_same: corrections of rows that had the label already.
        num_blank: lines of the CSV without a new label.
    """

    out: Path
    log: Path
    changed: tuple[Correction, ...]
    num_same: int
    num_blank: int


def merge_labels(
    corrected: str | Path,
    data: str | Path,
    *,
    out: str | Path | None = None,
    in_place: bool = False,
    log: str | Path | None = None,
    force: bool = False,
) -> MergedLabels:
    """Write a parquet with corrected labels; every other column stays as it was.

    The columns ``label`` and ``class_id`` are changed, those of them that there are.
    Parquet and log appear together, whole or not at all.

    Args:
        corrected: CSV as exported by the page of the errors, the column ``new_label``
            filled in with open or closed; lines where it is blank change nothing.
        data: the parquet file that the CSV is about.
        out: the new parquet file.
        in_place: replace ``data`` instead.
        log: ``.json`` or ``.csv`` file of the changes; by default
            ``OUT.label_changes.json``.
        force: overwrite ``out`` and ``log``.

    Returns:
        The changes.

    Raises:
        ConfigError: the arguments contradict each other.
        FileExistsError: a file would be overwritten.
        FileNotFoundError: the CSV or the parquet is not there.
        ValueError: the CSV cannot be read, or is about another file or another state
            of it; nothing is written then.
    """
    corrected, data = Path(corrected), Path(data)
    out = _choose_out(data, out, in_place=in_place)
    log = Path(log) if log else out.with_name(f'{out.stem}.label_changes.json')
    if log.suffix not in LOG_SUFFIXES:
        raise ConfigError(f'the log must be a .json or .csv file, got {log}')
    for file in (corrected, data):
        if not file.is_file():
            raise FileNotFoundError(f'{file}: no such file')
    for file in ([] if in_place else [out]) + [log]:
        if file.exists() and not force:
            raise FileExistsError(
                f'{file} exists; choose another name, or set force (--force) to '
                'overwrite it'
            )
    corrections, num_blank = read_corrections(corrected)
    corrections = corrections_of_file(corrections, data)
    labels = check_corrections(corrections, data)
    changed = tuple(
        correction
        for correction, label in zip(corrections, labels, strict=True)
        if label != correction.new_label
    )
    old = {c.row: label for c, label in zip(corrections, labels, strict=True)}
    text = _log_text(log, corrected, data, out, changed, old)
    with new_files([out, log]) as streams:
        write_corrected(data, changed, next(streams))
        next(streams).write(text.encode())
    merged = MergedLabels(out, log, changed, len(corrections) - len(changed), num_blank)
    print(
        f'{out}: {len(changed):,} labels changed; {merged.num_same:,} were so already, '
        f'{num_blank:,} lines have no new label. Changes: {log}'
    )
    return merged


def _choose_out(data: Path, out: str | Path | None, *, in_place: bool) -> Path:
    if in_place and out is not None:
        raise ConfigError('give either an output file or in_place (--in-place)')
    if in_place:
        return data
    if out is None:
        raise ConfigError('give an output file with -o, or in_place (--in-place)')
    out = Path(out)
    if out.suffix != '.parquet':
        raise ConfigError(f'the output must be a .parquet file, got {out}')
    if out.resolve() == data.resolve():
        raise ConfigError(
            f'{out} is the input itself; to replace it, set in_place (--in-place)'
        )
    return out


def _log_text(
    log: Path,
    corrected: Path,
    data: Path,
    out: Path,
    changed: Sequence[Correction],
    old_label: dict[int, str],
) -> str:
    rows = [
        {
            'sample_id': correction.sample_id,
            'row': correction.row,
            'path': correction.path,
            'old_label': old_label[correction.row],
            'new_label': correction.new_label,
        }
        for correction in changed
    ]
    if log.suffix == '.csv':
        text = io.StringIO()
        names = ['sample_id', 'row', 'path', 'old_label', 'new_label']
        writer = csv.DictWriter(text, names)
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue()
    report = {
        'corrections': str(corrected),
        'corrections_sha256': _sha256(corrected),
        'data': str(data),
        'data_sha256': _sha256(data),
        'out': str(out),
        'changes': rows,
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + '\n'


def _sha256(file: Path) -> str:
    with open(file, 'rb') as stream:
        return hashlib.file_digest(stream, 'sha256').hexdigest()
