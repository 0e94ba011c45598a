import subprocess
import sys

import pytest

from ocec.search import board as module
from ocec.search.board import Board, Cell
from ocec.search.liveness import describe_worker
from ocec.search.parameters import read_space
from ocec.search.storage import open_storage, open_study

SPACE = read_space(
    {'lr': {'type': 'float', 'low': 0, 'high': 1}, 'width': [8, {'type': 'Wide'}]}
)
CELLS = [Cell(f'cell {i}', {'width': 8}, {'seed': i}) for i in range(3)]


@pytest.fixture
def open_board(tmp_path):
    """Return a factory of boards, each as another process would open it."""

    def make(num_jobs=3, cells=None, name='journal.log', **settings):
        return make_board(tmp_path / name, num_jobs, cells, **settings)

    return make


def make_board(path, num_jobs=3, cells=None, **settings):
    study = open_study(
        open_storage(path),
        'sweep',
        directions=['maximize'],
        settings={},
        fingerprint='a',
    )
    return Board(study, SPACE, num_jobs=num_jobs, cells=cells, **settings)


def die(board, monkeypatch):
    """Let the worker of every running trial seem dead."""
    monkeypatch.setattr(module, 'is_alive', lambda worker: False)
    released = board.release_dead()
    monkeypatch.undo()
    return released


def test_a_sampler_is_asked_as_often_as_wanted(open_board):
    board = open_board(num_jobs=4, sampler='random')
    tickets = []
    while (ticket := board.next()) is not None:
        tickets.append(ticket)
        board.complete(ticket, [ticket.values['lr']])
    assert [ticket.number for ticket in tickets] == [0, 1, 2, 3]
    assert tickets[3].folder == 'trial_0003'
    assert all(0 <= ticket.values['lr'] <= 1 for ticket in tickets)
    assert {str(t.values['width']) for t in tickets} <= {'8', "{'type': 'Wide'}"}
    found = [board.values_of(trial) for trial in board.jobs().values()]
    assert found == [ticket.values for ticket in tickets]
    assert board.count() == {
        'done': 4,
        'pruned': 0,
        'failed': 0,
        'running': 0,
        'interrupted': 0,
        'wanted': 4,
    }


@pytest.mark.parametrize('sampler', ['random', 'tpe'])
def test_what_is_drawn_depends_on_the_seed_and_not_on_restarts(open_board, sampler):
    def draw(name, *, restart, seed=1):
        board, drawn = open_board(12, name=name, sampler=sampler, seed=seed), []
        while (ticket := board.next()) is not None:
            drawn.append(ticket.values['lr'])
            board.complete(ticket, [ticket.values['lr']])
            if restart:
                board = open_board(12, name=name, sampler=sampler, seed=seed)
        return drawn

    whole = draw('a', restart=False)
    assert len(set(whole)) == 12
    assert draw('b', restart=True) == whole
    assert draw('c', restart=False, seed=2) != whole


def test_cells_are_dealt_out_once_each(open_board):
    first, second = open_board(cells=CELLS), open_board(cells=CELLS)
    tickets = [first.next(), second.next(), first.next()]
    assert [ticket.labels for ticket in tickets] == [
        {'seed': 0},
        {'seed': 1},
        {'seed': 2},
    ]
    assert first.next() is None
    assert second.next() is None
    assert first.count()['running'] == 3


def test_fewer_jobs_than_cells(open_board):
    board = open_board(num_jobs=2, cells=CELLS)
    assert [board.next().number, board.next().number, board.next()] == [0, 1, None]


@pytest.mark.parametrize('cells', [None, CELLS])
def test_a_dead_workers_trial_is_done_again_in_its_folder(
    open_board, cells, monkeypatch
):
    board = open_board(num_jobs=3, cells=cells)
    done, lost = board.next(), board.next()
    board.complete(done, [0.5])
    assert die(board, monkeypatch) == [lost.number]
    assert board.count()['interrupted'] == 1
    again = open_board(num_jobs=3, cells=cells).next()
    assert (again.number, again.resumes) == (2, lost.number)
    assert (again.values, again.labels) == (lost.values, lost.labels)
    assert again.folder == lost.folder
    rest = board.next()
    assert rest.resumes is None
    assert board.next() is None
    for ticket in (again, rest):
        board.complete(ticket, [0.5])
    assert board.count()['done'] == 3
    assert board.next() is None


def test_a_trial_that_lives_is_left_alone(open_board):
    board = open_board()
    board.next()
    assert open_board().release_dead() == []


def test_reports_of_an_interrupted_trial_are_kept(open_board):
    board = open_board()
    ticket = board.next()
    trial = board.study.trials[0]
    board.study._storage.set_trial_intermediate_value(trial._trial_id, 1, 0.25)
    board.interrupt(ticket, 'ended')
    assert board.next().resumes == 0
    assert board.study.trials[1].intermediate_values == {1: 0.25}


def test_a_trial_whose_worker_died_before_it_had_values_is_forgotten(
    open_board, monkeypatch
):
    board = open_board(num_jobs=1)
    board.study.ask()  # dies here
    assert board.release_dead() == []  # it may be about to write
    monkeypatch.setattr(module, 'SILENCE_SECONDS', -1)
    assert board.release_dead() == [0]
    monkeypatch.undo()
    assert board.next().number == 1
    assert board.count()['running'] == 1


def test_the_lower_number_has_a_job_that_two_take_at_once(open_board, monkeypatch):
    slow, fast = open_board(cells=CELLS), open_board(cells=CELLS)
    jobs = slow._open_jobs(slow.study.get_trials())
    taken = fast.next()
    assert taken.labels == {'seed': 0}
    # what was free a moment ago is taken now
    monkeypatch.setattr(slow, '_open_jobs', lambda trials: jobs)
    assert slow.next().labels == {'seed': 1}
    assert slow.count()['running'] == 2
    assert [t.state.name for t in slow.study.trials] == ['RUNNING', 'FAIL', 'RUNNING']


def test_one_too_many_is_forgotten(open_board, monkeypatch):
    slow, fast = open_board(num_jobs=1), open_board(num_jobs=1)
    real = slow.jobs
    monkeypatch.setattr(slow, 'jobs', lambda t=None: real(t) if t is None else {})
    assert fast.next().number == 0
    assert slow.next() is None
    assert fast.count()['running'] == 1


def test_failed_trials_stay_failed_until_asked_for(open_board):
    board = open_board(num_jobs=1)
    board.fail(board.next(), 'out of memory')
    assert board.next() is None
    assert board.count()['failed'] == 1
    assert board.reopen_failed() == [0]
    again = open_board(num_jobs=1).next()
    assert again.resumes == 0
    board.fail(again, 'again')
    assert (board.next(), board.count()['failed']) == (None, 1)


def test_pruned_trials_and_notes(open_board):
    board = open_board(num_jobs=1)
    ticket = board.next()
    board.note(ticket, 'runs', [{'epoch': 1}])
    board.prune(ticket)
    assert board.count()['pruned'] == 1
    assert board.study.trials[0].user_attrs['runs'] == [{'epoch': 1}]


def test_a_beat_tells_what_was_taken_over(open_board, monkeypatch):
    board, other = open_board(), open_board()
    kept, lost = board.next(), board.next()
    other.interrupt(lost, 'silent for long')
    assert board.beat([kept, lost]) == [lost]
    seen = board.study.trials[kept.number].user_attrs['worker']['seen']
    assert seen >= describe_worker()['seen'] - 60
    board.complete(lost, [1.0])  # too late, and no error
    assert board.count()['done'] == 0


WORK = """
import sys
from ocec.search import Board, open_storage, open_study, read_space
study = open_study(
    open_storage(sys.argv[1]),
    'sweep',
    directions=['maximize'],
    settings={},
    fingerprint='a',
)
space = read_space({'lr': {'type': 'float', 'low': 0, 'high': 1}})
board = Board(study, space, num_jobs=9, sampler='random')
while (ticket := board.next()) is not None:
    board.complete(ticket, [0.1])
    print(ticket.number)
"""


@pytest.mark.slow  # new processes
def test_processes_share_the_work(tmp_path):
    command = [sys.executable, '-c', WORK, tmp_path / 'journal.log']
    workers = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    done = [int(line) for worker in workers for line in worker.communicate()[0].split()]
    assert [worker.returncode for worker in workers] == [0, 0, 0]
    assert len(done) == len(set(done)) == 9
    assert make_board(tmp_path / 'journal.log', 9).count()['done'] == 9
