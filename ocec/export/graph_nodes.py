"""What belongs to a name in an ONNX graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx


def constant_of(graph: onnx.GraphProto, name: str) -> np.ndarray | None:
    """Look up the values of an initializer.

    Args:
        graph: to look in.
        name: of a tensor.

    Returns:
        Its values; None if it is no initializer.
    """
    from onnx import numpy_helper

    found = next((t for t in graph.initializer if t.name == name), None)
    return None if found is None else numpy_helper.to_array(found)


def maker_of(graph: onnx.GraphProto, name: str) -> onnx.NodeProto | None:
    """Look up the node whose output a tensor is.

    Args:
        graph: to look in.
        name: of a tensor.

    Returns:
        The node; None for inputs and initializers.
    """
    return next((node for node in graph.node if name in node.output), None)


def users_of(graph: onnx.GraphProto, name: str) -> list[onnx.NodeProto]:
    """Look up the nodes that take a tensor.

    Args:
        graph: to look in.
        name: of a tensor.

    Returns:
        The nodes, in the order of the graph.
    """
    return [node for node in graph.node if name in node.input]
