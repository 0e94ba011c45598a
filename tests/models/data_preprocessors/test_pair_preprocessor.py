import pytest
import torch
from torch import nn

from ocec.models.data_preprocessors import PairPreprocessor
from ocec.registry import MODELS
from ocec.structures import BatchTargets, PairTargets

MEAN, STD = 15.0, 36.0
AFFINE = {'type': 'BatchRandomAffine', 'prob': 1.0, 'fill': 'zero'}


def make_batch(num_pairs=6, *, dtype=torch.uint8):
    generator = torch.Generator().manual_seed(0)
    shape = (num_pairs, 2, 28, 28)
    ids = torch.arange(num_pairs)
    digits = torch.stack((ids % 10, (ids + 1) % 10), 1)
    return {
        'inputs': torch.randint(0, 256, shape, generator=generator).to(dtype),
        'data_samples': PairTargets(ids % 2, ids, ids + 50, digit_B2=digits),
    }


class Recorder(nn.Module):
    """Adds 10 and keeps what it saw."""

    def forward(self, pixels):
        self.seen = pixels
        return pixels.float() + 10


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32, torch.float64])
def test_pixels_are_normalised(dtype):
    batch = make_batch(dtype=dtype)
    out = PairPreprocessor(MEAN, STD)(batch)
    assert out['inputs'].dtype == torch.float32
    torch.testing.assert_close(out['inputs'], (batch['inputs'].float() - 15) / 36)
    assert out['inputs'].is_contiguous()


def test_augmentations_see_the_sides_as_grey_images_of_their_own():
    recorder, batch = Recorder(), make_batch()
    preprocessor = PairPreprocessor(0, 1, batch_augments=[recorder, Recorder()])
    out = preprocessor(batch, training=True)['inputs']
    assert recorder.seen.shape == (12, 3, 28, 28)
    for channel in recorder.seen.unbind(1):
        assert torch.equal(channel, batch['inputs'].flatten(0, 1))
    assert torch.equal(out, batch['inputs'].float() + 20)
    assert torch.equal(preprocessor(batch)['inputs'], batch['inputs'].float())


def test_left_and_right_draw_apart():
    batch = make_batch(1)
    batch['inputs'] = batch['inputs'][:, :1].repeat(1, 2, 1, 1)
    out = PairPreprocessor(0, 1, batch_augments=[AFFINE])(batch, training=True)
    left, right = out['inputs'][0]
    assert not torch.equal(left, right)
    assert AFFINE == {'type': 'BatchRandomAffine', 'prob': 1.0, 'fill': 'zero'}


@pytest.mark.parametrize(
    'name',
    [
        'BatchRandomAffine',
        'BatchRandomRotate',
        'BatchRandomCrop',
        'BatchRandomErasing',
        'BatchRandomLines',
        'BatchRandAugment',
        'BatchGaussianNoise',
        'BatchGaussianBlur',
        'BatchMotionBlur',
        'BatchBrightnessContrast',
        'BatchRandomGamma',
    ],
)
def test_augmentations_of_the_toolbox_work_on_pairs(name):
    torch.manual_seed(0)
    augments = [{'type': name, 'prob': 1.0}]
    out = PairPreprocessor(0, 1, batch_augments=augments)(make_batch(), training=True)
    assert out['inputs'].shape == (6, 2, 28, 28)
    assert torch.isfinite(out['inputs']).all()
    assert not torch.equal(out['inputs'], make_batch()['inputs'].float())


def test_a_swap_exchanges_sides_labels_and_digits():
    batch = make_batch(400)
    before = batch['inputs'].clone()
    torch.manual_seed(0)
    out = PairPreprocessor(0, 1, swap_prob=0.3)(batch, training=True)
    pixels, targets = out['inputs'], out['data_samples']
    is_swapped = (pixels != before).flatten(1).any(1)
    # 4 standard deviations: 4 * sqrt(400 * 0.3 * 0.7) = 37
    assert abs(is_swapped.sum().item() - 120) < 37
    given = batch['data_samples']
    flips = is_swapped[:, None, None, None]
    assert torch.equal(pixels, torch.where(flips, before.flip(1), before).float())
    expected = torch.where(is_swapped, 1 - given.label_B, given.label_B)
    assert torch.equal(targets.label_B, expected)
    digits = torch.where(is_swapped[:, None], given.digit_B2.flip(1), given.digit_B2)
    assert torch.equal(targets.digit_B2, digits)
    assert torch.equal(targets.sample_id_B, given.sample_id_B)
    assert torch.equal(targets.group_id_B, given.group_id_B)
    assert torch.equal(batch['inputs'], before)


def test_soft_labels_are_swapped_too_and_digits_may_be_absent():
    ids = torch.arange(4)
    batch = make_batch(4)
    batch['data_samples'] = PairTargets(ids % 2, ids, ids, torch.linspace(0, 0.9, 4))
    out = PairPreprocessor(0, 1, swap_prob=1.0)(batch, training=True)
    expected = torch.tensor([1.0, 0.7, 0.4, 0.1])
    torch.testing.assert_close(out['data_samples'].soft_label_B, expected)
    assert out['data_samples'].digit_B2 is None


def test_nothing_is_swapped_outside_of_training():
    batch = make_batch()
    out = PairPreprocessor(0, 1, swap_prob=1.0)(batch)
    assert torch.equal(out['inputs'], batch['inputs'].float())
    assert torch.equal(out['data_samples'].label_B, batch['data_samples'].label_B)


def test_batches_without_targets_pass():
    inputs = make_batch()['inputs']
    for training in (True, False):
        out = PairPreprocessor(0, 1)({'inputs': inputs}, training=training)
        assert out['data_samples'] is None


def test_a_checkpoint_carries_the_constants():
    trained = MODELS.build({'type': 'PairPreprocessor', 'mean': 15, 'std': 36})
    loaded = PairPreprocessor(0, 1)
    loaded.load_state_dict(trained.state_dict())
    batch = make_batch()
    assert torch.equal(loaded(batch)['inputs'], trained(batch)['inputs'])


@pytest.mark.parametrize('name', ['BatchRandomFlip'])
def test_flips_are_refused_with_the_reason(name):
    message = (
        rf'{name} would spoil the labels of digits: a mirrored 2 is no digit, and a 6 '
        'upside down is a 9. To exchange left and right use swap_prob'
    )
    with pytest.raises(ValueError, match=message):
        PairPreprocessor(0, 1, batch_augments=[{'type': name}])


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        ({'std': 0}, 'std must be > 0, got 0'),
        ({'std': 1, 'swap_prob': 1.5}, r'swap_prob must be in \[0, 1\], got 1.5'),
    ],
)
def test_settings_are_checked(kwargs, message):
    with pytest.raises(ValueError, match=message):
        PairPreprocessor(0, **kwargs)


@pytest.mark.parametrize('shape', [(4, 3, 28, 28), (4, 28, 56)])
def test_inputs_that_are_no_pairs_are_refused(shape):
    batch = {'inputs': torch.zeros(shape), 'data_samples': None}
    with pytest.raises(ValueError, match=r'\(B, 2, H, W\), got \(4, '):
        PairPreprocessor(0, 1)(batch)


def test_without_a_swap_other_targets_will_do():
    ids = torch.arange(6)
    batch = {**make_batch(), 'data_samples': BatchTargets(ids, ids, ids)}
    out = PairPreprocessor(0, 1)(batch, training=True)
    assert isinstance(out['data_samples'], BatchTargets)
