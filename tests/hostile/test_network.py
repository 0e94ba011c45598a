"""Training, testing and inference reach for no network."""

import socket
import sys

import pytest

from ocec.apis.infer import infer
from ocec.apis.test import test as run_test
from ocec.apis.train import train

ATTEMPTS = ('socket.connect', 'socket.getaddrinfo', 'socket.sendto', 'urllib.Request')


class Wall:
    """Notes each attempt to reach an address; a hook of Python cannot be removed."""

    def __init__(self):
        self.is_up, self.attempts = False, []
        sys.addaudithook(self.hear)

    def hear(self, event, arguments):
        if not self.is_up or event not in ATTEMPTS:
            return
        # programs of this machine, as the workers of a loader
        if event == 'socket.connect' and arguments[0].family == socket.AF_UNIX:
            return
        self.attempts.append(f'{event} {arguments!r}')
        raise OSError('there is no network')


@pytest.fixture(scope='session')
def built_wall():
    return Wall()


@pytest.fixture
def wall(built_wall):
    built_wall.is_up, built_wall.attempts = True, []
    yield built_wall
    built_wall.is_up = False


def test_the_wall_stands(wall):
    with pytest.raises(OSError, match='there is no network'):
        socket.create_connection(('127.0.0.1', 9))
    assert len(wall.attempts) > 0


def test_a_training_a_test_and_an_inference(
    tmp_path, write_config, wall, make_eye_parquet
):
    config = write_config("test_dataloader['dataset']['split'] = 'val'")
    result = train(config, work_dir=tmp_path / 'run')
    best = result.work_dir / result.best['file']
    metrics = run_test(config, best, work_dir=tmp_path / 'test')
    assert metrics['eye/f1'] == result.best['value']
    counts = infer(best, [make_eye_parquet(num_rows=8)], out=tmp_path / 'scores.csv')
    assert counts.num_scored == 8
    assert wall.attempts == []
