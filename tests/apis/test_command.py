import pytest

from ocec.apis.command import run_command
from ocec.apis.errors import ConfigError


def raiser(error):
    def fail():
        raise error

    return fail


def test_success_is_0_and_arguments_arrive(capsys):
    seen = []
    assert run_command(lambda **kwargs: seen.append(kwargs), a=1, b='x') == 0
    assert seen == [{'a': 1, 'b': 'x'}]
    assert capsys.readouterr() == ('', '')


@pytest.mark.parametrize(
    ('error', 'code', 'message'),
    [
        (ConfigError('leaf.py: 2 problems'), 2, 'leaf.py: 2 problems\n'),
        (ValueError('row 7 is empty'), 1, 'error: row 7 is empty\n'),
        (FileNotFoundError('no eyes.parquet'), 1, 'error: no eyes.parquet\n'),
        (ImportError('onnx is missing'), 1, 'error: onnx is missing\n'),
        (FloatingPointError('loss is nan'), 1, 'error: loss is nan\n'),
        (KeyboardInterrupt(), 130, 'interrupted\n'),
    ],
)
def test_exit_code_and_message_of_a_failure(capsys, monkeypatch, error, code, message):
    monkeypatch.delenv('OCEC_TRACEBACK', raising=False)
    assert run_command(raiser(error)) == code
    assert capsys.readouterr() == ('', message)


def test_traceback_on_request(capsys, monkeypatch):
    monkeypatch.setenv('OCEC_TRACEBACK', '1')
    assert run_command(raiser(ValueError('row 7 is empty'))) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == 'Traceback (most recent call last):'
    assert lines[-2:] == ['ValueError: row 7 is empty', 'error: row 7 is empty']


@pytest.mark.parametrize('error', [TypeError, KeyError, AttributeError, AssertionError])
def test_a_bug_is_not_hidden(error):
    with pytest.raises(error, match='a bug'):
        run_command(raiser(error('a bug')))
