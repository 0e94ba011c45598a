"""From a module to an ONNX model: two exporters of torch, quiet, in one file."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ocec.export.fold_batch_norm import fold_batch_norms
from ocec.export.graph_tidy import fold_constants, remove_no_ops, strip_comments
from ocec.export.onnx_metadata import INSTALL
from ocec.export.plain_ops import use_plain_ops

if TYPE_CHECKING:
    import onnx

#: read by onnxruntime since 1.14 and by OpenCV 4 and 5
DEFAULT_OPSET = 18
OPSETS = range(15, 24)
#: below, the dynamo exporter converts its graph down, which may fail
DYNAMO_OPSET = 18
EXPORTERS = ('auto', 'dynamo', 'torchscript')
# as the file of IR 8 that OpenCV 4 reads; nothing newer is used
IR_VERSION = 8
NOISY = ('torch.onnx', 'torch.export', 'onnxscript', 'onnx_ir', 'torch._dynamo')


def to_onnx(
    module: nn.Module,
    example: Tensor,
    *,
    output_names: tuple[str, ...] = ('prob_open',),
    batch: int | None = None,
    opset: int = DEFAULT_OPSET,
    exporter: str = 'auto',
    slim: bool = False,
    log: Callable[[str], None] = print,
) -> onnx.ModelProto:
    """Export a module; batch norms are folded into their neighbours.

    Args:
        module: from images to one tensor or a tuple; put into evaluation mode.
        example: (B, C, H, W) images; B is of no account.
        output_names: of the tensors.
        batch: images of a call; None for any number.
        opset: 15 to 23.
        exporter: ``dynamo``, ``torchscript``, or ``auto``: the first one, and where it
            fails the second.
        slim: also let onnxslim simplify the graph, where it is installed.
        log: gets a line on which exporter it was, and why.

    Returns:
        The model; its input is called ``images``.

    Raises:
        ImportError: onnx, or for dynamo onnxscript, is not installed.
        ValueError: an unknown opset or exporter, or none can export the module.
    """
    if opset not in OPSETS:
        raise ValueError(
            f'opset must be in {OPSETS.start} to {OPSETS.stop - 1}, got {opset}'
        )
    if exporter not in EXPORTERS:
        raise ValueError(f'exporter must be one of {EXPORTERS}, got {exporter!r}')
    module = module.eval()
    # two of them: torch takes an axis of one for a constant
    example = example[:1].repeat(2 if batch is None else batch, 1, 1, 1)
    settings = (module, example, output_names, batch is None, opset)
    model = _export(settings, exporter, log)
    model.ir_version = IR_VERSION if opset <= DYNAMO_OPSET else model.ir_version
    remove_no_ops(model)
    fold_batch_norms(model)
    use_plain_ops(model)
    fold_constants(model)
    if slim:
        model = _slimmed(model, log)
    strip_comments(model)
    return model


def _export(settings, exporter: str, log: Callable[[str], None]) -> onnx.ModelProto:
    reason = f'opset {settings[-1]} < {DYNAMO_OPSET}'
    if exporter == 'dynamo' or (exporter == 'auto' and settings[-1] >= DYNAMO_OPSET):
        try:
            with _quiet():
                model = _by_dynamo(*settings)
        except Exception as error:  # noqa: BLE001 - an exporter may fail with anything
            if exporter == 'dynamo':
                raise ValueError(f'the dynamo exporter failed: {error}') from error
            reason = f'the dynamo exporter failed: {_first_line(error)}'
        else:
            log('exporter: dynamo (torch.export)')
            return model
    log(f'exporter: TorchScript ({reason if exporter == "auto" else "as asked"})')
    try:
        with _quiet():
            return _by_torchscript(*settings)
    except Exception as error:
        raise ValueError(f'the TorchScript exporter failed: {error}') from error


def _by_dynamo(module, example, output_names, is_dynamic, opset) -> onnx.ModelProto:
    # single images and batches take one graph: B is a symbol
    axes = {0: torch.export.Dim('batch')} if is_dynamic else None
    program = torch.onnx.export(
        module,
        (example,),
        dynamo=True,
        dynamic_shapes=(axes,),
        input_names=['images'],
        output_names=list(output_names),
        opset_version=opset,
        external_data=False,
        verbose=False,
    )
    return program.model_proto


def _by_torchscript(
    module, example, output_names, is_dynamic, opset
) -> onnx.ModelProto:
    onnx = _import_onnx()
    stream = io.BytesIO()
    names = ['images', *output_names]
    torch.onnx.export(
        module,
        (example,),
        stream,
        dynamo=False,
        dynamic_axes={name: {0: 'batch'} for name in names} if is_dynamic else None,
        input_names=['images'],
        output_names=list(output_names),
        opset_version=opset,
    )
    return onnx.load_from_string(stream.getvalue())


def _slimmed(model: onnx.ModelProto, log: Callable[[str], None]) -> onnx.ModelProto:
    try:
        import onnxslim
    except ImportError as error:
        raise ImportError(INSTALL) from error
    before = len(model.graph.node)
    with _quiet():
        model = onnxslim.slim(model)
    log(f'onnxslim: {before} nodes, now {len(model.graph.node)}')
    return model


def _import_onnx():
    try:
        import onnx
    except ImportError as error:
        raise ImportError(INSTALL) from error
    return onnx


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep progress bars, warnings and logs of the exporters to themselves."""
    levels = {name: logging.getLogger(name).level for name in NOISY}
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.ERROR)
    sink = io.StringIO()
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(sink),
            contextlib.redirect_stderr(sink),
        ):
            warnings.simplefilter('ignore')
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
