import numpy as np
import pytest

from ocec.synthesis.action_motion import FPS, LEFT, RIGHT, Style, draw_style, move

STYLE = Style(tempo=1.0, reach=1.0, hand=RIGHT, phase=0.0, aim=(0.0, 0.0))


def rest(motions, clock, styles):
    """Do nothing."""


def test_who_does_nothing_stands_and_sways_a_little():
    first, second = move(np.random.default_rng(0), rest, [STYLE] * 2, 300)
    assert np.ptp(first.feet_T23, axis=0).max() == 0
    np.testing.assert_array_equal(np.sign(first.feet_T23[0, :, 0]), [1, -1])
    for curve in ('shift_T3', 'lean_T', 'head_T2', 'hands_T23'):
        one, other = getattr(first, curve), getattr(second, curve)
        assert len(one) == 300
        assert 0 < np.ptp(one, axis=0).max() <= 0.1
        assert np.abs(np.diff(one, axis=0)).max() < 0.01, curve
        assert not np.array_equal(one, other)


def test_the_clock_runs_at_the_tempo_of_the_first():
    seen = []
    fast = Style(tempo=1.5, reach=1.0, hand=LEFT, phase=0.0, aim=(0.0, 0.0))

    def look(motions, clock, styles):
        seen.append((len(motions), clock, styles))

    move(np.random.default_rng(0), look, [fast, STYLE], 31)
    [(num_bodies, clock, styles)] = seen
    assert num_bodies == 2
    assert styles == [fast, STYLE]
    assert clock.share_T[[0, 15, 30]].tolist() == [0.0, 0.5, 1.0]
    # frame 30 comes after one second
    assert FPS == 30
    np.testing.assert_allclose(clock.angle_T[[0, 30]], [0, 2 * np.pi * 1.5])


def test_styles_keep_the_habits_of_the_subject():
    rng = np.random.default_rng(0)
    styles = [
        draw_style(rng, tempo=1.2, reach=0.9, left_handed=True) for _ in range(400)
    ]
    assert np.mean([s.tempo for s in styles]) == pytest.approx(1.2, rel=0.03)
    assert np.mean([s.reach for s in styles]) == pytest.approx(0.9, rel=0.03)
    # one time in ten the other hand: standard error 1.5 %
    assert np.mean([s.hand == LEFT for s in styles]) == pytest.approx(0.9, abs=0.05)


def test_one_frame_is_refused():
    with pytest.raises(ValueError, match='num_frames must be >= 2, got 1'):
        move(np.random.default_rng(0), rest, [STYLE], 1)
