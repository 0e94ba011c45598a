import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from ocec.engine.train_dataloader import build_train_dataloader


def build(cfg, *, seed, diff_rank_seed):
    assert (seed, diff_rank_seed) == (3, True)
    dataset = cfg['dataset']
    if isinstance(dataset, int):
        dataset = TensorDataset(torch.arange(dataset))
    return DataLoader(dataset, **{k: v for k, v in cfg.items() if k != 'dataset'})


def build_of(num_images, **cfg):
    cfg = {'dataset': num_images, 'batch_size': 4, **cfg}
    before = dict(cfg)
    loader = build_train_dataloader(cfg, build, seed=3, diff_rank_seed=True)
    assert cfg == before
    return loader


@pytest.mark.parametrize(
    ('num_images', 'sizes'),
    [(8, [4, 4]), (9, [4, 4]), (10, [4, 4, 2]), (2, [2])],
)
def test_a_last_batch_of_one_image_is_left_out(num_images, sizes, log_records):
    loader = build_of(num_images)
    assert [len(batch) for (batch,) in loader] == sizes
    said = [record.getMessage() for record in log_records]
    expected = ['would hold one image, which batch norm cannot train on: it is left']
    assert len(said) == (num_images == 9)
    assert all(text in line for text, line in zip(expected, said, strict=False))


def test_batches_of_one_are_wanted():
    assert len(build_of(3, batch_size=1)) == 3


def test_fewer_images_than_a_batch():
    with pytest.raises(ValueError, match='has 3 images for this rank, fewer than .*=4'):
        build_of(3, drop_last=True)


def test_one_image():
    with pytest.raises(ValueError, match='has 1 images .* needs two in a batch'):
        build_of(1)
