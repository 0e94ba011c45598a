import numpy as np
import pytest

from ocec.preparation.ntu_bodies import choose_persons, motion, spread_noise
from ocec.preparation.ntu_skeleton_file import NtuBody


def make_body(frames, *, speed=0.01, width=0.4):
    """A body 2 m high that moves along z, of 25 joints on a diagonal."""
    frames = np.array(frames)
    along = np.linspace(0, 1, 25)
    xyz = np.zeros((len(frames), 25, 3))
    xyz[..., 0] = width * along
    xyz[..., 1] = 2 * along
    xyz[..., 2] = 3 + speed * np.arange(len(frames))[:, None]
    shape = xyz.shape[:2]
    return NtuBody(frames, xyz, np.zeros((*shape, 2)), np.full(shape, 2))


def chosen(bodies):
    persons, dropped = choose_persons(bodies)
    numbers = {id(body): number for number, body in enumerate(bodies)}
    return [[numbers[id(body)] for body in person] for person in persons], dropped


def test_motion_is_the_variance_over_frames_and_joints():
    xyz = np.random.default_rng(0).normal(size=(7, 25, 3))
    rows = [joint for frame in xyz for joint in frame]
    mean = sum(rows) / len(rows)
    expected = sum(((row - mean) ** 2).sum() for row in rows) / len(rows)
    assert motion(xyz) == pytest.approx(expected)


def test_a_frame_is_noise_above_four_fifths():
    # 2 m high: 1.6 m wide is the limit
    wide = [spread_noise(make_body([0], width=w).xyz_FK3)[0] for w in (1.59, 1.61)]
    assert wide == [False, True]


def test_a_single_body_stays_whatever_it_is():
    persons, dropped = chosen([make_body(range(3), width=9.0)])
    assert persons == [[0]]
    assert not dropped


def test_bodies_of_eleven_frames_go():
    bodies = [make_body(range(11), speed=1.0), make_body(range(12))]
    persons, dropped = chosen(bodies)
    assert persons == [[1]]
    assert dropped == {'short': 1}


def test_of_short_ones_alone_the_one_that_moves_most_stays():
    persons, dropped = chosen([make_body(range(5)), make_body(range(5), speed=1.0)])
    assert persons == [[1]]
    assert dropped == {'short': 1}


def partly_wide(num_wide, *, num_frames=100, speed=0.01):
    body = make_body(range(num_frames), speed=speed)
    body.xyz_FK3[:num_wide, :, 0] *= 10
    return body


def test_a_body_that_is_mostly_wide_goes():
    # 69 % of the frames are below 0.69754, 70 % above
    person = make_body(range(100))
    assert chosen([person, partly_wide(70)]) == ([[0]], {'spread': 1})
    assert len(chosen([person, partly_wide(69)])[0]) == 2


def test_motion_of_wide_frames_does_not_count():
    # ten wide frames vary x more than the other moves
    loud = partly_wide(10, speed=0.0)
    calm = make_body(range(100), speed=0.01)
    assert motion(loud.xyz_FK3) > motion(calm.xyz_FK3)
    assert chosen([loud, calm])[0] == [[1], [0]]


def test_of_wide_ones_alone_the_one_that_moves_most_stays():
    bodies = [make_body(range(20), width=9.0, speed=s) for s in (0.0, 5.0)]
    assert chosen(bodies) == ([[1]], {'spread': 1})


def test_two_persons_come_by_motion_and_a_third_goes():
    bodies = [make_body(range(30), speed=s) for s in (0.01, 0.03, 0.02)]
    assert chosen(bodies) == ([[1], [2]], {'third': 1})


def test_a_body_under_a_new_id_goes_on_with_its_person():
    first, second = make_body(range(20), speed=0.03), make_body(range(25, 45))
    assert chosen([first, second]) == ([[0, 1]], {})


def test_one_frame_in_common_makes_two_persons():
    bodies = [make_body(range(20), speed=0.03), make_body(range(19, 45), speed=0.001)]
    assert len(chosen(bodies)[0]) == 2


def test_who_is_there_first_is_the_first_person():
    late, early = make_body(range(5, 40), speed=0.1), make_body(range(0, 40))
    assert chosen([late, early])[0] == [[1], [0]]
