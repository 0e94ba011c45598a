"""The comparison of two data sets as one HTML file; needs no network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ocec.apis.check_dataset_scan import read_pictures
from ocec.apis.compare_datasets_plot import draw_histograms
from ocec.apis.compare_datasets_scan import MeasuredSet
from ocec.apis.compare_datasets_verdict import SCALE, format_labels
from ocec.apis.html_page import inline_png, render_template
from ocec.datasets.eye_table import NO_GROUP
from ocec.functional.probability import CLASS_NAMES
from ocec.preparation.contact_sheet import Tile, draw_contact_sheet, encode_png

if TYPE_CHECKING:
    from ocec.apis.compare_datasets import DriftReport

TEMPLATE = 'compare_datasets_page.html.j2'
NUM_SHOWN = 12


def render_page(
    report: DriftReport,
    measured: Sequence[MeasuredSet],
    scores: Sequence[np.ndarray],
    *,
    allow_outside: bool = False,
) -> str:
    """Render the page.

    Args:
        report: what differs.
        measured: A and B.
        scores: for each of them (N,) out-of-fold P(B) in [0, 1], NaN where unknown.
        allow_outside: also read pictures outside the folder of their parquet file.

    Returns:
        The HTML text, pictures inlined as PNG.

    Raises:
        ImportError: jinja2 is not installed.
    """
    sheets = {}
    for which, part, score_N in zip('AB', measured, scores, strict=True):
        for title, chosen in choose_pictures(score_N, which).items():
            sheets[f'{which}: {title}'] = inline_png(
                _draw(part, chosen, score_N, allow_outside)
            )
    names = [found['statistic'] for found in report.statistics]
    return render_template(
        TEMPLATE,
        report=report,
        sheets=sheets,
        figure=inline_png(draw_histograms(report.histograms, names)),
        class_names=CLASS_NAMES,
        labels_line=format_labels(report.labels),
        scale=SCALE,
    )


def choose_pictures(score_N: np.ndarray, which: str) -> dict[str, np.ndarray]:
    """Choose pictures that show what the classifier goes by.

    Args:
        score_N: (N,) out-of-fold P(B) of one set, NaN where unknown.
        which: ``A`` or ``B``, the set.

    Returns:
        Title -> up to 12 numbers of pictures: at random, most and least typical.
    """
    # shuffled: the trees give whole subjects one score
    known = np.random.default_rng(0).permutation(np.flatnonzero(~np.isnan(score_N)))
    own_N = score_N[known] if which == 'B' else 1 - score_N[known]
    order = known[np.argsort(-own_N, kind='stable')]
    other = 'A' if which == 'B' else 'B'
    return {
        'at random': known[:NUM_SHOWN],
        f'least like {other}': order[:NUM_SHOWN],
        f'most like {other}': order[::-1][:NUM_SHOWN],
    }


def _draw(
    part: MeasuredSet, chosen: np.ndarray, score_N: np.ndarray, allow_outside: bool
) -> bytes:
    row_K = part.row_N[chosen]
    images = read_pictures(part.table, row_K, allow_outside=allow_outside)
    tiles = []
    for row, score in zip(row_K.tolist(), score_N[chosen].tolist(), strict=True):
        label, group = part.table.label_N[row], part.table.group_N[row]
        named = CLASS_NAMES[label] if label >= 0 else 'no label'
        lines = (
            f'{row} {named}',
            'no group' if group == NO_GROUP else part.table.group_names[group],
            f'P(B) {score:.3f}',
        )
        tiles.append((Tile(images.get(row), lines),))
    return encode_png(draw_contact_sheet(tiles))
