"""Parameters and multiply-accumulates of the models of configs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ocec.apis.errors import ConfigError
from ocec.apis.get_flops_actions import action_inputs, count_streams, is_action_config
from ocec.apis.run_config import load_run_config
from ocec.datasets.eye_parquet import parse_image_size
from ocec.engine.checkpoint_io import write_text_atomically
from ocec.registry import MODELS


@dataclass(frozen=True)
class ModelSize:
    """One row of the table.

    Args:
        config: the config file.
        input_size: (H, W) of the image in pixels; of actions the shape of each input
            of one clip, as ``dict(rgb=(3, 16, 224, 224), heatmap=(17, 48, 56, 56))``.
        params: parameters of the whole model; None where it cannot be built.
        params_backbone: of ``model.backbone``; None where there is none.
        params_head: of ``model.head``; None where there is none.
        macs: multiply-accumulates of one image; None where the model cannot run.
        problem: why it cannot run.
        params_streams: of actions the parameters of ``rgb``, ``pose``, ``attention``
            and other ``connections`` in the backbone.
    """

    config: str
    input_size: tuple[int, int] | dict[str, tuple[int, ...]]
    params: int | None
    params_backbone: int | None
    params_head: int | None
    macs: int | None
    problem: str | None = None
    params_streams: dict[str, int] | None = None


def get_flops(
    configs: Sequence[str | Path],
    *,
    shape: Sequence[int] | None = None,
    json_file: str | Path | None = None,
    cfg_options: Sequence[str] = (),
    no_check: bool = False,
) -> list[ModelSize]:
    """Print parameters and multiply-accumulates of each config, at batch size 1.

    Args:
        configs: config files, or folders: every config below them, ``_base_``
            excepted.
        shape: (H, W) in pixels; by default ``train_dataloader.dataset.image_size``.
            Clips of actions have the sizes and numbers of frames of their training.
        json_file: file for the same numbers.
        cfg_options: ``KEY=VALUE`` texts, applied to every config.
        no_check: do not refuse a config with findings.

    Returns:
        One row a config, in the order printed.

    Raises:
        ConfigError: a config is missing or wrong, tells no image size, or ``shape``
            is given for actions.
        ValueError: a model cannot take its image; the table is printed all the same.
    """
    sizes = []
    for config in find_configs(configs):
        cfg = load_run_config(config, cfg_options=cfg_options, no_check=no_check)
        if is_action_config(cfg):
            sizes.append(_measure_actions(cfg, config, shape))
        else:
            sizes.append(_measure(cfg, str(config), _choose_size(cfg, config, shape)))
    print(format_sizes(sizes))
    if json_file is not None:
        text = json.dumps([asdict(size) for size in sizes], indent=2) + '\n'
        Path(json_file).parent.mkdir(parents=True, exist_ok=True)
        write_text_atomically(text, Path(json_file))
    failed = [size for size in sizes if size.problem is not None]
    if failed:
        raise ValueError(
            '\n'.join(
                f'{size.config}: the model cannot take {_show_size(size.input_size)}: '
                f'{size.problem}'
                for size in failed
            )
        )
    return sizes


def find_configs(paths: Sequence[str | Path]) -> list[Path]:
    """Return the config files among files and folders.

    Args:
        paths: files are taken as they are.

    Returns:
        The files; those of a folder sorted, without ``_base_``.

    Raises:
        ConfigError: a path does not exist, or a folder holds no config.
    """
    found = []
    for path in map(Path, paths):
        files = [path] if path.is_file() else sorted(path.rglob('*.py'))
        files = [f for f in files if '_base_' not in f.parts or f == path]
        if not files:
            raise ConfigError(f'{path}: no such config file, nor a folder with configs')
        found += files
    return found


def count_parameters(module: nn.Module | None) -> int | None:
    """Return the number of parameters, shared ones once; None of None."""
    if module is None:
        return None
    return sum(parameter.numel() for parameter in module.parameters())


def count_macs(
    forward: Callable, inputs: torch.Tensor | dict[str, torch.Tensor]
) -> int:
    """Count the multiply-accumulates of one call.

    Counted are convolutions, linear layers, matrix products and attention (its two
    products, fused or not); not the bias, normalisation, activations, pooling and
    other element-wise work. A multiply-accumulate is two FLOPs.

    Args:
        forward: what is called with ``inputs``; a model should be in eval mode.
        inputs: of the size to count at.

    Returns:
        The number.
    """
    # the fused encoder layer of torch is one operation that the counter does not know
    was_fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            forward(inputs)
    finally:
        torch.backends.mha.set_fastpath_enabled(was_fused)
    return counter.get_total_flops() // 2


def format_sizes(sizes: Sequence[ModelSize]) -> str:
    """Return the rows as a table with aligned columns.

    Args:
        sizes: the rows.

    Returns:
        Several lines.
    """
    rows = [('config', 'input', 'params', 'backbone', 'head', 'MACs')]
    has_streams = any(size.params_streams for size in sizes)
    if has_streams:
        rows = [(*rows[0], 'streams')]
    for size in sizes:
        streams = [f'{n} {c:,}' for n, c in (size.params_streams or {}).items()]
        counts = (size.params, size.params_backbone, size.params_head)
        rows.append(
            (
                size.config,
                _show_size(size.input_size),
                *('-' if count is None else f'{count:,}' for count in counts),
                'cannot run' if size.macs is None else f'{size.macs / 1e6:.2f} M',
                *([', '.join(streams) or '-'] if has_streams else []),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        '  '.join(
            [name.ljust(widths[0])]
            + [cell.rjust(w) for cell, w in zip(cells, widths[1:], strict=True)]
        )
        for name, *cells in rows
    ]
    return '\n'.join(lines)


def _measure(cfg: Config, name: str, image_size: tuple[int, int]) -> ModelSize:
    init_default_scope(cfg.get('default_scope') or 'ocec')
    model, macs, problem = None, None, None
    try:
        model = MODELS.build(cfg.model).eval()
        # called without the preprocessor, which is no part of what is counted
        macs = count_macs(model, torch.zeros(1, 3, *image_size))
    except (RuntimeError, ValueError) as error:  # torch or we refuse the size
        problem = str(error)
    return ModelSize(
        config=name,
        input_size=image_size,
        params=count_parameters(model),
        params_backbone=count_parameters(getattr(model, 'backbone', None)),
        params_head=count_parameters(getattr(model, 'head', None)),
        macs=macs,
        problem=problem,
    )


def _measure_actions(
    cfg: Config, config: Path, shape: Sequence[int] | None
) -> ModelSize:
    if shape is not None:
        raise ConfigError(
            f'{config}: --shape is of one image; sizes of clips are changed by '
            '--cfg-options, as train_dataloader.dataset.frame_size and '
            'model.data_preprocessor.heatmap_size'
        )
    init_default_scope(cfg.get('default_scope') or 'ocec')
    model = MODELS.build(cfg.model).eval()
    inputs = action_inputs(model, cfg, config)
    macs, problem = None, None
    try:
        # counted by shape alone: a clip is 58 G of multiply-accumulates in some
        on_meta = {name: x.to('meta') for name, x in inputs.items()}
        macs = count_macs(model.to('meta'), on_meta)
    except (RuntimeError, ValueError) as error:  # torch or we refuse the size
        problem = str(error)
    return ModelSize(
        config=str(config),
        input_size={name: tuple(x.shape[1:]) for name, x in inputs.items()},
        params=count_parameters(model),
        params_backbone=count_parameters(model.backbone),
        params_head=count_parameters(model.head),
        macs=macs,
        problem=problem,
        params_streams=count_streams(model),
    )


def _choose_size(
    cfg: Config, config: Path, shape: Sequence[int] | None
) -> tuple[int, int]:
    """Return the image size, and tell it to a model that is made for one."""
    dataset = (cfg.get('train_dataloader') or {}).get('dataset') or {}
    wanted = dataset.get('image_size') if shape is None else shape
    if wanted is None:
        raise ConfigError(
            f'{config}: train_dataloader.dataset has no image_size; give --shape H W'
        )
    try:
        size = parse_image_size(wanted)
    except ValueError as error:
        raise ConfigError(f'{config}: {error}') from error
    if cfg.model.get('input_size') is not None:
        cfg.model.input_size = size
    return size


def _show_size(size: tuple[int, int] | dict[str, tuple[int, ...]]) -> str:
    if isinstance(size, dict):
        return ' + '.join(_show_size(shape) for shape in size.values())
    return 'x'.join(map(str, size))
