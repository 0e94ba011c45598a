import io

import pytest
from rich.console import Console

from ocec.apis import infer_video_progress
from ocec.apis.infer_video_progress import QUIET_S, VideoProgress


@pytest.fixture
def clock(monkeypatch):
    """A list whose only number is the time."""
    now = [100.0]
    monkeypatch.setattr(infer_video_progress.time, 'monotonic', lambda: now[0])
    return now


def test_lines_now_and_then_without_a_terminal(clock, capsys):
    with VideoProgress(50.0) as progress:
        for step in range(1, 5):
            clock[0] += QUIET_S / 2
            progress.update(float(step), blinks=step)
    # two frames in 30 s, four in 60
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        '2 of 50 s, 0 frames/s, 2 blinks',
        '4 of 50 s, 0 frames/s, 4 blinks',
    ]
    assert progress.fps == pytest.approx(4 / (2 * QUIET_S))


def test_a_camera_has_no_total(clock, capsys):
    with VideoProgress(None) as progress:
        clock[0] += QUIET_S
        progress.update(7.0, blinks=0)
    assert capsys.readouterr().err == '7 s, 0 frames/s, 0 blinks\n'


def test_a_terminal_gets_a_bar_that_goes(monkeypatch):
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80)
    monkeypatch.setattr(infer_video_progress, 'Console', lambda stderr: console)
    with VideoProgress(2.0) as progress:
        progress.update(1.0, blinks=3)
        progress._bar.refresh()
        assert '1 of 2 s' in screen.getvalue()
        assert '3 blinks' in screen.getvalue()
