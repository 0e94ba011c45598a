"""A page that runs an exported eye classifier in the browser; needs no network."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path

from ocec.apis.compare_runs_page import encode_json
from ocec.apis.demo_page_runtime import Programs, load_programs, pack
from ocec.apis.errors import ConfigError
from ocec.apis.html_page import render_template
from ocec.engine.checkpoint_io import write_text_atomically
from ocec.export.onnx_metadata import ModelCard, read_metadata
from ocec.functional.blink import BlinkRule
from ocec.functional.picture_limits import MAX_PIXELS, MIN_SIDE

TEMPLATE = 'demo_page.html.j2'
STYLE = 'demo_page.css.j2'
SCRIPTS = (
    'texts',
    'base',
    'pixels',
    'model',
    'crops',
    'blinks',
    'stage',
    'boxes',
    'curve',
    'main',
)


def make_demo_page(
    model: str | Path,
    out: str | Path,
    *,
    runtime: str | Path | None = None,
    threshold: float | None = None,
) -> Path:
    """Write a page that holds a model and what runs it.

    Args:
        model: ONNX file written by ``tools/export_onnx.py``.
        out: HTML file to write.
        runtime: folder of onnxruntime-web; looked for if not given.
        threshold: P(open) from which the page calls an eye open, in (0, 1); that of
            the model if not given.

    Returns:
        The file written.

    Raises:
        ConfigError: onnxruntime-web is not installed, the threshold is out of range,
            the model was trained with another resize than the page has, or the page
            would replace it.
        ValueError: the file is no model of this package, or keeps weights elsewhere.
        ImportError: jinja2, plotly or onnx is not installed.
    """
    if threshold is not None and not 0 < threshold < 1:
        raise ConfigError(f'--threshold must be in (0, 1), got {threshold}')
    path = Path(model)
    if Path(out).resolve() == path.resolve():
        raise ConfigError(f'-o {out} is the model itself, and would replace it')
    programs = load_programs(runtime)
    card = read_metadata(path)
    if card.interpolation != 'bilinear' or card.pipeline:
        raise ConfigError(
            f'{model}: trained on pictures that were not resized bilinearly, as the '
            'page does it: its numbers would be others'
        )
    page = render_page(
        path.name, path.read_bytes(), card, programs, threshold=threshold
    )
    write_text_atomically(page, Path(out))
    size = len(page.encode()) / 2**20
    print(
        f'{out}: {size:.1f} MB with {path.name} and onnxruntime-web {programs.version}'
    )
    return Path(out)


def render_page(
    name: str,
    model: bytes,
    card: ModelCard,
    programs: Programs,
    *,
    threshold: float | None = None,
) -> str:
    """Fill in the page.

    Args:
        name: of the model.
        model: the bytes of its ONNX file.
        card: what the file says about itself.
        programs: what runs it.
        threshold: as in :func:`make_demo_page`.

    Returns:
        The HTML text.

    Raises:
        ImportError: jinja2 is not installed.
    """
    folder = files('ocec.apis')
    scripts = [
        (folder / f'demo_page_{part}.js.j2').read_text(encoding='utf-8')
        for part in SCRIPTS
    ]
    return render_template(
        TEMPLATE,
        model_name=name,
        runtime_version=programs.version,
        style=(folder / STYLE).read_text(encoding='utf-8'),
        script='\n'.join(scripts),
        data=encode_json(build_payload(name, model, card, threshold=threshold)),
        packed={'model': pack(model), **programs.packed},
    )


def build_payload(
    name: str, model: bytes, card: ModelCard, *, threshold: float | None = None
) -> dict:
    """Collect what the scripts of the page work on.

    Args:
        name: of the model.
        model: the bytes of its ONNX file.
        card: what the file says about itself.
        threshold: as in :func:`make_demo_page`.

    Returns:
        Numbers and texts; JSON can hold it.
    """
    fields = json.loads(json.dumps(asdict(card)))
    stored = float(card.threshold)
    return {
        'name': name,
        'bytes': len(model),
        'sha256': hashlib.sha256(model).hexdigest(),
        'card': fields,
        'threshold': stored if threshold is None else threshold,
        'thresholds': {'stored': stored, **stored_thresholds(fields['thresholds'])},
        'facts': dict(flatten(fields)),
        'min_side': MIN_SIDE,
        'max_pixels': MAX_PIXELS,
        'blink': asdict(BlinkRule()),
    }


def stored_thresholds(thresholds: Mapping | None) -> dict[str, float]:
    """Pick the thresholds that were chosen for an aim, as the best F1.

    Args:
        thresholds: what the training stored, or None.

    Returns:
        Aim to threshold; nothing else that was stored with them.
    """
    aims = ('best_f1', 'precision', 'false_alarm')
    values = {aim: (thresholds or {}).get(aim) for aim in aims}
    return {aim: float(value) for aim, value in values.items() if value is not None}


def flatten(values: Mapping, prefix: str = '') -> list[tuple[str, str]]:
    """Turn nested values into lines.

    Args:
        values: names to texts, numbers, lists or further mappings.
        prefix: of the names.

    Returns:
        Pairs of dotted name and text, in order; what is None is left out.
    """
    lines: list[tuple[str, str]] = []
    for key, value in values.items():
        name = f'{prefix}{key}'
        if isinstance(value, Mapping):
            lines += flatten(value, f'{name}.')
        elif isinstance(value, list) and any(isinstance(x, Mapping) for x in value):
            for index, item in enumerate(value):
                lines += flatten({str(index): item}, f'{name}.')
        elif value is not None:
            lines.append((name, _text(value)))
    return lines


def _text(value) -> str:
    if isinstance(value, float):
        return f'{value:.6g}'
    if isinstance(value, list):
        return ', '.join(map(_text, value))
    if isinstance(value, bool):
        return 'yes' if value else 'no'
    return str(value)
