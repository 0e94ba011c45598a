import numpy as np
import pytest

from ocec.apis.eye_boxes import EyeBox
from ocec.apis.eye_boxes_track import FORGET_S, EyeTracker


def box_at(x, y=50.0, eye=None):
    return EyeBox(x - 10, y - 5, x + 10, y + 5, eye=eye)


def name(tracker, time_s, *boxes):
    """Name -> x of the centre."""
    named = tracker.update(time_s, boxes, frame_width=200)
    return {eye: box.centre[0] for eye, box in named.items()}


def test_two_eyes_are_named_by_their_order():
    assert name(EyeTracker(), 0.0, box_at(120), box_at(60)) == {
        'left': 60,
        'right': 120,
    }


def test_names_stay_through_motion_and_any_order_of_boxes():
    rng = np.random.default_rng(0)
    tracker, x = EyeTracker(), 60.0
    for frame in range(200):
        x += rng.normal(0, 6)
        boxes = [box_at(x), box_at(x + 60)]
        if rng.random() < 0.5:
            boxes.reverse()
        named = name(tracker, frame / 30, *boxes)
        assert named == pytest.approx({'left': x, 'right': x + 60})


def test_an_eye_alone_is_the_nearer_one():
    tracker = EyeTracker()
    name(tracker, 0.0, box_at(60), box_at(120))
    assert name(tracker, 0.1, box_at(110)) == {'right': 110}
    assert name(tracker, 0.2, box_at(80)) == {'left': 80}
    # both have moved on since they were seen last
    assert name(tracker, 0.3, box_at(70), box_at(130)) == {'left': 70, 'right': 130}


def test_names_stay_when_the_head_lies_on_its_side():
    tracker = EyeTracker()
    for step, angle in enumerate(np.linspace(0, np.pi * 0.7, 30)):
        away = 30 * np.array([np.cos(angle), np.sin(angle)])
        boxes = [box_at(*(np.array([100, 100]) + side * away)) for side in (1, -1)]
        named = tracker.update(step / 30, boxes, frame_width=200)
        assert named == {'right': boxes[0], 'left': boxes[1]}
    assert boxes[0].centre[0] < boxes[1].centre[0]


def test_an_eye_alone_without_a_past_is_named_by_its_half_until_both_are_seen():
    tracker = EyeTracker()
    assert name(tracker, 0.0, box_at(80)) == {'left': 80}
    assert name(tracker, 0.1, box_at(40), box_at(82)) == {'left': 40, 'right': 82}
    assert name(EyeTracker(), 0.0, box_at(150)) == {'right': 150}


def test_a_second_eye_alone_takes_the_free_name():
    tracker = EyeTracker()
    assert name(tracker, 0.0, box_at(30)) == {'left': 30}
    # too far to be the same, in the same half of the picture
    assert name(tracker, 0.1, box_at(95)) == {'right': 95}


def test_another_face_is_named_anew():
    tracker = EyeTracker()
    name(tracker, 0.0, box_at(150), box_at(190))
    assert name(tracker, 0.1, box_at(60), box_at(20)) == {'left': 20, 'right': 60}


def test_eyes_are_forgotten():
    tracker = EyeTracker()
    name(tracker, 0.0, box_at(60), box_at(120))
    # nearer to the right eye, but that was too long ago: the left half
    late = FORGET_S + 0.1
    assert name(tracker, late, box_at(95)) == {'left': 95}


def test_names_of_the_detector_are_kept():
    tracker = EyeTracker()
    given = box_at(120, eye='left'), box_at(60, eye='right')
    assert name(tracker, 0.0, *given) == {'left': 120, 'right': 60}
    # one with a name leaves the other one to the box without
    mixed = box_at(60, eye='right'), box_at(118)
    assert name(tracker, 0.1, *mixed) == {'left': 118, 'right': 60}


def test_no_boxes_no_names():
    assert name(EyeTracker(), 0.0) == {}
