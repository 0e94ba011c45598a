import functools
from pathlib import Path

import pytest

from ocec.apis.run_config import load_run_config
from ocec.engine.checkpoint_io import save_atomically
from ocec.export.onnx_metadata import read_metadata
from ocec.registry import MODELS

TOOL = Path(__file__).parents[2] / 'tools/export_onnx.py'


@pytest.fixture
def run_tool(run_in_process):
    return functools.partial(run_in_process, TOOL)


@pytest.fixture
def checkpoint(write_config, tmp_path):
    cfg = load_run_config(write_config(num_rows=32))
    model = MODELS.build(cfg.model)
    model.head.loss_module.set_class_counts(16, 16)
    content = {'meta': {'cfg': cfg.pretty_text}, 'state_dict': model.state_dict()}
    save_atomically(content, tmp_path / 'best.pth')
    return tmp_path / 'best.pth'


def test_export(checkpoint, tmp_path, run_tool):
    done = run_tool(
        *(checkpoint, '--out', 'eye.onnx', '--precision', 'fp32', 'fp16'),
        *('--exporter', 'torchscript', '--repeats', '2', '--threshold', '0.3'),
        folder=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert 'fp32: eye.onnx (passed)' in done.stdout
    assert read_metadata(tmp_path / 'eye-fp16.onnx').threshold == 0.3
    assert 'Warning' not in done.stderr


@pytest.mark.parametrize(
    ('arguments', 'code', 'message'),
    [
        ((), 2, 'required: checkpoint'),
        (('x.pth',), 2, 'x.pth: no such checkpoint'),
        (('x.pth', '--opset', '9'), 2, '--opset must be in 15 to 23, got 9'),
        (('x.pth', '--precision', 'fp8'), 2, "invalid choice: 'fp8'"),
    ],
)
def test_failures_are_told_without_a_traceback(
    arguments, code, message, tmp_path, run_tool
):
    done = run_tool(*arguments, folder=tmp_path)
    assert done.returncode == code
    assert message in done.stderr
    assert 'Traceback' not in done.stderr
