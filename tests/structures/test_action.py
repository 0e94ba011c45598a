import pickle

import pytest
import torch

from ocec.structures import ActionScores, ActionTargets


def make_targets(num_videos=3):
    ids = torch.arange(num_videos)
    return ActionTargets(label_B=ids % 2, sample_id_B=ids + 10, group_id_B=ids - 1)


def make_scores(num_videos=3, **streams):
    ids = torch.arange(num_videos)
    return ActionScores(
        prob_BC=torch.full((num_videos, 4), 0.25),
        loss_B=ids.float(),
        label_B=ids % 2,
        sample_id_B=ids,
        group_id_B=ids,
        **streams,
    )


@pytest.mark.parametrize('make', [make_targets, make_scores])
def test_length_is_the_number_of_videos(make):
    assert [len(make(n)) for n in (0, 1, 5)] == [0, 1, 5]


def test_to_moves_what_is_there():
    scores = make_scores(rgb_prob_BC=torch.ones(3, 4))
    moved = scores.to('meta')
    assert type(moved) is ActionScores
    assert moved.prob_BC.device.type == moved.rgb_prob_BC.device.type == 'meta'
    assert moved.pose_prob_BC is None
    assert scores.prob_BC.device.type == 'cpu'


def test_survives_the_way_between_processes():
    targets = make_targets()
    copy = pickle.loads(pickle.dumps(targets))
    assert all(torch.equal(vars(copy)[k], v) for k, v in vars(targets).items())
