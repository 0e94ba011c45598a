"""Which checkpoint ``--pretrain`` or ``load_from`` means: the best, not the newest."""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ocec.apis.errors import ConfigError
from ocec.engine.metric_rule import is_better, rule_of
from ocec.functional.json_text import read_json

SUFFIXES = ('.pth', '.pt', '.safetensors')
# in this order: ocec_best_epoch0055_f1_0.7759.pt
METRICS_IN_NAMES = ('f1', 'auc', 'accuracy', 'acc', 'loss')


@dataclass(frozen=True)
class Candidate:
    """A checkpoint that may be meant.

    Args:
        path: of the file.
        metric: name of the validation metric that rates it; None if nothing tells one.
        value: of the metric.
        source: what tells it.
    """

    path: Path
    metric: str | None = None
    value: float | None = None
    source: str = ''

    def __str__(self) -> str:
        """Return one line: the file, its metric and who says so."""
        if self.metric is None:
            return f'{self.path} (no metric known)'
        return f'{self.path} ({self.metric} {self.value:.4f} by {self.source})'


def choose_checkpoint(given: Sequence[str], *, option: str = '--pretrain') -> Candidate:
    """Return the best checkpoint, never by the age of the files.

    A folder stands for the file that its ``best.json`` names, else for all its
    checkpoints. Of several, the best is that by the metric of the ``best.json`` beside
    it, if that names the file, else by the metric in its name, as in
    ``ocec_best_epoch0055_f1_0.7759.pt``. A single file needs neither.

    Args:
        given: files, patterns, or folders of runs, whose checkpoints are meant.
        option: what they were given to, for messages.

    Returns:
        The checkpoint.

    Raises:
        ConfigError: a file is not there, a pattern or folder holds none, there are
            several of which none tells a metric, or several are equally good.
        ValueError: a ``best.json`` cannot be read.
    """
    found = dict.fromkeys(file for item in given for file in _files_of(item, option))
    found = {file.resolve(): file for file in reversed(found)}  # links to one file
    candidates = [_rate(file) for file in reversed(found.values())]
    if len(candidates) == 1:
        return candidates[0]
    best = _best_candidates(candidates, option)
    if len(best) > 1:
        raise ConfigError(
            f'{option}: {len(best)} checkpoints are equally good:{_listed(best)}\n'
            f'Name one of them: {option} FILE'
        )
    return best[0]


def _best_candidates(candidates: Sequence[Candidate], option: str) -> list[Candidate]:
    """Return those with the best value; there may be several."""
    rated = [candidate for candidate in candidates if candidate.metric is not None]
    if not rated:
        raise ConfigError(
            f'{option}: {len(candidates)} checkpoints, and neither a best.json nor '
            f'a file name tells a metric of one:{_listed(candidates)}\n'
            f'Name one of them: {option} FILE'
        )
    kinds = {_short(candidate.metric) for candidate in rated}
    records = {c.metric for c in rated if '/' in c.metric}
    if len(kinds) > 1 or len(records) > 1:
        raise ConfigError(
            f'{option}: {len(rated)} checkpoints are rated by different metrics:'
            f'{_listed(rated)}\nName one of them: {option} FILE'
        )
    best = rated[0]
    for candidate in rated:
        if is_better(candidate.value, best.value, rule_of(best.metric)):
            best = candidate
    return [candidate for candidate in rated if candidate.value == best.value]


def _files_of(item: str, option: str) -> list[Path]:
    path = Path(item).expanduser()
    if path.is_file():
        return [path]
    if path.is_dir():
        files = _files_of_run(path, option)
        what = f'the folder holds no {" or ".join(SUFFIXES)} file'
    else:
        found = sorted(map(Path, glob.glob(str(path), recursive=True)))
        files = [file for file in found if file.suffix in SUFFIXES and file.is_file()]
        what = _why_none(path, found, option)
    if not files:
        raise ConfigError(f'{option} {item}: {what}')
    return files


def _why_none(path: Path, found: Sequence[Path], option: str) -> str:
    if glob.escape(str(path)) == str(path):
        # a recipe names a folder that may not be there
        mended = '; give one with --pretrain' if option == 'load_from' else ''
        return f'no such checkpoint{mended}'
    folders = [str(match) for match in found if match.is_dir()]
    if folders:
        return (
            f'the pattern matches no {" or ".join(SUFFIXES)} file, but '
            f'{len(folders)} folders, as {folders[0]}: name one of them'
        )
    return f'the pattern matches no {" or ".join(SUFFIXES)} file'


def _files_of_run(folder: Path, option: str) -> list[Path]:
    """Return the checkpoint that the run calls its best, else all of them."""
    best = _best_of(folder)
    if best is None:
        return sorted(file for file in folder.iterdir() if file.suffix in SUFFIXES)
    if not (folder / best['file']).is_file():
        raise ConfigError(
            f'{option} {folder}: best.json names {best["file"]}, which is not there'
        )
    return [folder / best['file']]


def _rate(file: Path) -> Candidate:
    best = _best_of(file.parent)
    if best is not None and best['file'] == file.name:
        return Candidate(file, best['metric'], float(best['value']), 'best.json')
    for metric in METRICS_IN_NAMES:
        pattern = rf'(?:^|[^a-z0-9]){metric}[_=-]?(\d+\.\d+)'
        if match := re.search(pattern, file.name, re.IGNORECASE):
            return Candidate(file, metric, float(match.group(1)), 'its name')
    return Candidate(file)


def _best_of(folder: Path) -> dict | None:
    record = folder / 'best.json'
    if not record.is_file():
        return None
    try:
        best = read_json(record, dict)
        file, metric = (str(best[key]) for key in ('file', 'metric'))
        # a record must not name a file of another folder
        value = float(best['value'])
        return {'file': Path(file).name, 'metric': metric, 'value': value}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f'{record}: not a readable record: {error}') from error


def _short(metric: str) -> str:
    return metric.rsplit('/', 1)[-1]


def _listed(candidates: Sequence[Candidate]) -> str:
    return ''.join(f'\n  {candidate}' for candidate in candidates)
