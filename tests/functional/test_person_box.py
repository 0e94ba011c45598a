import numpy as np
import pytest

from ocec.functional.person_box import person_box


def person(*points):
    return np.array(points, np.float16)[None, None]


def test_the_box_has_room_and_is_square():
    # x 100 to 180, y 40 to 60: 80 wide, 100 with room; as high, so around y 50
    box = person_box(person((100, 40), (180, 60)), (400, 400))
    assert box.tolist() == [90, 0, 190, 100]
    assert box.dtype == np.float32
    # one pixel less of a frame cuts it: no longer square
    assert person_box(person((100, 40), (180, 60)), (99, 189)).tolist() == [
        90,
        0,
        189,
        99,
    ]


def test_the_box_may_leave_the_frame():
    points = person((10, 10), (50, 90))
    inside = person_box(points, (100, 100))
    # 80 high, 100 with room, and as wide around x 30
    assert inside.tolist() == [0, 0, 80, 100]
    beyond = person_box(points, (100, 100), beyond_frame=True)
    assert beyond.tolist() == [-20, 0, 80, 100]


def test_ratio_and_padding():
    points = person((100, 100), (120, 140))
    assert person_box(points, (300, 300), padding=0, ratio=None).tolist() == [
        100,
        100,
        120,
        140,
    ]
    # twice as high as wide already
    assert person_box(points, (300, 300), padding=0, ratio=2.0).tolist() == [
        100,
        100,
        120,
        140,
    ]
    # half as high as wide: 80 wide around x 110
    assert person_box(points, (300, 300), padding=0, ratio=0.5).tolist() == [
        70,
        100,
        150,
        140,
    ]


def test_zeros_are_missing_in_each_coordinate():
    points = person((0, 0), (100, 40), (180, 60), (0, 50))
    expected = person_box(person((100, 40), (180, 60)), (400, 400))
    assert person_box(points, (400, 400)).tolist() == expected.tolist()


def test_all_persons_and_frames_count():
    keypoint = np.zeros((2, 3, 4, 2))
    keypoint[0, 0, 1], keypoint[1, 2, 3] = (100, 40), (180, 60)
    box = person_box(keypoint, (400, 400))
    assert box.tolist() == [90, 0, 190, 100]


@pytest.mark.parametrize(
    'points',
    [
        [(0, 0), (0, 0)],
        [(50, 50), (0, 0)],
        [(50, 50), (59, 90)],  # 9 px wide
        [(50, 50), (90, 59)],
        [(150, 50), (190, 90)],  # beyond the right edge
        [(-90, -90), (-20, -20)],
    ],
)
def test_the_whole_frame_where_there_is_no_person(points):
    assert person_box(person(*points), (80, 100)).tolist() == [0, 0, 100, 80]


def test_bad_settings_are_named():
    with pytest.raises(ValueError, match=r'padding must be >= 0 .* got -1, 1.0'):
        person_box(person((1, 1)), (80, 100), padding=-1)
    with pytest.raises(ValueError, match=r'ratio > 0, got 0.25, 0'):
        person_box(person((1, 1)), (80, 100), ratio=0)
