"""The pictures of one or several sources, before any of them is opened.

Shapes: N rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ocec.preparation.label_words import UNKNOWN_LABEL

SPLIT_WORDS = {
    'train': 'train',
    'training': 'train',
    'val': 'val',
    'valid': 'val',
    'validation': 'val',
    'dev': 'val',
    'test': 'test',
    'testing': 'test',
}
GROUP_WORDS = ('group', 'subject', 'person', 'video', 'recording', 'session')
"""Names of columns that tell the group, the first that is there."""
UNKNOWN_GROUPS = ('', 'unknown', 'none', 'nan')


# slots: half the memory, which counts for half a million rows
@dataclass(frozen=True, slots=True)
class EyeEntry:
    """One picture of a source.

    Args:
        path: name in the data set, relative, with ``/``.
        label: 1 open, 0 closed, -1 unknown.
        group: subject or recording, ``''`` if unknown.
        split: ``train``, ``val``, ``test``, or ``''`` if the source says none.
        source: where it comes from.
        file: the picture file, or the parquet that holds it.
        row: of the parquet that holds the bytes; -1 for a picture file.
        problem: why it cannot be used, ``''`` if nothing is known against it.
        extras: further columns, if there are any.
    """

    path: str
    label: int
    group: str
    split: str
    source: str
    file: str
    row: int = -1
    problem: str = ''
    extras: dict | None = None


@dataclass(frozen=True)
class Listing:
    """All pictures of one source.

    Args:
        entries: one for each picture, in a fixed order.
        told: lines for the user: what was found and how it was read.
        files: further files that the entries depend on, as the CSV.
    """

    entries: list[EyeEntry]
    told: tuple[str, ...]
    files: tuple[Path, ...] = ()

    def digest(self) -> str:
        """Identify the entries and the size and time of each file behind them."""
        digest = hashlib.sha256()
        known: dict[str, str] = {}
        for file in map(str, self.files):
            digest.update(f'{file}|{_stamp(file, known)}\n'.encode(errors='replace'))
        for entry in self.entries:
            line = f'{entry}|{_stamp(entry.file, known)}\n'
            digest.update(line.encode(errors='backslashreplace'))
        return digest.hexdigest()


def merge_duplicates(
    entries: Sequence[EyeEntry], policy: str
) -> tuple[list[EyeEntry], list[str]]:
    """Make one of the entries that are one picture.

    What one source knows and the other does not, counts: group, split, and that
    nothing is known against the picture.

    Args:
        entries: of all sources, in order.
        policy: ``first`` or ``error``.

    Returns:
        The entries that are left and lines for the user.

    Raises:
        ValueError: one picture has two labels, groups or splits; one name stands for
            two pictures; or there are duplicates and the policy is ``error``.
    """
    kept: dict[tuple[str, int], EyeEntry] = {}
    doubles = []
    for entry in entries:
        place = entry.file, entry.row
        if place in kept:
            kept[place] = _merge(kept[place], entry)
            doubles.append(entry.path)
        else:
            kept[place] = entry
    by_path: dict[str, EyeEntry] = {}
    for entry in kept.values():
        if (other := by_path.setdefault(entry.path, entry)) is not entry:
            raise ValueError(
                f'the name {entry.path} stands for two pictures, {other.file} and '
                f'{entry.file}; convert them into two files'
            )
    if doubles and policy == 'error':
        raise ValueError(
            f'{len(doubles):,} pictures are given twice, as {doubles[0]}; remove them, '
            "or take the first of each with duplicates='first'"
        )
    told = []
    if doubles:
        told.append(
            f'{len(doubles):,} pictures are given twice with one label, as '
            f'{doubles[0]}: the first of each counts'
        )
    return list(kept.values()), told


def _merge(first: EyeEntry, second: EyeEntry) -> EyeEntry:
    where = f'(in {first.source} and {second.source}); correct one of them'
    if first.label != second.label and UNKNOWN_LABEL not in (first.label, second.label):
        raise ValueError(
            f'{second.path} is given with both labels, closed and open {where}'
        )
    for name in ('group', 'split'):
        values = getattr(first, name), getattr(second, name)
        if all(values) and values[0] != values[1]:
            raise ValueError(
                f'{second.path} is given with two {name}s, {values[0]} and '
                f'{values[1]} {where}'
            )
    best = second if first.problem and not second.problem else first
    return replace(
        best,
        group=first.group or second.group,
        split=first.split or second.split,
    )


def unify_group(name: object) -> str:
    """Return a group's name, ``''`` for words that mean nobody knows it."""
    text = '' if name is None else str(name).strip()
    return '' if text.lower() in UNKNOWN_GROUPS else text


def problem_of_name(path: str) -> str:
    """Say what is wrong with a name that a parquet cannot hold; else ``''``."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return 'the file name is not UTF-8; rename it'
    return ''


def printable(path: str) -> str:
    r"""Return a name that any terminal can show, a foreign byte as ``\xff``."""
    return path.encode(errors='surrogateescape').decode(errors='backslashreplace')


def _stamp(file: str, known: dict[str, str]) -> str:
    if file not in known:
        try:
            stat = Path(file).stat()
            known[file] = f'{stat.st_size}|{stat.st_mtime_ns}'
        except OSError as error:
            known[file] = str(error.strerror)
    return known[file]
