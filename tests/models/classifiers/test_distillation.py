"""Expected losses: torch's KL divergence of Bernoulli distributions."""

import copy

import pytest
import torch
from torch import nn
from torch.distributions import Bernoulli, kl_divergence

from ocec.models.classifiers import Distillation, ImageClassifier
from ocec.structures import BatchTargets

PREPROCESSOR = {'type': 'ImagePreprocessor', 'mean': [1.0, 2, 3], 'std': [4.0, 5, 6]}
BACKBONE = {'type': 'OCECBaseline', 'base_channels': 8, 'num_blocks': 1}
MODEL = """
model = dict(
    type='ImageClassifier',
    data_preprocessor={preprocessor},
    backbone={backbone},
    head={head},
    distillation=dict(type='Distillation', teachers=[dict(config='', checkpoint='')]),
)
"""
LOSS = {'type': 'BCELoss', 'pos_weight': 1.0}
HEADS = {
    'one logit': {'type': 'AvgHead', 'dropout': 0.5, 'loss': LOSS},
    'two logits': {'type': 'AvgHead', 'num_classes': 2, 'loss': LOSS},
    'margin': {'type': 'AvgHead', 'margin': {'type': 'CosFace'}, 'loss': LOSS},
    # it must know the size of the images, which no config file tells
    'tokens': {'type': 'MLPMixerHead', 'loss': LOSS},
}


@pytest.fixture
def make_teacher(tmp_path):
    """Return a factory of trained teachers: dict(config=..., checkpoint=...)."""

    def make(head='one logit', preprocessor=PREPROCESSOR):
        config, checkpoint = tmp_path / 'teacher.py', tmp_path / 'teacher.pth'
        config.write_text(
            MODEL.format(preprocessor=preprocessor, backbone=BACKBONE, head=HEADS[head])
        )
        torch.save({'state_dict': build(head).state_dict()}, checkpoint)
        if preprocessor is not PREPROCESSOR:
            state = build(head).state_dict()
            state['data_preprocessor.mean'] += 1
            torch.save({'state_dict': state}, checkpoint)
        return {'config': str(config), 'checkpoint': str(checkpoint)}

    return make


def build(head, seed=0, **kwargs):
    torch.manual_seed(seed)
    model = ImageClassifier(
        BACKBONE,
        HEADS[head],
        data_preprocessor=PREPROCESSOR,
        input_size=(16, 32),
        **kwargs,
    )
    for parameter in model.head.parameters():  # far from 0, so that they say something
        nn.init.normal_(parameter, std=0.5)
    return model.eval()


def student_of(teacher, head='one logit', **settings):
    distillation = {'type': 'Distillation', 'teachers': [teacher], **settings}
    return build(head, seed=1, distillation=distillation)


def make_batch():
    ids = torch.arange(8)
    generator = torch.Generator().manual_seed(2)
    images = torch.randn(8, 3, 16, 32, generator=generator)
    return images, BatchTargets(ids % 2, ids, ids)


def log_odds(logits):
    return logits if logits.ndim == 1 else logits[:, 1] - logits[:, 0]


def train_without_noise(model):
    """Training mode for the classifier alone: no dropout, no batch statistics."""
    model.eval()
    model.training = True
    return model


@pytest.mark.parametrize('head', HEADS)
@pytest.mark.parametrize('taught_by', HEADS)
def test_loss_by_hand(make_teacher, head, taught_by):
    student = student_of(make_teacher(taught_by), head, temperature=2.0, weight=0.3)
    inputs, targets = make_batch()
    with torch.no_grad():
        found = train_without_noise(student)(inputs, targets, mode='loss')
        teacher, answer = (log_odds(m(inputs)) for m in (build(taught_by), student))
        label_loss = student.head.loss(student._features(inputs), targets.label_B)
    gap = kl_divergence(Bernoulli(logits=teacher / 2), Bernoulli(logits=answer / 2))
    assert gap.mean() > 1e-4
    torch.testing.assert_close(
        found['loss_distillation'], 0.3 * 4 * gap.mean(), rtol=1e-4, atol=1e-5
    )
    torch.testing.assert_close(found['loss_label'], 0.7 * label_loss.mean())


def test_a_margin_is_for_the_labels_only(make_teacher):
    # the teacher is the student itself: what it answers does not differ
    student = student_of(make_teacher('margin'), 'margin')
    student.load_state_dict(build('margin').state_dict())
    inputs, targets = make_batch()
    train_without_noise(student).head.margin.train()
    with torch.no_grad():
        losses = student(inputs, targets, mode='loss')
        plain = student.head.loss_module(student(inputs), targets.label_B).mean()
    assert losses['loss_distillation'].item() == pytest.approx(0, abs=1e-6)
    assert losses['loss_label'] > 1.1 * 0.3 * plain


def test_in_evaluation_there_is_no_teacher():
    student = student_of({'config': 'gone.py', 'checkpoint': 'gone.pth'})
    inputs, targets = make_batch()
    assert list(student(inputs, targets, mode='loss')) == ['loss']
    with pytest.raises(FileNotFoundError, match='gone.py: no such file of a teacher'):
        student.train()(inputs, targets, mode='loss')


def test_the_teacher_belongs_to_nothing_of_the_student(make_teacher):
    student, plain = student_of(make_teacher()), build('one logit')
    sum(student.train()(*make_batch(), mode='loss').values()).backward()
    assert student.state_dict().keys() == plain.state_dict().keys()
    [teacher] = student.distillation._models
    assert not any(p.requires_grad or p.grad is not None for p in teacher.parameters())
    assert not any(module.training for module in teacher.modules())
    assert copy.deepcopy(student).distillation is student.distillation


def test_other_constants_are_refused(make_teacher):
    student = student_of(make_teacher(preprocessor={**PREPROCESSOR}))
    message = r'data_preprocessor.mean 2, 3, 4, the student has 1, 2, 3: give both'
    with pytest.raises(ValueError, match=message):
        student.train()(*make_batch(), mode='loss')


def test_settings_are_checked():
    with pytest.raises(ValueError, match='teachers must be at least one, got none'):
        Distillation([])
