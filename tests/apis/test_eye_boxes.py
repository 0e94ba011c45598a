import numpy as np
import pytest

from ocec.apis.eye_boxes import (
    CsvBoxes,
    EyeBox,
    FixedBoxes,
    best_pair,
    clip_box,
    crop_eye,
    intersection_over_union,
)

FRAME = np.arange(20 * 30 * 3, dtype=np.uint32).astype(np.uint8).reshape(20, 30, 3)


def edges(box):
    return box.x1, box.y1, box.x2, box.y2


@pytest.mark.parametrize(
    ('box', 'inside'),
    [
        ((2.7, 3.2, 10.9, 8.0), (2, 3, 10, 8)),
        ((-5, -1, 4.5, 30), (0, 0, 4, 20)),
        ((25, 15, 99, 99), (25, 15, 30, 20)),
        ((-9, 3, 0, 8), None),
        ((30, 3, 40, 8), None),
        ((5, 21, 9, 29), None),
        ((5.2, 3, 5.9, 8), None),  # within one column
        ((9, 3, 5, 8), None),  # turned round
        ((float('nan'), 3, 9, 8), None),
        ((0, 0, float('inf'), 8), None),
    ],
)
def test_boxes_are_cut_at_the_frame(box, inside):
    clipped = clip_box(EyeBox(*box, score=0.7, eye='left'), 30, 20)
    if inside is None:
        assert clipped is None
    else:
        assert edges(clipped) == inside
        assert all(isinstance(edge, int) for edge in edges(clipped))
        assert (clipped.score, clipped.eye) == (0.7, 'left')


def test_a_crop_is_the_box_and_its_own_memory():
    frame = FRAME.copy()
    crop = crop_eye(frame, clip_box(EyeBox(4, 6, 9, 8), 30, 20))
    assert np.array_equal(crop, FRAME[6:8, 4:9])
    frame[:] = 0
    assert np.array_equal(crop, FRAME[6:8, 4:9])


def test_overlap_by_counting_pixels():
    rng = np.random.default_rng(0)
    for _ in range(50):
        corners = rng.integers(0, 12, (2, 2, 2))
        low, high = corners.min(1), corners.max(1) + 1
        one, other = (
            EyeBox(*first, *last) for first, last in zip(low, high, strict=True)
        )
        grids = np.zeros((2, 14, 14), bool)
        for grid, box in zip(grids, (one, other), strict=True):
            grid[box.y1 : box.y2, box.x1 : box.x2] = True
        expected = (grids[0] & grids[1]).sum() / (grids[0] | grids[1]).sum()
        assert intersection_over_union(one, other) == pytest.approx(expected)


def test_the_two_best_boxes_are_not_the_same_eye_twice():
    left, again = EyeBox(0, 0, 10, 6, 0.9), EyeBox(1, 0, 11, 6, 0.8)
    right, third = EyeBox(30, 0, 40, 6, 0.7), EyeBox(60, 0, 70, 6, 0.6)
    assert best_pair([third, right, again, left]) == [left, right]
    assert best_pair([]) == []


def test_fixed_boxes_are_named_by_their_order():
    detector = FixedBoxes([(50, 10, 70, 20), (10, 10, 30, 20)])
    found = detector.detect(FRAME, 5)
    assert [(box.eye, box.x1) for box in found] == [('left', 10.0), ('right', 50.0)]
    [alone] = FixedBoxes([(50, 10, 70, 20)]).detect(FRAME, 0)
    assert alone.eye is None


@pytest.mark.parametrize(
    ('boxes', 'message'),
    [
        ([], 'one or two boxes are needed, got 0'),
        ([(0, 0, 1, 1)] * 3, 'one or two boxes are needed, got 3'),
        ([(5, 0, 5, 4)], r'x1 < x2 and y1 < y2, got \(5, 0, 5, 4\)'),
        ([(5, 0, 9)], r'x1,y1,x2,y2 .* got \(5, 0, 9\)'),
    ],
)
def test_fixed_boxes_must_be_boxes(boxes, message):
    with pytest.raises(ValueError, match=message):
        FixedBoxes(boxes)


def test_csv_boxes_by_frame(tmp_path):
    file = tmp_path / 'boxes.csv'
    # a byte order mark, as spreadsheets write it, and a further column
    file.write_text(
        '\ufeffframe,eye,x1,y1,x2,y2,note\n'
        '0,left,1,2,3,4,a\n0,right,5.5,2,8,4,\n3,,1,2,3,4,\n',
        encoding='utf-8',
    )
    detector = CsvBoxes(file)
    assert detector.detect(FRAME, 0) == [
        EyeBox(1, 2, 3, 4, eye='left'),
        EyeBox(5.5, 2, 8, 4, eye='right'),
    ]
    assert detector.detect(FRAME, 1) == []
    assert detector.detect(FRAME, 3) == [EyeBox(1, 2, 3, 4)]


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', 'columns frame, eye, x1, y1, x2, y2 are missing; found none'),
        ('frame,x1,y1,x2\n', 'columns eye, y2 are missing; found frame, x1'),
        (
            'frame,eye,x1,y1,x2,y2\n0,left,1,2,3,4\n1,left,a,2,3,4\n',
            r'boxes.csv:3: frame must be a whole number .* got \[.1., .left., .a.',
        ),
        ('frame,eye,x1,y1,x2,y2\n1,left,1\n', 'boxes.csv:2: frame must be'),
        ('frame,eye,x1,y1,x2,y2\n0,L,1,2,3,4\n', "right or empty, got 'L'"),
        (
            'frame,eye,x1,y1,x2,y2\n' + '7,left,1,2,3,4\n' * 2,
            'frame 7 has two boxes of the left eye',
        ),
    ],
)
def test_a_wrong_csv_is_named(tmp_path, text, message):
    file = tmp_path / 'boxes.csv'
    file.write_text(text)
    with pytest.raises(ValueError, match=message):
        CsvBoxes(file)


def test_a_missing_csv_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='no.csv: no such file of boxes'):
        CsvBoxes(tmp_path / 'no.csv')
