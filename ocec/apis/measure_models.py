"""One or many trained models on one split: a table with intervals."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from mmengine.registry import DefaultScope

from ocec.apis.errors import ConfigError
from ocec.apis.get_flops import count_parameters
from ocec.apis.measure_models_expected import compare_with_expected, read_expected
from ocec.apis.measure_models_text import FORMATS, models_text
from ocec.apis.progress import track
from ocec.apis.score_checkpoint import ScoredSplit, score_checkpoint
from ocec.engine.checkpoint_io import file_sha256, write_text_atomically
from ocec.functional.classification import (
    accuracy,
    confusion_counts,
    f1_score,
    precision,
    recall,
)
from ocec.functional.metric_interval import metric_interval
from ocec.registry import MODELS
from ocec.visualization.run_log import RunError, read_run
from ocec.visualization.run_numbers import summarize_training

RUN_FILES = ('best.json', 'member.json', 'metrics.jsonl')


@dataclass
class ModelRow:
    """What a model is worth.

    Args:
        name: stage and run, as ``stage1/cbam-fusion6-s42``; the folder of other runs.
        stage: of the plan; empty for other runs.
        work_dir: of the run.
        seed: None where it is not recorded.
        params: of the model.
        minutes: of training and validation.
        val_accuracy: of the best epoch, on the pairs that chose it.
        accuracy: on the split, as in the next four.
        low: of the 95 % interval.
        high: of the 95 % interval.
        f1: of label 1, as in the next two.
        precision: see f1.
        recall: see f1.
        rows: of the split.
        sha256: of the checkpoint.
        expected: accuracy that a registry names.
        verdict: ``ok``, ``warning`` or ``FAILED`` against it; empty without one.
        notes: what the reader should know.
        problem: why it could not be measured, or why it fails.
    """

    name: str
    stage: str
    work_dir: str
    seed: int | None = None
    params: int | None = None
    minutes: float | None = None
    val_accuracy: float | None = None
    accuracy: float | None = None
    low: float | None = None
    high: float | None = None
    f1: float | None = None
    precision: float | None = None
    recall: float | None = None
    rows: int | None = None
    sha256: str | None = None
    expected: float | None = None
    verdict: str = ''
    notes: list[str] = field(default_factory=list)
    problem: str | None = None


@dataclass
class MeasuredModel:
    """A row, and what it was made of.

    Args:
        row: the numbers.
        scored: scores and pairs; None where the model could not be measured.
    """

    row: ModelRow
    scored: ScoredSplit | None


def measure_models(
    work_dirs: Sequence[str | Path] = (),
    *,
    all_in: str | Path | None = None,
    data: str | None = None,
    split: str = 'test',
    expected: str | Path | None = None,
    out: str | Path | None = None,
    formats: Sequence[str] = (),
    trust_checkpoint: bool = False,
) -> list[ModelRow]:
    """Measure the best checkpoint of each run, print the table, write files.

    Args:
        work_dirs: of runs.
        all_in: folder below which every run is taken.
        data: in place of the data of each run's own config.
        split: ``test``, ``stack``, ``val`` or ``train``.
        expected: JSON with the accuracy of each model: one that this function wrote,
            or ``{"NAME": 0.8875}``.
        out: file to write; other formats go beside it.
        formats: of ``FORMATS``; by default that of ``out``.
        trust_checkpoint: unpickle anything from checkpoints.

    Returns:
        A row for each, by stage, then by accuracy.

    Raises:
        ConfigError: no run is named or found, or the registry is wrong.
        ValueError: a model could not be measured, is not in the registry or is too far
            from it, or one of the registry is missing; told after the table.
    """
    files = _files_of(out, formats)
    known = None if expected is None else read_expected(expected)
    folders = find_work_dirs(work_dirs, all_in)
    models = score_models(folders, data=data, split=split, trust=trust_checkpoint)
    rows = [model.row for model in models]
    problems = []
    if known is not None:
        compare_with_expected(rows, known)
        gone = set(known) - {row.name for row in rows} if all_in else ()
        problems = [f'{name}: expected, but there is no such run' for name in gone]
    for kind, path in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text_atomically(models_text(rows, kind, split=split), path)
    print(models_text(rows, 'md', split=split))
    problems += [f'{row.name}: {row.problem}' for row in rows if row.problem]
    if problems:
        listed = '\n'.join(f'  {problem}' for problem in sorted(problems))
        raise ValueError(f'{len(problems)} of {len(rows)} models fail:\n{listed}')
    return rows


def find_work_dirs(
    work_dirs: Sequence[str | Path], all_in: str | Path | None
) -> list[Path]:
    """Collect runs, each once.

    Args:
        work_dirs: of runs.
        all_in: folder below which every run is taken, finished or not.

    Returns:
        Their folders.

    Raises:
        ConfigError: none is named, or there is none below the folder.
    """
    folders = [Path(folder) for folder in work_dirs]
    if all_in is not None:
        files = [f for name in RUN_FILES for f in Path(all_in).rglob(name)]
        if not files:
            raise ConfigError(f'{all_in}: no run lies below this folder')
        folders += sorted({file.parent for file in files})
    if not folders:
        raise ConfigError('name a WORK_DIR, or all of a folder with --all')
    return list({folder.resolve(): folder for folder in folders}.values())


def score_models(
    folders: Sequence[Path],
    *,
    data: str | None = None,
    split: str = 'test',
    trust: bool = False,
) -> list[MeasuredModel]:
    """Measure runs; one that cannot be measured has a problem in its row.

    Args:
        folders: of runs.
        data: in place of the data of each run's own config.
        split: of the data.
        trust: unpickle anything from checkpoints.

    Returns:
        The models, by stage, then by accuracy, those with problems last.
    """
    models = [
        _measure(folder, data, split, trust)
        for folder in track(folders, total=len(folders), what='scoring models')
    ]
    _note_copies([model.row for model in models])
    return sorted(models, key=lambda m: (m.row.stage, -(m.row.accuracy or 0.0)))


def _measure(folder: Path, data, split: str, trust: bool) -> MeasuredModel:
    row = ModelRow(folder.resolve().name, '', str(folder))
    try:
        _add_member(row, folder)
        best = json.loads((folder / 'best.json').read_text(encoding='utf-8'))
        if best['metric'].endswith('/accuracy'):
            row.val_accuracy = best['value']
        checkpoint = folder / Path(best['file']).name
        with contextlib.redirect_stdout(io.StringIO()):  # changes of each config
            scored = score_checkpoint(
                checkpoint, data=data, split=split, trust_checkpoint=trust
            )
        row.sha256 = file_sha256(checkpoint)
        _add_numbers(row, scored)
    # whatever is wrong with one model must not hide the others; the row tells it and
    # the tool fails in the end
    except Exception as error:
        row.problem = f'{type(error).__name__}: {error}'
        return MeasuredModel(row, None)
    return MeasuredModel(row, scored)


def _add_member(row: ModelRow, folder: Path) -> None:
    member = folder / 'member.json'
    if member.is_file():
        settings = json.loads(member.read_text(encoding='utf-8'))
        row.stage, row.seed = settings['stage'], settings['seed']
        row.name = f'{row.stage}/{row.name}'
        if not (folder / 'finished.json').is_file():
            row.notes.append('the training has not finished')
    if not (folder / 'best.json').is_file():
        raise RunError('no best.json: no validated run lies here')
    try:
        log = read_run(folder)
    except RunError as error:
        row.notes.append(f'no training time: {error}')
        return
    row.minutes = summarize_training(log)['minutes']
    row.seed = log.seed if row.seed is None else row.seed


def _add_numbers(row: ModelRow, scored: ScoredSplit) -> None:
    scores = scored.scores
    if (scores['label_B'] < 0).any():
        raise ValueError('the split has rows without a label')
    counts = confusion_counts(scores['prob_B'], scores['label_B'])
    row.accuracy, row.f1 = accuracy(counts), f1_score(counts)
    row.precision, row.recall = precision(counts), recall(counts)
    interval = metric_interval('accuracy', scores)
    # one group has no interval
    if not np.isnan(interval.low):
        row.low, row.high = interval.low, interval.high
    row.rows = sum(counts)
    with DefaultScope.overwrite_default_scope('ocec'):
        row.params = count_parameters(MODELS.build(scored.cfg.model))


def _note_copies(rows: Sequence[ModelRow]) -> None:
    first: dict[str, str] = {}
    for row in rows:
        if row.sha256 is not None:
            other = first.setdefault(row.sha256, row.name)
            if other != row.name:
                row.notes.append(f'the same weights as {other}')


def _files_of(out: str | Path | None, formats: Sequence[str]) -> dict[str, Path]:
    if out is None:
        if formats:
            raise ConfigError('--format needs -o FILE to know where to write')
        return {}
    out = Path(out)
    kinds = list(dict.fromkeys(formats)) or [out.suffix.lstrip('.')]
    for kind in kinds:
        if kind not in FORMATS:
            raise ConfigError(
                f'-o {out}: the format must be of {", ".join(FORMATS)}, got {kind!r}'
            )
    return {kind: out.with_suffix(f'.{kind}') for kind in kinds}
