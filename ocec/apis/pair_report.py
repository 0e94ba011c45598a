"""A report on digit pairs: stages, curves, errors, ensemble; one page, one picture."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np

from ocec.apis.errors import ConfigError
from ocec.apis.html_page import inline_png, render_template
from ocec.apis.measure_models import (
    MeasuredModel,
    ModelRow,
    find_work_dirs,
    score_models,
)
from ocec.apis.measure_models_text import percent, summarize_stages
from ocec.apis.pair_report_numbers import (
    Ensemble,
    PairError,
    accuracy_by_difference,
    accuracy_by_occlusion,
    choose_model,
    compare_with_targets,
    confusion_of,
    find_errors,
    read_ensemble,
)
from ocec.apis.pair_report_plots import (
    ReportFigures,
    difference_label,
    digits_text,
    occluded_label,
)
from ocec.engine.checkpoint_io import write_text_atomically
from ocec.visualization.run_log import RunError, RunLog, read_run

TEMPLATE = 'pair_report_page.html.j2'
FORMATS = ('html', 'png')
MAX_ERRORS = 240
PIXEL_ZOOM = 3
BORDER = 128


def pair_report(
    work_dirs: Sequence[str | Path] = (),
    *,
    out: str | Path,
    all_in: str | Path | None = None,
    data: str | None = None,
    split: str = 'test',
    stack: str | Path | None = None,
    model: str | None = None,
    formats: Sequence[str] = (),
    trust_checkpoint: bool = False,
) -> dict[str, Path]:
    """Score runs and write the report.

    Args:
        work_dirs: of runs.
        out: file to write; another format goes beside it.
        all_in: folder below which every run is taken.
        data: folder of pairs, in place of that of each run's own config.
        split: of the data.
        stack: ``stack.json`` of a stacking.
        model: whose errors are shown; by default that with the best val accuracy.
        formats: of ``FORMATS``; by default that of ``out``.
        trust_checkpoint: unpickle anything from checkpoints.

    Returns:
        Format to file.

    Raises:
        ConfigError: an argument is wrong, or nothing could be measured.
        ValueError: a model could not be measured; the report holds the others.
    """
    files = _files_of(Path(out), formats)
    ensemble = None if stack is None else read_ensemble(stack)
    folders = find_work_dirs(work_dirs, all_in)
    models = score_models(folders, data=data, split=split, trust=trust_checkpoint)
    figures = collect_figures(models, choose_model(models, model), ensemble, split)
    warnings = _warnings(models, ensemble)
    for kind, path in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == 'html':
            write_text_atomically(render_page(figures, warnings), path)
        else:
            path.write_bytes(figures.draw_sheet())
        print(f'written: {path}')
    failed = [m.row for m in models if m.row.problem]
    if failed:
        listed = '\n'.join(f'  {row.name}: {row.problem}' for row in failed)
        raise ValueError(
            f'{len(failed)} of {len(models)} models could not be measured, the report '
            f'holds the others:\n{listed}'
        )
    return files


def collect_figures(
    models: Sequence[MeasuredModel],
    chosen: MeasuredModel,
    ensemble: Ensemble | None,
    split: str,
) -> ReportFigures:
    """Collect what is drawn.

    Args:
        models: all of them.
        chosen: a measured one, whose errors are shown.
        ensemble: None without one.
        split: that was scored.

    Returns:
        The content of the report.
    """
    return ReportFigures(
        rows=[model.row for model in models],
        runs=_read_logs([model.row for model in models]),
        model=chosen.row.name,
        confusion=confusion_of(chosen.scored),
        by_occlusion=accuracy_by_occlusion(chosen.scored),
        by_difference=accuracy_by_difference(chosen.scored),
        errors=find_errors(chosen.scored, MAX_ERRORS),
        ensemble=ensemble,
        split=split,
    )


def render_page(figures: ReportFigures, warnings: Sequence[str] = ()) -> str:
    """Render the page.

    Args:
        figures: its content.
        warnings: what the reader should know first.

    Returns:
        The HTML text; needs no network.

    Raises:
        ImportError: jinja2 or matplotlib is not installed.
    """
    drawn = ['curves', 'occlusion', 'difference']
    drawn += ['ensemble'] if figures.ensemble else []
    return render_template(
        TEMPLATE,
        figures=figures,
        warnings=warnings,
        written=datetime.now().strftime('%Y-%m-%d %H:%M:%S'),
        stages=summarize_stages(figures.rows),
        targets=compare_with_targets(figures.rows, figures.ensemble),
        pictures={name: inline_png(figures.draw(name)) for name in drawn},
        tiles=[_tile(error) for error in figures.errors],
        num_errors=figures.confusion.fp + figures.confusion.fn,
        percent=percent,
        occluded_label=occluded_label,
        difference_label=difference_label,
    )


def _tile(error: PairError) -> dict:
    """What a tile of the page shows."""
    x_HW = np.kron(error.x_HW, np.ones((PIXEL_ZOOM, PIXEL_ZOOM), np.uint8))
    x_HW[:, x_HW.shape[1] // 2] = BORDER  # between the sides
    encoded, png = cv2.imencode('.png', x_HW)
    if not encoded:
        raise ValueError(f'{error.name}: the picture cannot be encoded')
    known = error.occluded == error.occluded
    return {
        'source': inline_png(png.tobytes()),
        'digits': digits_text(error),
        'prob': f'{error.prob:.3f}',
        'said': 'larger' if error.prob >= 0.5 else 'smaller',
        'difference': '' if error.difference is None else str(error.difference),
        'occluded': f'{100 * error.occluded:.0f} %' if known else '–',
        'name': error.name,
    }


def _read_logs(rows: Sequence[ModelRow]) -> list[RunLog]:
    runs = []
    for row in rows:
        try:
            runs.append(read_run(Path(row.work_dir), name=row.name))
        except (RunError, OSError) as error:
            row.notes.append(f'no curves: {error}')
    return runs


def _warnings(models: Sequence[MeasuredModel], ensemble: Ensemble | None) -> list[str]:
    found = [
        f'{m.row.name} is missing here: {m.row.problem}'
        for m in models
        if m.row.problem
    ]
    digests = {
        str(m.scored.dataset.fingerprint().get('sha256')) for m in models if m.scored
    }
    if len(digests) > 1:
        found.append('the models were scored on different files: no fair comparison')
    if ensemble is None or ensemble.sha256 is None:
        return found
    if digests != {ensemble.sha256}:
        found.append(
            'the stacking was scored on another file than the models '
            f'({ensemble.split}): its numbers cannot be compared with theirs'
        )
    return found


def _files_of(out: Path, formats: Sequence[str]) -> dict[str, Path]:
    kinds = list(dict.fromkeys(formats)) or [out.suffix.lstrip('.')]
    for kind in kinds:
        if kind not in FORMATS:
            raise ConfigError(
                f'-o {out}: the format must be of {", ".join(FORMATS)}, got {kind!r}'
            )
    stem = out.with_suffix('') if out.suffix.lstrip('.') in FORMATS else out
    return {kind: Path(f'{stem}.{kind}') for kind in kinds}
