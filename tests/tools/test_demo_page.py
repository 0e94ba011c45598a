import functools
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / 'tools/demo_page.py'


@pytest.fixture
def run_tool(run_in_process):
    return functools.partial(run_in_process, TOOL)


def make_runtime(folder):
    """Write files named as those of onnxruntime-web; a page copies any content."""
    (folder / 'dist').mkdir(parents=True)
    (folder / 'package.json').write_text('{"version": "1.2.3"}')
    for name in ('ort.wasm.bundle.min.mjs', 'ort-wasm-simd-threaded.wasm'):
        (folder / 'dist' / name).write_bytes(b'content')
    return folder


def write_model(path):
    onnx = pytest.importorskip('onnx', reason='the extra export is not installed')
    from ocec.export.onnx_metadata import ModelCard, write_metadata

    kinds, helper = onnx.TensorProto, onnx.helper
    graph = helper.make_graph(
        [helper.make_node('ReduceMean', ['images', 'axes'], ['prob_open'], keepdims=0)],
        'eye',
        [helper.make_tensor_value_info('images', kinds.FLOAT, ['N', 3, 8, 16])],
        [helper.make_tensor_value_info('prob_open', kinds.FLOAT, ['N'])],
        [helper.make_tensor('axes', kinds.INT64, [3], [1, 2, 3])],
    )
    card = ModelCard(
        input='resized',
        dtype='float32',
        layout='NCHW',
        image_size=(8, 16),
        normalized_inside=True,
        mean=(0, 0, 0),
        std=(1, 1, 1),
    )
    model = helper.make_model(graph)
    write_metadata(model, card)
    onnx.save(model, path)
    return path


def test_page_is_written(tmp_path, run_tool):
    model = write_model(tmp_path / 'eye.onnx')
    runtime = make_runtime(tmp_path / 'web')
    options = ('-o', 'a.html', '--runtime', runtime, '--threshold', 0.25)
    done = run_tool(model, *options, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('a.html: ')
    assert done.stdout.endswith(' MB with eye.onnx and onnxruntime-web 1.2.3\n')
    page = (tmp_path / 'a.html').read_text(encoding='utf-8')
    assert '"threshold":0.25,' in page


def test_missing_runtime_is_exit_code_2(tmp_path, run_tool):
    model = write_model(tmp_path / 'eye.onnx')
    done = run_tool(model, '--runtime', tmp_path, folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith('onnxruntime-web was not found in ')
    assert 'npm install --prefix ' in done.stderr
    assert not (tmp_path / 'demo.html').exists()


def test_file_that_is_no_model_is_exit_code_1(tmp_path, run_tool):
    (tmp_path / 'eye.onnx').write_bytes(b'not a model')
    runtime = make_runtime(tmp_path / 'web')
    done = run_tool('eye.onnx', '--runtime', runtime, folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith('error: eye.onnx: truncated, or no ONNX file')
