import pickle
from dataclasses import FrozenInstanceError, replace

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from ocec.structures import BatchScores, BatchTargets, PairTargets


def make_targets(num_images=3):
    ids = torch.arange(num_images)
    return BatchTargets(label_B=ids % 2, sample_id_B=ids + 10, group_id_B=ids - 1)


def make_scores(num_images=3):
    ids = torch.arange(num_images)
    return BatchScores(
        prob_B=ids / num_images,
        loss_B=ids.float(),
        label_B=ids % 2,
        sample_id_B=ids,
        group_id_B=ids,
    )


def make_pairs(num_images=3):
    ids = torch.arange(num_images)
    return PairTargets(
        label_B=ids % 2,
        sample_id_B=ids,
        group_id_B=ids,
        digit_B2=torch.stack([ids, ids + 1], dim=1),
    )


def tensors(batch):
    return {name: x for name, x in vars(batch).items() if x is not None}


@pytest.mark.parametrize('make', [make_targets, make_scores, make_pairs])
def test_length_is_the_number_of_images(make):
    assert [len(make(n)) for n in (0, 1, 5)] == [0, 1, 5]


@pytest.mark.parametrize('make', [make_targets, make_scores, make_pairs])
def test_to_moves_every_tensor_and_leaves_the_original(make):
    batch = make()
    moved = batch.to('meta')
    assert type(moved) is type(batch)
    assert {x.device.type for x in tensors(moved).values()} == {'meta'}
    assert {x.device.type for x in tensors(batch).values()} == {'cpu'}
    assert {k: x.dtype for k, x in tensors(moved).items()} == {
        k: x.dtype for k, x in tensors(batch).items()
    }


def test_a_field_cannot_be_replaced_alone():
    with pytest.raises(FrozenInstanceError):
        make_targets().label_B = torch.zeros(3)


def test_survives_the_way_between_processes():
    targets = make_targets()
    copy = pickle.loads(pickle.dumps(targets))
    assert all(torch.equal(vars(copy)[k], v) for k, v in tensors(targets).items())


def test_the_target_is_soft_where_images_were_mixed():
    targets = make_targets()
    assert targets.target_B is targets.label_B
    soft = torch.tensor([0.2, 0.5, 1.0])
    assert replace(targets, soft_label_B=soft).target_B is soft
    assert replace(targets, soft_label_B=soft).to('meta').target_B.device.type == 'meta'


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs an accelerator')
def test_dataloader_pins_every_tensor():
    class Finished(Dataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return make_targets()

    loader = DataLoader(Finished(), batch_size=None, pin_memory=True)
    pinned = next(iter(loader))
    assert isinstance(pinned, BatchTargets)
    assert all(x.is_pinned() for x in vars(pinned).values())
