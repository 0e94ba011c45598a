"""What models weigh as ONNX files, and how fast they are beside torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import Tensor, nn

from ocec.apis.errors import ConfigError
from ocec.apis.get_flops import count_parameters, find_configs
from ocec.apis.run_config import load_run_config
from ocec.engine.checkpoint_io import write_text_atomically
from ocec.export.export_graph import ExportGraph
from ocec.export.onnx_classifier import open_session
from ocec.export.onnx_metadata import ModelCard, write_metadata
from ocec.export.parity import measure_latencies
from ocec.export.to_onnx import to_onnx
from ocec.registry import MODELS

SIZES = 'pnscml'
DEFAULT_CONFIGS = [
    f'configs/ocec/ocec-inverted-se-{size}_1xb256-50e_eye-24x40.py' for size in SIZES
]
#: thousands of bytes of the files that the original published, by the config's model
PUBLISHED_KB = {
    f'ocec-inverted-se-{size}': kilobytes
    for size, kilobytes in zip(SIZES, (112, 176, 494, 875, 1700, 6400), strict=True)
}
#: largest difference of P(open) between torch and onnxruntime
MAX_GAP = 1e-4
#: calls of one side before the other has its turn
MIN_CALLS = 20


@dataclass(frozen=True)
class ExportSize:
    """One row of the table.

    Args:
        config: the config file.
        params: of the model.
        bytes: of the ONNX file.
        published_kb: of the file that the original published, in 1000 bytes; None for
            a model that it did not.
        torch_ms: median time of one image in torch, one thread.
        onnx_ms: the same in onnxruntime.
        max_gap: largest difference of P(open) between both.
    """

    config: str
    params: int
    bytes: int
    published_kb: int | None
    torch_ms: float
    onnx_ms: float
    max_gap: float

    @property
    def speedup(self) -> float:
        """How many times onnxruntime is faster."""
        return self.torch_ms / self.onnx_ms


def export_sizes(
    configs: Sequence[str | Path] = (),
    *,
    out: str | Path | None = None,
    markdown: bool = False,
    calls: int = 400,
) -> list[ExportSize]:
    """Export the model of each config with random weights; measure size and time.

    The statistics of batch norms are random too, so that folding them is no trifle.
    Torch and onnxruntime have their turns by blocks of calls, so that what else the
    machine does slows both down.

    Args:
        configs: config files or folders; by default the six published sizes.
        out: JSON file for the same numbers.
        markdown: print a Markdown table.
        calls: of each side, one image each; at least 20.

    Returns:
        One row a config, in the order printed.

    Raises:
        ConfigError: a config is missing or wrong, or no classifier of single images.
        ImportError: onnx or onnxruntime is not installed.
        ValueError: ``calls`` is too small, or an exported file does not give the same
            numbers as torch.
    """
    if calls < MIN_CALLS:
        raise ValueError(f'calls must be >= {MIN_CALLS}, got {calls}')
    rows = []
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for config in find_configs(configs or DEFAULT_CONFIGS):
            rows.append(_measure(config, calls))
    finally:
        torch.set_num_threads(threads)
    print(sizes_text(rows, markdown=markdown))
    if out is not None:
        content = [{**asdict(row), 'speedup': row.speedup} for row in rows]
        Path(out).parent.mkdir(parents=True, exist_ok=True)
        write_text_atomically(json.dumps(content, indent=2) + '\n', out)
    return rows


def sizes_text(rows: Sequence[ExportSize], *, markdown: bool = False) -> str:
    """Write the table.

    Args:
        rows: of the models.
        markdown: as Markdown, else with aligned columns.

    Returns:
        Several lines.
    """
    table = [('model', 'params', 'ONNX KB', 'published KB', 'torch ms', 'ORT ms', 'x')]
    for row in rows:
        table.append(
            (
                _model_name(row.config),
                f'{row.params:,}',
                f'{row.bytes / 1000:,.1f}',
                '–' if row.published_kb is None else f'{row.published_kb:,}',
                f'{row.torch_ms:.2f}',
                f'{row.onnx_ms:.3f}',
                f'{row.speedup:.1f}',
            )
        )
    if markdown:
        rule = ('---', *['---:'] * (len(table[0]) - 1))
        lines = [table[0], rule, *table[1:]]
        return '\n'.join('| ' + ' | '.join(cells) + ' |' for cells in lines)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return '\n'.join(
        '  '.join(
            [name.ljust(widths[0])]
            + [cell.rjust(w) for cell, w in zip(cells, widths[1:], strict=True)]
        )
        for name, *cells in table
    )


def randomize(model: nn.Module, *, seed: int = 0) -> None:
    """Give batch norms statistics that no new layer has.

    Args:
        model: changed in place.
        seed: of the numbers.
    """
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            for tensor, low, high in (
                (module.running_mean, -0.5, 0.5),
                (module.running_var, 0.5, 2.0),
                (module.weight.data, 0.5, 1.5),
                (module.bias.data, -0.2, 0.2),
            ):
                tensor.uniform_(low, high, generator=generator)


def _measure(config: Path, calls: int) -> ExportSize:
    cfg = load_run_config(config)
    model, card = _build(cfg, config)
    mean, std = (torch.tensor(values) for values in (card.mean, card.std))
    graph = ExportGraph(model, mean=mean, std=std).eval()
    generator = torch.Generator().manual_seed(0)
    images_BCHW = torch.randint(
        256, (64, 3, *card.image_size), generator=generator
    ).float()
    proto = to_onnx(graph, images_BCHW[:1], log=_say_nothing)
    write_metadata(proto, card)
    content = proto.SerializeToString()
    session = open_session(content, config.stem, threads=1)

    def run_onnx(images: np.ndarray) -> np.ndarray:
        return session.run(None, {'images': images})[0]

    def run_torch(images: Tensor) -> Tensor:
        with torch.inference_mode():
            return graph(images)

    gap = np.abs(run_torch(images_BCHW).numpy() - run_onnx(images_BCHW.numpy())).max()
    if not gap <= MAX_GAP:
        raise ValueError(
            f'{config}: P(open) of the exported file differs by {gap:g} from that of '
            f'torch, at most {MAX_GAP:g} is allowed'
        )
    one, one_array = images_BCHW[:1], images_BCHW[:1].numpy()
    taken = measure_latencies(
        {'torch': lambda: run_torch(one), 'onnx': lambda: run_onnx(one_array)},
        repeats=calls,
    )
    return ExportSize(
        config=str(config),
        params=count_parameters(model),
        bytes=len(content),
        published_kb=PUBLISHED_KB.get(_model_name(config)),
        torch_ms=taken['torch'].median_ms,
        onnx_ms=taken['onnx'].median_ms,
        max_gap=float(gap),
    )


def _build(cfg: Config, config: Path) -> tuple[nn.Module, ModelCard]:
    """Build a model and what its file will say of itself."""
    if cfg.model.get('type') != 'ImageClassifier' or not cfg.model.get('input_size'):
        raise ConfigError(f'{config}: no classifier of single images of a known size')
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('ocec'):
        model = MODELS.build(cfg.model).eval()
    randomize(model)
    card = ModelCard(
        input='resized',
        dtype='float32',
        layout='NCHW',
        image_size=tuple(cfg.model.input_size),
        normalized_inside=True,
        mean=tuple(cfg.model.data_preprocessor.mean),
        std=tuple(cfg.model.data_preprocessor.std),
        config=config.name,
    )
    return model, card


def _model_name(config: str | Path) -> str:
    return Path(config).stem.split('_')[0]


def _say_nothing(_: str) -> None:
    """Take the place of a log: the table is what the user asked for."""
