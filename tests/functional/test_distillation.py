import pytest
import torch
from torch.distributions import Bernoulli, kl_divergence

from ocec.functional.distillation import distillation_loss, mean_probability_logit


@pytest.mark.parametrize('temperature', [0.5, 1.0, 3.0])
def test_divergence_is_that_of_torch(temperature):
    student, teacher = torch.randn(2, 50, generator=torch.Generator().manual_seed(0))
    expected = temperature**2 * kl_divergence(
        Bernoulli(logits=teacher / temperature), Bernoulli(logits=student / temperature)
    )
    loss = distillation_loss(student, teacher, temperature=temperature)
    torch.testing.assert_close(loss, expected, rtol=1e-4, atol=1e-6)


def test_gradient_by_hand():
    # d/ds T^2 KL = T (sigmoid(s / T) - sigmoid(t / T))
    student = torch.tensor([-4.0, 0.3, 2.0], requires_grad=True)
    teacher = torch.tensor([1.0, 0.3, 5.0], requires_grad=True)
    distillation_loss(student, teacher, temperature=3.0).sum().backward()
    expected = 3 * ((student / 3).sigmoid() - (teacher / 3).sigmoid())
    torch.testing.assert_close(student.grad, expected.detach())
    assert teacher.grad is None


def test_temperature_leaves_the_size_of_the_gradient():
    # in the limit the gradient is (s - t) / 4, whatever T is
    student = torch.tensor([1.0], requires_grad=True)
    loss = distillation_loss(student, torch.tensor([-1.0]), temperature=100.0)
    loss.backward()
    assert student.grad.item() == pytest.approx(0.5, rel=1e-3)


def test_extreme_logits_stay_finite():
    student = torch.tensor([60.0, -60.0, 0.0], requires_grad=True)
    teacher = torch.tensor([-60.0, -60.0, 60.0])
    loss = distillation_loss(student, teacher, temperature=1.0)
    loss.sum().backward()
    # KL of the first: log odds of 60, for sure on the other side; 0; log 2
    torch.testing.assert_close(loss.detach(), torch.tensor([60.0, 0.0, 0.6931472]))
    assert student.grad.isfinite().all()


def test_mean_probability():
    logits = list(torch.randn(3, 20, generator=torch.Generator().manual_seed(0)))
    mean = torch.stack(logits).sigmoid().mean(dim=0)
    torch.testing.assert_close(mean_probability_logit(logits).sigmoid(), mean)
    # beyond the resolution of the probability
    sure = mean_probability_logit([torch.tensor([50.0]), torch.tensor([50.0])])
    assert sure.item() == pytest.approx(50.0)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match='temperature must be > 0, got 0'):
        distillation_loss(torch.zeros(2), torch.zeros(2), temperature=0)
    message = r'student and teacher must have one shape, got \(2,\) and \(2, 1\)'
    with pytest.raises(ValueError, match=message):
        distillation_loss(torch.zeros(2), torch.zeros(2, 1), temperature=1.0)
