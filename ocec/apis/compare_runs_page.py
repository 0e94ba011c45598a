"""The comparison of runs as one HTML file; needs no network."""

# N points of a curve

from __future__ import annotations

import base64
import json
from dataclasses import asdict
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

from ocec.apis.html_page import render_template
from ocec.engine.metric_rule import rule_of
from ocec.visualization.run_columns import COLUMNS
from ocec.visualization.run_log import RunLog
from ocec.visualization.run_numbers import summarize_metric, summarize_training
from ocec.visualization.run_provenance import FACTS

if TYPE_CHECKING:
    from ocec.apis.compare_runs import Comparison

TEMPLATE = 'compare_runs_page.html.j2'
SCRIPTS = ('state', 'numbers', 'table', 'charts', 'views')
MAX_POINTS = 4000
NOT_CHOSEN = ('seconds', 'tp', 'fp', 'fn', 'tn')
"""Validation values that no run is judged by."""


def render_page(comparison: Comparison, *, refresh_seconds: int | None = None) -> str:
    """Render the page.

    Args:
        comparison: the runs and what is asked of them.
        refresh_seconds: after which the page loads itself anew; None for never.

    Returns:
        The HTML text, plotly.js, data and scripts inlined.

    Raises:
        ImportError: jinja2 or plotly is not installed.
    """
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise ImportError(
            'the page of a comparison needs plotly: pip install "ocec[report]"'
        ) from error
    folder = files('ocec.apis')
    scripts = [
        (folder / f'compare_runs_page_{name}.js.j2').read_text(encoding='utf-8')
        for name in SCRIPTS
    ]
    return render_template(
        TEMPLATE,
        comparison=comparison,
        refresh_seconds=refresh_seconds,
        plotly=get_plotlyjs(),
        style=(folder / 'compare_runs_page.css.j2').read_text(encoding='utf-8'),
        script='\n'.join(scripts),
        data=encode_json(build_payload(comparison)),
    )


def build_payload(comparison: Comparison) -> dict:
    """Collect what the scripts of the page work on.

    Args:
        comparison: the runs and what is asked of them.

    Returns:
        Numbers, texts and curves; JSON can hold it.
    """
    runs = comparison.runs
    names = sorted({name for run in runs for name in run.curves})
    metrics = [name for name in names if is_metric(name)]
    settings = sorted({name for run in runs for name in run.settings})
    group_of = {i: g for g, group in enumerate(comparison.groups) for i in group.runs}
    return {
        'metric': comparison.metric,
        'target': comparison.target,
        'metrics': {name: rule_of(name) for name in metrics},
        'names': names,
        'columns': [asdict(column) for column in COLUMNS],
        'facts': FACTS,
        'groups': [asdict(group) for group in comparison.groups],
        'settings': settings,
        'runs': [
            {
                'name': run.name,
                'group': group_of[index],
                'source': run.source,
                'state': run.state,
                'seed': run.seed,
                'messages': run.messages,
                'facts': run.facts,
                'settings': [_setting(run, name) for name in settings],
                'numbers': summarize_training(run),
                'by_metric': {
                    name: summarize_metric(run, name, rule=rule_of(name))
                    for name in metrics
                },
                **encode_curves(run),
            }
            for index, run in enumerate(runs)
        ],
    }


def is_metric(name: str) -> bool:
    """Say whether runs can be judged by a curve.

    Args:
        name: of the curve, as ``val/f1``.

    Returns:
        True for what a validation measures; not for its duration or counts.
    """
    return name.startswith('val/') and name.rsplit('/', 1)[-1] not in NOT_CHOSEN


def encode_curves(run: RunLog) -> dict:
    """Encode the curves of a run compactly.

    Args:
        run: the run.

    Returns:
        ``axes``: triples of epoch, step and minutes; ``curves``: name to
        ``[number of its axes, values]``. All as base64 of little-endian float32. Of
        more than 4,000 points the lowest and highest of each stretch are kept.
    """
    axes: dict[tuple[str, str, str], int] = {}
    curves = {}
    for name, curve in run.curves.items():
        keep = thin_out(curve.value_N)
        columns = (curve.epoch_N, curve.step_N, curve.minutes_N)
        triple = tuple(_base64(column[keep]) for column in columns)
        number = axes.setdefault(triple, len(axes))
        curves[name] = [number, _base64(curve.value_N[keep])]
    return {'axes': list(axes), 'curves': curves}


def thin_out(value_N: np.ndarray, limit: int = MAX_POINTS) -> np.ndarray:
    """Choose points that keep the shape of a long curve, spikes included.

    Args:
        value_N: (N,) values, NaN where unknown.
        limit: of points, even, >= 4.

    Returns:
        Indices in order: all, or the first, the last, and the lowest and highest of
        ``limit / 2 - 1`` stretches.
    """
    if len(value_N) <= limit:
        return np.arange(len(value_N))
    edges = np.linspace(0, len(value_N), limit // 2).astype(int)
    chosen = [0, len(value_N) - 1]
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        stretch = value_N[low:high]
        if np.isfinite(stretch).any():
            chosen += [low + np.nanargmin(stretch), low + np.nanargmax(stretch)]
        else:
            chosen.append(low)
    return np.unique(chosen)


def encode_json(payload: dict) -> str:
    """Write JSON that may stand inside ``<script>``.

    Args:
        payload: what JSON can hold, without NaN.

    Returns:
        The text; a name such as ``</script>`` cannot end the element.

    Raises:
        ValueError: it holds NaN or an infinity.
    """
    text = json.dumps(payload, allow_nan=False, separators=(',', ':'))
    return text.replace('<', '\\u003c').replace('\u2028', '\\u2028')


def _setting(run: RunLog, name: str) -> str | None:
    if name not in run.settings:
        return None
    value = run.settings[name]
    return value if isinstance(value, str) else str(value)


def _base64(value_N: np.ndarray) -> str:
    return base64.b64encode(value_N.astype('<f4').tobytes()).decode()
