"""Turns listed pictures into the rows of a parquet."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ocec.functional.probability import CLASS_NAMES
from ocec.preparation.eye_listing import EyeEntry
from ocec.preparation.picture_intake import PictureFacts, convert_picture
from ocec.preparation.picture_places import read_pictures

NO_GROUP = 'unknown'
"""What the column ``group`` says where nobody knows it."""


def embedded_rows(
    entries: Sequence[EyeEntry], facts: Sequence[PictureFacts]
) -> Iterator[dict]:
    """Rows with the pictures in them.

    Args:
        entries: usable pictures with their splits.
        facts: of each; those that need it are converted, the others stay as they are.

    Yields:
        one row for each.

    Raises:
        ValueError: a picture cannot be read any more.
    """
    pictures = read_pictures([(entry.file, entry.row) for entry in entries])
    for entry, fact, data in zip(entries, facts, pictures, strict=True):
        if isinstance(data, str):
            raise ValueError(f'{entry.path}: {data}')
        stored = convert_picture(data) if fact.conversion else data
        yield _row(entry) | {'image_bytes': stored}


def path_rows(
    entries: Sequence[EyeEntry], folder: Path, *, allow_outside: bool
) -> Iterator[dict]:
    """Rows that name the pictures.

    Args:
        entries: usable pictures with their splits.
        folder: of the parquet; the paths are relative to it.
        allow_outside: accept pictures outside ``folder``.

    Yields:
        one row for each.

    Raises:
        ValueError: a picture is embedded in a parquet or lies outside.
    """
    root = os.path.realpath(folder)
    for entry in entries:
        if entry.row >= 0:
            raise ValueError(
                f'{entry.path} is embedded in {entry.file}, so there is no path to '
                'store; use --store bytes'
            )
        path = os.path.relpath(os.path.realpath(entry.file), root).replace(os.sep, '/')
        if path.startswith('../') and not allow_outside:
            raise ValueError(
                f'{entry.file} lies outside {root}; write the parquet beside or above '
                'the pictures, use --store bytes, or accept it with --allow-outside'
            )
        yield _row(entry) | {'image_path': path}


def extra_columns(entries: Sequence[EyeEntry]) -> dict[str, list]:
    """Gather the further columns.

    Args:
        entries: N of any sources.

    Returns:
        Name -> N values, None where a source has no such column.
    """
    names = dict.fromkeys(name for entry in entries for name in entry.extras or ())
    return {
        name: [(entry.extras or {}).get(name) for entry in entries] for name in names
    }


def _row(entry: EyeEntry) -> dict:
    return {
        'split': entry.split,
        'label': CLASS_NAMES[entry.label],
        'class_id': entry.label,
        'image_path': entry.path,
        'source': entry.source,
        'group': entry.group or NO_GROUP,
        **(entry.extras or {}),
    }
