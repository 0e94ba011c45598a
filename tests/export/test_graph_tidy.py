import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper, parser
from onnx.reference import ReferenceEvaluator

from ocec.export.graph_tidy import (
    drop_unused,
    element_types,
    fold_constants,
    ranks,
    remove_no_ops,
    strip_comments,
)

HEADER = '<ir_version: 8, opset_import: ["" : 18]>\n'
X = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.fixture
def model():
    return parser.parse_model(
        HEADER + 'g (float[N, 3] x) => (float[N, 3] y) <float[3] w = {1, 2, 3}> {\n'
        'same = Identity (w)\n'
        'cast = Cast <to = 1> (x)\n'
        'three = Constant <value = float {3}> ()\n'
        'big = Mul (same, three)\n'
        'sum = Add (cast, big)\n'
        'y = Cast <to = 1> (sum) }'
    )


def kinds(model):
    return [node.op_type for node in model.graph.node]


def run(model):
    return ReferenceEvaluator(model).run(None, {'x': X})[0]


def test_no_ops_go_and_the_output_keeps_its_name(model):
    expected = run(model)
    remove_no_ops(model)
    onnx.checker.check_model(model, full_check=True)
    assert kinds(model) == ['Mul', 'Add', 'Cast']
    assert {t.name for t in model.graph.initializer} == {'w', 'three'}
    np.testing.assert_array_equal(run(model), expected)


def test_casts_to_another_type_stay():
    model = parser.parse_model(
        HEADER + 'g (uint8[N] x) => (float[N] y) { a = Cast <to = 1> (x)\n'
        'y = Relu (a) }'
    )
    remove_no_ops(model)
    assert kinds(model) == ['Cast', 'Relu']


def test_what_depends_on_no_input_is_computed(model):
    remove_no_ops(model)
    expected = run(model)
    fold_constants(model)
    onnx.checker.check_model(model, full_check=True)
    assert kinds(model) == ['Add', 'Cast']
    [tensor] = model.graph.initializer
    np.testing.assert_array_equal(numpy_helper.to_array(tensor), [3, 6, 9])
    np.testing.assert_array_equal(run(model), expected)


def test_comments_go(model):
    node = model.graph.node[0]
    node.doc_string = 'File "/home/me/secret.py", line 3'
    entry = node.metadata_props.add()
    entry.key, entry.value = 'stack', '/home/me/secret.py'
    model.graph.value_info.append(
        onnx.helper.make_tensor_value_info('big', TensorProto.FLOAT, [3])
    )
    strip_comments(model)
    assert b'secret' not in model.SerializeToString()
    assert len(model.graph.value_info) == 0
    np.testing.assert_array_equal(run(model), X + [3, 6, 9])


def test_unused_constants_go(model):
    unused = numpy_helper.from_array(np.zeros(3, np.float32), 'unused')
    model.graph.initializer.append(unused)
    drop_unused(model.graph)
    assert [t.name for t in model.graph.initializer] == ['w']


def test_types_and_ranks(model):
    types = element_types(model)
    assert types['sum'] == types['w'] == TensorProto.FLOAT
    assert (ranks(model)['sum'], ranks(model)['big']) == (2, 1)
