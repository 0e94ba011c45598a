import io

import pytest
from rich.console import Console

from ocec.apis import crop_persons_progress
from ocec.apis.crop_persons_progress import rate_line, track_rate


def test_a_line_for_each_twentieth(capsys):
    items = list(track_rate(iter(range(40)), total=40, what='cropping', unit='clips'))
    assert items == list(range(40))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 20
    assert lines[0].startswith('cropping: 2 of 40, ')
    assert lines[-1].endswith(' clips/s, 0:00:00 left')


def test_the_rest_is_what_the_rate_leaves():
    # 30 in 60 s: 0.5 a second, 90 take 180 s
    assert rate_line(30, 120, 60.0, 'clips') == '30 of 120, 0.5 clips/s, 0:03:00 left'


@pytest.mark.parametrize('num_items', [1, 7])
def test_a_bar_on_a_terminal(monkeypatch, num_items):
    stream = io.StringIO()
    monkeypatch.setattr(
        crop_persons_progress,
        'Console',
        lambda stderr: Console(file=stream, force_terminal=True, width=100),
    )
    items = track_rate(range(num_items), total=num_items, what='cropping', unit='clips')
    assert list(items) == list(range(num_items))
    assert 'clips/s' in stream.getvalue()
    assert f'/{num_items}' in stream.getvalue()
