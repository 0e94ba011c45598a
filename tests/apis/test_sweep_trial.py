import os

from ocec.apis.sweep_trial import (
    CONSOLE_FILE,
    TrialPlan,
    TrialRun,
    read_error,
    read_plan,
    read_result,
    take_folder,
    write_plan,
    write_result,
)


def make_plan(**settings):
    runs = (TrialRun('.', ('a.b=1', "c='x'"), seed=3, fold=None),)
    return TrialPlan(
        **{
            'number': 7,
            'study': 'sweep',
            'base': 'base.py',
            'data': None,
            'runs': runs,
            'objectives': (('eye/f1', 'maximize'),),
            'epoch': 'best',
            'pruner': {'type': 'median'},
            'data_check': 'never',
            **settings,
        }
    )


def test_a_plan_comes_back_as_it_was(tmp_path):
    folder = tmp_path / 'trial_0007'
    write_plan(make_plan(), folder)
    assert read_plan(folder) == make_plan()


def test_a_result_comes_back_as_it_was(tmp_path):
    assert read_result(tmp_path) is None
    write_result(tmp_path, {'state': 'done', 'values': [0.1]})
    assert read_result(tmp_path) == {'state': 'done', 'values': [0.1]}


def test_a_folder_is_taken_once(tmp_path):
    lock = take_folder(tmp_path / 'trial')
    assert take_folder(tmp_path / 'trial') is None
    os.close(lock)
    again = take_folder(tmp_path / 'trial')
    assert again is not None
    os.close(again)


def test_an_error_begins_with_its_last_traceback(tmp_path):
    console = tmp_path / CONSOLE_FILE
    before = 'Traceback of an earlier session\n'
    error = 'Traceback (most recent\n  here\nValueError: x'
    console.write_text(f'{before}epoch 1\n{error}\n')
    assert read_error(tmp_path, len(before)) == error
    console.write_text('\n'.join(f'line {n}' for n in range(100)))
    assert read_error(tmp_path, 0).splitlines()[0] == 'line 60'
