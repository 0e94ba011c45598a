import re

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from ocec.apis.errors import ConfigError
from ocec.apis.eye_classifier_sources import Picture
from ocec.apis.eye_classifier_torch import TorchNetwork
from ocec.apis.score_checkpoint import score_checkpoint

AREA = "test_dataloader['dataset']['interpolation'] = 'area'"
PIPELINE = (
    "test_dataloader['dataset']['pipeline'] = [dict(type='mmcv.Resize', "
    "scale=(64, 32), interpolation='nearest'), dict(type='mmcv.RandomFlip', prob=1.0)]"
)


def decode_rows(file, count):
    rows = pq.read_table(file, columns=['image_bytes']).column(0)[:count]
    return [Picture(row.as_py()).decode() for row in rows]


@pytest.mark.parametrize('text', ['', AREA, PIPELINE])
def test_numbers_are_those_of_a_test(make_member, make_eye_parquet, text):
    data = make_eye_parquet(num_rows=8, split=['test'] * 8)
    checkpoint = make_member(data, text)
    network = TorchNetwork(checkpoint)
    assert network.image_size == (32, 64)
    images = [network.prepare(image) for image in decode_rows(data, 8)]
    assert images[0].shape == (32, 64, 3)
    expected = score_checkpoint(checkpoint).scores['prob_B']
    np.testing.assert_allclose(network.prob_open(np.stack(images)), expected, atol=1e-6)
    assert np.ptp(expected) > 1e-4  # the pictures count


def test_pairs_are_another_task(make_pair_run, make_pair_folder):
    checkpoint = make_pair_run(make_pair_folder()) / 'best.pth'
    message = 'best.pth: a model of another task: its config builds a PairClassifier'
    with pytest.raises(ConfigError, match=message):
        TorchNetwork(checkpoint)


@pytest.fixture
def changed(make_member, own_data, tmp_path):
    """Return a factory of checkpoints that differ from those of a training."""

    def change(**changes):
        content = torch.load(make_member(own_data), weights_only=True) | changes
        torch.save(content, tmp_path / 'changed.pth')
        return tmp_path / 'changed.pth', content

    return change


def test_other_classes_are_another_task(changed):
    _, content = changed()
    meta = content['meta'] | {'dataset_meta': {'classes': ('cat', 'dog')}}
    path, _ = changed(meta=meta)
    with pytest.raises(
        ConfigError, match=re.escape("on the classes ('cat', 'dog'), n")
    ):
        TorchNetwork(path)


def test_config_without_a_size(changed):
    _, content = changed()
    cfg = content['meta']['cfg']
    text = re.sub(r'(image|input)_size=\(\s*\d+,\s*\d+,?\s*\),?', '', cfg)
    assert text != cfg
    path, _ = changed(meta=content['meta'] | {'cfg': text})
    with pytest.raises(ConfigError, match='its config tells no size of the images'):
        TorchNetwork(path)


def test_bare_weights_need_the_config_of_their_run(changed, tmp_path, write_config):
    path, content = changed()
    bare = tmp_path / 'bare.pth'
    torch.save(content['state_dict'], bare)
    with pytest.raises(ConfigError, match='holds no config: name its file with --conf'):
        TorchNetwork(bare)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 64, 3), np.uint8)
    with_config = TorchNetwork(bare, config=write_config(num_rows=4))
    np.testing.assert_array_equal(
        with_config.prob_open(pixels), TorchNetwork(path).prob_open(pixels)
    )
    other = write_config('model = dict(backbone=dict(base_channels=16))', num_rows=4)
    with pytest.raises(ConfigError, match=r'bare\.pth'):
        TorchNetwork(bare, config=other)


def test_truncated_checkpoint(changed, tmp_path):
    path, _ = changed()
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(ValueError, match=r'changed\.pth: damaged checkpoint: '):
        TorchNetwork(path)


def test_number_of_threads(make_member, own_data):
    before = torch.get_num_threads()
    try:
        TorchNetwork(make_member(own_data), threads=before + 1)
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)
