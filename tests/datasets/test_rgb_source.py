import cv2
import numpy as np
import pytest

from ocec.datasets.action_table import read_action_table
from ocec.datasets.rgb_source import check_frame_shape, crop, find_videos, resize
from ocec.datasets.video_reader import VideoError

NAMES = ['S001C001P001R001A001', 'S001C001P002R001A002', 'S001C002P003R001A001']


@pytest.fixture
def table(annotate, write_pickle):
    return read_action_table(write_pickle([annotate(name) for name in NAMES]))


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / 'videos'
    folder.mkdir()
    return folder


def rows(table):
    return np.arange(len(table))


@pytest.mark.parametrize(
    ('pattern', 'layout'),
    [
        ('{}_rgb.avi', 'raw'),
        ('{}.avi', 'raw'),
        ('{}.mp4', 'resized'),
    ],
)
@pytest.mark.parametrize('is_asked_for', [False, True])
def test_whole_frames_are_found(
    table, root, write_video, pattern, layout, is_asked_for
):
    for name in NAMES:
        write_video(root / pattern.format(name), 2)
    asked = layout if is_asked_for else 'auto'
    source, missing = find_videos(root, table, rows(table), layout=asked)
    assert missing == {}
    assert source.layout == layout
    assert source.path_N.tolist() == [pattern.format(name) for name in NAMES]
    assert source.box_N4 is None


def test_whole_frames_in_spite_of_their_name(table, root, write_video):
    for name in NAMES:
        write_video(root / f'{name}_rgb.mp4', 2)
    source, _ = find_videos(root, table, rows(table))
    assert source.layout == 'resized'
    assert source.path_N.tolist() == [f'{name}_rgb.mp4' for name in NAMES]


def test_crops_are_told_by_their_shape(table, root, write_video):
    for name in NAMES:
        write_video(root / f'{name}_rgb.mp4', 2, frame_hw=(64, 64))
    source, _ = find_videos(root, table, rows(table))
    assert source.layout == 'crops'


def test_a_list_of_boxes_says_that_these_are_crops(table, root, write_video):
    # of the shape of whole frames, under the name of whole frames
    for name in NAMES:
        write_video(root / f'{name}.mp4', 2)
    lines = [f'{name},0,0,64,48' for name in NAMES]
    (root / 'boxes.csv').write_text('\n'.join(['name,x1,y1,x2,y2', *lines]))
    source, _ = find_videos(root, table, rows(table))
    assert source.layout == 'crops'
    assert source.box_N4.tolist() == [[0, 0, 64, 48]] * 3


def test_whole_frames_of_another_shape_are_refused(table, root, write_video):
    for name in NAMES:
        write_video(root / f'{name}.mp4', 2, frame_hw=(64, 64))
    expected = (
        rf'{NAMES[0]}.mp4: its frames are 64 x 64 pixels, those of the annotation '
        r"96 x 128, .* layout='crops'"
    )
    with pytest.raises(ValueError, match=expected):
        find_videos(root, table, rows(table))
    source, _ = find_videos(root, table, rows(table), layout='crops')
    assert source.path_N.tolist() == [f'{name}.mp4' for name in NAMES]


def test_videos_that_the_annotations_name(annotate, write_pickle, root, write_video):
    clips = [annotate('a', filename='x/1.mp4'), annotate('b', filename='2.mp4')]
    table = read_action_table(write_pickle(clips))
    write_video(root / 'x' / '1.mp4', 2)
    write_video(root / '2.mp4', 2)
    source, missing = find_videos(root, table, rows(table))
    assert (source.layout, missing) == ('listed', {})
    assert source.path_N.tolist() == ['x/1.mp4', '2.mp4']


def test_folders_of_pictures(table, root, numbers_of):
    for name in NAMES:
        (root / name).mkdir()
        for number in range(4):
            image = np.full((96, 128, 3), 20 + 5 * number, np.uint8)
            cv2.imwrite(str(root / name / f'{number}.png'), image)
    source, missing = find_videos(root, table, rows(table))
    assert (source.layout, missing) == ('frames', {})
    frames = source.read(1, [1, 3], box=(0, 0, 8, 8), frame_hw=(96, 128), size=(4, 4))
    assert numbers_of(frames) == [1, 3]


def test_missing_videos_are_named(table, root, write_video):
    write_video(root / f'{NAMES[0]}.mp4', 2)
    source, missing = find_videos(root, table, rows(table))
    assert missing == {
        1: f'clip "{NAMES[1]}": no video, looked for {NAMES[1]}.mp4 in {root}',
        2: f'clip "{NAMES[2]}": no video, looked for {NAMES[2]}.mp4 in {root}',
    }
    assert source.path_N.tolist() == [f'{NAMES[0]}.mp4', '', '']
    # clips of other splits are not asked for
    assert find_videos(root, table, np.array([0]))[1] == {}


def test_no_video_at_all_says_what_was_looked_for(table, root, tmp_path):
    with pytest.raises(FileNotFoundError, match='no video of the 3 clips') as caught:
        find_videos(root, table, rows(table))
    for name in ('_rgb.avi', '.avi', '.mp4', '_rgb.mp4', ''):
        assert f'{NAMES[0]}{name}' in str(caught.value)
    with pytest.raises(
        FileNotFoundError, match='the field filename, which no clip has'
    ):
        find_videos(root, table, rows(table), layout='listed')
    with pytest.raises(FileNotFoundError, match='gone: no such folder of videos'):
        find_videos(tmp_path / 'gone', table, rows(table))


def test_wrong_settings_are_named(table, root):
    with pytest.raises(ValueError, match=r"layout must be auto or one of .* got 'zip'"):
        find_videos(root, table, rows(table), layout='zip')
    with pytest.raises(ValueError, match=r"backend must be one of .* got 'decord'"):
        find_videos(root, table, rows(table), backend='decord')


def test_boxes_of_crops(table, root, write_video):
    for name in NAMES:
        write_video(root / f'{name}_rgb.mp4', 2, frame_hw=(64, 64))
    boxes = root / 'boxes.csv'
    boxes.write_text(
        f'name,x1,y1,x2,y2\n{NAMES[2]},1,2,31,42\nother,0,0,1,1\n{NAMES[0]},5,6,70,80\n'
    )
    source, missing = find_videos(root, table, rows(table))
    assert source.box_N4[[0, 2]].tolist() == [[5, 6, 70, 80], [1, 2, 31, 42]]
    assert missing == {1: f'clip "{NAMES[1]}": {boxes} has no box of it'}


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('name,x1\n', r'boxes.csv: it must have the columns name, x1, y1, x2, y2, got'),
        ('', r'boxes.csv: it must have the columns .* got None'),
        (
            f'name,x1,y1,x2,y2\n{NAMES[0]},1,2,x,4\n',
            rf'boxes.csv: clip "{NAMES[0]}": co',
        ),
        (f'name,x1,y1,x2,y2\n{NAMES[0]},1,2\n', rf'boxes.csv: clip "{NAMES[0]}": '),
        (f'name,x1,y1,x2,y2\n{NAMES[0]},8,2,8,9\n', r'box \[8.*\] is empty or endl'),
        (f'name,x1,y1,x2,y2\n{NAMES[0]},1,9,8,2\n', r'box \[1.*\] is empty or endl'),
        (f'name,x1,y1,x2,y2\n{NAMES[0]},1,2,nan,9\n', r'box \[1.*\] is empty or en'),
        (f'name,x1,y1,x2,y2\n{NAMES[0]},1,2,inf,9\n', r'box \[1.*\] is empty or en'),
        (
            f'name,x1,y1,x2,y2\n{NAMES[0]},9,2,3,4\n',
            r'box \[9.0, 2.0, 3.0, 4.0\] is emp',
        ),
    ],
)
def test_wrong_boxes_name_file_and_clip(table, root, write_video, content, message):
    write_video(root / f'{NAMES[0]}_rgb.mp4', 2, frame_hw=(64, 64))
    (root / 'boxes.csv').write_text(content)
    with pytest.raises(ValueError, match=message):
        find_videos(root, table, rows(table))


def quadrants(height, width):
    image = np.empty((height, width, 3), np.uint8)
    image[: height // 2, : width // 2] = (200, 40, 40)
    image[: height // 2, width // 2 :] = (40, 200, 40)
    image[height // 2 :, : width // 2] = (40, 40, 200)
    image[height // 2 :, width // 2 :] = (200, 200, 200)
    return image


@pytest.mark.parametrize('scale', [1, 2, 0.5])
def test_frames_are_cropped_to_the_box_whatever_their_size(
    table, root, write_video, scale
):
    size = round(96 * scale), round(128 * scale)
    for name in NAMES:
        write_video(root / f'{name}.mp4', images=[quadrants(*size)] * 3)
    source, _ = find_videos(root, table, rows(table))
    # of the annotation's 96 x 128: a quarter around the centre
    box = (32, 24, 96, 72)
    frames = source.read(0, [0, 2], box=box, frame_hw=(96, 128), size=(20, 20))
    assert frames.shape == (2, 20, 20, 3)
    assert frames.dtype == np.uint8
    inner = np.s_[[2, 2, 17, 17], [2, 17, 2, 17]]
    expected = [(200, 40, 40), (40, 200, 40), (40, 40, 200), (200, 200, 200)]
    for frame in frames:
        np.testing.assert_allclose(frame[inner], expected, atol=16)


def test_crops_are_not_cropped_again(table, root, write_video):
    for name in NAMES:
        write_video(root / f'{name}_rgb.mp4', images=[quadrants(64, 64)] * 2)
    source, _ = find_videos(root, table, rows(table))
    [frame] = source.read(0, [1], box=(0, 0, 5, 5), frame_hw=(96, 128), size=(16, 16))
    np.testing.assert_allclose(frame[2, 13], (40, 200, 40), atol=16)
    np.testing.assert_allclose(frame[13, 13], (200, 200, 200), atol=16)


def test_reading_names_what_is_wrong(table, root, write_video):
    write_video(root / f'{NAMES[0]}.mp4', 3)
    write_video(root / f'{NAMES[1]}.mp4', 3, frame_hw=(64, 64))
    (root / f'{NAMES[2]}.mp4').write_bytes(b'damaged' * 100)
    source, missing = find_videos(root, table, rows(table))
    assert missing == {}
    arguments = {'box': (0, 0, 9, 9), 'frame_hw': (96, 128), 'size': (8, 8)}
    with pytest.raises(VideoError, match=rf'{NAMES[0]}.mp4: it has 3 frames'):
        source.read(0, [0, 3], **arguments)
    with pytest.raises(ValueError, match=rf'{NAMES[1]}.mp4: its frames are 64 x 64'):
        source.read(1, [0], **arguments)
    with pytest.raises(VideoError, match=rf'{NAMES[2]}.mp4: cannot be decoded after 0'):
        source.read(2, [0], **arguments)


@pytest.mark.parametrize(
    ('box', 'rows_columns'),
    [
        ((3, 2, 9, 7), (range(2, 7), range(3, 9))),
        ((-2, -1, 4, 3), (range(-1, 3), range(-2, 4))),
        ((8, 6, 15, 12), (range(6, 12), range(8, 15))),
        ((4, 4, 4, 4), (range(4, 5), range(4, 5))),
    ],
)
def test_what_lies_beyond_the_frame_is_black(box, rows_columns):
    image = np.random.default_rng(0).integers(1, 256, (10, 12, 3), np.uint8)
    expected = [
        [
            image[y, x].tolist() if 0 <= y < 10 and 0 <= x < 12 else [0, 0, 0]
            for x in rows_columns[1]
        ]
        for y in rows_columns[0]
    ]
    assert crop(image, box, (10, 12)).tolist() == expected


def test_shrinking_averages():
    image = np.random.default_rng(0).integers(0, 256, (8, 12, 3), np.uint8)
    means = image.reshape(4, 2, 4, 3, 3).mean((1, 3))
    np.testing.assert_allclose(resize(image, (4, 4)), means, atol=0.51)


def test_growing_interpolates():
    image = np.repeat(np.array([[0, 100]], np.uint8)[..., None], 3, 2)
    # pixel centres at 0.5 and 1.5 of two: a quarter and three quarters between
    assert resize(image, (1, 4))[0, :, 0].tolist() == [0, 25, 75, 100]


@pytest.mark.parametrize('image_hw', [(1080, 1920), (540, 960), (270, 480), (272, 480)])
def test_resized_frames_keep_their_shape(image_hw):
    check_frame_shape('x.mp4', image_hw, (1080, 1920))


def test_a_turned_frame_has_another_shape():
    with pytest.raises(ValueError, match='x.mp4: its frames are 960 x 540 pixels'):
        check_frame_shape('x.mp4', (960, 540), (1080, 1920))
