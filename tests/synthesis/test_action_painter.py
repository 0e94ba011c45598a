import dataclasses

import numpy as np
import pytest

from ocec.synthesis.action_figure import draw_action_subject, joints_of
from ocec.synthesis.action_motion import draw_style, move
from ocec.synthesis.action_moves import hand_to_face, nod
from ocec.synthesis.action_painter import OBJECTS, SCALE, Figure, Seat, paint_clip
from ocec.synthesis.action_scene import place_camera

SIZE = (160, 120)
GREEN = np.array([0, 255, 0], np.uint8)
# of colours that nothing else has
CLOTHES = {
    'skin': (1.0, 0.0, 0.0),
    'hair': (1.0, 0.0, 0.0),
    'shirt': (0.0, 0.0, 1.0),
    'trousers': (0.0, 0.0, 0.0),
    'shoes': (1.0, 1.0, 1.0),
    'long_sleeves': True,
}


def stand(action=nod, place=(0.0, 0.0), seed=0, **options):
    rng = np.random.default_rng(seed)
    subject = draw_action_subject(rng)
    clothes = dataclasses.replace(subject.clothes, **CLOTHES)
    subject = dataclasses.replace(subject, clothes=clothes)
    style = draw_style(rng, tempo=1.0, reach=1.0, left_handed=False)
    [motion] = move(rng, action, [style], 12)
    joints_TK3 = joints_of(subject.body, motion, turn=0.0, place=place)
    return Figure(subject, joints_TK3, **{'hand': style.hand} | options)


def paint(figures, camera, seat=None):
    width, height = camera.size
    room_HWC = np.tile(GREEN, (SCALE * height, SCALE * width, 1))
    return paint_clip(room_HWC, camera, figures, seat)


def view(number=1, size=SIZE):
    return place_camera(np.random.default_rng(number), number, size)


def centre_of(mask_HW):
    rows, columns = np.nonzero(mask_HW)
    return np.array([columns.mean(), rows.mean()])


def near(frame_HWC, point_2, reach):
    """(H, W) whether a pixel lies in the square around a point."""
    x, y = np.round(point_2).astype(int)
    mask_HW = np.zeros(frame_HWC.shape[:2], bool)
    mask_HW[y - reach : y + reach + 1, x - reach : x + reach + 1] = True
    return mask_HW


def is_red(frame_HWC):
    return (frame_HWC[..., 0] > 200) & (frame_HWC[..., 1:].max(-1) < 60)


@pytest.mark.parametrize('number', [1, 2, 3])
@pytest.mark.parametrize('size', [(160, 120), (320, 240)])
def test_head_hands_and_feet_are_painted_at_their_joints(number, size):
    camera, figure = view(number, size), stand()
    points_TK2, _ = camera.project(figure.joints_TK3)
    for frame_HWC, points_K2 in zip(paint([figure], camera), points_TK2, strict=True):
        head_2 = points_K2[3:5].mean(0)
        near_HW = near(frame_HWC, head_2, size[1] // 12)
        found_2 = centre_of(is_red(frame_HWC) & near_HW)
        np.testing.assert_allclose(found_2, head_2, atol=1.0)
        # from the side the trunk hides one of the hands
        for wrist in points_K2[9:11] if number == 1 else []:
            assert is_red(frame_HWC)[near(frame_HWC, wrist, 1)].any()
        for ankle in points_K2[15:17]:
            assert (frame_HWC[near(frame_HWC, ankle, 2)] > 150).all(-1).any()


def test_a_still_head_is_the_same_wherever_it_looks():
    camera, looking = view(), stand()
    turned_TK3 = looking.joints_TK3.copy()
    turned_TK3[:, :3] += [0.04, 0.03, 0.0]  # nose and eyes
    elsewhere = dataclasses.replace(looking, joints_TK3=turned_TK3)
    np.testing.assert_array_equal(paint([looking], camera), paint([elsewhere], camera))


@pytest.mark.parametrize('held', OBJECTS)
def test_what_is_held_shows_near_the_leading_hand_and_nowhere_else(held):
    camera = view()
    without = stand(hand_to_face)
    holding = dataclasses.replace(without, held=held)
    before, after = paint([without], camera)[6], paint([holding], camera)[6]
    changed_HW = (before != after).any(-1)
    assert changed_HW.sum() >= 15
    points_K2 = camera.project(without.joints_TK3)[0][6]
    hands = [9, 10] if held in ('book', 'tablet') else [9 + without.hand]
    away = centre_of(changed_HW) - points_K2[hands].mean(0)
    assert np.hypot(*away) < 4


def test_each_pair_of_things_differs_in_colour():
    camera = view()
    shown = {
        held: paint([stand(hand_to_face, held=held)], camera)[6].astype(int)
        for held in OBJECTS
    }
    for one, other in (('cup', 'phone'), ('book', 'tablet')):
        away_HW = np.abs(shown[one] - shown[other]).max(-1)
        assert (away_HW > 80).sum() >= 15


def test_who_is_nearer_hides_the_other():
    near, far = stand(place=(0.0, 0.6)), stand(place=(0.0, -0.6))
    shirt = dataclasses.replace(far.subject.clothes, shirt=(1.0, 1.0, 0.0))
    far = dataclasses.replace(
        far, subject=dataclasses.replace(far.subject, clothes=shirt)
    )
    camera = view()
    for order in ([near, far], [far, near]):
        frame_HWC = paint(order, camera)[0]
        chest_2 = camera.project(near.joints_TK3)[0][0, [5, 6, 11, 12]].mean(0)
        x, y = np.round(chest_2).astype(int)
        assert frame_HWC[y, x, 2] > 200
        assert frame_HWC[y, x, :2].max() < 20


def test_a_seat_is_painted_behind_the_figure():
    camera, figure = view(), stand()
    seat = Seat((0.0, 0.45, 0.0), 0.2)
    bare, seated = paint([figure], camera)[0], paint([figure], camera, seat)[0]
    shown_HW = (bare != seated).any(-1)
    was_green_HW = bare[..., 1] > 150
    assert shown_HW.sum() > 30
    # what the figure covers it still covers; soft edges and the shadow apart
    assert (shown_HW & ~was_green_HW).sum() < 0.35 * shown_HW.sum()


def test_feet_cast_a_shadow_on_the_floor():
    frame_HWC = paint([stand()], view())[0]
    # 72 % of the green floor
    is_shade_HW = (frame_HWC == [0, 183, 0]).all(-1)
    rows, _ = np.nonzero(is_shade_HW)
    assert len(rows) > 20
    assert rows.min() > 80
