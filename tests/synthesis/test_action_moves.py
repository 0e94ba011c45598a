import numpy as np
import pytest

from ocec.synthesis.action_motion import FPS, LEFT, RIGHT, Style, move
from ocec.synthesis.action_moves import (
    clap,
    hand_to_face,
    hold_before_chest,
    hug,
    jump,
    kick,
    nod,
    point,
    push,
    shake_head,
    sit_down,
    squat,
    stand_up,
    wave,
)

STYLE = Style(tempo=1.0, reach=1.0, hand=RIGHT, phase=0.0, aim=(0.0, 0.0))


def do(action, num_frames=90, style=STYLE, bodies=1):
    rng = np.random.default_rng(0)
    return move(rng, action, [style] * bodies, num_frames)


def rest(motions, clock, styles):
    """Do nothing."""


def frequency(curve_T):
    """Hz of the strongest swing."""
    power = np.abs(np.fft.rfft(curve_T - curve_T.mean()))
    return np.fft.rfftfreq(len(curve_T), 1 / FPS)[power.argmax()]


def test_waving_swings_the_raised_leading_hand_alone():
    [motion] = do(wave)
    raised = slice(20, 70)
    assert (motion.hands_T23[raised, RIGHT, 1] > 0.3).all()
    assert (motion.hands_T23[:, LEFT, 1] < -0.8).all()
    # 50 frames are 1.67 s: the spectrum has a line every 0.6 Hz
    swing_T = motion.hands_T23[raised, RIGHT, 0]
    assert frequency(swing_T) == pytest.approx(1.9, abs=0.31)
    left = Style(tempo=1.0, reach=1.0, hand=LEFT, phase=0.0, aim=(0.0, 0.0))
    [other] = do(wave, style=left)
    assert (other.hands_T23[raised, LEFT, 1] > 0.3).all()


def test_clapping_brings_both_hands_together():
    [motion] = do(clap)
    gap_T = motion.hands_T23[:, LEFT, 0] - motion.hands_T23[:, RIGHT, 0]
    assert gap_T[20:75].min() == pytest.approx(2 * 0.02, abs=0.01)
    assert frequency(gap_T[20:65]) == pytest.approx(2.2, abs=0.4)


def test_sitting_down_and_standing_up_are_of_one_kind_in_other_order():
    [down], [up] = do(sit_down), do(stand_up)
    low = -0.47
    heights = [m.shift_T3[[0, -1], 1].tolist() for m in (down, up)]
    np.testing.assert_allclose(heights, [[0, low], [low, 0]], atol=1e-9)
    assert (np.diff(down.shift_T3[:, 1]) <= 1e-12).all()


def test_a_jump_lifts_the_feet_and_a_squat_does_not():
    [jumped], [squatted] = do(jump), do(squat)
    assert jumped.feet_T23[..., 1].max() > 0.25
    assert jumped.shift_T3[:, 1].max() > 0.25
    assert not squatted.feet_T23[..., 1].any()
    assert squatted.shift_T3[:, 1].min() == pytest.approx(-0.46, abs=0.01)


def test_a_kick_lifts_one_foot():
    [motion] = do(kick)
    assert motion.feet_T23[:, RIGHT, 2].max() > 0.6
    assert not motion.feet_T23[:, LEFT, 2].any()


@pytest.mark.parametrize(('action', 'axis'), [(nod, 0), (shake_head, 1)])
def test_heads_turn_about_one_axis_and_nothing_else_moves(action, axis):
    [motion], [still] = do(action), do(rest)
    extra_T2 = motion.head_T2 - still.head_T2
    assert np.abs(extra_T2[:, axis]).max() > 0.45
    assert not extra_T2[:, 1 - axis].any()
    for curve in ('shift_T3', 'lean_T', 'hands_T23', 'feet_T23'):
        np.testing.assert_array_equal(getattr(motion, curve), getattr(still, curve))


def test_pushing_makes_the_other_one_step_back():
    first, second = do(push, bodies=2)
    assert first.shift_T3[-1, 2] == pytest.approx(0.3)
    assert second.shift_T3[-1, 2] == pytest.approx(-0.4)
    reach_T = first.hands_T23[:, :, 2].mean(1)
    falls_T = -np.diff(second.shift_T3[:, 2])
    # the fastest step back comes when the arms are near their longest
    assert reach_T[falls_T.argmax()] > 0.5 * reach_T.max()


def test_hugging_closes_the_distance_with_feet_down_at_the_end():
    for motion in do(hug, bodies=2):
        assert motion.shift_T3[-1, 2] == pytest.approx(0.33)
        np.testing.assert_allclose(motion.feet_T23[-1, :, 1], 0, atol=1e-9)
        assert motion.feet_T23[..., 1].max() > 0.05
        assert motion.hands_T23[45, :, 2].min() > 0.5


def test_pointing_and_things_in_hands_hold_still():
    for action in (point, hand_to_face, hold_before_chest):
        hand_T3 = do(action)[0].hands_T23[40:65, RIGHT]
        assert np.ptp(hand_T3, axis=0).max() < 0.1, action
    assert do(point)[0].hands_T23[50, RIGHT, 2] == pytest.approx(0.9, abs=0.01)


def test_a_faster_style_swings_faster():
    fast = Style(tempo=1.5, reach=1.0, hand=RIGHT, phase=0.0, aim=(0.0, 0.0))
    hand_T = do(wave, style=fast)[0].hands_T23[20:70, RIGHT, 0]
    assert frequency(hand_T) == pytest.approx(1.5 * 1.9, abs=0.31)
