import csv
import io

import numpy as np
import pytest

from ocec.apis.sweep_config import Objective, SweepConfig, Variant
from ocec.apis.sweep_results import (
    TrialRow,
    collect_results,
    format_csv,
    format_table,
    pareto_front,
    ranked,
    show,
    verdict_of,
)
from ocec.search import Board, open_storage, open_study, read_space
from ocec.search.board import Cell
from ocec.search.repeats import compare_paired

F1, PARAMS = Objective('eye/f1', 'maximize'), Objective('params', 'minimize')


@pytest.fixture
def make_results(tmp_path):
    """Return a factory of the results of trials with given values."""

    def make(cells, values, *, space=None, objectives=(F1,), **settings):
        study = open_study(
            open_storage(tmp_path / 'journal.log'),
            'sweep',
            directions=[o.direction for o in objectives],
            settings={},
            fingerprint='a',
        )
        space = read_space(space or {})
        board = Board(study, space, num_jobs=len(cells), cells=cells)
        for value in values:
            ticket = board.next()
            if value is None:
                board.fail(ticket, 'Traceback\nValueError: broken')
            else:
                board.note(ticket, 'runs', [{'epoch': 2, 'train_minutes': 1.5}])
                board.complete(ticket, np.atleast_1d(value).tolist())
        config = {
            'base': tmp_path / 'base.py',
            'space': space,
            'variants': {'base': Variant(tmp_path / 'base.py', {})},
            'fixed': {},
            'sampler': 'grid',
            'objectives': objectives,
            'pruner': None,
            'num_trials': None,
            'seed': 0,
            'seeds': (),
            'folds': 0,
            'epoch': 'best',
            'name': 'sweep',
            'data': None,
            'file': tmp_path / 'sweep.py',
        }
        return collect_results(board, SweepConfig(**{**config, **settings}))

    return make


def test_a_repeated_grid_names_the_best_mean_and_not_a_lucky_training(make_results):
    cells = [
        Cell(f'{w} {seed}', {'m.width': w}, {'seed': seed})
        for seed in (1, 2)
        for w in (8, 16, 24)
    ]
    # width 8 has the best training, 16 the best mean of two, 24 only one training
    values = [0.9, 0.8, 0.85, 0.5, 0.8, None]
    space = {'m.width': [8, 16, 24]}
    results = make_results(cells, values, space=space, seeds=(1, 2))
    assert results.best == [1]
    assert results.groups[0].name == 'width=24'  # the table says of how many


def test_a_search_names_its_best_trial(make_results):
    cells = [Cell(str(w), {'m.width': w}, {}) for w in (8, 16, 24)]
    results = make_results(cells, [0.5, 0.7, None], space={'m.width': [8, 16, 24]})
    assert results.best == [1]
    assert [row.number for row in ranked(results)] == [1, 0, 2]
    text = format_table(results).splitlines()
    assert text[0].split() == ['trial', 'state', 'eye/f1', 'width']
    assert text[1].split() == ['*1', 'done', '0.7', '16']
    assert text[-2] == 'trial 2 FAILED: ValueError: broken'
    assert text[-1] == '2 done, 0 pruned, 1 failed, 0 running, 0 interrupted; 3 wanted'
    rows = list(csv.DictReader(io.StringIO(format_csv(results))))
    assert [row['eye/f1'] for row in rows] == ['0.5', '0.7', '']
    assert [row['m.width'] for row in rows] == ['8', '16', '24']
    assert rows[1]['best'] == 'True'
    assert rows[2]['error'] == 'ValueError: broken'


def test_a_long_table_is_cut(make_results):
    cells = [Cell(str(w), {'w': w}, {}) for w in range(25)]
    results = make_results(cells, [0.1] * 25, space={'w': list(range(25))})
    assert '... and 5 more' in format_table(results)


def test_the_front_by_hand():
    rows = [
        TrialRow(n, 'done', {'eye/f1': f1, 'params': params})
        # 0 and 1 trade one for the other, 2 is worse than 1, 3 equals 0, 4 failed
        for n, (f1, params) in enumerate([(0.9, 50), (0.8, 10), (0.7, 20), (0.9, 50)])
    ]
    rows.append(TrialRow(4, 'failed'))
    assert pareto_front(rows, [F1, PARAMS]) == [0, 3, 1]
    assert pareto_front(rows, [F1]) == [0]
    assert pareto_front(rows, [PARAMS]) == [1]


def test_variants_are_compared_over_the_same_seeds(make_results, tmp_path):
    variants = {n: Variant(tmp_path / 'base.py', {'x': n}) for n in 'ab'}
    seeds = (1, 2, 3, 4)
    cells = [
        Cell(f'{s}{n}', {}, {'seed': s, 'variant': n}) for s in seeds for n in 'ab'
    ]
    a, b = np.array([0.5, 0.6, 0.7, 0.8]), np.array([0.61, 0.69, 0.8, 0.91])
    values = [value for pair in zip(a, b, strict=True) for value in pair]
    results = make_results(cells, values, variants=variants, seeds=seeds)
    assert [group.name for group in results.groups] == ['b', 'a']  # the best first
    assert results.groups[1].means['eye/f1'].mean == pytest.approx(a.mean())
    [pair] = results.pairs
    assert pair.found == compare_paired(a, b)
    assert pair.verdict == 'b is better'
    text = format_table(results)
    assert 'b - a, eye/f1: +0.1025' in text
    assert 'n=4, 4 up and 0 down' in text
    assert results.best == []


def test_a_missing_training_leaves_its_pair_out(make_results, tmp_path):
    variants = {n: Variant(tmp_path / 'base.py', {'x': n}) for n in 'ab'}
    cells = [
        Cell(f'{s}{n}', {}, {'seed': s, 'variant': n}) for s in (1, 2) for n in 'ab'
    ]
    values = [0.5, None, 0.5, 0.6]
    results = make_results(cells, values, variants=variants, seeds=(1, 2))
    assert results.pairs[0].found.difference.num_repeats == 1
    assert results.pairs[0].verdict == 'too few trainings of both to say'


def test_folds_widen_the_interval(make_results):
    cells = [Cell(str(f), {}, {'fold': f}) for f in (1, 2, 3)]
    results = make_results(cells, [0.5, 0.6, 0.7], folds=3)
    found = results.groups[0].means['eye/f1']
    # 4.3027 is the 97.5 % point of Student's t with 2 degrees of freedom
    half = 4.30265 * 0.1 * np.sqrt(1 / 3 + 1 / 2)
    assert found.high - found.mean == pytest.approx(half, rel=1e-5)


@pytest.mark.parametrize(
    ('second', 'metric', 'verdict'),
    [
        ([0.8, 0.81, 0.82], F1, 'b is better'),
        ([0.2, 0.21, 0.22], F1, 'a is better'),
        ([0.2, 0.21, 0.22], Objective('eye/loss', 'minimize'), 'b is better'),
        ([0.5, 0.7, 0.45], F1, 'no difference shown: 0 lies in the interval'),
    ],
)
def test_verdicts(second, metric, verdict):
    found = compare_paired(np.array([0.5, 0.51, 0.53]), np.array(second))
    assert verdict_of(found, metric, 'a', 'b').startswith(verdict)


@pytest.mark.parametrize(
    ('value', 'text'),
    [(None, '-'), (float('nan'), '-'), (0.123456, '0.12346'), (8, '8'), ('a', 'a')],
)
def test_values_in_tables(value, text):
    assert show(value) == text
