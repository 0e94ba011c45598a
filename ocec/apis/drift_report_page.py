"""The drift of a model as one HTML file; needs no network. Shapes: N rows, K crops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ocec.apis.compare_datasets_plot import draw_histograms
from ocec.apis.compare_datasets_verdict import format_labels
from ocec.apis.drift_report_embeddings import unit_length
from ocec.apis.drift_report_groups import worst_errors
from ocec.apis.drift_report_metrics import SHOWN
from ocec.apis.drift_report_plots import (
    draw_projection,
    draw_reliability,
    draw_scores,
)
from ocec.apis.drift_report_scores import NO_LABEL, ScoredRows, read_crops
from ocec.apis.drift_report_verdict import show
from ocec.apis.html_page import inline_png, render_template
from ocec.datasets.eye_table import NO_GROUP
from ocec.functional.probability import CLASS_NAMES
from ocec.preparation.contact_sheet import Tile, draw_contact_sheet, encode_png
from ocec.visualization.embedding_projection import draw_samples, project_pca

if TYPE_CHECKING:
    from ocec.apis.drift_report import ModelDrift

TEMPLATE = 'drift_report_page.html.j2'
NUM_CROPS = 18
# groups whose worst crops are shown
NUM_GROUPS = 3
# statistics whose histograms are shown, and rows of the table of groups
NUM_STATISTICS, NUM_ROWS = 6, 60
# points of each set; more hide each other
NUM_POINTS = 1_000


def render_page(
    report: ModelDrift,
    a: ScoredRows,
    b: ScoredRows,
    outlier_M: np.ndarray | None,
    *,
    allow_outside: bool = False,
    seed: int = 0,
) -> str:
    """Render the page.

    Args:
        report: what differs.
        a: labelled rows of A.
        b: rows of B.
        outlier_M: (M,) squared distance of B's rows over the limit; or None.
        allow_outside: also read pictures outside the folder of their parquet file.
        seed: of the points drawn.

    Returns:
        The HTML text, pictures inlined as PNG.

    Raises:
        ImportError: jinja2 or matplotlib is not installed.
    """
    sheets = {
        title: inline_png(_draw_crops(b, index_K, allow_outside))
        for title, index_K in choose_crops(report, b, outlier_M).items()
    }
    return render_template(
        TEMPLATE,
        report=report,
        show=show,
        shown_metrics=(*SHOWN, 'auc'),
        class_names=CLASS_NAMES,
        num_rows=NUM_ROWS,
        labels_line=None if report.data is None else format_labels(report.data.labels),
        figures=_draw_figures(report, a, b, seed),
        sheets=sheets,
    )


def choose_crops(
    report: ModelDrift, b: ScoredRows, outlier_M: np.ndarray | None
) -> dict[str, np.ndarray]:
    """Choose crops of B worth a look.

    Args:
        report: what differs.
        b: rows of B.
        outlier_M: (M,) squared distance of the rows over the limit; or None.

    Returns:
        Title -> (K,) places among the rows of B, K >= 1: worst false alarms and
        missed eyes, those of the groups that fail most, and what lies farthest from A.
    """
    chosen = {}
    if report.groups is not None:
        place_N = np.flatnonzero(b.label_N != NO_LABEL)
        labelled = b.take(place_N)
        for name, index in worst_errors(labelled, report.threshold, NUM_CROPS).items():
            chosen[f'worst {name}'] = place_N[index]
        for title, wanted_N in _failing(report.groups, labelled):
            inside = np.flatnonzero(wanted_N)
            lists = worst_errors(labelled.take(inside), report.threshold, NUM_CROPS)
            merged = np.concatenate(list(lists.values()))
            chosen[title] = place_N[inside[merged]][:NUM_CROPS]
    if outlier_M is not None:
        order = np.argsort(-outlier_M, kind='stable')[:NUM_CROPS]
        chosen["farthest from A's classes, by embedding"] = order
    return {title: index for title, index in chosen.items() if len(index)}


def _failing(groups: dict, labelled: ScoredRows):
    """Yield (title, which rows) of the known groups that fail most."""
    flagged = [r for r in groups['rows'] if r['flag'] and r['column'] == 'group']
    names = list(labelled.table.group_names)
    for row in [r for r in flagged if r['value'] in names][:NUM_GROUPS]:
        wanted_N = labelled.group_N == names.index(row['value'])
        yield f'errors of group {row["value"]}', wanted_N


def _draw_figures(report: ModelDrift, a: ScoredRows, b: ScoredRows, seed: int) -> dict:
    figures = {
        'scores': draw_scores(
            {which: part['histogram'] for which, part in report.sets.items()},
            report.threshold,
        ),
        'reliability': draw_reliability(
            {
                which: found['reliability']
                for which, found in report.calibration.items()
                if found is not None
            }
        ),
    }
    if report.embeddings is not None:
        figures['projection'] = _draw_embeddings(a, b, seed)
    if report.data is not None:
        names = [found['statistic'] for found in report.data.statistics]
        figures['statistics'] = draw_histograms(
            report.data.histograms, names[:NUM_STATISTICS]
        )
    return {name: inline_png(png) for name, png in figures.items()}


def _draw_embeddings(a: ScoredRows, b: ScoredRows, seed: int) -> bytes:
    # as many of each: a large set would choose the axes alone
    a, b = (
        part.take(draw_samples(len(part.row_N), NUM_POINTS, seed=seed))
        for part in (a, b)
    )
    projected = project_pca(
        np.concatenate([unit_length(part.embedding_ND) for part in (a, b)])
    )
    return draw_projection(
        projected.point_NK,
        np.repeat([False, True], [len(a.row_N), len(b.row_N)]),
        np.concatenate([a.label_N, b.label_N]),
        [f'{share:.1%} of the variance' for share in projected.share_K],
    )


def _draw_crops(b: ScoredRows, index_K: np.ndarray, allow_outside: bool) -> bytes:
    tiles = []
    pictures = read_crops(b, index_K, allow_outside=allow_outside)
    for picture, index in zip(pictures, index_K.tolist(), strict=True):
        label, group = b.label_N[index], b.group_N[index]
        named = 'no label' if label == NO_LABEL else f'is {CLASS_NAMES[label]}'
        lines = (
            f'{named}, P {b.prob_N[index]:.3f}',
            f'#{b.row_N[index]} '
            + ('' if group == NO_GROUP else b.table.group_names[group]),
        )
        tiles.append((Tile(picture, lines),))
    return encode_png(draw_contact_sheet(tiles))
