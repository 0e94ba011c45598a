import io
import itertools
import os
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from ocec.apis.eye_classifier_sources import (
    Picture,
    count_pictures,
    is_among,
    iterate_pictures,
    require_source,
)
from ocec.datasets.picture_decode import PictureError


def draw(height=12, width=20):
    rng = np.random.default_rng(height)
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


def encode(image, kind='PNG', **options):
    stream = io.BytesIO()
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    picture.save(stream, kind, **options)
    return stream.getvalue()


def paths(images, root):
    return [os.path.relpath(item.path, root) for item in iterate_pictures(images)]


@pytest.fixture
def folder(tmp_path):
    """Pictures at three depths, and what is no picture."""
    root = tmp_path / 'crops'
    for name in ('b.PNG', 'a/z.jpg', 'a/b/y.tiff', 'c/x.webp'):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(encode(draw()))
    for name in ('notes.txt', 'a/list.txt', 'c/README', 'c/some.parquet'):
        (root / name).write_text('no picture')
    (root / 'linked').symlink_to(tmp_path)
    return root


def test_folders_at_any_depth_in_order(folder):
    expected = ['b.PNG', 'a/z.jpg', 'a/b/y.tiff', 'c/x.webp']
    assert paths(folder, folder) == expected
    assert paths(str(folder), folder) == expected
    assert paths([folder / 'c', folder / 'a'], folder) == [
        *expected[3:],
        *expected[1:3],
    ]


def test_count_names_what_is_passed_over(folder):
    number, passed_over = count_pictures([folder, folder / 'b.PNG'])
    assert number == 5
    assert passed_over == {
        '*.txt': 2,
        '*.parquet': 1,
        'without suffix': 1,
        'linked folders': 1,
    }


def test_parquet_files_count_in_folders_without_pictures(tmp_path):
    for name in ('b.parquet', 'a/a.parquet'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        pq.write_table(pa.table({'image_bytes': [b'x', b'y']}), tmp_path / name)
    found = [(Path(p.path).name, p.row) for p in iterate_pictures(tmp_path)]
    assert found == [
        ('b.parquet', 0),
        ('b.parquet', 1),
        ('a.parquet', 0),
        ('a.parquet', 1),
    ]
    assert count_pictures([tmp_path])[0] == 4


def test_patterns(folder):
    assert paths(folder / '*/*.*g', folder) == ['a/z.jpg']
    assert paths(folder / '*', folder) == ['b.PNG', 'notes.txt']
    with pytest.raises(FileNotFoundError, match='x: the pattern matches no file'):
        list(iterate_pictures(folder / '*.x'))


def test_a_name_with_brackets_is_a_file_first(tmp_path):
    file = tmp_path / 'eye[1].png'
    file.write_bytes(b'')
    assert paths(file, tmp_path) == ['eye[1].png']


def test_a_folder_without_pictures_is_refused(tmp_path):
    (tmp_path / 'notes.txt').write_text('')
    with pytest.raises(
        ValueError, match=r'no pictures \(.png.*no parquet file in this'
    ):
        list(iterate_pictures(tmp_path))


def test_a_source_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'gone: no such file, folder or pat'):
        require_source(tmp_path / 'gone')
    assert require_source(tmp_path / '*.png') == tmp_path / '*.png'
    # in a list it is one file of many
    (picture,) = iterate_pictures([tmp_path / 'gone.png'])
    with pytest.raises(PictureError, match='No such file or directory'):
        picture.decode()


def test_a_file_among_sources_by_any_name(folder, tmp_path):
    link = tmp_path / 'link.png'
    picture = next(item.path for item in iterate_pictures(folder))
    link.symlink_to(picture)
    other = tmp_path / 'other.png'
    other.write_bytes(b'')
    assert is_among(link, [other, folder])
    assert is_among(link, [other, f'{folder}/*.PNG'])
    assert not is_among(other, [folder, f'{folder}/*.PNG'])


def test_anything_mixed_in_order(folder):
    file = folder / 'b.PNG'
    generator = (item for item in [draw(), [draw(), draw(8)[None]], file.read_bytes()])
    found = list(iterate_pictures([file, generator, str(file)]))
    assert [item.is_decoded for item in found] == [False, *[True] * 3, False, False]
    for item in (found[0], found[4], found[5]):
        np.testing.assert_array_equal(item.decode(), draw())
    np.testing.assert_array_equal(found[3].decode(), draw(8))


def test_a_source_without_an_end_is_read_as_it_is_asked_for():
    taken = []
    frames = (taken.append(n) or draw() for n in itertools.count())
    found = list(itertools.islice(iterate_pictures(frames), 3))
    assert len(found) == 3
    assert taken == [0, 1, 2]


@pytest.mark.parametrize(
    ('images', 'message'),
    [
        (3, 'iterables of those, got builtins.int'),
        ({'images': []}, 'got builtins.dict'),
        (torch.zeros(1, 3, 4, 4), r'torch.Tensor; .* x.permute(0, 2, 3, 1).numpy()'),
        ([Image.new('L', (8, 8))], r"Image; use numpy.asarray(image.convert('RGB'))"),
        ([[1, 2]], 'got builtins.int'),
    ],
)
def test_other_things_are_refused(images, message):
    message = re.escape(message).replace(r'\.\*', '.*')
    with pytest.raises(TypeError, match=message):
        list(iterate_pictures(images))


def test_an_item_that_is_no_picture_is_named():
    with pytest.raises(
        ValueError, match=re.escape('item 1: a picture must be (h, w, 3)')
    ):
        list(iterate_pictures([draw(), np.zeros((4, 4, 4), np.uint8)]))


def test_kinds_of_pictures_are_decoded_as_in_training():
    rgb = draw()
    alpha = np.dstack([rgb, np.full(rgb.shape[:2], 7, np.uint8)])
    grey16 = (rgb[..., 0].astype(np.uint16) << 8) | 0x7F
    palette = Image.fromarray(rgb // 64 * 64).quantize(64)
    turned = Image.Exif()
    turned[0x0112] = 6  # the camera was held upright
    for encoded, expected in (
        (encode(rgb), rgb),
        (encode(rgb, 'BMP'), rgb),
        (encode(rgb, 'TIFF'), rgb),
        (encode(rgb, 'WEBP', lossless=True), rgb),
        (encode(alpha), rgb),
        (encode(Image.fromarray(grey16)), np.repeat(rgb[..., :1], 3, 2)),
        (encode(palette), np.asarray(palette.convert('RGB'))),
        (encode(rgb, exif=turned), np.rot90(rgb, -1)),
    ):
        np.testing.assert_array_equal(Picture(encoded).decode(), expected)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'', r'cannot be decoded: the file is empty \(0 bytes\)'),
        (b'text', 'no PNG, JPEG'),
        (encode(draw())[:60], 'cut off after 60 bytes'),
        (encode(draw(3, 30)), 'at least 4x4 are needed'),
        (PictureError('told'), '^told$'),
        (Path('/dev/null'), '^neither a file nor a folder$'),
        (Path('a\0b.png'), 'null byte'),
    ],
)
def test_what_cannot_be_read_says_why(content, message):
    with pytest.raises(PictureError, match=message):
        Picture(content).decode()


def test_a_folder_that_cannot_be_read_is_told(tmp_path, monkeypatch):
    (tmp_path / 'eye.png').write_bytes(encode(draw()))
    walk = os.walk

    def walk_with_error(root, onerror):
        yield from walk(root)
        onerror(PermissionError(13, 'Permission denied', f'{root}/locked'))

    monkeypatch.setattr(os, 'walk', walk_with_error)
    _, locked = iterate_pictures(tmp_path)
    assert locked.path == f'{tmp_path}/locked'
    with pytest.raises(PictureError, match='the folder cannot be read: Permission den'):
        locked.decode()
