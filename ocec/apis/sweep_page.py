"""The results of a sweep as one HTML file; needs no network."""

from __future__ import annotations

import json
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ocec.apis.compare_runs_page import encode_json
from ocec.apis.html_page import render_template
from ocec.apis.sweep_config import MODEL_OBJECTIVES, SweepConfig
from ocec.apis.sweep_results import ranked, show
from ocec.search.figures import (
    copy_for_figures,
    draw_figures,
    measure_importance,
    short_names,
)

if TYPE_CHECKING:
    from ocec.apis.sweep_results import SweepResults
    from ocec.search import Board

TEMPLATE = 'sweep_page.html.j2'


def render_sweep_page(
    results: SweepResults, config: SweepConfig, board: Board, root: Path, storage: str
) -> str:
    """Render the page.

    Args:
        results: of the sweep.
        config: of the sweep.
        board: of the sweep.
        root: folder of all trials.
        storage: its name, without a password.

    Returns:
        The HTML text, plotly.js and figures inlined.

    Raises:
        ImportError: jinja2 or plotly is not installed.
    """
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise ImportError(
            'the page of a sweep needs plotly: pip install "ocec[report]"'
        ) from error
    names = short_names(list(config.space))
    objectives = [objective.metric for objective in config.objectives]
    figures, importance, method = {}, [], ''
    if config.space:
        shown = copy_for_figures(board.study, list(board.jobs().values()), names)
        figures = draw_figures(shown, objectives)
        for index, objective in enumerate(objectives):
            shares, found = measure_importance(shown, index)
            method = method or found
            if shares:
                importance.append((objective, list(shares.items())))
    if results.groups:
        figures = {'Every training': _strip_figure(results), **figures}
    folder = files('ocec.apis')
    return render_template(
        TEMPLATE,
        title=config.file.stem,
        config=config,
        results=results,
        rows=ranked(results),
        names=names,
        metrics=objectives,
        model_metrics={n: t for n, t in MODEL_OBJECTIVES.items() if n in objectives},
        importance=importance,
        method=method,
        show=show,
        root=root,
        storage=storage,
        num_searched=sum(row.state in ('done', 'pruned') for row in results.rows),
        written=datetime.now().strftime('%Y-%m-%d %H:%M:%S'),
        style=(folder / 'compare_runs_page.css.j2').read_text(encoding='utf-8'),
        plotly=get_plotlyjs(),
        titles=list(figures),
        data=encode_json(_without_nan([json.loads(f) for f in figures.values()])),
    )


def _strip_figure(results: SweepResults) -> str:
    """Every training as a point, beside mean and interval of its config."""
    metric = results.objectives[0].metric
    values = {
        row.number: (
            [run[metric] for run in row.runs]
            if row.runs and metric in row.runs[0]
            else [row.objectives[metric]]
        )
        for row in results.rows
        if row.state == 'done'
    }
    points, means = {'x': [], 'y': []}, {'x': [], 'y': [], 'half': []}
    for group in results.groups:
        found = group.means[metric]
        for number in group.numbers:
            points['x'] += [group.name] * len(values.get(number, []))
            points['y'] += values.get(number, [])
        means['x'].append(group.name)
        means['y'].append(found.mean)
        means['half'].append(found.high - found.mean)
    traces = [
        {
            'type': 'scatter',
            'mode': 'markers',
            'name': 'mean, 95 % interval',
            'x': means['x'],
            'y': means['y'],
            'error_y': {'type': 'data', 'array': means['half']},
            'marker': {'size': 13, 'symbol': 'diamond', 'color': '#1f5fa8'},
        },
        {
            'type': 'scatter',
            'mode': 'markers',
            'name': 'one training',
            'x': points['x'],
            'y': points['y'],
            'marker': {'size': 8, 'color': 'rgba(201,133,0,.65)'},
        },
    ]
    layout = {'yaxis': {'title': {'text': metric}}, 'xaxis': {'type': 'category'}}
    return json.dumps({'data': traces, 'layout': layout})


def _without_nan(value):
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
