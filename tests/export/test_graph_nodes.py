import numpy as np
import pytest

from ocec.export.graph_nodes import constant_of, maker_of, users_of

onnx = pytest.importorskip('onnx', reason='the extra export is not installed')

GRAPH = """
<ir_version: 8, opset_import: ["" : 17]>
net (float[2] x) => (float[2] y, float[2] z) <float[2] w = {3, 4}>
{
    a = Mul (x, w)
    y = Add (a, a)
    z = Sub (a, w)
}
"""


@pytest.fixture
def graph():
    from onnx import parser

    return parser.parse_model(GRAPH).graph


def test_constants(graph):
    np.testing.assert_array_equal(constant_of(graph, 'w'), [3, 4])
    assert constant_of(graph, 'x') is None


def test_makers(graph):
    assert maker_of(graph, 'a').op_type == 'Mul'
    assert maker_of(graph, 'x') is None
    assert maker_of(graph, 'w') is None


def test_users(graph):
    # a node that takes it twice is one user
    assert [node.op_type for node in users_of(graph, 'a')] == ['Add', 'Sub']
    assert [node.op_type for node in users_of(graph, 'w')] == ['Mul', 'Sub']
    assert users_of(graph, 'y') == []
