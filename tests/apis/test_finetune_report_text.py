import json

import pytest

from ocec.apis.finetune_report_runs import ReportRun
from ocec.apis.finetune_report_text import (
    NOTHING,
    format_p,
    format_range,
    report_json,
    report_markdown,
    report_text,
    tables_of,
)

HALF = {0, 1, 4, 5}
WRONG = {'zero-shot': [HALF], 'scratch': [{0, 4}], 'a|b': [set(), HALF]}


@pytest.fixture
def report(make_finetune_report, tmp_path):
    run = {'minutes': 2.25, 'epochs': 20.0, 'images_seen': 1234}
    runs = {
        'a|b': [
            ReportRun(f'a|b #{n}', tmp_path / f'{n}.pth', best_epoch=9 + n, **run)
            for n in (1, 2)
        ]
    }
    return make_finetune_report(WRONG, WRONG, runs)


def test_overview(report):
    overview = tables_of(report)[0]
    lines = {
        line[0]: dict(zip(overview.columns, line, strict=True))
        for line in overview.lines
    }
    # 0.5; 4 of 4 open and 2 false alarms; the mean of 1 and 0.5
    assert [lines[name]['F1 B'] for name in WRONG] == [
        '0.500',
        '0.800',
        '0.750 ± 0.354',
    ]
    assert lines['a|b']['seeds'] == '2'
    assert lines['a|b']['B - scratch'] == '-5.0'
    assert lines['scratch']['B - scratch'] == NOTHING
    # told apart: every draw gives the same
    assert lines['scratch']['forgetting'] == '+30.0*'
    told = [lines['a|b'][key] for key in overview.columns[-4:]]
    assert told == ['2.2', '20', '1,234', '10 to 11']
    assert [lines['zero-shot'][key] for key in overview.columns[-4:]] == [NOTHING] * 4


def test_without_scratch(make_finetune_report):
    wrong = {'zero-shot': [HALF], 'full': [set()]}
    tables = tables_of(make_finetune_report(wrong, wrong))
    assert not any('scratch' in column for t in tables for column in t.columns)


def test_each_side_has_its_intervals(report):
    _, on_b, on_a = tables_of(report)
    titles = [f'On {report.sides[letter].name}' for letter in 'BA']
    assert [on_b.title, on_a.title] == titles
    [line] = [line for line in on_b.lines if line[0] == 'scratch']
    assert line[1] == '0.800 (0.800 to 0.800)'
    assert line[-2:] == ['+30.0* (+30.0 to +30.0)', '0.500']


def test_text(report):
    text = report_text(report)
    assert text.startswith(report.summary[0])
    lines = text.splitlines()
    start = lines.index('Overview')
    # columns stand below each other
    assert lines[start + 1].index('F1 B') == lines[start + 2].index('0.500')
    assert 'B, scratch against zero-shot: 4 errors -> 2, 2 fixed, 0 broken' in text
    assert 'A, a|b against scratch' not in text
    assert 'B: 2 images are wrong in every method' in text
    assert f'note: {report.notes[0]}' in text


def test_markdown_is_a_table(report):
    lines = report_markdown(report).splitlines()
    start = lines.index('## Overview')
    # a bar in a name ends no cell
    cells = [
        line.replace(r'\|', '').count('|') for line in lines[start + 1 : start + 6]
    ]
    assert len(set(cells)) == 1
    assert f'- {report.notes[-1]}' in lines


def test_json_holds_all_numbers(report):
    content = json.loads(report_json(report))
    assert content['split'] == 'val'
    assert content['data']['B']['images'] == 8
    assert content['data']['B']['open'] == 4
    assert content['data']['B']['groups'] == 2
    third = content['methods'][2]
    assert third['sides']['B']['f1']['seeds'] == [1.0, 0.5]
    assert third['differences']['scratch']['B']['value'] == pytest.approx(-0.05)
    assert content['runs']['a|b'][1]['best_epoch'] == 11
    [change] = [
        c
        for c in content['changes']
        if (c['side'], c['method'], c['reference']) == ('B', 'scratch', 'zero-shot')
    ]
    assert (change['fixed'], change['broken']) == ([1, 5], [])
    assert change['p_value'] == 0.5  # 2 / 2^2
    assert change['groups'][0]['group'] == 's000'
    # the seeds of a|b differ by as much: a tie at the threshold counts as open
    assert content['wrong_everywhere'] == {'B': [0, 4], 'A': [0, 4]}


def test_p_values_and_ranges():
    assert [format_p(p) for p in (1, 0.03124, 9e-5)] == ['1.0000', '0.0312', '< 0.0001']
    assert format_range([None], 'd') == NOTHING
    assert format_range([0.5, 0.25], '.2f') == '0.25 to 0.50'
