"""What an ONNX file must not ask for: other files, and all of the memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

MAX_BYTES = 2**31 - 1
"""Of a file: protobuf reads no more."""

MAX_ELEMENTS = 2**28
"""Of one value within the graph, for one image: 1 GiB as float32. The largest of the
exported networks has less than a million."""


def check_graph(model: onnx.ModelProto, path: str | Path) -> None:
    """Refuse a model that names other files or makes huge values out of nothing.

    Args:
        model: as parsed; not changed.
        path: of its file, for messages.

    Raises:
        ValueError: weights lie in another file, or a value would have more than
            ``MAX_ELEMENTS`` numbers.
    """
    for tensor in _tensors(model):
        if tensor.data_location == tensor.EXTERNAL or len(tensor.external_data):
            places = {entry.key: entry.value for entry in tensor.external_data}
            raise ValueError(
                f'{path}: the weights {tensor.name[:80]} are in another file '
                f'({places.get("location")}), which is not opened: exported files '
                'hold all of theirs'
            )
    for name, size in _sizes(model):
        if size > MAX_ELEMENTS:
            raise ValueError(
                f'{path}: the value {name[:80]} in it has {size:,} numbers, more than '
                f'{MAX_ELEMENTS:,} are not computed'
            )


def _graphs(graph) -> Iterator:
    """Yield a graph and those within it; protobuf reads no more than 33 levels."""
    yield graph
    for inner in _graphs_of_nodes(graph.node):
        yield from _graphs(inner)


def _graphs_of_nodes(nodes) -> Iterator:
    for node in nodes:
        for attribute in node.attribute:
            if attribute.HasField('g'):
                yield attribute.g
            yield from attribute.graphs


def _all_nodes(model) -> Iterator:
    """Yield the nodes of the graph, of graphs within them, and of functions."""
    for graph in _graphs(model.graph):
        yield from graph.node
    for function in model.functions:
        yield from function.node
        for inner in _graphs_of_nodes(function.node):
            for graph in _graphs(inner):
                yield from graph.node


def _tensors(model) -> Iterator:
    for graph in _graphs(model.graph):
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield from (sparse.values, sparse.indices)
    for node in _all_nodes(model):
        for attribute in node.attribute:
            if attribute.HasField('t'):
                yield attribute.t
            yield from attribute.tensors
            sparse = [*attribute.sparse_tensors]
            if attribute.HasField('sparse_tensor'):
                sparse.append(attribute.sparse_tensor)
            for one in sparse:
                yield from (one.values, one.indices)


def _sizes(model) -> Iterator[tuple[str, int]]:
    """Yield the numbers of each value whose shape follows from the file alone."""
    import onnx

    shapes = _constants(model, onnx)
    for node in _all_nodes(model):
        if node.op_type == 'ConstantOfShape' and node.input:
            yield node.output[0], _product(shapes.get(node.input[0], ()))
        elif node.op_type in ('Expand', 'Tile') and len(node.input) > 1:
            yield node.output[0], _product(shapes.get(node.input[1], ()))
        for attribute in node.attribute:
            if attribute.name == 'shape':  # RandomNormal, RandomUniform
                yield node.op_type, _product(attribute.ints)
    try:
        inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
    except (onnx.shape_inference.InferenceError, ValueError, RuntimeError, TypeError):
        # what is wrong with the graph onnxruntime tells
        return
    for graph in _graphs(inferred.graph):
        for value in (*graph.value_info, *graph.output):
            dims = value.type.tensor_type.shape.dim
            # what is left open, as the number of images, counts as one
            yield value.name, _product(dim.dim_value or 1 for dim in dims)


def _constants(model, onnx) -> Mapping[str, list[int]]:
    """Name to numbers, of the small whole numbers in a model."""
    tensors = {}
    for graph in _graphs(model.graph):
        tensors |= {tensor.name: tensor for tensor in graph.initializer}
    for node in _all_nodes(model):
        if node.op_type == 'Constant' and node.output:
            for attribute in node.attribute:
                if attribute.HasField('t'):
                    tensors[node.output[0]] = attribute.t
    return {
        name: onnx.numpy_helper.to_array(tensor).ravel().tolist()
        for name, tensor in tensors.items()
        if tensor.data_type == onnx.TensorProto.INT64 and _product(tensor.dims) <= 16
    }


def _product(sizes) -> int:
    product = 1
    for size in sizes:
        product *= max(int(size), 0)
    return product
