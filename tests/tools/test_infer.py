import csv
import functools
from pathlib import Path

import pytest
import torch

from ocec.apis.run_config import load_run_config
from ocec.registry import MODELS

TOOL = Path(__file__).parents[2] / 'tools/infer.py'


@pytest.fixture
def run_tool(run_in_process):
    return functools.partial(run_in_process, TOOL)


def test_a_parquet_and_a_broken_picture(
    write_config, make_eye_parquet, tmp_path, run_tool
):
    cfg = load_run_config(write_config(num_rows=4))
    content = {
        'meta': {'cfg': cfg.pretty_text},
        'state_dict': MODELS.build(cfg.model).state_dict(),
        'thresholds': {'best_f1': 0.25, 'split': 'val'},
    }
    torch.save(content, tmp_path / 'best.pth')
    make_eye_parquet(tmp_path / 'some.parquet', num_rows=6)
    (tmp_path / 'broken.png').write_bytes(b'broken')
    arguments = ('best.pth', 'some.parquet', 'broken.png', '--out', 'p.csv')
    done = run_tool(*arguments, '--strict', '--threads', 1, folder=tmp_path)
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith('p.csv: 6 pictures, ')
    assert '; 1 could not be read; threshold 0.2500 (best F1 on val); ' in done.stdout
    lines = done.stderr.splitlines()
    assert 'cannot be read: broken.png: the picture cannot be decoded' in done.stderr
    assert lines[-1] == 'error: 1 of 7 pictures could not be read (--strict)'
    with open(tmp_path / 'p.csv', newline='') as stream:
        rows = list(csv.DictReader(stream))
    assert [row['path'] for row in rows] == ['some.parquet'] * 6 + ['broken.png']
    assert run_tool(*arguments, folder=tmp_path).returncode == 0


@pytest.mark.parametrize(
    ('arguments', 'code', 'message'),
    [
        (('best.pth',), 2, 'the following arguments are required: SOURCE, --out'),
        (('gone.pth', '.', '--out', 'p.csv'), 1, 'error: gone.pth: no such model'),
        (('gone.pth', '.', '--out', 'p.txt'), 2, '--out p.txt: name a file that ends'),
        (('cut.onnx', '.', '--out', 'p.csv'), 1, 'error: cut.onnx: truncated, or no O'),
    ],
)
def test_failures_are_told_without_a_traceback(
    arguments, code, message, tmp_path, run_tool
):
    if 'cut.onnx' in arguments:
        pytest.importorskip('onnxruntime')
        (tmp_path / 'cut.onnx').write_bytes(b'\x08\x0a\x12\x07')
    done = run_tool(*arguments, folder=tmp_path)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert 'Traceback' not in done.stderr
