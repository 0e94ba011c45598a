from pathlib import Path

from ocec.apis.export_onnx_gate import Judged
from ocec.apis.export_onnx_text import table
from ocec.export.parity import Agreement, Latency


def make(precision, runtimes, opencv=None, f1=0.9):
    agreement = Agreement(1234, 2e-6, 1e-6, 3, {}, f1, None if f1 is None else 0.91)
    return Judged(
        Path('eye.onnx'),
        precision,
        51_000,
        'passed',
        agreements=dict.fromkeys(runtimes, agreement),
        latencies={
            'torch': Latency(0.8, 1.6, 9),
            **{name: Latency(0.2, 0.4, 9) for name in runtimes},
        },
        opencv=opencv,
    )


def test_table():
    files = [
        make('fp32', ['onnxruntime', 'opencv'], {'version': '5', 'problem': None}),
        make('int8', ['onnxruntime']),
    ]
    title, header, *rows = table(files).splitlines()
    assert title == '1,234 images; latency of one image on one thread'
    assert table(files, batch=4).splitlines()[0] == (
        '1,234 images; latency of a batch of 4 on one thread'
    )
    assert {len(row) for row in rows} == {len(header)}
    assert rows[0].split() == [
        *('-', 'torch', 'eager', '-', '-', '0.9100', '0.800', '1.600', '1.0x', '-')
    ]
    assert rows[1].split() == [
        *('fp32', 'onnxruntime', '2.0e-06', '3', '0.9000'),
        *('0.200', '0.400', '4.0x', '51.0'),
    ]
    assert [row.split()[:2] for row in rows[1:]] == [
        ['fp32', 'onnxruntime'],
        ['fp32', 'opencv'],
        ['int8', 'onnxruntime'],
    ]


def test_reasons_of_opencv_follow():
    problem = {'version': '4.9', 'problem': 'cannot load: no such layer'}
    text = table([make('fp32', ['onnxruntime'], problem, f1=None)])
    assert text.splitlines()[-1] == 'OpenCV 4.9: cannot load: no such layer'
