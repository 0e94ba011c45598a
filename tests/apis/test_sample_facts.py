import cv2
import numpy as np
import pytest
import torch
from torch.utils.data import Dataset

from ocec.apis.sample_facts import class_names_of, groups_of, paths_of, pictures_of
from ocec.datasets.eye_parquet import EyeParquet


class Planes(Dataset):
    """Samples of some channels, whose ids are ten times their index."""

    metainfo = {'classes': ('right is larger', 'left is larger')}

    def __init__(self, channels, dtype=torch.uint8):
        values = torch.arange(4 * channels * 6).reshape(4, channels, 2, 3)
        self.inputs = values.to(dtype)

    def indices_of(self, sample_ids):
        return np.asarray(sample_ids) // 10

    def __getitems__(self, indices):
        return {'inputs': self.inputs[indices]}


class Bare(Dataset):
    """Tells nothing of its samples."""


@pytest.fixture
def eyes(make_eye_parquet):
    return EyeParquet(make_eye_parquet(), 'val', image_size=(32, 64))


def test_eyes_tell_paths_groups_and_embedded_pictures(eyes, make_eye_parquet):
    ids = eyes.rows[[5, 0]].tolist()
    assert class_names_of(eyes) == ('closed', 'open')
    assert paths_of(eyes, ids) == [f'images/{row:05d}.png' for row in ids]
    # 4 rows per subject
    groups = groups_of(eyes, eyes.table.group_N[ids])
    assert groups == [f's{row // 4:03d}' for row in ids]
    pictures = pictures_of(eyes, ids)
    for picture, row in zip(pictures, ids, strict=True):
        encoded = eyes_bytes(make_eye_parquet(), row)
        native = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
        expected = cv2.resize(native, (64, 32), interpolation=cv2.INTER_LINEAR)
        assert picture.flags.c_contiguous
        assert np.abs(picture.astype(int) - expected[..., ::-1]).max() <= 1


def eyes_bytes(path, row):
    import pyarrow.parquet as pq

    return pq.read_table(path).column('image_bytes')[row].as_py()


def test_pairs_stand_side_by_side():
    dataset = Planes(2)
    [picture] = pictures_of(dataset, [30])
    left, right = dataset.inputs[3].numpy()
    assert picture.shape == (2, 3 + 2 + 3, 3)
    for channel in range(3):
        assert (picture[:, :3, channel] == left).all()
        assert (picture[:, 3:5, channel] == 128).all()
        assert (picture[:, 5:, channel] == right).all()
    assert class_names_of(dataset) == ('right is larger', 'left is larger')


def test_one_plane_is_grey():
    dataset = Planes(1)
    [picture] = pictures_of(dataset, [20])
    assert (picture == dataset.inputs[2].numpy().transpose(1, 2, 0)).all()
    assert picture.shape == (2, 3, 3)


@pytest.mark.parametrize(
    'dataset',
    [Bare(), Planes(17), Planes(3, torch.float32)],
    ids=['bare', 'many-channels', 'floats'],
)
def test_what_is_no_picture_is_not_shown(dataset):
    assert pictures_of(dataset, [10, 0]) is None
    assert pictures_of(dataset, []) == []


def test_a_dataset_that_tells_nothing():
    assert class_names_of(Bare()) == ('closed', 'open')
    assert paths_of(Bare(), [4, 7]) == ['', '']
    assert groups_of(Bare(), np.array([-1, 3])) == ['', '3']
