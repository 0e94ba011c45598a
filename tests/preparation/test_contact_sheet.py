import cv2
import numpy as np
import pytest

from ocec.preparation.contact_sheet import (
    BACKGROUND,
    FRAME,
    GAP,
    LINE_HEIGHT,
    PICTURE_HW,
    Tile,
    _fitting,
    draw_contact_sheet,
    encode_png,
)

COLOURS = [(200, 0, 0), (0, 200, 0), (0, 0, 200), (90, 90, 0), (0, 90, 90)]
STEP_X = PICTURE_HW[1] + 2 * GAP
STEP_Y = PICTURE_HW[0] + 2 * GAP


def plain(colour, size=(10, 20)):
    return Tile(np.full((*size, 3), colour, np.uint8))


def colour_at(sheet, row, column, step_y=STEP_Y):
    """Colour in the middle of the picture of a place."""
    y = row * step_y + GAP + PICTURE_HW[0] // 2
    return tuple(sheet[y, column * STEP_X + STEP_X // 2].tolist())


def test_sets_stay_together_and_lines_are_filled():
    one, two, three, four, five = map(plain, COLOURS)
    sheet = draw_contact_sheet([[one, two], [three, four], [five]], columns=3)
    # the second pair does not fit beside the first; the single one fits beside it
    assert sheet.shape == (2 * STEP_Y, 3 * STEP_X, 3)
    assert [colour_at(sheet, 0, column) for column in range(3)] == [
        *COLOURS[:2],
        BACKGROUND,
    ]
    assert [colour_at(sheet, 1, column) for column in range(3)] == COLOURS[2:]


def test_a_long_set_goes_on_in_the_next_line():
    sheet = draw_contact_sheet([list(map(plain, COLOURS))], columns=2)
    assert sheet.shape == (3 * STEP_Y, 2 * STEP_X, 3)
    places = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)]
    assert [colour_at(sheet, *place) for place in places] == COLOURS


def test_a_frame_is_around_a_set_not_around_a_tile():
    sheet = draw_contact_sheet([[plain(COLOURS[0])] * 2, [plain(COLOURS[1])]])
    middle = GAP + PICTURE_HW[0] // 2
    framed = [tuple(colour) == FRAME for colour in sheet[middle].tolist()]
    assert np.flatnonzero(framed).tolist() == [
        *(1, 2 * STEP_X - 2),
        *(2 * STEP_X + 1, 3 * STEP_X - 2),
    ]


@pytest.mark.parametrize(
    ('size', 'shown'),
    [
        ((168, 168), (84, 84)),  # high: made smaller, the aspect stays
        ((84, 336), (42, 168)),
        ((10, 20), (40, 80)),  # tiny: at most four times as large
        ((1000, 1), (84, 1)),
    ],
)
def test_pictures_keep_their_aspect(size, shown):
    sheet = draw_contact_sheet([[plain((1, 2, 3), size)]])
    rows, columns = np.nonzero((sheet == (1, 2, 3)).all(axis=2))
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == shown


def test_enlarged_pixels_stay_pixels():
    image = np.array([[[0, 0, 0], [255, 255, 255]]] * 2, np.uint8)
    sheet = draw_contact_sheet([[Tile(image)]])
    black = (sheet == 0).all(axis=2)
    assert black.sum() == 8 * 4


def test_captions_are_written_below():
    image = np.full((84, 168, 3), 7, np.uint8)
    lines = ('first', 'second')
    sheet = draw_contact_sheet([[Tile(image, lines), Tile(image)]])
    assert len(sheet) == STEP_Y + 2 * LINE_HEIGHT
    top = GAP + PICTURE_HW[0]
    dark = (sheet < 120).all(axis=2)
    for number in range(2):
        line = dark[top + number * LINE_HEIGHT : top + (number + 1) * LINE_HEIGHT]
        assert line[:, :STEP_X].any()
        assert not line[:, STEP_X:].any()


def test_an_empty_place_has_its_caption():
    sheet = draw_contact_sheet([[Tile(None, ('gone',))]])
    assert colour_at(sheet, 0, 0) == BACKGROUND
    assert (sheet < 120).any()


def test_long_and_foreign_texts_fit():
    for text in ('x' * 200, 'Ärger mit Umlauten ' * 9, 'W' * 30 + '...', ''):
        shown = _fitting(text)
        width = cv2.getTextSize(shown, cv2.FONT_HERSHEY_SIMPLEX, 0.38, 1)[0][0]
        assert width <= PICTURE_HW[1]
        assert shown.isascii()
    assert _fitting('short') == 'short'
    assert _fitting('x' * 200).endswith('x..')


@pytest.mark.parametrize(
    ('sets', 'columns', 'message'),
    [
        ([], 6, 'a contact sheet needs a tile, got none'),
        ([[], []], 6, 'a contact sheet needs a tile, got none'),
        ([[plain((0, 0, 0))]], 0, 'columns must be >= 1, got 0'),
    ],
)
def test_bad_arguments_are_named(sets, columns, message):
    with pytest.raises(ValueError, match=message):
        draw_contact_sheet(sets, columns=columns)


def test_a_png_keeps_every_pixel():
    image = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    decoded = cv2.imdecode(np.frombuffer(encode_png(image), np.uint8), 1)
    np.testing.assert_array_equal(decoded[..., ::-1], image)
