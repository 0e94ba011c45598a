"""The page of a fine-tune report; needs no network.

Shapes: K images shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

from ocec.apis.analyze_errors_facts import sample_images
from ocec.apis.analyze_errors_sprites import Sheet, Sprite, pack_sprites
from ocec.apis.finetune_report_changes import UNKNOWN, vote_right
from ocec.apis.finetune_report_plots import draw_convergence, draw_trade_off
from ocec.apis.finetune_report_scores import Side
from ocec.apis.finetune_report_text import LEGEND, format_p, tables_of
from ocec.apis.html_page import inline_png, render_template
from ocec.apis.sample_facts import class_names_of, groups_of, paths_of

if TYPE_CHECKING:
    from ocec.apis.finetune_report import FinetuneReport

TEMPLATE, SCRIPT = 'finetune_report_page.html.j2', 'finetune_report_script.js.j2'
DIGITS = 4


def render_page(report: FinetuneReport, *, limit: int) -> str:
    """Render the page.

    Args:
        report: the numbers.
        limit: images of each list, >= 1.

    Returns:
        The HTML text.

    Raises:
        ConfigError: the data show no pictures.
        ImportError: jinja2 or matplotlib is not installed.
    """
    convergence = draw_convergence(report)
    sheets, shown = _show_images(report, limit)
    return render_template(
        TEMPLATE,
        report=report,
        tables=tables_of(report),
        legend=LEGEND,
        curves=None if convergence is None else inline_png(convergence),
        trade_off=inline_png(draw_trade_off(report)),
        written=datetime.now().strftime('%Y-%m-%d %H:%M:%S'),
        format_p=format_p,
        sheets=sheets,
        limit=limit,
        data=build_payload(report, shown, limit),
        script=(files('ocec.apis') / SCRIPT).read_text(encoding='utf-8'),
    )


def build_payload(
    report: FinetuneReport, shown: dict[str, dict[int, dict]], limit: int
) -> dict:
    """Collect what the script of the page works on.

    Args:
        report: the numbers.
        shown: side to place of an image to what is told of it.
        limit: images of each list.

    Returns:
        Numbers and texts; JSON can hold it.
    """
    return {
        'methods': [row.name for row in report.rows],
        'images': shown,
        'changes': [
            {
                'side': change.side,
                'method': change.method,
                'reference': change.reference,
                'fixed': change.fixed_K[:limit].tolist(),
                'broken': change.broken_K[:limit].tolist(),
                'num_fixed': len(change.fixed_K),
                'num_broken': len(change.broken_K),
                'groups': [asdict(group) for group in change.groups],
            }
            for change in report.changes
        ],
        'everywhere': {
            at: {'places': place_K[:limit].tolist(), 'total': len(place_K)}
            for at, place_K in report.wrong_everywhere.items()
        },
    }


def _show_images(
    report: FinetuneReport, limit: int
) -> tuple[list[Sheet], dict[str, dict[int, dict]]]:
    """Read the images of all lists, each once, and what is told of them."""
    pictures, told = [], {}
    for at, side in report.sides.items():
        lists = [
            place_K[:limit]
            for change in report.changes
            if change.side == at
            for place_K in (change.fixed_K, change.broken_K)
        ]
        lists.append(report.wrong_everywhere[at][:limit])
        place_K = np.unique(np.concatenate(lists)).astype(np.int64)
        told[at] = dict(zip(place_K.tolist(), _describe(side, place_K), strict=True))
        if len(place_K):
            pictures += sample_images(side.dataset, side.sample_id_N[place_K])
    sheets, sprites = pack_sprites(pictures)
    described = [image for images in told.values() for image in images.values()]
    for image, sprite in zip(described, sprites, strict=True):
        image['sprite'] = _sprite_list(sprite)
    return sheets, told


def _describe(side: Side, place_K: np.ndarray) -> list[dict]:
    ids = side.sample_id_N[place_K]
    classes = class_names_of(side.dataset)
    groups = groups_of(side.dataset, side.group_N[place_K].tolist())
    right = {name: vote_right(side, name)[place_K] for name in side.scores}
    prob = {
        name: np.mean([found.prob_N[place_K] for found in scores], axis=0)
        for name, scores in side.scores.items()
    }
    return [
        {
            'id': int(ids[k]),
            'path': path,
            'group': groups[k] or UNKNOWN,
            'label': classes[int(side.label_N[place])],
            'prob': [round(float(prob[name][k]), DIGITS) for name in side.scores],
            'right': [bool(right[name][k]) for name in side.scores],
        }
        for k, (place, path) in enumerate(
            zip(place_K.tolist(), paths_of(side.dataset, ids), strict=True)
        )
    ]


def _sprite_list(sprite: Sprite) -> Sequence[int]:
    return [sprite.sheet, sprite.x, sprite.y, sprite.width, sprite.height]
