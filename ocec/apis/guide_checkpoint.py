"""Which checkpoint ``--pretrain`` means: the one with the highest F1."""

from __future__ import annotations

import glob
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = ('.pth', '.pt')
# ocec_best_epoch0055_f1_0.7759.pt
F1_IN_NAME = re.compile(r'(?:^|[^a-z0-9])f1[_=-]?([01]\.\d+)', re.IGNORECASE)
F1_METRIC = 'eye/f1'


@dataclass(frozen=True)
class Candidate:
    """A checkpoint that may be meant.

    Args:
        path: of the file.
        f1: validation F1 in [0, 1]; None if nothing tells it.
        source: what tells it.
    """

    path: Path
    f1: float | None
    source: str

    def __str__(self) -> str:
        """Return one line: the file, its F1 and who says so."""
        if self.f1 is None:
            return f'{self.path} (F1 not known)'
        return f'{self.path} (F1 {self.f1:.4f} by {self.source})'


def choose_checkpoint(given: Sequence[str]) -> Candidate:
    """Return the checkpoint with the highest F1, never by the age of the files.

    The F1 is that of ``best.json`` beside the file, if it names the file, else that
    in the name of the file, as in ``ocec_best_epoch0055_f1_0.7759.pt``. Of equal ones
    the first is taken. A single file needs no F1. A folder with a ``best.json`` stands
    for the file named there.

    Args:
        given: files, patterns, or folders of runs, whose checkpoints are meant.

    Returns:
        The checkpoint.

    Raises:
        FileNotFoundError: a file is not there, or a pattern or folder holds none.
        ValueError: there are several, and the F1 of none is known.
    """
    found = dict.fromkeys(file for item in given for file in _files_of(item))
    candidates = [_rate(file) for file in found]
    if len(candidates) == 1:
        return candidates[0]
    rated = [candidate for candidate in candidates if candidate.f1 is not None]
    if not rated:
        listed = ''.join(f'\n  {candidate.path}' for candidate in candidates)
        raise ValueError(
            f'--pretrain: {len(candidates)} checkpoints, and neither a best.json nor '
            f'a file name tells the F1 of one:{listed}{_hints(found)}\n'
            'Name one of them: --pretrain FILE'
        )
    return max(rated, key=lambda candidate: candidate.f1)


def _files_of(item: str) -> list[Path]:
    path = Path(item).expanduser()
    if path.is_file():
        return [path]
    if path.is_dir():
        files = _files_of_run(path)
        what = f'the folder holds no {" or ".join(SUFFIXES)} file'
    else:
        files = sorted(map(Path, glob.glob(str(path), recursive=True)))
        files = [file for file in files if file.is_file()]
        is_pattern = glob.escape(str(path)) != str(path)
        what = 'the pattern matches no file' if is_pattern else 'no such checkpoint'
    if not files:
        raise FileNotFoundError(f'--pretrain {item}: {what}')
    return files


def _files_of_run(folder: Path) -> list[Path]:
    """Return the checkpoint that the run calls its best by F1, else all of them."""
    best = _best_of(folder)
    if best is None or best.get('metric') != F1_METRIC:
        return sorted(file for file in folder.iterdir() if file.suffix in SUFFIXES)
    if not (folder / best['file']).is_file():
        raise FileNotFoundError(
            f'--pretrain {folder}: best.json names {best["file"]}, which is not there'
        )
    return [folder / best['file']]


def _rate(file: Path) -> Candidate:
    best = _best_of(file.parent) or {}
    if best.get('file') == file.name and best.get('metric') == F1_METRIC:
        return Candidate(file, float(best['value']), 'best.json')
    if match := F1_IN_NAME.search(file.name):
        return Candidate(file, float(match.group(1)), 'its name')
    return Candidate(file, None, '')


def _best_of(folder: Path) -> dict | None:
    record = folder / 'best.json'
    if not record.is_file():
        return None
    try:
        return json.loads(record.read_text(encoding='utf-8'))
    except ValueError as error:
        raise ValueError(f'{record}: not a readable record: {error}') from error


def _hints(files: Sequence[Path]) -> str:
    """Say what the folders themselves call their best."""
    hints = ''
    for folder in dict.fromkeys(file.parent for file in files):
        if best := _best_of(folder):
            hints += (
                f'\n{folder / "best.json"} names {best.get("file")}, the best by '
                f'{best.get("metric")}'
            )
    return hints
