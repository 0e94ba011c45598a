import json

import pytest

from ocec.apis.errors import ConfigError
from ocec.apis.measure_models import ModelRow
from ocec.apis.measure_models_expected import compare_with_expected, read_expected


@pytest.mark.parametrize(
    ('measured', 'verdict'),
    [(0.8, 'ok'), (0.8095, 'ok'), (0.785, 'warning'), (0.825, 'FAILED')],
)
def test_verdicts(measured, verdict):
    row = ModelRow('a', '', '', accuracy=measured)
    compare_with_expected([row], {'a': 0.8})
    assert (row.verdict, row.expected) == (verdict, 0.8)
    told = f'accuracy {measured:.4f} where 0.8000 is expected'
    assert row.problem == (told if verdict == 'FAILED' else None)


def test_an_unknown_name_fails_and_a_problem_stays():
    rows = [ModelRow('new', '', '', accuracy=0.8), ModelRow('a', '', '', problem='x')]
    compare_with_expected(rows, {'a': 0.8})
    assert rows[0].problem == 'no accuracy is expected of this name'
    assert (rows[1].problem, rows[1].verdict) == ('x', '')


@pytest.mark.parametrize(
    'content', [{'a': 0.8}, {'models': [{'name': 'a', 'accuracy': 0.8}]}]
)
def test_both_forms_are_read(tmp_path, content):
    path = tmp_path / 'r.json'
    path.write_text(json.dumps(content))
    assert read_expected(path) == {'a': 0.8}


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('{', 'r.json: '),
        ('{}', 'it names no model'),
        ('[]', 'it names no model'),
        ('{"a": 88.75}', r'the accuracy of a must be in \[0, 1\], got 88.75'),
        ('{"a": null}', r'the accuracy of a must be in \[0, 1\], got None'),
    ],
)
def test_what_is_no_registry(tmp_path, text, message):
    path = tmp_path / 'r.json'
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_expected(path)


def test_a_missing_registry(tmp_path):
    with pytest.raises(ConfigError, match='No such file'):
        read_expected(tmp_path / 'gone.json')
