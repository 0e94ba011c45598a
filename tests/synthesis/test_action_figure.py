import numpy as np
import pytest

from ocec.synthesis import action_moves
from ocec.synthesis.action_figure import (
    ANKLES,
    ELBOWS,
    FACE,
    HIPS,
    KNEES,
    SHOULDERS,
    WRISTS,
    bend,
    draw_action_subject,
    joints_of,
)
from ocec.synthesis.action_motion import draw_style, move

ONE_PERSON = (
    *('wave', 'clap', 'point', 'squat', 'jump', 'kick', 'sit_down', 'stand_up'),
    *('hand_to_face', 'hold_before_chest', 'nod', 'shake_head'),
)


def pose(name, *, turn=0.0, place=(0.0, 0.0), seed=0):
    rng = np.random.default_rng(seed)
    subject = draw_action_subject(rng)
    style = draw_style(rng, tempo=1.0, reach=1.0, left_handed=False)
    [motion] = move(rng, getattr(action_moves, name), [style], 60)
    return subject.body, joints_of(subject.body, motion, turn=turn, place=place)


def lengths(first, second):
    return np.linalg.norm(first - second, axis=-1)


@pytest.mark.parametrize('name', ONE_PERSON)
def test_bones_keep_their_lengths_and_feet_stay_above_the_floor(name):
    body, joints_TK3 = pose(name, turn=0.4, place=(0.3, -0.2))
    parts = {
        limb: joints_TK3[:, where]
        for limb, where in {
            'shoulder': SHOULDERS,
            'elbow': ELBOWS,
            'wrist': WRISTS,
            'hip': HIPS,
            'knee': KNEES,
            'ankle': ANKLES,
        }.items()
    }
    for first, second, length in (
        ('shoulder', 'elbow', body.upper_arm),
        ('elbow', 'wrist', body.forearm),
        ('hip', 'knee', body.thigh),
        ('knee', 'ankle', body.shin),
    ):
        np.testing.assert_allclose(lengths(parts[first], parts[second]), length)
    assert joints_TK3[:, ANKLES, 1].min() > body.ankle - 0.02
    chest_T3, hip_T3 = parts['shoulder'].mean(1), parts['hip'].mean(1)
    np.testing.assert_allclose(lengths(chest_T3, hip_T3), body.trunk)


def test_joints_are_in_the_order_of_coco():
    _, joints_TK3 = pose('nod')
    # facing z: the left of the body has the larger x
    for left in range(1, 17, 2):
        assert (joints_TK3[:, left, 0] > joints_TK3[:, left + 1, 0]).mean() > 0.9, left
    rows = joints_TK3[:, :, 1].mean(0)
    assert rows[FACE].min() > rows[SHOULDERS].max() > rows[HIPS].max()
    assert rows[HIPS].min() > rows[KNEES].max() > rows[ANKLES].max()
    assert (joints_TK3[:, 0, 2] > joints_TK3[:, 3:5, 2].max(1)).all()


def test_turning_a_body_turns_its_joints_about_the_place_it_stands_on():
    _, front_TK3 = pose('wave')
    _, left_TK3 = pose('wave', turn=np.pi / 2, place=(1.0, 2.0))
    # a quarter to its left: what was forward (z) is now x, what was left (x) is -z
    expected = np.stack(
        [front_TK3[..., 2] + 1, front_TK3[..., 1], 2 - front_TK3[..., 0]], axis=-1
    )
    np.testing.assert_allclose(left_TK3, expected, atol=1e-12)


@pytest.mark.parametrize(('name', 'axis'), [('nod', 1), ('shake_head', 0)])
def test_a_turning_head_leaves_the_middle_of_its_ears(name, axis):
    body, joints_TK3 = pose(name)
    offset_T3 = joints_TK3[:, 0] - joints_TK3[:, 3:5].mean(1)
    spread_3 = offset_T3.std(0)
    # 0.55 rad of a swing, of which the sine has a spread of 0.7: 0.35 radii or less
    assert 0.15 * body.head < spread_3[axis] < 0.5 * body.head
    assert spread_3[axis] > 5 * spread_3[1 - axis]


def test_bending_reaches_a_target_or_goes_as_near_as_it_can():
    root, pole = np.zeros((3, 3)), np.tile([0.0, 0.0, 1.0], (3, 1))
    target = np.array([[0.0, -1.4, 0.0], [0.0, -5.0, 0.0], [0.0, -0.01, 0.0]])
    middle, end = bend(root, target, 1.0, 0.8, pole)
    np.testing.assert_allclose(end[0], target[0])
    # law of cosines: (1 + 1.4**2 - 0.8**2) / (2 * 1.4)
    along = 2.32 / 2.8
    np.testing.assert_allclose(
        middle[0], [0, -along, np.sqrt(1 - along**2)], atol=1e-12
    )
    np.testing.assert_allclose(end[1], [0, -0.985 * 1.8, 0])
    np.testing.assert_allclose(lengths(end[2], root[2]), 1.05 * 0.2 + 1e-3)
    np.testing.assert_allclose(lengths(middle, root), 1.0)
    np.testing.assert_allclose(lengths(middle, end), 0.8)


def test_subjects_differ_and_the_same_state_gives_the_same_one():
    rng = np.random.default_rng(0)
    subjects = [draw_action_subject(rng) for _ in range(200)]
    assert subjects[0] == draw_action_subject(np.random.default_rng(0))
    assert len({s.clothes.shirt for s in subjects}) == 200
    statures = [
        b.ankle + b.leg + b.trunk + b.neck + b.head for b in (s.body for s in subjects)
    ]
    assert 1.4 < min(statures) < 1.6
    assert 1.85 < max(statures) < 2.1
    assert np.mean([s.left_handed for s in subjects]) == pytest.approx(0.2, abs=0.09)
