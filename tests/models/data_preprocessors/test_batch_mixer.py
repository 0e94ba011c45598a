import numpy as np
import pytest
import torch

from ocec.models.data_preprocessors.batch_mixer import BatchMixer
from ocec.structures import BatchTargets

MIXUP = {'type': 'mmpretrain.Mixup', 'alpha': 1.0}
CUTMIX = {'type': 'mmpretrain.CutMix', 'alpha': 1.0}


def make_batch(num_images=8):
    """Images that are white if open and black if closed."""
    label = torch.arange(num_images) % 2
    images = label.float()[:, None, None, None].expand(-1, 3, 8, 12).clone()
    return images, BatchTargets(label, torch.arange(num_images), label - 1)


@pytest.fixture(autouse=True)
def seed():
    np.random.seed(1)
    torch.manual_seed(1)


@pytest.mark.parametrize('augment', [MIXUP, CUTMIX])
def test_the_label_is_the_share_of_open_pixels(augment):
    images, targets = make_batch()
    mixed, mixed_targets = BatchMixer([augment])(images.clone(), targets)
    assert mixed.shape == images.shape
    assert not torch.equal(mixed, images)
    torch.testing.assert_close(mixed_targets.target_B, mixed.mean(dim=(1, 2, 3)))
    # what is known of the image itself stays
    assert torch.equal(mixed_targets.label_B, targets.label_B)
    assert torch.equal(mixed_targets.sample_id_B, targets.sample_id_B)
    assert targets.soft_label_B is None


def test_a_probability_of_zero_leaves_the_batch():
    images, targets = make_batch()
    mixed, mixed_targets = BatchMixer([MIXUP], probs=[0.0])(images, targets)
    assert torch.equal(mixed, images)
    assert torch.equal(mixed_targets.target_B, targets.label_B.float())


def test_probabilities_choose_between_them():
    mixer = BatchMixer([MIXUP, CUTMIX], probs=[0.5, 0.3])
    counts = {'none': 0, 'mixup': 0, 'cutmix': 0}
    for _ in range(300):
        images, targets = make_batch()
        mixed, _ = mixer(images.clone(), targets)
        pure = (mixed == 0) | (mixed == 1)
        if torch.equal(mixed, images):
            counts['none'] += 1
        elif pure.all():
            counts['cutmix'] += 1
        else:
            counts['mixup'] += 1
    # within four standard deviations of 300 draws, plus mixes with themselves
    assert 105 < counts['mixup'] < 185
    assert 55 < counts['cutmix'] < 125


def test_a_config_is_not_written_to():
    augments, probs = [dict(MIXUP)], [0.5]
    BatchMixer(augments, probs)
    assert augments == [MIXUP]
    assert probs == [0.5]


@pytest.mark.parametrize('augments', [[], [{'type': 'Mixup', 'alpha': 1.0}]])
def test_what_is_not_of_mmpretrain_is_refused(augments):
    message = (
        r"must name mmpretrain's, as in dict\(type='mmpretrain.Mixup', alpha=0.2\)"
    )
    with pytest.raises(ValueError, match=message):
        BatchMixer(augments)


@pytest.mark.parametrize('probs', [[0.5], [0.6, 0.6], [-0.1, 0.5]])
def test_probabilities_that_do_not_fit_are_refused(probs):
    with pytest.raises(ValueError, match='must be 2 shares with a sum <= 1, got'):
        BatchMixer([MIXUP, CUTMIX], probs)
