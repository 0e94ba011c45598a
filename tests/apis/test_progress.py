import pytest

from ocec.apis.progress import track


@pytest.mark.parametrize(
    ('total', 'expected'), [(8, [2, 4, 6, 8]), (3, [1, 2, 3]), (1, [1])]
)
def test_items_pass_and_at_most_four_lines_appear(capfd, total, expected):
    assert list(track(iter(range(total)), total=total, what='steps')) == [*range(total)]
    lines = capfd.readouterr().err.splitlines()
    assert lines == [f'steps: {done} of {total}' for done in expected]


def test_nothing_is_done_ahead_of_the_loop():
    begun = []
    items = (begun.append(number) or number for number in range(4))
    next(track(items, total=4, what='steps'))
    assert begun == [0]


def test_bar_on_a_terminal(monkeypatch, capfd):
    monkeypatch.setenv('FORCE_COLOR', '1')  # rich then takes stderr for a terminal
    assert list(track(range(3), total=3, what='steps')) == [0, 1, 2]
    error = capfd.readouterr().err
    assert 'steps' in error
    assert '\x1b[' in error  # cursor and colours, not lines
