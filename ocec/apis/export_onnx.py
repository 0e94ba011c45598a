"""Export a checkpoint to ONNX, and let only files that agree with it pass."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ocec.apis.errors import ConfigError
from ocec.apis.export_onnx_gate import Judged, judge
from ocec.apis.export_onnx_settings import ExportSettings
from ocec.apis.export_onnx_source import ExportSource, open_source
from ocec.apis.export_onnx_text import table
from ocec.engine.checkpoint_io import write_text_atomically
from ocec.export.export_graph import ExportGraph
from ocec.export.onnx_metadata import ModelCard, write_metadata
from ocec.export.precision import to_fp16, to_int8
from ocec.export.resize_graph import prepend_resize
from ocec.export.to_onnx import to_onnx

if TYPE_CHECKING:
    import onnx

CALIBRATION_IMAGES = 512
CALIBRATION_BATCH = 32


@dataclass(frozen=True)
class ExportResult:
    """Where an export lies.

    Args:
        files: precision to file; only of those that passed.
        rejected: precision to the file that did not pass.
        parity: the JSON file of the comparison; None without one.
    """

    files: dict[str, Path]
    rejected: dict[str, Path]
    parity: Path | None


def export_onnx(
    checkpoint: str | Path,
    *,
    config: str | Path | None = None,
    out: str | Path | None = None,
    data: str | Path | Sequence[str] | None = None,
    split: str = 'val',
    cfg_options: Sequence[str] = (),
    trust_checkpoint: bool = False,
    **settings,
) -> ExportResult:
    """Export a checkpoint, compare each file with it, print the table.

    Args:
        checkpoint: weights; of a run with EMA, the averaged ones.
        config: the config file; by default the config that the checkpoint holds.
        out: the ONNX file; by default the name of the config beside the checkpoint.
            fp16 and int8 files beside it get ``-fp16`` and ``-int8`` in their names.
        data: file, folder or pattern in place of the data of the config.
        split: to compare and to calibrate on.
        cfg_options: ``KEY=VALUE`` texts.
        trust_checkpoint: unpickle anything when loading.
        **settings: fields of :class:`ExportSettings`.

    Returns:
        The files.

    Raises:
        ConfigError: an argument or the config is wrong, or the data are missing.
        ValueError: no exporter can do it, or a file differs too much from the
            checkpoint; it lies beside the wanted name with ``.rejected`` at the end,
            and no file, not even an older one, under that name.
    """
    chosen = ExportSettings(**settings)
    with open_source(
        checkpoint,
        chosen,
        config=config,
        data=data,
        split=split,
        cfg_options=cfg_options,
        trust_checkpoint=trust_checkpoint,
    ) as source:
        base = _base_path(out, checkpoint, source.card)
        network = _export_network(source, chosen)
        paths = {p: _path_of(base, p, chosen) for p in chosen.precisions}
        parity = base.with_suffix('.parity.json')
        parity.unlink(missing_ok=True)  # it is of older files
        parity = parity if chosen.parity else None
        judged = [
            _write(network, source, chosen, precision, path)
            for precision, path in paths.items()
        ]
    if parity is not None:
        _write_parity(parity, judged, source, chosen)
        print(table(judged, batch=chosen.batch))
    return _finish(judged, parity)


def _export_network(source: ExportSource, settings: ExportSettings) -> onnx.ModelProto:
    """Export the network behind the resize, in float32."""
    preprocessor = source.model.data_preprocessor
    is_inside = settings.normalize == 'inside'
    graph = ExportGraph(
        source.model,
        mean=preprocessor.mean if is_inside else None,
        std=preprocessor.std if is_inside else None,
        embedding=settings.embedding,
    )
    dtype = getattr(torch, settings.core_dtype)
    names = ('prob_open', 'embedding') if settings.embedding else ('prob_open',)
    return to_onnx(
        graph,
        torch.zeros(1, 3, *source.card.image_size, dtype=dtype),
        output_names=names,
        batch=settings.batch,
        opset=settings.opset,
        exporter=settings.exporter,
        slim=settings.slim,
    )


def _write(network, source: ExportSource, settings, precision: str, path) -> Judged:
    """Write one file; it gets its name when it has passed."""
    card = replace(source.card, precision=precision)
    model = _converted(network, source, settings, precision)
    if settings.input == 'raw':
        model = prepend_resize(model, card.image_size, dtype=card.dtype)
    path.parent.mkdir(parents=True, exist_ok=True)
    rejected = path.with_name(f'{path.name}.rejected')
    for old in (path, rejected):
        old.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix='.export-') as folder:
        file = Path(folder) / path.name
        _save(model, card, file)
        judged = judge(file, source, settings, path)
        if not judged.failures:
            passed = {'metrics': judged.metrics, 'parity': judged.verdict}
            _save(model, replace(card, **passed), file)
        os.replace(file, rejected if judged.failures else path)
    return judged


def _converted(network, source: ExportSource, settings, precision: str):
    if precision == 'fp16':
        return to_fp16(network)
    if precision == 'int8':
        return to_int8(network, calibration_batches(source, settings))
    return network


def calibration_batches(
    source: ExportSource, settings: ExportSettings
) -> list[np.ndarray]:
    """Return images as the network behind the resize takes them.

    Args:
        source: of the export, with images.
        settings: of the export.

    Returns:
        Batches of at most 512 images in all, spread evenly over the split.
    """
    images = source.images
    pixels_NCHW = images.pixels_NCHW[images.spread(CALIBRATION_IMAGES)]
    if settings.core_dtype == 'float32':
        pixels_NCHW = pixels_NCHW.astype(np.float32)
    if settings.normalize == 'outside':
        card = source.card
        mean, std = np.float32([card.mean, card.std])[:, :, None, None]
        pixels_NCHW = (pixels_NCHW - mean) / std
    size = settings.batch or CALIBRATION_BATCH
    starts = range(0, len(pixels_NCHW) - size + 1, size)
    # a fixed batch may be larger than what there is
    return [pixels_NCHW[start : start + size] for start in starts] or [
        np.resize(pixels_NCHW, (size, *pixels_NCHW.shape[1:]))
    ]


def _save(model, card: ModelCard, path: Path) -> None:
    write_metadata(model, card)
    path.write_bytes(model.SerializeToString())


def _base_path(out, checkpoint: str | Path, card: ModelCard) -> Path:
    if out is None:
        return Path(checkpoint).with_name(Path(card.config).stem + '.onnx')
    path = Path(out)
    if path.is_dir():
        raise ConfigError(f'--out {out} is a folder: name a file, as {path}/eye.onnx')
    return path if path.suffix == '.onnx' else path.with_name(f'{path.name}.onnx')


def _path_of(base: Path, precision: str, settings: ExportSettings) -> Path:
    if precision == 'fp32' or len(settings.precisions) == 1:
        return base
    return base.with_stem(f'{base.stem}-{precision}')


def _write_parity(path: Path, judged, source: ExportSource, settings) -> None:
    content = {
        'config': source.card.config,
        'checkpoint_sha256': source.card.checkpoint_sha256,
        'split': source.images.split,
        'num_images': len(source.images),
        'data': source.images.fingerprint,
        'threshold': source.card.threshold,
        'settings': asdict(settings),
        'files': [entry.as_dict() for entry in judged],
    }
    write_text_atomically(json.dumps(content, indent=2) + '\n', path)


def _finish(judged: list[Judged], parity: Path | None) -> ExportResult:
    result = ExportResult(
        files={j.precision: j.path for j in judged if not j.failures},
        rejected={
            j.precision: j.path.with_name(f'{j.path.name}.rejected')
            for j in judged
            if j.failures
        },
        parity=parity,
    )
    for entry in judged:
        if not entry.failures:
            print(f'{entry.precision}: {entry.path} ({entry.verdict})')
    if result.rejected:
        reasons = [f'{j.precision}: {reason}' for j in judged for reason in j.failures]
        names = ', '.join(str(path) for path in result.rejected.values())
        raise ValueError(
            'the export differs too much from the checkpoint\n  '
            + '\n  '.join(reasons)
            + f'\nkept for study: {names}'
        )
    return result
