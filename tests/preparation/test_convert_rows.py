from dataclasses import replace

import cv2
import numpy as np
import pytest

from ocec.preparation.convert_rows import embedded_rows, extra_columns, path_rows
from ocec.preparation.eye_listing import EyeEntry
from ocec.preparation.picture_intake import PictureFacts

PIXELS = np.full((4, 6, 3), 200, np.uint8)
PNG = cv2.imencode('.png', PIXELS)[1].tobytes()
BMP = cv2.imencode('.bmp', PIXELS)[1].tobytes()


@pytest.fixture
def entry(tmp_path):
    file = tmp_path / 'pictures' / 'a.png'
    file.parent.mkdir()
    file.write_bytes(PNG)
    return EyeEntry('a.png', 1, 'g', 'val', 'here', str(file), extras={'sensor': 2})


def test_pictures_are_stored_as_they_are_or_converted(entry, tmp_path):
    bmp = tmp_path / 'b.bmp'
    bmp.write_bytes(BMP)
    other = replace(entry, label=0, group='', file=str(bmp), extras=None)
    facts = [PictureFacts(), PictureFacts(conversion='BMP to PNG')]
    first, second = embedded_rows([entry, other], facts)
    assert first == {
        'split': 'val',
        'label': 'open',
        'class_id': 1,
        'image_path': 'a.png',
        'source': 'here',
        'group': 'g',
        'sensor': 2,
        'image_bytes': PNG,
    }
    assert (second['label'], second['group']) == ('closed', 'unknown')
    assert second['image_bytes'] == PNG


def test_a_picture_that_vanished_is_named(entry, tmp_path):
    gone = replace(entry, file=str(tmp_path / 'gone.png'))
    with pytest.raises(ValueError, match='a.png: cannot be read: No such file'):
        list(embedded_rows([gone], [PictureFacts()]))


def test_paths_are_relative_to_the_parquet(entry, tmp_path):
    [row] = path_rows([entry], tmp_path, allow_outside=False)
    assert row['image_path'] == 'pictures/a.png'
    assert 'image_bytes' not in row


def test_paths_that_leave_the_folder_are_refused_unless_allowed(entry, tmp_path):
    with pytest.raises(ValueError, match='a.png lies outside .*sub; write the parquet'):
        list(path_rows([entry], tmp_path / 'sub', allow_outside=False))
    [row] = path_rows([entry], tmp_path / 'sub', allow_outside=True)
    assert row['image_path'] == '../pictures/a.png'


def test_embedded_pictures_have_no_path(entry, tmp_path):
    embedded = replace(entry, file='x.parquet', row=0)
    with pytest.raises(ValueError, match='a.png is embedded in x.parquet'):
        list(path_rows([embedded], tmp_path, allow_outside=False))


def test_missing_extras_are_null(entry):
    entries = [entry, replace(entry, extras=None), replace(entry, extras={'age': 7})]
    assert extra_columns(entries) == {'sensor': [2, None, None], 'age': [None, None, 7]}
