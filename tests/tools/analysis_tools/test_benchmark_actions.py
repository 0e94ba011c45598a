import functools
from pathlib import Path

import pytest

from ocec.apis import benchmark_actions as module

TOOL = Path(__file__).parents[3] / 'tools/analysis_tools/benchmark_actions.py'


@pytest.fixture
def run_tool(run_in_process):
    return functools.partial(run_in_process, TOOL)


def test_missing_data_are_a_usage_error(tmp_path, run_tool):
    config = 'ocec::skeleton/posec3d/rgbpose_conv3d/epam_ntu60_baseline.py'
    (tmp_path / 'epam.py').write_text(f'_base_ = {config!r}\n')
    done = run_tool('epam.py', '--data', 'nowhere', folder=tmp_path)
    assert done.returncode == 2
    assert '--data nowhere: nowhere does not exist' in done.stderr
    assert 'Traceback' not in done.stderr


def test_arguments_reach_the_function(tmp_path, run_tool, monkeypatch):
    calls = []
    monkeypatch.setattr(module, 'benchmark_actions', lambda **kw: calls.append(kw))
    settings = ('--parts', 'step', 'reading', '--repeats', 3, '--json', 'figures.json')
    done = run_tool('epam.py', '--data', 'clips', *settings, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert calls == [
        {
            'config': 'epam.py',
            'data': 'clips',
            'device': 'cpu',
            'parts': ['step', 'reading'],
            'repeats': 3,
            'batch_size': 2,
            'train_batch_size': 8,
            'workers': 2,
            'threads': 1,
            'json_file': 'figures.json',
            'cfg_options': [],
        }
    ]


def test_parts_are_those_of_the_function(run_tool):
    done = run_tool('epam.py', '--data', 'clips', '--parts', 'all')
    assert done.returncode == 2
    assert all(part in done.stderr for part in module.PARTS)
