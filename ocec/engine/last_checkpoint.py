"""Which checkpoint of a work_dir a run goes on from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from mmengine.logging import print_log

from ocec.engine.checkpoint_io import check_digest, digest_path, load_safely
from ocec.engine.hooks.checkpoint_hook import FILES


def last_good_checkpoint(work_dir: str | Path, *, trust: bool = False) -> Path | None:
    """Find the newest checkpoint of the last run in a folder that can be read.

    Args:
        work_dir: of the run; it may have been moved.
        trust: unpickle anything, as in :func:`ocec.engine.checkpoint_io.load_safely`.

    Returns:
        The checkpoint that ``last_checkpoint`` names; if that is damaged or gone, the
        newest that is not, with a warning; None if nothing was ever saved.

    Raises:
        ValueError: there are checkpoints, but none can be read.
    """
    folder = Path(work_dir)
    problems = []
    for name in _newest_first(folder):
        try:
            _check(folder / name, trust)
        except (ValueError, OSError) as error:
            problems.append(str(error))
            continue
        for problem in problems:
            print_log(f'{problem}. {name} is taken instead', level=30)
        return folder / name
    if problems:
        listed = '\n'.join(f'  {problem}' for problem in problems)
        raise ValueError(
            f'{folder}: no checkpoint can be read:\n{listed}\n'
            'Begin anew without --resume, or name a checkpoint'
        )
    return None


def _check(path: Path, trust: bool) -> None:
    """Read a checkpoint; where a digest says that it is whole, that is enough."""
    if path.is_file() and digest_path(path).is_file():
        check_digest(path)
    else:
        load_safely(path, trust=trust)


def _newest_first(folder: Path) -> Iterator[str]:
    """Name what ``last_checkpoint`` names, then all others that this run has written.

    Those of earlier runs in the folder are not among them.
    """
    record = folder / 'last_checkpoint'
    last = Path(record.read_text().strip()).name if record.is_file() else None
    if last is not None:
        yield last
    listed = folder / FILES
    if listed.is_file():
        names = json.loads(listed.read_text())['files']
        yield from (n for n in reversed(names) if n != last and (folder / n).is_file())
