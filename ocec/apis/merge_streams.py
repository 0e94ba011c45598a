"""From an RGB-only and a pose-only checkpoint to the start of a two-stream model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from mmengine.registry import init_default_scope
from torch import Tensor

from ocec.apis.errors import ConfigError
from ocec.apis.run_config import read_config
from ocec.engine.checkpoint_io import file_sha256, load_safely, save_atomically
from ocec.engine.start_weights import read_weights
from ocec.registry import MODELS

PREPROCESSOR = 'data_preprocessor.'
STREAMS = ('rgb', 'pose')


@dataclass(frozen=True)
class MergeReport:
    """What a merged checkpoint holds.

    Args:
        out: the file.
        num_tensors: of each stream, the constants of its preprocessor apart.
        padded: names of weights that got channels of zeros.
        fresh: names of weights of the two-stream model that the file does not hold;
            None where no config told the model.
    """

    out: Path
    num_tensors: dict[str, int]
    padded: list[str]
    fresh: list[str] | None


def merge_streams(
    rgb_checkpoint: str | Path,
    pose_checkpoint: str | Path,
    *,
    out: str | Path,
    config: str | Path | None = None,
    weights: str = 'ema',
    trust_checkpoint: bool = False,
) -> MergeReport:
    """Write the start of a two-stream model from two models of one stream.

    The file is for ``load_from`` of a config; the attention, or the connections between
    the streams, begin anew. Of a checkpoint that has both streams only the one asked
    for is taken.

    Args:
        rgb_checkpoint: with ``backbone.rgb_path`` and ``head.fc.rgb``.
        pose_checkpoint: with ``backbone.pose_path`` and ``head.fc.pose``.
        out: file to write.
        config: of the two-stream model. Weights are checked against it; a convolution
            that also sees the other stream there gets zeros for those channels, so
            that each stream begins with what it said alone.
        weights: ``ema`` or ``raw``, of a run with EMA.
        trust_checkpoint: unpickle anything when loading.

    Returns:
        What was written.

    Raises:
        ConfigError: a checkpoint or the config is missing, or they do not go together.
        ValueError: a checkpoint is damaged or not trusted.
    """
    files = {'rgb': rgb_checkpoint, 'pose': pose_checkpoint}
    states = {}
    for stream, file in files.items():
        if not Path(file).is_file():
            raise ConfigError(f'{file}: no such checkpoint')
        content = load_safely(file, trust=trust_checkpoint)
        states[stream] = read_weights(content, str(file), weights).state
    merged, num_tensors = {}, {}
    for stream in STREAMS:
        part = _part_of_stream(states[stream], stream, str(files[stream]))
        merged |= part
        num_tensors[stream] = len(part)
    _check_classes(merged, files)
    merged |= _constants(states, files)
    padded, fresh = [], None
    if config is not None:
        merged, padded, fresh = _fit_to_config(merged, config)
    sources = {
        stream: {'file': str(file), 'sha256': file_sha256(file)}
        for stream, file in files.items()
    }
    # what connects the streams is missing, and may start anew
    parts = [f'backbone.{stream}_path.' for stream in STREAMS]
    meta = {'merge': sources, 'parts': parts}
    save_atomically({'meta': meta, 'state_dict': merged}, out)
    report = MergeReport(Path(out), num_tensors, padded, fresh)
    print(report_text(report))
    return report


def report_text(report: MergeReport) -> str:
    """Write what a merged checkpoint holds as lines for the terminal.

    Args:
        report: of :func:`merge_streams`.

    Returns:
        Several lines.
    """
    counts = ', '.join(f'{n:,} tensors of {s}' for s, n in report.num_tensors.items())
    lines = [f'{report.out}: {counts}']
    if report.padded:
        lines.append(f'with zeros for the other stream: {", ".join(report.padded)}')
    if report.fresh:
        parts = sorted({'.'.join(name.split('.')[:2]) for name in report.fresh})
        lines.append(f'begin anew: {", ".join(parts)}')
    return '\n'.join(lines)


def _part_of_stream(
    state: Mapping[str, Tensor], stream: str, file: str
) -> dict[str, Tensor]:
    prefixes = (f'backbone.{stream}_path.', f'head.fc.{stream}.')
    for prefix in prefixes:
        if not any(name.startswith(prefix) for name in state):
            raise ConfigError(f'{file} has no {stream} stream: no weight {prefix}*')
    return {name: x for name, x in state.items() if name.startswith(prefixes)}


def _check_classes(merged: Mapping[str, Tensor], files: Mapping) -> None:
    counts = {s: len(merged[f'head.fc.{s}.weight']) for s in STREAMS}
    if len(set(counts.values())) > 1:
        told = ', '.join(f'{files[s]} has {n}' for s, n in counts.items())
        raise ConfigError(f'the streams have other numbers of classes: {told}')


def _constants(
    states: Mapping[str, Mapping[str, Tensor]], files: Mapping
) -> dict[str, Tensor]:
    """Return the constants of the preprocessors, which must not contradict."""
    found: dict[str, Tensor] = {}
    for stream in STREAMS:
        for name, value in states[stream].items():
            if not name.startswith(PREPROCESSOR):
                continue
            if name in found and not torch.equal(found[name], value):
                raise ConfigError(
                    f'{files["rgb"]} and {files["pose"]} were trained with other {name}'
                )
            found[name] = value
    return found


def _fit_to_config(
    merged: Mapping[str, Tensor], config: str | Path
) -> tuple[dict[str, Tensor], list[str], list[str]]:
    """Fit the weights to the model of a config; what is padded, what is missing."""
    cfg = read_config(config)
    init_default_scope(cfg.get('default_scope') or 'ocec')
    target = MODELS.build(cfg.model).state_dict()
    fitted, padded = {}, []
    for name, value in merged.items():
        if name not in target:
            if name.startswith(PREPROCESSOR):
                continue
            raise ConfigError(f'the model of {config} has no {name}')
        wanted = target[name].shape
        if value.shape != wanted:
            value = _pad_channels(name, value, wanted, config)
            padded.append(name)
        fitted[name] = value
    fresh = [
        name
        for name in target
        if name not in fitted and not name.startswith(PREPROCESSOR)
    ]
    return fitted, padded, fresh


def _pad_channels(
    name: str, value: Tensor, wanted: torch.Size, config: str | Path
) -> Tensor:
    """Append input channels of zeros to the weight of a convolution."""
    is_wider = (
        value.ndim == len(wanted) == 4
        and value.shape[1] < wanted[1]
        and (value.shape[0], *value.shape[2:]) == (wanted[0], *wanted[2:])
    )
    if not is_wider:
        raise ConfigError(
            f'{name} has shape {tuple(value.shape)}, in the model of {config} '
            f'{tuple(wanted)}'
        )
    zeros = value.new_zeros(len(value), wanted[1] - value.shape[1], *value.shape[2:])
    return torch.cat((value, zeros), dim=1)
