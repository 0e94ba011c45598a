from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from ocec.apis.analyze_errors_facts import (
    sample_columns,
    sample_images,
    sample_places,
)
from ocec.apis.errors import ConfigError
from ocec.datasets.eye_parquet import EyeParquet


@pytest.fixture
def open_eyes():
    def load(files, **kwargs):
        return EyeParquet(files, 'val', image_size=(24, 40), **kwargs)

    return load


class Pairs:
    """A dataset that is not made of parquet files."""

    digits = np.array([[3, 1], [0, 9], [5, 5]], np.int8)

    def indices_of(self, sample_ids):
        return np.asarray(sample_ids)

    def __getitems__(self, indices):
        x_BCHW = torch.stack([torch.full((2, 4, 3), 10 * i) for i in indices])
        x_BCHW[:, 1] += 1
        return {'inputs': x_BCHW.to(torch.uint8)}


def test_facts_of_eyes_from_two_files(make_eye_parquet, open_eyes):
    extra = {'split': ['val'] * 8, 'num_rows': 8, 'source': ['web'] * 3 + ['ir'] * 5}
    first = make_eye_parquet(glasses=[True, False] * 4, **extra)
    second = make_eye_parquet(glasses=[False] * 8, groups=1, **extra)
    dataset = open_eyes([first, second])
    ids = np.array([0, 7, 9])
    assert sample_places(dataset, ids) == [(str(first), 0), (str(first), 7)] + [
        (str(second), 1)
    ]
    assert sample_columns(dataset, ids) == {
        'source': ['web', 'ir', 'web'],
        'glasses': ['true', 'false', 'false'],
    }


def test_pictures_have_their_native_size(make_eye_parquet, open_eyes):
    file = make_eye_parquet(num_rows=8, split=['val'] * 8)
    [image, again] = sample_images(open_eyes(file), np.array([5, 2]))
    rows = pq.read_table(file).column('image_bytes').to_pylist()
    expected = cv2.imdecode(np.frombuffer(rows[5], np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(image, expected[..., ::-1])
    assert again.shape != image.shape


def test_columns_that_help_nobody_are_left_out(make_eye_parquet, open_eyes):
    file = make_eye_parquet(
        num_rows=60,
        split=['val'] * 60,
        same=['x'] * 60,
        name=[f'n{i}' for i in range(60)],
        box=[[1, 2]] * 60,
        raw=[b'x', b'y'] * 30,
        note=['a', None, ''] * 20,
    )
    columns = sample_columns(open_eyes(file), np.arange(60))
    # source of the drawn eyes has one value
    assert columns == {'note': ['a', 'unknown', 'unknown'] * 20}


def test_numbers_of_many_values_are_binned(make_eye_parquet, open_eyes):
    yaw = [float(i) for i in range(15)] + [None]
    file = make_eye_parquet(
        num_rows=16, split=['val'] * 16, yaw=yaw, light=[1, 2, 2, 3] * 4
    )
    columns = sample_columns(open_eyes(file), np.arange(16))
    # quartiles of 0 to 14: 3.5, 7, 10.5
    names = ['0 to 3.5'] * 4 + ['3.5 to 7'] * 3 + ['7 to 10.5'] * 4 + ['10.5 to 14'] * 4
    assert columns['yaw'] == [*names, 'unknown']
    assert columns['light'] == ['1', '2', '2', '3'] * 4


def test_categories_of_a_dictionary_column(make_eye_parquet, open_eyes):
    light = pa.array(['day', 'ir'] * 4).dictionary_encode()
    file = make_eye_parquet(num_rows=8, split=['val'] * 8, light=light)
    columns = sample_columns(open_eyes(file), np.arange(8))
    assert columns == {'light': ['day', 'ir'] * 4}


def test_facts_of_another_dataset():
    ids = np.array([2, 1])
    assert sample_places(Pairs(), ids) == [('', 2), ('', 1)]
    of_a_file = SimpleNamespace(table=SimpleNamespace(file=Path('a/val.npz')))
    assert sample_places(of_a_file, ids) == [('a/val.npz', 2), ('a/val.npz', 1)]
    assert sample_columns(Pairs(), ids) == {
        'left digit': ['5', '0'],
        'right digit': ['5', '9'],
    }
    assert sample_columns(SimpleNamespace(), ids) == {}
    [image, _] = sample_images(Pairs(), ids)
    assert image.shape == (4, 3 + 2 + 3, 3)
    assert image[0, :, 0].tolist() == [20] * 3 + [128] * 2 + [21] * 3


def test_dataset_without_pictures():
    message = 'SimpleNamespace shows no pictures of its samples'
    with pytest.raises(ConfigError, match=message):
        sample_images(SimpleNamespace(), np.array([1]))
