import numpy as np
import onnx
import pytest
from onnx import parser
from onnx.reference import ReferenceEvaluator

from ocec.export.plain_ops import use_plain_ops

HEADER = '<ir_version: 8, opset_import: ["" : 18]>\n'
MAPS = np.random.default_rng(0).normal(size=(3, 4, 5, 6)).astype(np.float32)
TRANSPOSED = 't = Transpose <perm = [0, 2, 3, 1]> (x)\n'


def check(body, kinds, x=MAPS, constants='int64 unused = {0}'):
    """Rewrite, and compare with the graph as it was."""
    shape = ', '.join(['N', *map(str, x.shape[1:])])
    model = parser.parse_model(
        f'{HEADER}g (float[{shape}] x) => (float y) <{constants}> {{ {body} }}'
    )
    expected = ReferenceEvaluator(model).run(None, {'x': x})[0]
    use_plain_ops(model)
    for size in expected.shape:
        model.graph.output[0].type.tensor_type.shape.dim.add().dim_value = size
    onnx.checker.check_model(model, full_check=True)
    assert [node.op_type for node in model.graph.node] == kinds
    found = ReferenceEvaluator(model).run(None, {'x': x})[0]
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ('reduce', 'pool'),
    [('ReduceMean', 'GlobalAveragePool'), ('ReduceMax', 'GlobalMaxPool')],
)
def test_global_pools(reduce, pool):
    check(
        f'{TRANSPOSED} y = {reduce} <keepdims = 0> (t, axes)',
        [pool, 'Flatten'],
        constants='int64[2] axes = {1, 2}',
    )


@pytest.mark.parametrize(
    'unsqueezed',
    [
        'u = Unsqueeze (m, both)',
        'v = Unsqueeze (m, first)\n u = Unsqueeze (v, second)',
        'v = Unsqueeze (m, last)\n u = Unsqueeze (v, last)',
    ],
)
def test_a_gate_uses_the_pooled_map(unsqueezed):
    check(
        f'{TRANSPOSED} m = ReduceMean <keepdims = 0> (t, axes)\n {unsqueezed}\n'
        'y = Mul (x, u)',
        ['GlobalAveragePool', 'Mul'],
        constants='int64[2] axes = {1, 2}, int64[2] both = {2, 3}, '
        'int64[1] first = {2}, int64[1] second = {3}, int64[1] last = {-1}',
    )


@pytest.mark.parametrize(
    ('body', 'kinds'),
    [
        # other axes, another order, axes that are kept
        (
            f'{TRANSPOSED} y = ReduceMean <keepdims = 0> (t, two)',
            ['Transpose', 'ReduceMean'],
        ),
        (
            't = Transpose <perm = [0, 3, 2, 1]> (x)\n'
            'y = ReduceMean <keepdims = 0> (t, axes)',
            ['Transpose', 'ReduceMean'],
        ),
        (
            f'{TRANSPOSED} y = ReduceMean <keepdims = 1> (t, axes)',
            ['Transpose', 'ReduceMean'],
        ),
        ('y = ReduceMean <keepdims = 0> (x, axes)', ['ReduceMean']),
    ],
)
def test_other_means_stay(body, kinds):
    check(body, kinds, constants='int64[2] axes = {1, 2}, int64[2] two = {2, 3}')


@pytest.mark.parametrize('index', [0, 2, -1])
def test_one_column(index):
    check(
        'y = Gather <axis = 1> (x, index)',
        ['Slice', 'Squeeze'],
        x=MAPS[:, :, 0, 0],
        constants=f'int64 index = {{{index}}}',
    )


def test_several_columns_stay():
    check(
        'y = Gather <axis = 1> (x, index)',
        ['Gather'],
        constants='int64[2] index = {0, 1}',
    )


def test_difference_of_two_columns():
    check(
        'a = Gather <axis = 1> (x, one)\n b = Gather <axis = 1> (x, none)\n'
        'y = Sub (a, b)',
        ['Slice', 'Slice', 'Sub', 'Squeeze'],
        x=MAPS[:, :2, 0, 0],
        constants='int64 one = {1}, int64 none = {0}',
    )


@pytest.mark.parametrize('order', ['x, scaled', 'scaled, x'])
def test_a_number_is_multiplied_last(order):
    check(
        f'e = Erf (x)\n scaled = Mul (half, e)\n y = Mul ({order})',
        ['Erf', 'Mul', 'Mul'],
        constants='float half = {0.5}',
    )


def test_gelu_has_the_form_that_opencv_knows():
    model = parser.parse_model(
        f'{HEADER}g (float[N] x) => (float[N] y) <float half = {{0.5}}> '
        '{ e = Erf (x)\n scaled = Mul (half, e)\n y = Mul (x, scaled) }'
    )
    use_plain_ops(model)
    assert [list(node.input) for node in model.graph.node[1:]] == [
        ['x', 'e'],
        ['y.product', 'half'],
    ]


def test_division_broadcasts_itself():
    check(
        'n = ReduceL2 <keepdims = 1> (x, axis)\n s = Shape (x)\n'
        'e = Expand (n, s)\n y = Div (x, e)',
        ['ReduceL2', 'Div'],
        x=MAPS[:, :, 0, 0],
        constants='int64[1] axis = {1}',
    )


def test_other_expansions_stay():
    check(
        's = Shape (x)\n e = Expand (c, s)\n y = Add (x, e)',
        ['Shape', 'Expand', 'Add'],
        constants='float[1] c = {2}',
    )
