import functools
import json
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / 'tools/analysis_tools/measure_reading.py'


@pytest.fixture
def run_tool(run_in_process):
    return functools.partial(run_in_process, TOOL)


def test_it_streams_if_asked_to(make_eye_parquet, tmp_path, run_tool):
    out = tmp_path / 'stream.json'
    options = ('--stream', '--batch-size', 4, '--num-batches', 3, '--json', out)
    done = run_tool(make_eye_parquet(num_rows=48), *options)
    assert done.returncode == 0, done.stderr
    assert json.loads(out.read_text())['points'][-1]['images'] == 12


def test_wrong_usage(tmp_path, run_tool):
    for mode in ((), ('--stream',)):
        done = run_tool(tmp_path / 'gone.parquet', *mode)
        assert done.returncode == 1
        assert 'gone.parquet: no such parquet file' in done.stderr
        assert 'Traceback' not in done.stderr
