import json

import pytest

from ocec.apis.sweep import write_results
from ocec.apis.sweep_config import Objective, SweepConfig, Variant
from ocec.apis.sweep_page import render_sweep_page
from ocec.apis.sweep_results import collect_results
from ocec.search import Board, open_storage, open_study, read_space

F1, PARAMS = Objective('eye/f1', 'maximize'), Objective('params', 'minimize')
SPACE = {'optimizer.lr': {'type': 'float', 'low': 0.1, 'high': 1.0}, 'm.width': [8, 9]}


@pytest.fixture
def make_sweep(tmp_path, write_config):
    """Return a factory of boards with finished trials, and their config."""
    base = write_config(num_rows=16)

    def make(num_trials=8, *, objectives=(F1,), seeds=(), space=SPACE):
        study = open_study(
            open_storage(tmp_path / 'journal.log'),
            'sweep',
            directions=[o.direction for o in objectives],
            settings={},
            fingerprint='a',
        )
        board = Board(study, read_space(space), num_jobs=num_trials, sampler='random')
        while (ticket := board.next()) is not None:
            if ticket.number == 3:
                board.fail(ticket, 'Traceback\nValueError: <b>broken</b>')
                continue
            board.note(ticket, 'runs', [{'epoch': 2, 'train_minutes': 1.5}])
            value = ticket.values['optimizer.lr'] / 2
            board.complete(ticket, [value, ticket.values['m.width']][: len(objectives)])
        config = SweepConfig(
            base=base,
            space=read_space(space),
            variants={'base': Variant(base, {})},
            fixed={},
            sampler='random',
            objectives=objectives,
            pruner=None,
            num_trials=num_trials,
            seed=0,
            seeds=seeds,
            folds=0,
            epoch='best',
            name='sweep',
            data=None,
            file=tmp_path / 'eye_sweep.py',
        )
        return board, config

    return make


def render(board, config, root):
    results = collect_results(board, config)
    return render_sweep_page(results, config, board, root, 'journal.log')


def test_the_page_of_a_search_in_a_browser(make_sweep, tmp_path, open_page):
    board, config = make_sweep()
    file = tmp_path / 'sweep.html'
    file.write_text(render(board, config, tmp_path))
    page = open_page(file)
    assert page.title() == 'Sweep eye_sweep'
    assert page.locator('#trials tbody tr').count() == 8
    assert page.locator('#trials tr.best').count() == 1
    assert 'chosen on the validation images' in page.inner_text('#optimism')
    assert 'confirm.py' in page.inner_text('#optimism')
    assert 'best.py' in page.inner_text('#best')
    assert page.locator('.figure .main-svg').count() >= 3
    assert page.inner_text('.failed summary') == 'trial 3: ValueError: <b>broken</b>'
    assert page.locator('.importance').count() == 1


def test_the_page_of_a_front(make_sweep, tmp_path):
    board, config = make_sweep(objectives=(F1, PARAMS))
    text = render(board, config, tmp_path)
    assert 'Pareto front: trials' in text
    assert '<h3>Pareto front</h3>' in text
    assert '<b>params</b>: parameters of the model' in text


def test_a_page_without_a_finished_trial(make_sweep, tmp_path, open_page):
    board, config = make_sweep(num_trials=0)
    file = tmp_path / 'sweep.html'
    file.write_text(render(board, config, tmp_path))
    page = open_page(file)
    assert page.locator('#trials tbody tr').count() == 0
    assert page.locator('.figure').count() == 0


def test_json_has_no_nan(make_sweep, tmp_path):
    board, config = make_sweep(num_trials=1, space={**SPACE}, seeds=(1,))
    results = collect_results(board, config)
    write_results(results, config, board, tmp_path, 'journal.log')
    content = json.loads(
        (tmp_path / 'sweep.json').read_text(), parse_constant=pytest.fail
    )
    assert content['groups'][0]['means']['eye/f1']['std'] is None
