import pytest
from onnx import TensorProto, helper, parser

from ocec.export.onnx_limits import check_graph


def model_of(body: str):
    return parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 18]>\n'
        f'g (float[N] images) => (float[N] prob) {{ {body} }}'
    )


def external(name='w', location='../secret.bin'):
    tensor = TensorProto(name=name, dims=[1], data_type=TensorProto.FLOAT)
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = 'location', location
    return tensor


def test_a_plain_model_passes():
    check_graph(model_of('prob = Sigmoid(images)'), 'a.onnx')


def in_initializer(model):
    model.graph.initializer.append(external())


def in_sparse_initializer(model):
    model.graph.sparse_initializer.add().values.CopyFrom(external())


def in_constant(model):
    model.graph.node.append(helper.make_node('Constant', [], ['c'], value=external()))


def in_branch(model):
    branch = helper.make_graph([], 'b', [], [], initializer=[external()])
    node = helper.make_node('If', ['images'], ['c'], then_branch=branch)
    model.graph.node.append(node)


def in_function(model):
    node = helper.make_node('Constant', [], ['c'], value=external())
    opset = [helper.make_opsetid('', 18)]
    function = helper.make_function('own', 'F', [], ['c'], [node], opset)
    model.functions.append(function)


@pytest.mark.parametrize(
    'place',
    [in_initializer, in_sparse_initializer, in_constant, in_branch, in_function],
)
def test_weights_elsewhere_are_found_wherever_they_are_named(place):
    model = model_of('prob = Sigmoid(images)')
    place(model)
    expected = r'a\.onnx: the weights w are in another file \(\.\./secret\.bin\)'
    with pytest.raises(ValueError, match=expected):
        check_graph(model, 'a.onnx')


@pytest.mark.parametrize(
    'body',
    [
        's = Constant<value = int64[2] {100000, 100000}>() c = ConstantOfShape(s) '
        'prob = Sigmoid(images)',
        's = Constant<value = int64[2] {100000, 100000}>() '
        'o = Constant<value = float[1] {1.0}>() c = Expand(o, s) '
        'prob = Sigmoid(images)',
        'c = RandomNormal<shape = [100000, 100000]>() prob = Sigmoid(images)',
    ],
    ids=['ConstantOfShape', 'Expand', 'RandomNormal'],
)
def test_values_that_fill_the_memory_are_refused(body):
    with pytest.raises(ValueError, match=r'a\.onnx: the value \w+ .* 10,000,000,000 '):
        check_graph(model_of(body), 'a.onnx')


def test_a_shape_that_follows_from_others_counts():
    model = model_of(
        's = Constant<value = int64[2] {65536, 1}>() a = ConstantOfShape(s) '
        't = Constant<value = int64[2] {1, 65536}>() b = ConstantOfShape(t) '
        'c = MatMul(a, b) prob = Sigmoid(images)'
    )
    with pytest.raises(ValueError, match='the value c in it has 4,294,967,296 numbers'):
        check_graph(model, 'a.onnx')
