"""Every backbone x head x margin x loss: all is trained, and all say one P(open)."""

import itertools

import pytest
import torch
from torch import nn

from ocec.functional.probability import prob_open
from ocec.models import ImageClassifier
from ocec.structures import BatchTargets

BACKBONES = ['OCECBaseline', 'OCECInvertedSE', 'OCECConvNeXt']
HEADS = ['AvgHead', 'AvgMaxMLPHead', 'TransformerHead', 'MLPMixerHead']
MARGINS = [None, 'CosFace', 'ArcFace']
LOSSES = ['BCELoss', 'FocalLoss', 'FocalLabelSmoothCE', 'LabelSmoothLoss']
MODELS = list(itertools.product(BACKBONES, HEADS, MARGINS))


def make_model(backbone, head, margin, *, loss='BCELoss', num_classes=1):
    torch.manual_seed(0)
    model = ImageClassifier(
        {'type': backbone, 'base_channels': 8, 'num_blocks': 4},
        {
            'type': head,
            'num_classes': num_classes,
            'margin': None if margin is None else {'type': margin},
            'loss': {'type': loss, 'pos_weight': 1.3},
        },
        input_size=(32, 64),
    )
    model.init_weights()
    return model


def make_batch(num_images=6):
    generator = torch.Generator().manual_seed(0)
    ids = torch.arange(num_images)
    images = torch.randn(num_images, 3, 32, 64, generator=generator)
    return images, BatchTargets(label_B=ids % 2, sample_id_B=ids, group_id_B=ids)


def gradients_of_a_step(model, images, targets):
    loss = model.train()(images, targets, mode='loss')['loss']
    loss.backward()
    assert loss.isfinite()
    return {name: p.grad for name, p in model.named_parameters()}


@pytest.mark.parametrize('loss', LOSSES)
@pytest.mark.parametrize(('backbone', 'head', 'margin'), MODELS)
def test_one_step_reaches_every_parameter(backbone, head, margin, loss):
    model = make_model(backbone, head, margin, loss=loss)
    for name, grad in gradients_of_a_step(model, *make_batch()).items():
        assert grad is not None, name
        assert grad.isfinite().all(), name
        assert grad.abs().sum() > 0, name


@pytest.mark.parametrize(('backbone', 'head', 'margin'), MODELS)
def test_bfloat16_reaches_every_parameter(backbone, head, margin):
    model = make_model(backbone, head, margin)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        grads = gradients_of_a_step(model, *make_batch())
    assert all(grad.isfinite().all() for grad in grads.values())


@pytest.mark.parametrize(('backbone', 'head', 'margin'), MODELS)
def test_predict_and_tensor_say_one_probability(backbone, head, margin):
    model, (images, targets) = make_model(backbone, head, margin), make_batch()
    gradients_of_a_step(model, images, targets)  # running statistics other than 0, 1
    model.eval()
    with torch.no_grad():
        logits = model(images)
        (scores,) = model(images, targets, mode='predict')
    torch.testing.assert_close(scores.prob_B, prob_open(logits))
    # the loss is the cross-entropy of that same probability
    weight = torch.where(targets.label_B == 1, 1.3, 1.0)
    expected = weight * nn.functional.binary_cross_entropy(
        scores.prob_B, targets.label_B.float(), reduction='none'
    )
    torch.testing.assert_close(scores.loss_B, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(('backbone', 'head', 'margin'), MODELS)
def test_the_exported_program_says_the_same(backbone, head, margin):
    model, (images, _) = make_model(backbone, head, margin).eval(), make_batch()
    with torch.no_grad():
        program = torch.export.export(model, (images,)).module()
        torch.testing.assert_close(
            prob_open(program(images)), prob_open(model(images)), rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize('head', HEADS)
def test_two_logits_are_trained_too(head):
    model, batch = make_model('OCECBaseline', head, None, num_classes=2), make_batch()
    grads = gradients_of_a_step(model, *batch)
    assert model.head.fc.weight.shape[0] == 2
    assert all(grad.abs().sum() > 0 for grad in grads.values())
    with torch.no_grad():
        (scores,) = model.eval()(*batch, mode='predict')
    torch.testing.assert_close(
        scores.prob_B, model(batch[0]).softmax(dim=1)[:, 1].detach()
    )
