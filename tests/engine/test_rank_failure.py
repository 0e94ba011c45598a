import json

import pytest
import torch

from ocec.engine import rank_failure
from ocec.engine.rank_failure import ERROR_FILE, is_lost_rank, report_failure

GLOO = '[../third_party/gloo/gloo/transport/tcp/pair.cc:534] Connection closed by peer'


@pytest.mark.parametrize(
    ('error', 'expected'),
    [
        (RuntimeError(GLOO), True),
        (RuntimeError('NCCL communicator was aborted on rank 0'), True),
        (torch.distributed.DistBackendError('anything'), True),
        (RuntimeError('mat1 and mat2 shapes cannot be multiplied'), False),
        # the user's own trouble with a network
        (ConnectionResetError('Connection reset by peer'), False),
        (ValueError('gloo'), False),
    ],
)
def test_which_errors_say_that_another_rank_is_gone(error, expected):
    assert is_lost_rank(error) == expected


def fail(error):
    try:
        raise error
    except type(error) as caught:
        report_failure(caught)


def test_the_traceback_reaches_the_launcher(tmp_path, monkeypatch):
    monkeypatch.setenv(ERROR_FILE, str(tmp_path / 'error.json'))
    fail(ValueError('no such row'))
    message = json.loads((tmp_path / 'error.json').read_text())['message']
    assert message['message'] == 'ValueError: no such row'
    assert 'in fail' in message['extraInfo']['py_callstack']


def test_a_rank_that_lost_another_lets_it_speak_first(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(ERROR_FILE, str(tmp_path / 'error.json'))
    monkeypatch.setenv('RANK', '3')
    waited = []
    monkeypatch.setattr(rank_failure.time, 'sleep', waited.append)
    fail(RuntimeError(GLOO))
    assert waited == [rank_failure.SECONDS_TO_BE_ENDED]
    assert 'rank 3: another rank has ended; its error stands' in capsys.readouterr().err
    assert (tmp_path / 'error.json').exists()


def test_without_a_launcher_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.delenv(ERROR_FILE, raising=False)
    monkeypatch.chdir(tmp_path)
    fail(ValueError('a'))
    assert list(tmp_path.iterdir()) == []
