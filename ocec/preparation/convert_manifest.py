"""What an output was made from, so that nothing is made twice.

The manifest lies beside the output, as ``eyes.convert.json``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from ocec.preparation.atomic_files import new_file

MANIFEST_VERSION = 1


def manifest_path(output: Path) -> Path:
    """Where the manifest of ``eyes.parquet`` lies."""
    return output.with_name(f'{output.stem}.convert.json')


def read_manifest(output: Path) -> dict | None:
    """Read what an output was made from.

    Args:
        output: the path asked for, before shards are numbered.

    Returns:
        The manifest; None if there is none that can be read.
    """
    try:
        manifest = json.loads(manifest_path(output).read_text(encoding='utf-8'))
    except (FileNotFoundError, ValueError):
        return None
    return manifest if manifest.get('version') == MANIFEST_VERSION else None


def changes_since(
    manifest: Mapping, *, settings: Mapping, sources: Sequence[str], folder: Path
) -> list[str]:
    """Say what makes an output out of date.

    Args:
        manifest: of the output.
        settings: of this run.
        sources: digests of the sources, in order.
        folder: where the output lies.

    Returns:
        Reasons; none if the output is what this run would make.
    """
    before = manifest['settings']
    reasons = [
        f'{name} was {before.get(name)}, is {value}'
        for name, value in settings.items()
        if before.get(name) != value
    ]
    if manifest['sources'] != list(sources):
        reasons.append('the sources have changed')
    for name, stamp in manifest['files'].items():
        if stamp != stamp_of(folder / name):
            reasons.append(f'{name} is missing or was written by something else')
    return reasons


def edited_files(manifest: Mapping, folder: Path) -> list[Path]:
    """Find files of an output that something else has written since.

    Args:
        manifest: of the output.
        folder: where the output lies.

    Returns:
        Those that are there, but with another size or time.
    """
    found = {folder / name: stamp for name, stamp in manifest['files'].items()}
    return [
        path for path, stamp in found.items() if stamp_of(path) not in (None, stamp)
    ]


def write_manifest(
    output: Path, *, settings: Mapping, sources: Sequence[str], files: Sequence[Path]
) -> None:
    """Write what an output was made from.

    Args:
        output: the path asked for, before shards are numbered.
        settings: of this run.
        sources: digests of the sources, in order.
        files: the files written.
    """
    manifest = {
        'version': MANIFEST_VERSION,
        'settings': dict(settings),
        'sources': list(sources),
        'files': {file.name: stamp_of(file) for file in files},
    }
    with new_file(manifest_path(output)) as stream:
        stream.write(json.dumps(manifest, indent=2).encode())


def stamp_of(file: Path) -> list[int] | None:
    """Size and time of change of a file; None if it is missing."""
    try:
        stat = file.stat()
    except FileNotFoundError:
        return None
    return [stat.st_size, stat.st_mtime_ns]
