import numpy as np
import pytest
import torch

from ocec.apis.verify_model_subject import size_of
from ocec.structures import BatchTargets


def test_equal_datasets_are_built_once(make_subject):
    subject = make_subject("test_dataloader['dataset']['split'] = 'val'")
    datasets = subject.datasets
    assert datasets['test_dataloader'] is datasets['val_dataloader']
    assert datasets['train_dataloader'] is not datasets['val_dataloader']
    assert subject.dataset_errors == {}


def test_datasets_that_cannot_be_built(make_subject):
    subject = make_subject("val_dataloader['dataset']['data'] = 'gone.parquet'")
    assert sorted(subject.datasets) == ['test_dataloader', 'train_dataloader']
    [message] = subject.dataset_errors.values()
    assert 'gone.parquet: no such parquet file' in message
    with pytest.raises(ValueError, match='gone.parquet: no such parquet file'):
        _ = subject.val_batch


def test_nothing_is_written_into_the_work_dir(make_subject, tmp_path):
    subject = make_subject()
    assert subject.model.head is not None
    assert not (tmp_path / 'planned').exists()
    # the dataset told its class counts, so that the loss can be asked
    data = subject.prepare(subject.train_batch, training=True)
    assert torch.isfinite(subject.model(**data, mode='loss')['loss'])


def test_model_is_restored(make_subject):
    subject = make_subject()
    before = {k: v.clone() for k, v in subject.model.state_dict().items()}
    wrapper = subject.build_optimizer()
    subject.model.train().train_step(subject.train_batch, wrapper)
    after = subject.model.state_dict()
    assert not torch.equal(after['head.fc.weight'], before['head.fc.weight'])
    subject.restore()
    after = subject.model.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert all(p.grad is None for p in subject.model.parameters())


def test_made_up_batches_where_there_are_no_data(make_subject):
    subject = make_subject(
        "train_dataloader['dataset']['data'] = 'gone.parquet'",
        settings={'data_problem': 'gone'},
    )
    assert subject.made_up == ' (on made-up data)'
    assert subject.train_batch['inputs'].shape == (16, 3, 32, 64)
    # classes are weighed as if there were as many of both
    assert subject.model.head.loss_module.pos_weight == 1


def test_bytes_of_nested_tensors():
    x_N = torch.zeros(3, dtype=torch.int64)
    targets = BatchTargets(x_N, x_N, x_N)
    nested = {'a': torch.zeros(2, 5), 'b': [targets, 'text'], 'c': (np.zeros(9),)}
    assert size_of(nested) == 2 * 5 * 4 + 3 * 3 * 8
