import math

import pytest
import torch
from torch import nn

from ocec.functional.margins import arcface_logits, cosface_logits, cosine_scores


def hard_labels(*labels):
    return torch.tensor(labels, dtype=torch.int64)


def test_cosines_equal_torch_and_ignore_lengths():
    generator = torch.Generator().manual_seed(0)
    embedding, weight = (torch.randn(n, 7, generator=generator) for n in (5, 2))
    expected = nn.functional.cosine_similarity(embedding[:, None], weight[None], dim=2)
    torch.testing.assert_close(cosine_scores(embedding, weight), expected)
    torch.testing.assert_close(cosine_scores(embedding * 50, weight / 9), expected)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_cosines_stay_float32_in_mixed_precision(dtype):
    embedding = torch.tensor([[1.0, 2.0, 3.0]], dtype=dtype)
    weight = torch.tensor([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])
    with torch.autocast('cpu', dtype=torch.bfloat16):
        cosine = cosine_scores(embedding, weight)
    assert cosine.dtype == torch.float32
    torch.testing.assert_close(cosine, torch.tensor([[1.0, 10 / 14]]))


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16, torch.float16])
def test_an_embedding_of_zeros_has_finite_gradients(dtype):
    embedding = torch.zeros(1, 3, dtype=dtype, requires_grad=True)
    # as a gradient scaler multiplies a loss
    (256 * cosine_scores(embedding, torch.eye(2, 3))).sum().backward()
    assert embedding.grad.isfinite().all()
    assert embedding.grad.abs().sum() > 0


def test_cosface_by_hand():
    cosine = torch.tensor([[0.2, 0.9], [0.2, 0.9]])
    logits = cosface_logits(cosine, hard_labels(1, 0), m=0.35, s=8)
    # the true class loses m: 8 * (0.9 - 0.35) = 4.4 and 8 * (0.2 - 0.35) = -1.2
    torch.testing.assert_close(logits, torch.tensor([[1.6, 4.4], [-1.2, 7.2]]))


def test_arcface_by_hand():
    angles = torch.tensor([[math.pi / 3, math.pi / 4]])
    logits = arcface_logits(angles.cos(), hard_labels(1), m=0.2, s=8)
    expected = [8 * math.cos(math.pi / 3), 8 * math.cos(math.pi / 4 + 0.2)]
    torch.testing.assert_close(logits, torch.tensor([expected]))


@pytest.mark.parametrize('m', [0.2, 0.5, 1.5])
def test_arcface_never_rises_with_the_angle(m):
    angles = torch.linspace(0.01, math.pi - 0.01, 500)
    cosine = torch.stack((torch.zeros(500), angles.cos()), dim=1)
    logits = arcface_logits(cosine, torch.ones(500), m=m, s=1)[:, 1]
    assert (logits.diff() < 0).all()
    before = angles < math.pi - m - 0.01
    torch.testing.assert_close(logits[before], (angles[before] + m).cos())
    # beyond: cos(angle) - m sin(m)
    torch.testing.assert_close(
        logits[-1].item(), math.cos(math.pi - 0.01) - m * math.sin(m)
    )


@pytest.mark.parametrize('margin', [cosface_logits, arcface_logits])
def test_no_margin_is_the_scaled_cosine(margin):
    cosine = torch.tensor([[0.3, -0.8], [-1.0, 1.0]])
    logits = margin(cosine, hard_labels(0, 1), m=0.0, s=3)
    torch.testing.assert_close(logits, 3 * cosine, rtol=0, atol=1e-6)


@pytest.mark.parametrize('margin', [cosface_logits, arcface_logits])
def test_the_margin_lowers_the_true_class_only(margin):
    cosine = torch.tensor([[0.3, 0.5]])
    for label in (0, 1):
        lowered = margin(cosine, hard_labels(label), m=0.3, s=2)[0] < 2 * cosine[0]
        assert lowered.tolist() == [label == 0, label == 1]


@pytest.mark.parametrize('margin', [cosface_logits, arcface_logits])
def test_soft_labels_share_the_margin(margin):
    cosine = torch.tensor([[0.4, 0.4]])
    logits = margin(cosine, torch.tensor([0.5]), m=0.3, s=1)
    assert logits[0, 0] == logits[0, 1] < 0.4
    # hard labels given as floats mean the same
    torch.testing.assert_close(
        margin(cosine, torch.tensor([1.0]), m=0.3, s=1),
        margin(cosine, hard_labels(1), m=0.3, s=1),
    )


@pytest.mark.parametrize('margin', [cosface_logits, arcface_logits])
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16, torch.float16])
def test_gradients_are_finite_at_the_ends(margin, dtype):
    cosine = torch.tensor([[1.0, -1.0], [-1.0, 1.0]], dtype=dtype, requires_grad=True)
    for label in (0, 1):
        margin(cosine, hard_labels(label, label), m=0.5, s=64).sum().backward()
    assert cosine.grad.isfinite().all()
