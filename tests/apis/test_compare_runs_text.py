import csv
import io

import pytest

from ocec.apis.compare_runs import build_comparison
from ocec.apis.compare_runs_text import (
    action_columns,
    format_number,
    headline,
    order_of,
    print_table,
    remarks,
    used_columns,
    write_csv,
    write_markdown,
)
from ocec.visualization.run_log import read_run


@pytest.fixture
def comparison(make_work_dir):
    folders = [
        make_work_dir('base-1', f1=(0.5, 0.8), seed=1),
        make_work_dir('base-2', f1=(0.5, 0.9), seed=2),
        make_work_dir('wi|de', f1=(0.6, 0.95), settings='x = [1]', val_set='b'),
    ]
    runs = [read_run(folder) for folder in folders]
    return build_comparison(runs, {'gone': 'no such folder'})


def test_table_in_the_terminal(comparison, capsys, monkeypatch):
    print_table(comparison)
    output = capsys.readouterr().out
    lines = output.splitlines()
    assert lines[0].strip() == '3 runs by val/f1, target 0.8'
    places = [output.index(name) for name in ('wi|de', 'base-2', 'base-1')]
    assert places == sorted(places)  # the best first
    assert '0.9500' in output
    assert 'not comparable: different val set: 7 images' in output
    assert 'gone: no such folder' in output


def test_names_are_no_markup(make_work_dir, capsys):
    folder = make_work_dir('[b]<i>', f1=(0.5,), **{'eye/new[/b]': [0.7]})
    comparison = build_comparison([read_run(folder)], {}, metric='eye/new[/b]')
    print_table(comparison)
    output = capsys.readouterr().out
    assert 'best b]' in output
    assert '[b]<i>' in output
    assert '| [b]&lt;i> | 0.7000 |' in write_markdown(comparison)


def test_a_narrow_terminal_names_what_it_hides(comparison, capsys, monkeypatch):
    monkeypatch.setattr('ocec.apis.compare_runs_text.WIDE', 60)
    print_table(comparison)
    output = capsys.readouterr().out
    assert 'no room for: ' in output
    assert '0.9500' in output
    assert all(len(line) <= 60 for line in output.splitlines() if '│' in line)


def test_markdown(comparison):
    text = write_markdown(comparison)
    assert text.startswith('# 3 runs by val/f1, target 0.8\n')
    rows = [line for line in text.splitlines() if line.startswith('| wi\\|de')]
    assert '| 0.9500 | 2 |' in rows[0]
    # mean of 0.8 and 0.9; their deviation is 0.1 / sqrt(2)
    assert '| base | 2 | 0.8500 ± 0.0707 | 2.0 ± 0.0 |' in text
    assert '| model.width | 8 | 8 | None |' in text
    assert '| x | None | None | [1] |' in text
    assert '- not comparable: different val set' in text
    assert '- epochs to target: first epoch whose f1 reaches the target' in text


def test_guides_table_has_a_column_for_each_run(make_action_dir, make_work_dir):
    folders = [
        make_action_dir('baseline', train=(0.5, 0.9, 0.95), val=(0.4, 0.8, 0.79)),
        make_action_dir('optimized', train=(0.4, 0.7, 0.8), val=(0.3, 0.6, 0.79)),
    ]
    found = build_comparison([read_run(folder) for folder in folders], {})
    text = write_markdown(found).split('## Training and validation')[1]
    assert 'Training numbers are those of augmented clips with dropout' in text
    rows = [line.strip('| ').split(' | ') for line in text.split('##')[0].splitlines()]
    table = {row[0]: row[1:] for row in rows if len(row) == 3}
    assert table['train top-1'] == ['0.9000', '0.8000']
    assert table['val top-1'] == ['0.8000', '0.7900']
    assert table['gap, points'] == ['10.00', '1.00']
    assert table['last gap, points'] == ['16.00', '1.00']
    assert table['converged at'] == ['2', '3']
    assert table['RGB top-1'] == ['0.7000', '0.6900']
    assert table['lr'] == ['0.10000', '0.10000']
    # a run on eyes has none of these numbers
    mixed = [read_run(folders[0]), read_run(make_work_dir('eyes'))]
    assert action_columns(build_comparison(mixed, {})) == []
    assert action_columns(build_comparison([], {})) == []


def test_csv_holds_numbers_as_they_are(comparison):
    rows = list(csv.DictReader(io.StringIO(write_csv(comparison))))
    assert [row['run'] for row in rows] == ['base-1', 'base-2', 'wi|de']
    assert [float(row['best']) for row in rows] == [0.8, 0.9, 0.95]
    assert [row['group'] for row in rows] == ['base', 'base', 'wi|de']
    assert (rows[0]['metric'], rows[0]['target']) == ('val/f1', '0.8')
    assert rows[0]['auc'] == ''
    assert rows[0]['val_set'] != rows[2]['val_set']


def test_order_and_columns(comparison):
    assert order_of(comparison) == [2, 1, 0]
    comparison.numbers[2]['best'] = None
    assert order_of(comparison) == [1, 0, 2]
    comparison.rule = 'less'
    assert order_of(comparison) == [0, 1, 2]
    keys = [column.key for column in used_columns(comparison)]
    assert 'auc' not in keys
    assert keys[:3] == ['best', 'best_epoch', 'val_loss']


def test_remarks_of_many_runs_are_counted(comparison):
    comparison.runs *= 2
    for run in comparison.runs:
        run.messages = ['something']
    assert remarks(comparison)[-1] == '6 runs: something'


def test_words(comparison):
    assert format_number(None, 2) == '–'
    assert format_number(1.25, 1) == '1.2'
    comparison.metric, comparison.target = '', None
    comparison.runs = comparison.runs[:1]
    assert headline(comparison) == '1 run'
