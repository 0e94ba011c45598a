import cv2
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from ocec.apis.errors import ConfigError
from ocec.apis.export_onnx_images import collect_images, spread
from ocec.datasets.collate import batch_collate
from ocec.datasets.eye_parquet import EyeParquet
from ocec.models import ImageClassifier


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = ImageClassifier(
        {'type': 'OCECBaseline', 'base_channels': 8, 'num_blocks': 2},
        {'type': 'AvgHead', 'loss': {'type': 'BCELoss', 'pos_weight': 1.0}},
        data_preprocessor={
            'type': 'ImagePreprocessor',
            'mean': [120.0] * 3,
            'std': [45.0] * 3,
        },
        input_size=(24, 40),
    )
    return model.eval()


@pytest.fixture
def make_loader(make_eye_parquet):
    def make(**parquet):
        parquet = {'num_rows': 40, 'splits': {'train': 0.5, 'val': 0.5}, **parquet}
        dataset = EyeParquet(make_eye_parquet(**parquet), 'val', image_size=(24, 40))
        return DataLoader(dataset, 8, collate_fn=batch_collate)

    return make


def test_images_labels_and_scores_belong_together(model, make_loader):
    loader = make_loader()
    images = collect_images(model, loader, split='val', max_images=0)
    dataset = loader.dataset
    assert len(images) == len(dataset) == 20
    for index in (0, 7, 19):
        batch = dataset[index]
        np.testing.assert_array_equal(images.pixels_NCHW[index], batch['inputs'][0])
        assert images.label_N[index] == batch['data_samples'].label_B
        with torch.no_grad():
            normalised = model.data_preprocessor.normalize(batch['inputs'])
            expected = model(normalised).sigmoid()
        assert images.torch_prob_N[index] == pytest.approx(expected.item(), abs=1e-6)
    assert images.pictures == []


def test_fingerprint_names_no_folders(model, make_loader):
    images = collect_images(model, make_loader(), split='val', max_images=0)
    [file] = images.fingerprint['files']
    assert file['file'] == 'eyes0.parquet'


def test_pictures_are_those_that_the_cache_resized(model, make_loader):
    images = collect_images(
        model, make_loader(), split='val', max_images=7, with_pictures=True
    )
    assert len(images) == len(images.pictures) == 7
    assert len({picture.shape for picture in images.pictures}) > 1
    for picture, pixels in zip(images.pictures, images.pixels_NCHW, strict=True):
        resized = cv2.resize(picture, (40, 24)).transpose(2, 0, 1)
        np.testing.assert_array_equal(resized, pixels)


def test_spread_is_even_and_has_no_copies():
    assert spread(10, 10).tolist() == list(range(10))
    assert spread(3, 10).tolist() == [0, 1, 2]
    gaps = np.diff(spread(1000, 30))
    assert set(gaps.tolist()) == {33, 34}


class NoPictures(Dataset):
    def __init__(self, dataset):
        self.dataset = dataset

    def __len__(self):
        return len(self.dataset)

    def __getitems__(self, indices):
        return self.dataset.__getitems__(indices)


def test_other_data_have_no_pictures(model, make_loader):
    loader = DataLoader(NoPictures(make_loader().dataset), 8, collate_fn=batch_collate)
    collected = collect_images(model, loader, split='val', max_images=0)
    assert collected.fingerprint is None
    with pytest.raises(ConfigError, match='NoPictures does not give its pictures at'):
        collect_images(model, loader, split='val', max_images=0, with_pictures=True)
