import numpy as np
import pytest
import torch
from torch import nn

from ocec.apis.score_checkpoint import score_checkpoint
from ocec.apis.stack_dropout import dropout_only, dropout_scores
from ocec.engine.checkpoint_io import load_safely


def test_dropout_alone_is_switched_on():
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
    model.train()
    before = {name: x.clone() for name, x in model.state_dict().items()}
    x = torch.randn(8, 4)
    with torch.no_grad(), dropout_only(model):
        first, second = model(x), model(x)
        assert not model[1].training
    assert not first.equal(second)
    assert all(x.equal(before[name]) for name, x in model.state_dict().items())
    assert not model[2].training


def test_dropout_inside_a_transformer_acts():
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.5, batch_first=True)
    x = torch.randn(2, 3, 8)
    with torch.no_grad(), dropout_only(layer):
        assert not layer(x).equal(layer(x))
    assert torch.backends.mha.get_fastpath_enabled()


@pytest.mark.parametrize('p', [None, 0.0])
def test_model_without_dropout_is_refused(p):
    model = nn.Sequential(nn.Linear(2, 2), *([] if p is None else [nn.Dropout(p)]))
    message = 'mc_dropout: the model has no dropout layer with p > 0'
    with pytest.raises(ValueError, match=message), dropout_only(model):
        pass


@pytest.fixture
def scored(make_member, own_data, unseen_data):
    checkpoint = make_member(own_data, 'model = dict(head=dict(dropout=0.5))')
    split = score_checkpoint(checkpoint, data=unseen_data, split='test')
    return split, load_safely(checkpoint)['state_dict']


def test_mean_of_many_passes_comes_near_the_model_without_dropout(scored):
    split, weights = scored
    passes = dropout_scores(split.cfg, weights, split.dataset, num_passes=200, seed=0)
    assert passes['sample_id'].tolist() == split.scores['sample_id_B'].tolist()
    # dropout keeps the expectation of the logit, and these are small
    np.testing.assert_allclose(passes['prob'], split.scores['prob_B'], atol=0.05)
    assert (passes['spread'] > 0).all()


def test_seed_repeats_the_passes_and_leaves_other_random_numbers_alone(scored):
    split, weights = scored
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    runs = [
        dropout_scores(split.cfg, weights, split.dataset, num_passes=3, seed=seed)
        for seed in (1, 1, 2)
    ]
    assert torch.rand(1).equal(expected)
    assert runs[0]['prob'].tolist() == runs[1]['prob'].tolist()
    assert runs[0]['prob'].tolist() != runs[2]['prob'].tolist()
