"""Take out of an ONNX graph what does nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx


def remove_no_ops(model: onnx.ModelProto) -> None:
    """Remove Identity nodes and casts to the type that a tensor has; make constants.

    ``Constant`` nodes become initializers, which all readers treat alike.

    Args:
        model: changed in place.
    """
    graph = model.graph
    types = element_types(model)
    outputs = {output.name for output in graph.output}
    renamed: dict[str, str] = {}
    kept = []
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        if node.op_type == 'Constant' and node.attribute[0].name == 'value':
            tensor = node.attribute[0].t
            tensor.name = node.output[0]
            graph.initializer.append(tensor)
        elif _does_nothing(node, types) and node.output[0] not in outputs:
            renamed[node.output[0]] = node.input[0]
        else:
            kept.append(node)
    del graph.node[:]
    graph.node.extend(kept)
    drop_unused(graph)


def fold_constants(model: onnx.ModelProto) -> None:
    """Compute what depends on no input.

    The directions of a margin are normalised in the graph; OpenCV 4 crashes when it
    meets that.

    Args:
        model: changed in place; constants are initializers.
    """
    from onnx import helper, numpy_helper
    from onnx.reference import ReferenceEvaluator

    graph = model.graph
    known = {tensor.name: tensor for tensor in graph.initializer}
    outputs = {output.name for output in graph.output}
    for node in list(graph.node):
        names = [name for name in node.input if name]
        is_constant = names and all(name in known for name in names)
        if not is_constant or outputs & set(node.output):
            continue
        values = [helper.make_empty_tensor_value_info(name) for name in node.output]
        alone = helper.make_graph([node], 'constant', [], values)
        alone.initializer.extend(known[name] for name in set(names))
        program = helper.make_model(alone, opset_imports=model.opset_import)
        results = ReferenceEvaluator(program).run(None, {})
        for name, array in zip(node.output, results, strict=True):
            known[name] = numpy_helper.from_array(np.asarray(array), name)
            graph.initializer.append(known[name])
        graph.node.remove(node)
    drop_unused(graph)


def strip_comments(model: onnx.ModelProto) -> None:
    """Remove what exporters note down of each node: half of the file, with paths.

    Args:
        model: changed in place.
    """
    graph = model.graph
    entries = [*graph.node, *graph.value_info, *graph.input, *graph.output]
    for entry in [model, graph, *entries, *graph.initializer]:
        entry.doc_string = ''
        del entry.metadata_props[:]
    del graph.value_info[:]
    model.producer_name = 'ocec'
    model.producer_version = ''


def drop_unused(graph: onnx.GraphProto) -> None:
    """Remove initializers and shapes of tensors that are gone.

    Args:
        graph: changed in place.
    """
    used = {name for node in graph.node for name in node.input}
    made = {name for node in graph.node for name in node.output}
    used |= {output.name for output in graph.output}
    for tensor in [t for t in graph.initializer if t.name not in used]:
        graph.initializer.remove(tensor)
    for value in [v for v in graph.value_info if v.name not in made]:
        graph.value_info.remove(value)


def drop_dead_nodes(graph: onnx.GraphProto) -> None:
    """Remove nodes whose outputs nobody uses.

    Args:
        graph: changed in place.
    """
    outputs = {output.name for output in graph.output}
    while True:
        used = outputs | {name for node in graph.node for name in node.input}
        dead = [node for node in graph.node if not used & set(node.output)]
        if not dead:
            return
        for node in dead:
            graph.node.remove(node)


def sort_nodes(graph: onnx.GraphProto) -> None:
    """Put each node behind those whose outputs it uses; else the order stays.

    Args:
        graph: changed in place.
    """
    made = {name for node in graph.node for name in node.output}
    waiting, done = list(graph.node), []
    while waiting:
        ready = next(node for node in waiting if not made & set(node.input))
        waiting.remove(ready)
        made -= set(ready.output)
        done.append(ready)
    del graph.node[:]
    graph.node.extend(done)


def element_types(model: onnx.ModelProto) -> dict[str, int]:
    """Return the type of each tensor, as ``TensorProto.DataType``.

    Args:
        model: to look at.

    Returns:
        Name to type, of those that shape inference knows.
    """
    return {
        value.name: value.type.tensor_type.elem_type for value in _values(model)
    } | {tensor.name: tensor.data_type for tensor in model.graph.initializer}


def ranks(model: onnx.ModelProto) -> dict[str, int]:
    """Return the number of axes of each tensor.

    Args:
        model: to look at.

    Returns:
        Name to rank, of those that shape inference knows.
    """
    return {
        value.name: len(value.type.tensor_type.shape.dim)
        for value in _values(model)
        if value.type.tensor_type.HasField('shape')
    }


def _values(model: onnx.ModelProto) -> list:
    import onnx

    graph = onnx.shape_inference.infer_shapes(model).graph
    return [*graph.input, *graph.value_info, *graph.output]


def _does_nothing(node: onnx.NodeProto, types: dict[str, int]) -> bool:
    if node.op_type == 'Identity':
        return True
    if node.op_type != 'Cast':
        return False
    [to] = [attribute.i for attribute in node.attribute if attribute.name == 'to']
    return types.get(node.input[0]) == to
