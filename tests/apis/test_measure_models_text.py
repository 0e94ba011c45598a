import json

import pytest

from ocec.apis.measure_models import ModelRow
from ocec.apis.measure_models_text import models_text, summarize_stages

ROWS = [
    ModelRow(
        'stage1/a-s1',
        'stage1',
        'w/a',
        seed=1,
        params=1234567,
        minutes=12.34,
        val_accuracy=0.9,
        accuracy=0.8875,
        low=0.88,
        high=0.895,
        f1=0.8872,
        rows=10000,
        expected=0.88,
        verdict='ok',
    ),
    ModelRow('stage1/b-s2', 'stage1', 'w/b', accuracy=0.8675, rows=10000),
    ModelRow('c', '', 'w/c', notes=['loose', 'end'], problem='broken'),
]


def test_markdown():
    lines = models_text(ROWS, 'md', split='test').splitlines()
    assert lines[2] == (
        '| stage1/a-s1 | stage1 | 1,234,567 | 90.00 | 88.75 (88.00 to 89.50) | 88.72 '
        '| 12.3 | 88.00 | +0.75 | ok |'
    )
    assert lines[4] == '| c | – | – | – | FAILED | – | – | – | – |  |'
    # 0.8775 +- 0.01 * sqrt(2)
    assert '| stage1 | 2 of 2 | 87.75 ± 1.41 | 88.75 |' in lines
    assert '| – | 0 of 1 | – | – |' in lines
    assert 'note: c: loose' in lines
    assert lines[-1] == 'PROBLEM: c: broken'
    assert any(line.startswith('test: 10,000 rows; intervals by') for line in lines)


def test_columns_of_a_registry_are_there_only_with_one():
    assert 'expected' not in models_text(ROWS[1:], 'md', split='test')


def test_csv_and_json_hold_everything():
    lines = models_text(ROWS, 'csv', split='test').splitlines()
    assert lines[0].startswith('name,stage,work_dir,seed,params,')
    assert lines[3].endswith(',loose; end,broken')
    content = json.loads(models_text(ROWS, 'json', split='test'))
    assert content['models'][0]['accuracy'] == 0.8875
    assert content['stages'] == summarize_stages(ROWS)
    assert content['stages'][0]['mean'] == pytest.approx(0.8775)
