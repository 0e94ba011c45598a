import numpy as np
import pytest
import torch
from torch import nn
from torchvision.transforms.v2.functional import normalize

from ocec.models.data_preprocessors import ImagePreprocessor
from ocec.registry import MODELS
from ocec.structures import BatchTargets

MEAN, STD = [120.0, 110.0, 100.0], [40.0, 50.0, 60.0]


def make_batch(num_images=4, *, dtype=torch.uint8):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (num_images, 8, 12, 3), np.uint8)
    ids = torch.arange(num_images)
    return {
        'inputs': torch.from_numpy(pixels).permute(0, 3, 1, 2).to(dtype),
        'data_samples': BatchTargets(ids % 2, ids, ids),
    }


class Scale(nn.Module):
    def forward(self, pixels):
        return pixels.float() * 0.5


class Shift(nn.Module):
    def forward(self, pixels):
        return pixels.float() + 10


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32, torch.float64])
def test_pixels_are_normalised_by_channel(dtype):
    batch = make_batch(dtype=dtype)
    out = ImagePreprocessor(MEAN, STD)(batch)
    # torchvision 0.29
    expected = normalize(batch['inputs'].float(), MEAN, STD)
    assert out['inputs'].dtype == torch.float32
    torch.testing.assert_close(out['inputs'], expected)


def test_whole_numbers_will_do_in_a_config():
    config = {'type': 'ImagePreprocessor', 'mean': [120, 110, 100], 'std': [40, 50, 60]}
    batch = make_batch()
    torch.testing.assert_close(
        MODELS.build(config)(batch)['inputs'],
        ImagePreprocessor(MEAN, STD)(batch)['inputs'],
    )
    # a checkpoint replaces them by fractions, which must not be cut off
    built = MODELS.build(config)
    half = ImagePreprocessor([x + 0.5 for x in MEAN], STD)
    built.load_state_dict(half.state_dict())
    torch.testing.assert_close(built(batch)['inputs'], half(batch)['inputs'])


def test_the_batch_itself_is_left_alone():
    batch = make_batch(dtype=torch.float32)
    before = batch['inputs'].clone()
    ImagePreprocessor(MEAN, STD)(batch)
    assert torch.equal(batch['inputs'], before)


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
@pytest.mark.parametrize('given', [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize('channels_last', [True, False])
def test_memory_format_of_the_result(dtype, given, channels_last):
    batch = make_batch(dtype=dtype)
    batch['inputs'] = batch['inputs'].contiguous(memory_format=given)
    out = ImagePreprocessor(MEAN, STD, channels_last=channels_last)(batch)['inputs']
    wanted = torch.channels_last if channels_last else torch.contiguous_format
    assert out.is_contiguous(memory_format=wanted)
    torch.testing.assert_close(out, normalize(batch['inputs'].float(), MEAN, STD))


def test_augmentations_run_in_order_on_pixels_and_only_in_training():
    preprocessor = ImagePreprocessor(
        [0.0] * 3, [1.0] * 3, batch_augments=[Scale(), Shift()]
    )
    batch = make_batch()
    pixels = batch['inputs'].float()
    in_training = preprocessor(batch, training=True)['inputs']
    torch.testing.assert_close(in_training, pixels * 0.5 + 10)
    torch.testing.assert_close(preprocessor(batch)['inputs'], pixels)
    # mmengine says training=False in val_step whatever the mode of the module
    preprocessor.train()
    torch.testing.assert_close(preprocessor(batch, False)['inputs'], pixels)


def test_augmentations_come_from_configs():
    flip = {'type': 'BatchRandomFlip', 'prob': 1.0}
    preprocessor = ImagePreprocessor([0.0] * 3, [1.0] * 3, batch_augments=[flip])
    batch = make_batch()
    out = preprocessor(batch, training=True)['inputs']
    torch.testing.assert_close(out, batch['inputs'].flip(-1).float())
    assert flip == {'type': 'BatchRandomFlip', 'prob': 1.0}


def test_targets_pass_through_or_are_absent():
    preprocessor, batch = ImagePreprocessor(MEAN, STD), make_batch()
    targets = preprocessor(batch)['data_samples']
    assert torch.equal(targets.sample_id_B, batch['data_samples'].sample_id_B)
    assert preprocessor({'inputs': batch['inputs']})['data_samples'] is None


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs an accelerator')
def test_a_batch_goes_to_the_device_of_the_model():
    preprocessor = ImagePreprocessor(MEAN, STD).to('cuda')
    out = preprocessor(make_batch())
    assert out['inputs'].device.type == 'cuda'
    assert {x.device.type for x in vars(out['data_samples']).values()} == {'cuda'}
    expected = ImagePreprocessor(MEAN, STD)(make_batch())['inputs']
    torch.testing.assert_close(out['inputs'].cpu(), expected)


def test_mean_and_std_of_different_length_are_refused():
    with pytest.raises(ValueError, match='must have one length, got 3 and 1'):
        ImagePreprocessor(MEAN, STD[:1])


@pytest.mark.parametrize('value', [0.0, -1.0])
def test_a_std_that_is_not_positive_is_refused(value):
    message = rf'std must be > 0, got \(40.0, {value}, 60.0\)'
    with pytest.raises(ValueError, match=message):
        ImagePreprocessor(MEAN, [40.0, value, 60.0])


def test_a_checkpoint_carries_the_constants_aloud(log_records):
    trained, loaded = ImagePreprocessor(MEAN, STD), ImagePreprocessor([0.0] * 3, STD)
    loaded.load_state_dict(trained.state_dict())
    batch = make_batch()
    assert torch.equal(loaded(batch)['inputs'], trained(batch)['inputs'])
    (record,) = log_records
    assert record.getMessage() == (
        'normalisation: the checkpoint was trained with mean [120, 110, 100], which '
        'replaces [0, 0, 0] of the config'
    )


def test_images_are_mixed_in_training_after_normalisation():
    mix = {'augments': [{'type': 'mmpretrain.Mixup', 'alpha': 1.0}]}
    preprocessor = ImagePreprocessor(MEAN, STD, mix_augments=mix)
    batch = make_batch()
    plain = preprocessor(batch, training=False)
    assert plain['data_samples'].soft_label_B is None
    np.random.seed(3)
    torch.manual_seed(3)
    mixed = preprocessor(batch, training=True)
    # what mmpretrain draws: the ratio from numpy, the order from torch
    np.random.seed(3)
    torch.manual_seed(3)
    np.random.choice(1)
    ratio, order = np.random.beta(1.0, 1.0), torch.randperm(4)
    expected = ratio * plain['inputs'] + (1 - ratio) * plain['inputs'][order]
    torch.testing.assert_close(mixed['inputs'], expected)
    labels = batch['data_samples'].label_B.float()
    torch.testing.assert_close(
        mixed['data_samples'].target_B, ratio * labels + (1 - ratio) * labels[order]
    )
    assert mixed['inputs'].is_contiguous(memory_format=torch.channels_last)


class Keep(nn.Module):
    """Returns what it got, and remembers it."""

    def forward(self, pixels):
        self.seen = pixels
        return pixels


@pytest.mark.parametrize('channels_last', [True, False])
def test_fresh_pixels_are_normalised_in_their_own_memory(channels_last):
    batch, keep = make_batch(), Keep()
    preprocessor = ImagePreprocessor(
        MEAN, STD, batch_augments=[Scale(), keep], channels_last=channels_last
    )
    out = preprocessor(batch, training=True)['inputs']
    torch.testing.assert_close(out, normalize(0.5 * batch['inputs'].float(), MEAN, STD))
    if channels_last:  # the layout of the batch, so nothing was copied
        assert out.data_ptr() == keep.seen.data_ptr()


def test_an_augmentation_that_changes_nothing_leaves_the_batch_alone():
    batch = make_batch(dtype=torch.float32)
    before = batch['inputs'].clone()
    preprocessor = ImagePreprocessor(MEAN, STD, batch_augments=[Keep()])
    out = preprocessor(batch, training=True)['inputs']
    torch.testing.assert_close(out, normalize(before, MEAN, STD))
    assert torch.equal(batch['inputs'], before)


@pytest.mark.parametrize('shape', [(4, 1, 8, 12), (4, 1, 1, 1), (1, 3, 1, 5)])
def test_odd_shapes_are_normalised(shape):
    pixels = torch.arange(float(np.prod(shape))).view(shape)
    mean, std = MEAN[: shape[1]], STD[: shape[1]]
    out = ImagePreprocessor(mean, std).normalize(pixels)
    torch.testing.assert_close(out, normalize(pixels, mean, std))


def test_all_augmentations_but_the_first_may_overwrite():
    clahe = {'type': 'BatchRandomCLAHE', 'prob': 0.5}
    preprocessor = ImagePreprocessor(MEAN, STD, batch_augments=[clahe, clahe])
    assert [augment.inplace for augment in preprocessor.batch_augments] == [False, True]
