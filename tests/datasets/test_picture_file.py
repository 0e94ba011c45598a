import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ocec.datasets.eye_table import read_eye_table
from ocec.datasets.picture_decode import PictureError
from ocec.datasets.picture_file import (
    picture_path,
    read_encoded,
    read_picture_file,
    stream_encoded,
)


@pytest.fixture
def parquet(tmp_path):
    """Name of a parquet in a folder ``set`` beside ``secret.png``."""
    folder = tmp_path / 'set'
    (folder / 'pictures').mkdir(parents=True)
    (folder / 'pictures' / 'in.png').write_bytes(b'inside')
    (tmp_path / 'secret.png').write_bytes(b'outside')
    return folder / 'eyes.parquet'


def read_text(parquet, image_path, **kwargs):
    return read_picture_file(parquet, image_path, **kwargs).tobytes()


# paths


def test_a_path_is_relative_to_its_file_and_an_absolute_one_stays(parquet, tmp_path):
    assert picture_path(parquet, r'a\b.png') == tmp_path / 'set' / 'a' / 'b.png'
    assert picture_path(parquet, '/b/c.png').as_posix() == '/b/c.png'


@pytest.mark.parametrize(
    'image_path',
    ['pictures/in.png', r'pictures\in.png', './pictures/../pictures/in.png'],
)
def test_pictures_below_the_folder_are_read(parquet, image_path):
    assert read_text(parquet, image_path) == b'inside'


def test_an_absolute_path_below_the_folder_is_read(parquet):
    path = parquet.parent / 'pictures' / 'in.png'
    assert read_text(parquet, str(path)) == b'inside'


def test_a_relative_name_of_the_parquet_does_not_matter(parquet, monkeypatch):
    monkeypatch.chdir(parquet.parent)
    relative = parquet.relative_to(parquet.parent)
    assert read_text(relative, 'pictures/in.png') == b'inside'
    with pytest.raises(PictureError, match='lies outside'):
        read_picture_file(relative, '../secret.png')


@pytest.mark.parametrize('way', ['../secret.png', 'absolute', 'link', 'folder link'])
def test_a_path_that_leaves_the_folder_is_refused_unless_allowed(
    parquet, tmp_path, way
):
    links = {'link': tmp_path / 'secret.png', 'folder link': tmp_path}
    if way in links:
        (parquet.parent / 'pictures' / 'link').symlink_to(links[way])
    image_path = {
        'absolute': str(tmp_path / 'secret.png'),
        'link': 'pictures/link',
        'folder link': 'pictures/link/secret.png',
    }.get(way, way)
    message = 'lies outside the folder of its parquet file; .*allow_outside=True'
    with pytest.raises(PictureError, match=message):
        read_picture_file(parquet, image_path)
    assert read_text(parquet, image_path, allow_outside=True) == b'outside'


def test_a_folder_of_links_is_inside_when_all_of_it_is_elsewhere(parquet, tmp_path):
    (tmp_path / 'alias').symlink_to(parquet.parent)
    alias = tmp_path / 'alias' / 'eyes.parquet'
    assert read_text(alias, 'pictures/in.png') == b'inside'


@pytest.mark.parametrize('allow_outside', [False, True])
@pytest.mark.parametrize(
    ('image_path', 'problem'),
    [
        ('gone.png', 'No such file'),
        ('pictures', 'Is a directory'),
        ('pictures/in.png/x', 'Not a directory'),
        ('circle', 'Symlink loop|symbolic links'),
        ('nul\0l.png', 'null'),
        ('a' * 300, 'File name too long'),
    ],
)
def test_what_cannot_be_read_is_named(parquet, image_path, problem, allow_outside):
    (parquet.parent / 'circle').symlink_to(parquet.parent / 'circle')
    with pytest.raises(PictureError, match=problem) as caught:
        read_picture_file(parquet, image_path, allow_outside=allow_outside)
    assert str(caught.value).startswith(str(parquet.parent / image_path))


# rows


def test_each_row_gives_bytes_or_what_is_wrong(parquet):
    batch = pa.record_batch(
        {
            'image_bytes': pa.array([b'own', None, None, None], pa.binary()),
            'image_path': ['pictures/in.png', 'pictures/in.png', '../secret.png', None],
        }
    )
    own, inside, outside, neither = read_encoded(batch, parquet)
    assert (own.tobytes(), inside.tobytes()) == (b'own', b'inside')
    assert 'lies outside' in str(outside)
    assert str(neither) == 'neither image_bytes nor image_path'
    allowed = list(read_encoded(batch, parquet, True))[2]
    assert allowed.tobytes() == b'outside'


def test_pictures_are_streamed_through_all_files(make_eye_parquet):
    files = [make_eye_parquet(num_rows=num, seed=num) for num in (5, 0, 4)]
    found = []
    for row, batch, file in stream_encoded(read_eye_table(files), 3):
        assert row == len(found)
        assert batch.num_rows <= 3
        found += [(file, data) for data in batch['image_bytes'].to_pylist()]
    assert found == [
        (file, data)
        for file in files
        for data in pq.read_table(file)['image_bytes'].to_pylist()
    ]


def test_a_damaged_file_is_named_with_the_row(make_eye_parquet):
    rng = np.random.default_rng(0)
    pictures = [rng.bytes(200) for _ in range(40)]
    file = make_eye_parquet(num_rows=40, image_bytes=pictures)
    pq.write_table(pq.read_table(file), file, row_group_size=10, compression='gzip')
    column = pq.ParquetFile(file).metadata.row_group(2)
    index = [column.column(n).path_in_schema for n in range(7)].index('image_bytes')
    start = column.column(index).data_page_offset
    content = bytearray(file.read_bytes())
    content[start + 100 : start + 400] = bytes(300)
    file.write_bytes(content)
    with pytest.raises(ValueError, match=f'{file}: damaged from row 20 on: '):
        list(stream_encoded(read_eye_table([file]), 10))


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / 'eye.png')
    with pytest.raises(PictureError, match='eye.png: no regular file'):
        read_picture_file(tmp_path / 'eyes.parquet', 'eye.png')


def test_a_huge_file_is_not_read(tmp_path):
    with open(tmp_path / 'eye.png', 'wb') as stream:
        os.truncate(stream.fileno(), 2**33)
    with pytest.raises(PictureError, match='eye.png: 8,589,934,592 bytes: this is no'):
        read_picture_file(tmp_path / 'eyes.parquet', 'eye.png')


def test_a_long_path_is_shown_in_part(tmp_path):
    with pytest.raises(PictureError, match=r'xxx\.\.\.: File name too long') as caught:
        read_picture_file(tmp_path / 'eyes.parquet', 'x' * 5000)
    assert len(str(caught.value)) < 1200
