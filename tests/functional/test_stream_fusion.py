"""Expected values: sums of numpy arrays, softmax written out."""

import numpy as np
import pytest
import torch

from ocec.functional.stream_fusion import (
    average_clips,
    check_weights,
    fuse_streams,
)

STREAMS = ('rgb', 'pose')


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def make_logits(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 3


def test_clips_are_averaged_as_scores_or_as_probabilities():
    z = make_logits(4, 5, 3)
    found = average_clips(z, fusion='score')
    torch.testing.assert_close(found, torch.tensor(z.numpy().mean(1)))
    found = average_clips(z, fusion='prob').softmax(1).numpy()
    np.testing.assert_allclose(found, softmax(z.numpy()).mean(1), rtol=1e-5)


@pytest.mark.parametrize('weights', [(1, 1), (2, 1), (0.5, 3), (1, 0)])
def test_streams_are_fused(weights):
    rgb, pose = make_logits(2, 6, 4)
    logits, named = {'rgb': rgb, 'pose': pose}, dict(zip(STREAMS, weights, strict=True))
    a, b = weights
    found = fuse_streams(logits, named, fusion='score')
    torch.testing.assert_close(found, a * rgb + b * pose)
    found = fuse_streams(logits, named, fusion='prob').exp().numpy()
    expected = (a * softmax(rgb.numpy()) + b * softmax(pose.numpy())) / (a + b)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize('fusion', ['score', 'prob'])
def test_one_stream_answers_for_itself(fusion):
    z = make_logits(5, 4)
    found = fuse_streams({'pose': z}, {'rgb': 7, 'pose': 1}, fusion=fusion)
    torch.testing.assert_close(found.softmax(1), z.softmax(1))


def test_sure_streams_stay_finite():
    z = torch.tensor([[200.0, 0.0, -200.0]])
    logits = {'rgb': z, 'pose': -z}
    found = fuse_streams(logits, dict.fromkeys(STREAMS, 1), fusion='prob')
    assert found.isfinite().all()
    torch.testing.assert_close(found.exp(), torch.tensor([[0.5, 0.0, 0.5]]))


@pytest.mark.parametrize('fusion', ['score', 'prob'])
def test_half_precision_is_left_and_double_kept(fusion):
    for dtype, expected in (
        (torch.bfloat16, torch.float32),
        (torch.float64, torch.float64),
    ):
        z = make_logits(2, 3).to(dtype)
        assert fuse_streams({'rgb': z}, {'rgb': 1}, fusion=fusion).dtype == expected
        assert average_clips(z[:, None], fusion=fusion).dtype == expected


def test_unknown_ways_are_refused():
    z = make_logits(2, 2, 3)
    message = r"fusion must be one of \('score', 'prob'\), got 'max'"
    with pytest.raises(ValueError, match=message):
        average_clips(z, fusion='max')
    with pytest.raises(ValueError, match=message):
        fuse_streams({'rgb': z[0]}, {'rgb': 1}, fusion='max')


@pytest.mark.parametrize('weights', [(-1, 1), (0, 0), (float('nan'), 1)])
def test_weights_that_give_no_mean(weights):
    named = dict(zip(STREAMS, weights, strict=True))
    with pytest.raises(ValueError, match='weights must be >= 0 and not all 0, got'):
        check_weights(named)
    z = make_logits(2, 3)
    with pytest.raises(ValueError, match='weights must be >= 0 and not all 0, got'):
        fuse_streams({'rgb': z, 'pose': z}, named, fusion='prob')
