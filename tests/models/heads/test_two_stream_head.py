import math

import pytest
import torch
from torch.nn import functional as F

from ocec.models.heads import TwoStreamHead
from ocec.registry import MODELS

CHANNELS = {'rgb': 6, 'pose': 4}


def make_head(in_channels=CHANNELS, num_classes=5, **kwargs):
    torch.manual_seed(0)
    return TwoStreamHead(num_classes, in_channels, **kwargs)


def make_feats(batch=3):
    generator = torch.Generator().manual_seed(0)
    return {
        'rgb': torch.randn(batch, 6, 2, 3, 3, generator=generator),
        'pose': torch.randn(batch, 4, 6, 3, 3, generator=generator),
    }


def test_parameters_are_those_of_the_original():
    head = TwoStreamHead(60, {'rgb': 432, 'pose': 216})
    counts = {s: sum(p.numel() for p in fc.parameters()) for s, fc in head.fc.items()}
    assert counts == {'rgb': 25_980, 'pose': 13_020}


def test_logits_are_linear_in_the_mean():
    head, feats = make_head().eval(), make_feats()
    logits = head(feats)
    for stream, layer in head.fc.items():
        mean = feats[stream].flatten(2).mean(2)
        expected = mean @ layer.weight.T + layer.bias
        torch.testing.assert_close(logits[stream], expected)


def test_dropout_acts_in_training_only():
    head, feats = make_head(dropout=0.9).train(), make_feats()
    assert not torch.equal(head(feats)['rgb'], head(feats)['rgb'])
    head.eval()
    assert torch.equal(head(feats)['rgb'], head(feats)['rgb'])


def test_first_loss_is_that_of_a_guess():
    head = TwoStreamHead(60, {'rgb': 432, 'pose': 216})
    head.init_weights()
    feats = {'rgb': torch.rand(8, 432, 2, 3, 3), 'pose': torch.rand(8, 216, 6, 3, 3)}
    losses = head.losses(head(feats), torch.arange(8))
    for loss in losses.values():
        assert loss.mean().item() == pytest.approx(math.log(60), abs=0.1)


@pytest.mark.parametrize('label_smoothing', [0.0, 0.1])
def test_losses_by_stream_with_their_weights(label_smoothing):
    head = make_head(loss_weights={'pose': 0.5}, label_smoothing=label_smoothing)
    logits, label = head.eval()(make_feats()), torch.tensor([0, 4, 2])
    found = head.losses(logits, label)
    for stream, weight in (('rgb', 1.0), ('pose', 0.5)):
        log_prob = logits[stream].log_softmax(1)
        hard = -log_prob[torch.arange(3), label]
        expected = (1 - label_smoothing) * hard - label_smoothing * log_prob.mean(1)
        torch.testing.assert_close(found[stream], weight * expected)


def test_fusion_and_clips_follow_the_settings():
    logits = {'rgb': torch.randn(2, 5), 'pose': torch.randn(2, 5)}
    head = make_head(fusion_weights={'rgb': 2})
    expected = 2 * logits['rgb'] + logits['pose']
    torch.testing.assert_close(head.fuse(logits), expected)
    clips = torch.randn(2, 3, 5)
    torch.testing.assert_close(head.average(clips), clips.mean(1))
    head = make_head(fusion='prob', fusion_weights={'rgb': 2})
    expected = (2 * logits['rgb'].softmax(1) + logits['pose'].softmax(1)) / 3
    torch.testing.assert_close(head.fuse(logits).softmax(1), expected)
    expected = clips.softmax(2).mean(1)
    torch.testing.assert_close(head.average(clips).softmax(1), expected)


def test_half_precision_loses_nothing_in_the_loss():
    head, label = make_head(), torch.tensor([1, 0, 3])
    logits = {s: z.bfloat16() for s, z in head.eval()(make_feats()).items()}
    found = head.losses(logits, label)['rgb']
    assert found.dtype == torch.float32
    expected = F.cross_entropy(logits['rgb'].float(), label, reduction='none')
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'num_classes': 1}, 'num_classes must be >= 2, got 1'),
        ({'dropout': 1.0}, r'dropout must be in \[0, 1\), got 1.0'),
        ({'label_smoothing': 1.0}, r'label_smoothing must be in \[0, 1\), got 1.0'),
        ({'fusion': 'max'}, "fusion must be one of .* got 'max'"),
        (
            {'loss_weights': {'flow': 1}},
            'loss_weights names flow, the streams are rgb, pose',
        ),
        (
            {'fusion_weights': {'rgb': -1}},
            'fusion_weights: weights must be >= 0 and not all 0, got',
        ),
        (
            {'loss_weights': {'rgb': 0, 'pose': 0}},
            'loss_weights: weights must be >= 0 and not all 0, got',
        ),
    ],
)
def test_bad_settings_are_named(settings, message):
    config = {'type': 'TwoStreamHead', 'num_classes': 5, 'in_channels': CHANNELS}
    with pytest.raises(ValueError, match=message):
        MODELS.build({**config, **settings})
