"""Lists sources of any kind, one after the other."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from ocec.preparation.eye_listing import Listing
from ocec.preparation.list_csv import list_csv
from ocec.preparation.list_folder import (
    has_pictures,
    list_folder,
    list_mrl,
    looks_like_mrl,
)
from ocec.preparation.list_parquet import list_parquet

FORMATS = ('folder', 'csv', 'mrl', 'parquet')


def list_sources(
    sources: Sequence[str | os.PathLike],
    *,
    form: str = 'auto',
    data_root: str | os.PathLike | None = None,
    group_pattern: re.Pattern | None = None,
    allow_outside: bool = False,
) -> list[Listing]:
    """List every source, in the order given.

    Args:
        sources: folders of pictures, CSV files, parquet files or folders of those.
        form: one of ``FORMATS``, or ``auto``: by suffix, and for folders by what lies
            in them.
        data_root: of the paths in CSV files.
        group_pattern: with a named group ``group``.
        allow_outside: accept files outside the folder of their source.

    Returns:
        A listing of each source, or of each parquet in a folder.

    Raises:
        FileNotFoundError: a source is not there.
        ValueError: a source is of no known format or cannot be read.
    """
    if form not in ('auto', *FORMATS):
        raise ValueError(f'format must be auto or one of {FORMATS}, got {form!r}')
    options = {'group_pattern': group_pattern, 'allow_outside': allow_outside}
    listings = []
    for source in map(Path, sources):
        if not source.exists():
            raise FileNotFoundError(f'{source}: no such file or folder')
        kind = detect_format(source) if form == 'auto' else form
        if kind == 'csv':
            listings.append(list_csv(source, data_root=data_root, **options))
        elif kind == 'parquet':
            for file in parquet_files(source):
                listings.append(list_parquet(file, **options))
        else:
            listings.append(
                (list_mrl if kind == 'mrl' else list_folder)(source, **options)
            )
    return listings


def detect_format(source: Path) -> str:
    """Guess what a source is.

    Args:
        source: file or folder that exists.

    Returns:
        One of ``FORMATS``.

    Raises:
        ValueError: a file is neither a CSV nor a parquet.
    """
    if source.is_dir():
        # an output may lie beside the pictures that it was made of
        if any(source.glob('*.parquet')) and not has_pictures(source):
            return 'parquet'
        return 'mrl' if looks_like_mrl(source) else 'folder'
    suffix = source.suffix.lower()
    if suffix not in ('.csv', '.parquet'):
        raise ValueError(f'{source}: neither a folder nor a .csv or .parquet file')
    return suffix[1:]


def parquet_files(source: Path) -> list[Path]:
    """Return the parquet file, or those of a folder by name."""
    return sorted(source.glob('*.parquet')) if source.is_dir() else [source]
