"""The files of an output, one parquet or numbered shards, and what lies about."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import count
from pathlib import Path

from ocec.preparation.convert_manifest import manifest_path

DEFAULT_NAME = 'dataset.parquet'
"""Name of the output in a folder; what the original OCEC looks for."""


def output_path(out: Path) -> Path:
    """Name the parquet that the user asks for.

    Args:
        out: a ``.parquet`` file, or a folder.

    Returns:
        The path, before shards are numbered.

    Raises:
        ValueError: it has the name of another kind of file.
    """
    if out.suffix == '.parquet':
        return out
    # a folder may have a dot in its name, as v1.2
    if out.is_file() or (re.fullmatch(r'\.[A-Za-z]+', out.suffix) and not out.is_dir()):
        raise ValueError(
            f'the output must be a .parquet file or a folder, got {out}; write '
            f'{out.with_suffix(".parquet")}, or make the folder first'
        )
    return out / DEFAULT_NAME


def existing_outputs(out: Path) -> list[Path]:
    """Find the files under the name of an output, numbered ones as well.

    Args:
        out: the path asked for.

    Returns:
        Files that exist, sorted.
    """
    pattern = re.compile(rf'{re.escape(out.stem)}(_\d{{4,}})?\.parquet')
    return _matching(out.parent, pattern)


def remove_stale(
    out: Path, written: Sequence[Path], before: Collection[str] = ()
) -> list[Path]:
    """Remove the files under the name of an output that are no part of it any more.

    Args:
        out: the path asked for.
        written: the files of the output.
        before: names of the files of the output that this one replaces.

    Returns:
        The files removed, those of ``before`` among them. ``eyes_2024.parquet`` is no
        shard unless there are all from 1 to 2023, and one with a manifest of its own is
        another output: they stay.
    """
    kept = {path.name for path in written}
    number_of = {
        path: int(path.stem.rpartition('_')[2])
        for path in existing_outputs(out)
        if path != out
    }
    num_shards = next(n for n in count() if n + 1 not in number_of.values())
    stale = [
        path
        for path, number in number_of.items()
        if path.name in before
        or (number <= num_shards and not manifest_path(path).exists())
    ]
    if out.exists():
        stale.insert(0, out)
    return _remove([path for path in stale if path.name not in kept])


def remove_leftovers(out: Path) -> list[Path]:
    """Remove the unfinished files of runs that were killed.

    Args:
        out: the path asked for.

    Returns:
        The files removed.
    """
    names = r'(_\d{4,})?\.parquet|\.convert\.json|\.bad_rows\.csv'
    pattern = re.compile(rf'\.{re.escape(out.stem)}({names})\.[^.]*\.tmp')
    return _remove(_matching(out.parent, pattern))


def _matching(folder: Path, pattern: re.Pattern) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if pattern.fullmatch(path.name))


def _remove(paths: Collection[Path]) -> list[Path]:
    for path in paths:
        path.unlink(missing_ok=True)
    return list(paths)
