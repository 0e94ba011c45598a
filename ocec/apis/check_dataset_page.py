"""The check of a data set as one HTML file with contact sheets; needs no network."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ocec.apis.check_dataset_leaks import SHOWN_SETS, Finding
from ocec.apis.check_dataset_scan import read_pictures
from ocec.datasets.eye_table import SPLITS, EyeTable
from ocec.functional.probability import CLASS_NAMES
from ocec.preparation.contact_sheet import Tile, draw_contact_sheet, encode_png

if TYPE_CHECKING:
    from ocec.apis.check_dataset import DatasetReport

TEMPLATE = 'check_dataset_page.html.j2'
SHOWN_EXTREMES = 12
EXTREMES = {
    'darkest': 'The darkest pictures',
    'brightest': 'The brightest pictures',
    'flattest': 'The pictures of least contrast',
    'smallest': 'The smallest pictures',
}


def render_page(
    report: DatasetReport,
    table: EyeTable,
    facts_N: np.ndarray,
    *,
    allow_outside: bool = False,
) -> str:
    """Render the page.

    Args:
        report: what the check found.
        table: the rows.
        facts_N: (N,) of ``check_pictures.PICTURE_DTYPE``.
        allow_outside: also read pictures outside the folder of their parquet file.

    Returns:
        The HTML text, pictures inlined as PNG.

    Raises:
        ImportError: jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError as error:
        raise ImportError(
            'an HTML report needs jinja2: pip install "ocec[report]"'
        ) from error
    environment = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    text = (files('ocec.apis') / TEMPLATE).read_text(encoding='utf-8')
    sheets = draw_sheets(report.findings, table, facts_N, allow_outside=allow_outside)
    return environment.from_string(text).render(
        report=report,
        sheets={
            name: 'data:image/png;base64,'
            + base64.b64encode(encode_png(sheet)).decode()
            for name, sheet in sheets.items()
        },
        extremes=EXTREMES,
        shown_sets=SHOWN_SETS,
        class_names=CLASS_NAMES,
    )


def draw_sheets(
    findings: Sequence[Finding],
    table: EyeTable,
    facts_N: np.ndarray,
    *,
    allow_outside: bool = False,
) -> dict[str, np.ndarray]:
    """Draw a contact sheet for each finding that has pictures, and of the extremes.

    Args:
        findings: what is wrong.
        table: the rows.
        facts_N: (N,) of ``check_pictures.PICTURE_DTYPE``.
        allow_outside: also read pictures outside the folder of their parquet file.

    Returns:
        Kind of finding, or one of ``EXTREMES`` -> (H, W, 3) uint8 RGB.
    """
    sets_of = {
        finding.kind: finding.sets[:SHOWN_SETS]
        for finding in findings
        if finding.sets and finding.kind != 'unreadable_pictures'
    }
    sets_of |= {
        name: [(row,) for row in rows] for name, rows in _extremes(facts_N) if rows
    }
    wanted = [row for sets in sets_of.values() for rows in sets for row in rows]
    images = read_pictures(table, wanted, allow_outside=allow_outside)
    return {
        name: draw_contact_sheet(
            [[_tile(row, table, facts_N, images) for row in rows] for rows in sets]
        )
        for name, sets in sets_of.items()
    }


def _extremes(facts_N: np.ndarray) -> Iterator[tuple[str, list[int]]]:
    row_M = np.flatnonzero(facts_N['height'] > 0)
    facts_M = facts_N[row_M]
    area_M = facts_M['height'].astype(np.int64) * facts_M['width']
    keys = (facts_M['mean'], -facts_M['mean'], facts_M['contrast'], area_M)
    for name, key_M in zip(EXTREMES, keys, strict=True):
        order_M = np.argsort(key_M, kind='stable')
        yield name, row_M[order_M[:SHOWN_EXTREMES]].tolist()


def _tile(
    row: int, table: EyeTable, facts_N: np.ndarray, images: Mapping[int, np.ndarray]
) -> Tile:
    file, row_in_file = table.locate(row)
    split, label, group = (
        names[code] if code >= 0 else f'no {what}'
        for what, names, code in (
            ('split', SPLITS, table.split_N[row]),
            ('label', CLASS_NAMES, table.label_N[row]),
            ('group', table.group_names, table.group_N[row]),
        )
    )
    facts = facts_N[row]
    lines = (
        f'{Path(file).stem} #{row_in_file}',
        f'{split}  {label}  {group}',
        f'{facts["width"]}x{facts["height"]}  grey {facts["mean"]:.0f} '
        f'+/- {facts["contrast"]:.0f}',
    )
    return Tile(images.get(row), lines)
