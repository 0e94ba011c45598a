"""Say the same with the operators that every runtime has and computes fast.

Exporters write down what PyTorch did. Some of its habits make OpenCV 4 fail (``Gather``
of one column, ``Expand`` to a shape only known at run time, tensors of one axis), one
costs onnxruntime a change of layout (transposing a map before its mean).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ocec.export.graph_nodes import constant_of, maker_of, users_of
from ocec.export.graph_tidy import drop_dead_nodes, drop_unused

if TYPE_CHECKING:
    import onnx

TO_CHANNELS_LAST = (0, 2, 3, 1)
# of the transposed map
SPATIAL_AXES = (1, 2)
GLOBAL_POOLS = {'ReduceMean': 'GlobalAveragePool', 'ReduceMax': 'GlobalMaxPool'}


def use_plain_ops(model: onnx.ModelProto) -> None:
    """Rewrite a graph; it computes the same but for the rounding of means.

    Args:
        model: changed in place; opset >= 13, constants are initializers.
    """
    for node in list(model.graph.node):
        if node.op_type in GLOBAL_POOLS:
            _pool_globally(model.graph, node)
        elif node.op_type == 'Gather':
            _slice_column(model.graph, node)
        elif node.op_type == 'Expand':
            _drop_expand(model.graph, node)
        elif node.op_type == 'Mul':
            _scale_late(model.graph, node)
        elif node.op_type == 'Sub':
            _squeeze_late(model.graph, node)
    drop_dead_nodes(model.graph)
    drop_unused(model.graph)


def _pool_globally(graph: onnx.GraphProto, node: onnx.NodeProto) -> None:
    """Turn the mean of a transposed map into a pooling of the map itself.

    The result has (B, C, 1, 1); two Unsqueeze after it are dropped, else it is
    flattened.
    """
    from onnx import helper

    transpose = maker_of(graph, node.input[0])
    keeps = next((a.i for a in node.attribute if a.name == 'keepdims'), 1)
    if transpose is None or transpose.op_type != 'Transpose' or keeps:
        return
    if tuple(transpose.attribute[0].ints) != TO_CHANNELS_LAST:
        return
    if _axes(graph, node) != SPATIAL_AXES:
        return
    pool = helper.make_node(
        GLOBAL_POOLS[node.op_type],
        [transpose.input[0]],
        [f'{node.output[0]}.map'],
        f'{node.name}.pool',
    )
    flatten = helper.make_node(
        'Flatten', [pool.output[0]], [node.output[0]], f'{node.name}.flatten', axis=1
    )
    _put_in_place(graph, node, [pool, flatten])
    for last in _unsqueezed_twice(graph, node.output[0]):
        _rename_users(graph, last.output[0], pool.output[0])


def _unsqueezed_twice(
    graph: onnx.GraphProto, name: str, added: int = 0
) -> list[onnx.NodeProto]:
    """Return the nodes that have made (B, C, 1, 1) of a (B, C)."""
    found = []
    for user in users_of(graph, name):
        if user.op_type != 'Unsqueeze':
            continue
        axes = _axes(graph, user)
        rank = 2 + added
        # only behind the channels
        if all(axis in (rank, -1) or axis == rank + 1 for axis in axes):
            if added + len(axes) == 2:
                found.append(user)
            else:
                found += _unsqueezed_twice(graph, user.output[0], added + len(axes))
    return found


def _slice_column(graph: onnx.GraphProto, node: onnx.NodeProto) -> None:
    """Turn ``Gather`` of one constant index into ``Slice`` and ``Squeeze``."""
    from onnx import helper

    index = constant_of(graph, node.input[1])
    if index is None or index.ndim != 0:
        return
    axis = next((a.i for a in node.attribute if a.name == 'axis'), 0)
    name, start = node.output[0], int(index)
    end = start + 1 if start != -1 else np.iinfo(np.int64).max
    axes = _add_integers(graph, f'{name}.axes', axis)
    bounds = [
        _add_integers(graph, f'{name}.{part}', value)
        for part, value in (('start', start), ('end', end))
    ]
    column = f'{name}.column'
    nodes = [
        helper.make_node('Slice', [node.input[0], *bounds, axes], [column], column),
        helper.make_node('Squeeze', [column, axes], [name], f'{name}.squeeze'),
    ]
    _put_in_place(graph, node, nodes)


def _drop_expand(graph: onnx.GraphProto, node: onnx.NodeProto) -> None:
    """Leave the broadcast to the division that uses the expanded divisor."""
    users = users_of(graph, node.output[0])
    shape = maker_of(graph, node.input[1])
    if len(users) != 1 or users[0].op_type != 'Div' or shape is None:
        return
    [division] = users
    if shape.op_type == 'Shape' and shape.input[0] == division.input[0]:
        division.input[1] = node.input[0]
        graph.node.remove(node)


def _squeeze_late(graph: onnx.GraphProto, node: onnx.NodeProto) -> None:
    """Subtract two columns before their axis is dropped: OpenCV 4 needs two axes."""
    from onnx import helper

    makers = [maker_of(graph, name) for name in node.input]
    if any(maker is None or maker.op_type != 'Squeeze' for maker in makers):
        return
    if _axes(graph, makers[0]) != _axes(graph, makers[1]):
        return
    name = node.output[0]
    columns, axes = [maker.input[0] for maker in makers], makers[0].input[1]
    nodes = [
        helper.make_node('Sub', columns, [f'{name}.column'], f'{name}.column'),
        helper.make_node('Squeeze', [f'{name}.column', axes], [name], f'{name}.late'),
    ]
    _put_in_place(graph, node, nodes)


def _scale_late(graph: onnx.GraphProto, node: onnx.NodeProto) -> None:
    """Turn ``x * (c * y)`` into ``(x * y) * c`` for a number c.

    OpenCV 4 and 5 look for a GELU there and crash on the first form.
    """
    from onnx import helper

    for position in (1, 0):
        inner = maker_of(graph, node.input[position])
        if inner is None or inner.op_type != 'Mul':
            continue
        numbers = [name for name in inner.input if _is_number(graph, name)]
        if len(numbers) != 1 or len(users_of(graph, inner.output[0])) != 1:
            continue
        [number] = numbers
        [factor] = [name for name in inner.input if name != number]
        name, product = node.output[0], f'{node.output[0]}.product'
        others = [node.input[1 - position], factor]
        nodes = [
            helper.make_node('Mul', others, [product], product),
            helper.make_node('Mul', [product, number], [name], f'{name}.scaled'),
        ]
        _put_in_place(graph, node, nodes)
        return


def _is_number(graph: onnx.GraphProto, name: str) -> bool:
    array = constant_of(graph, name)
    return array is not None and array.size == 1


def _put_in_place(graph, node: onnx.NodeProto, nodes: list) -> None:
    position = list(graph.node).index(node)
    graph.node.remove(node)
    for offset, new in enumerate(nodes):
        graph.node.insert(position + offset, new)


def _axes(graph: onnx.GraphProto, node: onnx.NodeProto) -> tuple[int, ...] | None:
    """Return the axes, an attribute or, from opset 13 or 18 on, an input."""
    if len(node.input) > 1:
        array = constant_of(graph, node.input[1])
        return None if array is None else tuple(array.ravel().tolist())
    return next((tuple(a.ints) for a in node.attribute if a.name == 'axes'), None)


def _add_integers(graph: onnx.GraphProto, name: str, value: int) -> str:
    from onnx import numpy_helper

    tensor = numpy_helper.from_array(np.array([value], dtype=np.int64), name)
    graph.initializer.append(tensor)
    return name


def _rename_users(graph: onnx.GraphProto, old: str, new: str) -> None:
    for node in users_of(graph, old):
        node.input[:] = [new if name == old else name for name in node.input]
