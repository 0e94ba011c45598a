"""Fold the batch norms that an exporter leaves. Shapes: C channels, D outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ocec.export.graph_nodes import constant_of, maker_of, users_of
from ocec.export.graph_tidy import drop_unused, ranks

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class Affine:
    """What a batch norm computes in evaluation: ``factor * x + shift``.

    Args:
        factor_C: (C,) float64.
        shift_C: (C,) float64.
    """

    factor_C: np.ndarray
    shift_C: np.ndarray


def fold_batch_norms(model: onnx.ModelProto) -> int:
    """Replace each batch norm by what it computes.

    It goes into the weights of the convolution or Gemm before it, or of the Gemm after
    it, where nothing else uses what is between them; any other becomes a product and a
    sum with a constant per channel.

    Args:
        model: changed in place; its batch norms are in evaluation mode.

    Returns:
        How many there were.

    Raises:
        ValueError: the parameters of one are no constants.
    """
    graph = model.graph
    norms = [node for node in graph.node if node.op_type == 'BatchNormalization']
    if not norms:
        return 0
    rank_of = ranks(model)
    for norm in norms:
        affine = _affine_of(graph, norm)
        before = maker_of(graph, norm.input[0])
        after = _only_user(graph, norm.output[0])
        is_alone = _only_user(graph, norm.input[0]) is norm
        if is_alone and _is_plain(graph, before, ('Conv', 'Gemm')):
            _fold_into_maker(graph, norm, before, affine)
        elif _is_plain(graph, after, ('Gemm',)):
            _fold_into_user(graph, norm, after, affine)
        else:
            _replace(graph, norm, affine, rank_of[norm.input[0]])
    drop_unused(graph)
    return len(norms)


def _affine_of(graph: onnx.GraphProto, norm: onnx.NodeProto) -> Affine:
    missing = [name for name in norm.input[1:5] if constant_of(graph, name) is None]
    if missing:
        raise ValueError(f'batch norm {norm.name}: {missing[0]} is no constant')
    scale_C, bias_C, mean_C, variance_C = (
        np.float64(constant_of(graph, name)) for name in norm.input[1:5]
    )
    epsilon = next((a.f for a in norm.attribute if a.name == 'epsilon'), 1e-5)
    factor_C = scale_C / np.sqrt(variance_C + epsilon)
    return Affine(factor_C, bias_C - mean_C * factor_C)


def _fold_into_maker(graph, norm, maker, affine: Affine) -> None:
    """``f (W x + b) + s`` is ``(f W) x + (f b + s)``."""
    weight, bias = _weights(graph, maker)
    axis = 0 if maker.op_type == 'Conv' or _is_transposed(maker) else 1
    shape = [-1 if i == axis else 1 for i in range(weight.ndim)]
    _set_weights(
        graph,
        maker,
        weight * affine.factor_C.reshape(shape),
        affine.factor_C * bias + affine.shift_C,
    )
    maker.output[0] = norm.output[0]
    graph.node.remove(norm)


def _fold_into_user(graph, norm, gemm, affine: Affine) -> None:
    """``W (f x + s) + b`` is ``(W f) x + (W s + b)``."""
    weight, bias = _weights(graph, gemm)
    weight_DC = weight if _is_transposed(gemm) else weight.T
    folded_DC = weight_DC * affine.factor_C
    _set_weights(
        graph,
        gemm,
        folded_DC if _is_transposed(gemm) else folded_DC.T,
        weight_DC @ affine.shift_C + bias,
    )
    gemm.input[0] = norm.input[0]
    graph.node.remove(norm)


def _replace(graph, norm, affine: Affine, rank: int) -> None:
    """Put a product and a sum in place of a batch norm."""
    from onnx import helper

    # all axes are written out: OpenCV does not broadcast (C,) over (B, C, H, W)
    shape = (1, -1, *[1] * (rank - 2))
    name = norm.output[0]
    factor = _add_constant(graph, f'{name}.factor', affine.factor_C.reshape(shape))
    shift = _add_constant(graph, f'{name}.shift', affine.shift_C.reshape(shape))
    product = f'{name}.product'
    nodes = [
        helper.make_node('Mul', [norm.input[0], factor], [product], product),
        helper.make_node('Add', [product, shift], [name], f'{name}.sum'),
    ]
    position = list(graph.node).index(norm)
    graph.node.remove(norm)
    for offset, node in enumerate(nodes):
        graph.node.insert(position + offset, node)


def _is_plain(
    graph: onnx.GraphProto, node: onnx.NodeProto | None, kinds: tuple[str, ...]
) -> bool:
    """Whether a node is of a kind, and is ``W x + b`` with constants."""
    if node is None or node.op_type not in kinds:
        return False
    weights = [name for name in node.input[1:] if name]
    is_scaled = any(a.name in ('alpha', 'beta') and a.f != 1 for a in node.attribute)
    is_turned = any(a.name == 'transA' and a.i for a in node.attribute)
    is_constant = all(constant_of(graph, name) is not None for name in weights)
    return is_constant and not is_scaled and not is_turned


def _weights(graph, node: onnx.NodeProto) -> tuple[np.ndarray, np.ndarray | float]:
    weight = np.float64(constant_of(graph, node.input[1]))
    has_bias = len(node.input) > 2 and node.input[2]
    return weight, np.float64(constant_of(graph, node.input[2])) if has_bias else 0.0


def _set_weights(graph, node: onnx.NodeProto, weight, bias) -> None:
    names = [
        _add_constant(graph, f'{node.output[0]}.{part}', array)
        for part, array in (('weight', weight), ('bias', bias))
    ]
    node.input[:] = [node.input[0], *names]


def _is_transposed(gemm: onnx.NodeProto) -> bool:
    return any(a.name == 'transB' and a.i for a in gemm.attribute)


def _add_constant(graph: onnx.GraphProto, name: str, array: np.ndarray) -> str:
    from onnx import numpy_helper

    array = np.ascontiguousarray(array, dtype=np.float32)
    graph.initializer.append(numpy_helper.from_array(array, name))
    return name


def _only_user(graph: onnx.GraphProto, name: str) -> onnx.NodeProto | None:
    users = users_of(graph, name)
    is_output = any(output.name == name for output in graph.output)
    return users[0] if len(users) == 1 and not is_output else None
