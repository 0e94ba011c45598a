"""Smaller numbers inside an ONNX model: float16, and int8 with scales."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ocec.export.graph_tidy import drop_dead_nodes, sort_nodes
from ocec.export.onnx_metadata import INSTALL

if TYPE_CHECKING:
    import onnx

PERCENTILE = 99.99
# the first of them ends the normalisation
PRODUCTS = ('Conv', 'Gemm', 'MatMul')


def to_fp16(model: onnx.ModelProto) -> onnx.ModelProto:
    """Convert weights and arithmetic to float16.

    Args:
        model: float32; left as it is.

    Returns:
        A model with the same inputs and outputs, float32 or uint8.

    Raises:
        ImportError: onnxruntime is not installed.
    """
    try:
        import onnx
        from onnxruntime.transformers.float16 import convert_float_to_float16
    except ImportError as error:
        raise ImportError(INSTALL) from error
    copied = onnx.ModelProto()
    copied.CopyFrom(model)
    with _quiet():
        # pixels in [0, 255] and their mean lose three bits in float16: the
        # normalisation stays float32
        converted = convert_float_to_float16(
            copied,
            keep_io_types=True,
            node_block_list=_normalisation(model),
        )
    _skip_round_trips(converted.graph)
    sort_nodes(converted.graph)
    return converted


def to_int8(
    model: onnx.ModelProto, batches: Sequence[np.ndarray], *, name: str = 'images'
) -> onnx.ModelProto:
    """Quantise to 8 bits, statically.

    Scales of weights are per channel; those of activations are taken from the range
    that calibration images give. The file has QuantizeLinear and DequantizeLinear
    nodes (QDQ), which every runtime understands.

    Args:
        model: float32; left as it is.
        batches: calibration inputs as the model takes them.
        name: of the input.

    Returns:
        A model with the same inputs and outputs.

    Raises:
        ImportError: onnxruntime is not installed.
        ValueError: there are no calibration images.
    """
    if not batches:
        raise ValueError('int8 needs calibration images, got none')
    try:
        import onnx
        from onnxruntime.quantization import (
            CalibrationMethod,
            QuantFormat,
            QuantType,
            quant_pre_process,
            quantize_static,
        )
    except ImportError as error:
        raise ImportError(INSTALL) from error
    with tempfile.TemporaryDirectory(prefix='ocec-int8-') as folder, _quiet():
        given, prepared, quantised = (
            Path(folder) / f'{name}.onnx' for name in ('fp32', 'prepared', 'int8')
        )
        given.write_bytes(model.SerializeToString())
        # shapes and fused nodes, which the quantiser works on
        quant_pre_process(str(given), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(quantised),
            _Reader(batches, name),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            # the few values beyond would cost all others resolution
            calibrate_method=CalibrationMethod.Percentile,
            extra_options={'CalibPercentile': PERCENTILE},
        )
        return onnx.load(str(quantised))


class _Reader:
    """Calibration images in the form that onnxruntime asks for."""

    def __init__(self, batches: Sequence[np.ndarray], name: str) -> None:
        self._rest = iter([{name: batch} for batch in batches])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._rest, None)


def _normalisation(model: onnx.ModelProto) -> list[str]:
    """Return the names of the nodes before the first convolution."""
    names = []
    for node in model.graph.node:
        if node.op_type in PRODUCTS:
            break
        names.append(node.name)
    return names


def _skip_round_trips(graph: onnx.GraphProto) -> None:
    """Take out casts to float16 and back: the pixels would be rounded."""
    from onnx import TensorProto

    casts = {
        node.output[0]: (node.input[0], node.attribute[0].i)
        for node in graph.node
        if node.op_type == 'Cast'
    }
    for name, (middle, to) in casts.items():
        source, half = casts.get(middle, (None, None))
        if (half, to) != (TensorProto.FLOAT16, TensorProto.FLOAT):
            continue
        for user in graph.node:
            user.input[:] = [source if x == name else x for x in user.input]
    drop_dead_nodes(graph)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        root.setLevel(level)
