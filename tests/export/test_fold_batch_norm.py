import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser
from onnx.reference import ReferenceEvaluator

from ocec.export.fold_batch_norm import fold_batch_norms
from ocec.export.graph_tidy import remove_no_ops

HEADER = '<ir_version: 8, opset_import: ["" : 18]>\n'
BN = 'BatchNormalization <epsilon = 0.001>'


def build(text, **shapes):
    """Parse a graph and add random constants; ``scale`` to ``var`` have C = 4."""
    rng = np.random.default_rng(0)
    model = parser.parse_model(HEADER + text)
    for name in ('scale', 'shift', 'mean', 'var'):
        shapes[name] = (4,)
    for name, shape in shapes.items():
        array = rng.uniform(0.5, 2, shape).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(array, name))
    return model


def check(model, inputs, kinds):
    """Fold, and compare with the graph as it was."""
    expected = ReferenceEvaluator(model).run(None, inputs)
    assert fold_batch_norms(model) == 1
    assert [node.op_type for node in model.graph.node] == kinds
    onnx.checker.check_model(model, full_check=True)
    for found, wanted in zip(
        ReferenceEvaluator(model).run(None, inputs), expected, strict=True
    ):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


X_BC = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32)
# W == C: constants of (C,) would silently scale columns
X_BCHW = np.random.default_rng(1).normal(size=(3, 4, 5, 4)).astype(np.float32)


@pytest.mark.parametrize('bias', ['', ', bias'])
def test_into_the_convolution_before(bias):
    model = build(
        'g (float[N, 4, 5, 4] x) => (float[N, 4, 5, 4] y) {'
        f'c = Conv <kernel_shape = [1, 1]> (x, weight{bias})\n'
        f'y = {BN} (c, scale, shift, mean, var) }}',
        weight=(4, 4, 1, 1),
        **({'bias': (4,)} if bias else {}),
    )
    check(model, {'x': X_BCHW}, ['Conv'])


@pytest.mark.parametrize('turned', [0, 1])
def test_into_the_gemm_before(turned):
    model = build(
        'g (float[N, 2] x) => (float[N, 4] y) {'
        f'c = Gemm <transB = {turned}> (x, weight, bias)\n'
        f'y = {BN} (c, scale, shift, mean, var) }}',
        weight=(4, 2) if turned else (2, 4),
        bias=(4,),
    )
    check(model, {'x': X_BC[:, :2]}, ['Gemm'])


@pytest.mark.parametrize('turned', [0, 1])
def test_into_the_gemm_after(turned):
    model = build(
        'g (float[N, 4] x) => (float[N, 2] y) {'
        f'b = {BN} (x, scale, shift, mean, var)\n'
        f'y = Gemm <transB = {turned}> (b, weight, bias) }}',
        weight=(2, 4) if turned else (4, 2),
        bias=(2,),
    )
    check(model, {'x': X_BC}, ['Gemm'])


def test_not_into_a_gemm_whose_input_is_wanted_too():
    model = build(
        'g (float[N, 4] x) => (float[N, 2] y, float[N, 4] b) {'
        f'b = {BN} (x, scale, shift, mean, var)\n'
        'y = Gemm (b, weight, bias) }',
        weight=(4, 2),
        bias=(2,),
    )
    check(model, {'x': X_BC}, ['Mul', 'Add', 'Gemm'])


def test_not_into_a_scaled_gemm():
    model = build(
        'g (float[N, 4] x) => (float[N, 2] y) {'
        f'b = {BN} (x, scale, shift, mean, var)\n'
        'y = Gemm <alpha = 0.5> (b, weight, bias) }',
        weight=(4, 2),
        bias=(2,),
    )
    check(model, {'x': X_BC}, ['Mul', 'Add', 'Gemm'])


def test_alone_on_a_map_as_wide_as_it_has_channels():
    model = build(
        'g (float[N, 4, 5, 4] x) => (float[N, 4, 5, 4] y) {'
        f'r = Relu (x)\n y = {BN} (r, scale, shift, mean, var) }}'
    )
    check(model, {'x': X_BCHW}, ['Relu', 'Mul', 'Add'])
    shapes = {t.name: tuple(t.dims) for t in model.graph.initializer}
    assert shapes == {'y.factor': (1, 4, 1, 1), 'y.shift': (1, 4, 1, 1)}


def test_nothing_to_fold():
    model = parser.parse_model(
        HEADER + 'g (float[N] x) => (float[N] y) { y = Relu (x) }'
    )
    assert fold_batch_norms(model) == 0


def test_computed_parameters():
    model = build(
        'g (float[N, 4] x, float[4] s) => (float[N, 4] y) {'
        f'twice = Add (s, s)\n y = {BN} (x, twice, shift, mean, var) }}'
    )
    remove_no_ops(model)
    with pytest.raises(ValueError, match='batch norm .*: twice is no constant'):
        fold_batch_norms(model)
