import copy

import pytest
import torch
from torch import nn
from torch.distributions import Bernoulli, kl_divergence

from ocec.models.classifiers import PairClassifier, PairDistillation
from ocec.structures import PairTargets

MODEL = """
model = dict(
    type='PairClassifier',
    data_preprocessor=dict(type='PairPreprocessor', mean={mean}, std=38.0),
    backbone=dict(type='CompareTower', widths=(4, 6), feat_dim=5, dropout=0.5),
    head=dict(type='ConcatPairHead', hidden_channels=7),
)
"""
PREPROCESSOR = {'type': 'PairPreprocessor', 'mean': 16.0, 'std': 38.0}


@pytest.fixture
def make_teacher(tmp_path):
    """Return a factory of trained teachers: dict(config=..., checkpoint=...)."""

    def make(seed=0, mean=16.0):
        config = tmp_path / f'teacher{seed}.py'
        config.write_text(MODEL.format(mean=mean))
        checkpoint = tmp_path / f'teacher{seed}.pth'
        model = build_teacher(seed, mean)
        torch.save({'meta': {}, 'state_dict': model.state_dict()}, checkpoint)
        return {'config': str(config), 'checkpoint': str(checkpoint)}

    return make


def build_teacher(seed=0, mean=16.0):
    torch.manual_seed(seed)
    model = PairClassifier(
        {'type': 'CompareTower', 'widths': (4, 6), 'feat_dim': 5, 'dropout': 0.5},
        {'type': 'ConcatPairHead', 'hidden_channels': 7},
        data_preprocessor={**PREPROCESSOR, 'mean': mean},
    )
    nn.init.normal_(model.head.fc.weight, std=3.0)
    return model.eval()


def make_student(**distillation):
    torch.manual_seed(9)
    return PairClassifier(
        {'type': 'CompareTower', 'widths': (4,), 'feat_dim': 3, 'dropout': 0.0},
        {'type': 'ConcatPairHead', 'hidden_channels': 4, 'dropout': 0.0},
        data_preprocessor=PREPROCESSOR,
        distillation={'type': 'PairDistillation', **distillation},
    )


def make_batch(num_pairs=8):
    ids = torch.arange(num_pairs)
    return torch.randn(num_pairs, 2, 12, 12), PairTargets(ids % 2, ids, ids)


def test_loss_by_hand(make_teacher):
    teachers = [make_teacher(0), make_teacher(1)]
    student = make_student(teachers=teachers, temperature=3.0, weight=0.7).train()
    inputs, targets = make_batch()
    losses = student(inputs, targets, mode='loss')
    with torch.no_grad():
        probs = [build_teacher(seed)(inputs).sigmoid() for seed in (0, 1)]
        teacher = torch.logit(sum(probs) / 2)
    logits = student(inputs)
    gap = kl_divergence(Bernoulli(logits=teacher / 3), Bernoulli(logits=logits / 3))
    hard = nn.functional.binary_cross_entropy_with_logits(
        logits, targets.label_B.float()
    )
    torch.testing.assert_close(
        losses['loss_distillation'], 0.7 * 9 * gap.mean(), rtol=1e-4, atol=1e-5
    )
    torch.testing.assert_close(losses['loss_pair'], 0.3 * hard)
    assert gap.mean() > 0.001


def test_in_evaluation_there_is_no_teacher():
    missing = [{'config': 'gone.py', 'checkpoint': 'gone.pth'}]
    student = make_student(teachers=missing).eval()
    inputs, targets = make_batch()
    losses = student(inputs, targets, mode='loss')
    (scores,) = student(inputs, targets, mode='predict')
    assert list(losses) == ['loss_pair']
    torch.testing.assert_close(losses['loss_pair'], scores.loss_B.mean())


def test_the_teacher_belongs_to_nothing_of_the_student(make_teacher):
    teacher = make_teacher()
    student, plain = make_student(teachers=[teacher]), build_plain_student()
    batch = make_batch()
    sum(student.train()(*batch, mode='loss').values()).backward()
    assert student.state_dict().keys() == plain.state_dict().keys()
    names = [name for name, _ in student.named_parameters()]
    assert names == [name for name, _ in plain.named_parameters()]
    plain.load_state_dict(student.state_dict())
    [model] = student.distillation._models
    assert all(p.grad is None and not p.requires_grad for p in model.parameters())
    # training the student leaves the teacher in evaluation mode
    assert not any(module.training for module in student.train().distillation._models)


def build_plain_student():
    student = make_student(teachers=[{'config': 'c', 'checkpoint': 'p'}])
    student.distillation = None
    return student


def test_an_averaged_copy_shares_the_teachers(make_teacher):
    student = make_student(teachers=[make_teacher()]).train()
    student(*make_batch(), mode='loss')
    assert copy.deepcopy(student).distillation is student.distillation


def test_a_student_learns_what_the_teacher_says(make_teacher):
    student = make_student(teachers=[make_teacher()], weight=1.0).train()
    inputs, targets = make_batch(32)
    optimizer = torch.optim.Adam(student.parameters(), lr=0.02)
    gaps = []
    for _ in range(40):
        optimizer.zero_grad()
        losses = student(inputs, targets, mode='loss')
        assert losses['loss_pair'] == 0
        losses['loss_distillation'].backward()
        optimizer.step()
        gaps.append(losses['loss_distillation'].item())
    assert gaps[-1] < 0.5 * gaps[0]


@pytest.mark.parametrize(
    ('setting', 'message'),
    [
        ({'teachers': []}, 'teachers must be at least one, got none'),
        (
            {'teachers': [{'config': 'a.py'}]},
            r"a teacher is dict\(config=..., checkpoint=...\), got the keys \['config'",
        ),
        ({'temperature': 0}, 'temperature must be > 0, got 0'),
        ({'weight': 1.5}, r'weight must be in \[0, 1\], got 1.5'),
    ],
)
def test_arguments_out_of_range_are_named(setting, message):
    teachers = [{'config': 'a.py', 'checkpoint': 'a.pth'}]
    with pytest.raises(ValueError, match=message):
        PairDistillation(**{'teachers': teachers, **setting})


@pytest.mark.parametrize('key', ['config', 'checkpoint'])
def test_a_missing_file_is_named(make_teacher, key):
    student = make_student(teachers=[{**make_teacher(), key: '/gone/file'}]).train()
    with pytest.raises(FileNotFoundError, match='/gone/file: no such file of a teach'):
        student(*make_batch(), mode='loss')


def test_a_teacher_of_another_normalisation_is_refused(make_teacher):
    teacher = make_teacher(mean=99.0)
    student = make_student(teachers=[teacher]).train()
    message = r'data_preprocessor.mean 99, the student has 16: give both the same'
    with pytest.raises(ValueError, match=message):
        student(*make_batch(), mode='loss')


def test_weights_of_another_model_are_refused(make_teacher):
    teacher = make_teacher()
    torch.save({'state_dict': {'x': torch.zeros(1)}}, teacher['checkpoint'])
    student = make_student(teachers=[teacher]).train()
    with pytest.raises(ValueError, match=r'teacher0.pth: these are not the weights of'):
        student(*make_batch(), mode='loss')


def test_a_damaged_checkpoint_and_one_with_code_are_refused(make_teacher, tmp_path):
    teacher = make_teacher()
    for content in (b'no checkpoint', None):
        if content is None:  # would run code when read
            torch.save({'state_dict': {'x': tmp_path}}, teacher['checkpoint'])
        else:
            (tmp_path / 'teacher0.pth').write_bytes(content)
        student = make_student(teachers=[teacher]).train()
        with pytest.raises(ValueError, match='teacher0.pth: cannot be read as a teac'):
            student(*make_batch(), mode='loss')
