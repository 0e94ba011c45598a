import math
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from ocec.apis.verify_model_network import (
    chance_losses,
    check_build,
    check_first_loss,
    check_forward,
    check_gradients,
)
from ocec.apis.verify_model_subject import Subject
from ocec.registry import MODELS
from ocec.structures import ActionTargets, PairTargets

LN_2 = math.log(2)


@pytest.fixture
def clips(tmp_path):
    """A tiny EPAM-Net without data: it is tried on clips that are made up."""
    init_default_scope('ocec')
    cfg = Config.fromfile('configs/_base_/models/epam_small.py')
    cfg.model.data_preprocessor.update(frame_size=(32, 32), heatmap_size=(8, 8))
    for path in (cfg.model.backbone.rgb_path, cfg.model.backbone.pose_path):
        path.update(depths=(1, 1, 1, 1) if path.in_channels == 3 else (1, 1, 1))
    dataset = dict(
        type='RGBPose',
        annotations='gone.pkl',
        rgb=dict(root='gone'),
        num_pose_frames=4,
        num_rgb_frames=2,
        frame_size=(32, 32),
    )
    cfg.train_dataloader = cfg.val_dataloader = dict(batch_size=2, dataset=dataset)
    cfg.optim_wrapper = dict(
        type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01, momentum=0.9)
    )
    cfg.train_cfg = dict(by_epoch=True, max_epochs=2)
    cfg.default_scope = 'ocec'
    device = torch.device('cpu')
    return Subject(cfg, folder=tmp_path / 'verify', device=device, data_problem='gone')


def test_parameters_and_macs_by_hand(make_subject):
    verdict = check_build(make_subject())
    assert verdict.status == 'ok'
    # stem 216 + 16, two blocks of 72 + 16 + 64 + 16; head 16 + 9
    assert verdict.facts['parts'] == {'backbone': 568, 'head': 25}
    assert verdict.facts['parameters'] == 593
    # at 16x32: stem 27 c, two blocks of 9 c and c^2; head c
    assert verdict.facts['macs'] == 512 * (27 * 8 + 2 * (9 * 8 + 64)) + 8
    assert verdict.text.startswith('593 parameters, 0.000 GMAC for one image')


def test_streams_and_attention_are_counted(clips):
    verdict = check_build(clips)
    parts = verdict.facts['parts']
    assert parts['backbone.attention'] == 107
    streams = parts['backbone.rgb_path'] + parts['backbone.pose_path']
    assert parts['backbone'] == streams + 107
    assert parts['head'] == parts['head.fc.rgb'] + parts['head.fc.pose']
    assert verdict.facts['macs'] > 0


def test_model_that_cannot_be_counted(make_subject, monkeypatch):
    def refuse(*_):
        raise NotImplementedError('no')

    monkeypatch.setattr('ocec.apis.verify_model_network.count_macs', refuse)
    verdict = check_build(make_subject())
    assert verdict.status == 'ok'
    assert 'MACs: not counted (NotImplementedError: no)' in verdict.text


def test_frozen_parameters(make_subject):
    subject = make_subject()
    subject.model.head.requires_grad_(False)
    assert '593 parameters, 25 of them frozen' in check_build(subject).text
    subject.model.requires_grad_(False)
    assert check_build(subject).status == 'FAIL'


def test_shapes_of_the_three_modes(clips):
    verdict = check_forward(clips)
    assert verdict.status == 'ok'
    told = '\n'.join(verdict.details)
    assert 'rgb (2, 3, 2, 32, 32) float32' in told
    assert 'predict: prob (2, 16) float32' in told
    assert 'fused (2, 16) float32' in told
    assert verdict.text.endswith('(on made-up data)')


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda prob: prob * 3, r'not in \[0, 1\]'),
        (lambda prob: prob[:5], 'gives 5 answers to 16 samples'),
        (lambda prob: prob[:, None] * 0, 'do not sum to 1'),
        (lambda _: None, 'no probabilities'),
    ],
)
def test_wrong_probabilities(make_subject, monkeypatch, change, message):
    subject = make_subject()
    forward = subject.model.forward

    def changed(*args, mode='tensor', **kwargs):
        out = forward(*args, mode=mode, **kwargs)
        if mode != 'predict':
            return out
        prob = change(out[0].prob_B)
        return [SimpleNamespace(prob_B=prob)]

    monkeypatch.setattr(subject.model, 'forward', changed)
    verdict = check_forward(subject)
    assert verdict.status == 'FAIL'
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(verdict.text)


def test_loss_that_is_not_finite(make_subject):
    subject = make_subject()
    with torch.no_grad():
        subject.model.head.fc.weight.fill_(math.nan)
    verdict = check_forward(subject)
    assert verdict.status == 'FAIL'
    assert 'loss is nan' in verdict.text
    assert check_gradients(make_subject()).status == 'ok'


def head_model(head, **model):
    init_default_scope('ocec')
    return SimpleNamespace(head=MODELS.build(head).train(), **model)


def targets(num=8):
    id_N = torch.arange(num)
    digit_N2 = torch.stack((id_N % 10, id_N % 10), 1)
    return PairTargets(id_N % 2, id_N, id_N, digit_B2=digit_N2)


@pytest.mark.parametrize(
    ('head', 'expected'),
    [
        (dict(loss=dict(type='BCELoss', pos_weight=1.0)), LN_2),
        # weight 3 on the half that is open: (3 + 1) / 2
        (dict(loss=dict(type='BCELoss', pos_weight=3.0)), 2 * LN_2),
        # (1 - 1/2)^2
        (dict(loss=dict(type='FocalLoss', gamma=2.0)), LN_2 / 4),
        (
            dict(num_classes=2, loss=dict(type='BCELoss', pos_weight=1.0)),
            LN_2,
        ),
        # all cosines 0, the margin on the right one: ln(1 + exp(s m))
        (
            dict(
                margin=dict(type='CosFace', m=0.35, s=8.0),
                loss=dict(type='BCELoss', pos_weight=1.0),
            ),
            math.log(1 + math.exp(8 * 0.35)),
        ),
    ],
)
def test_loss_of_a_network_that_knows_nothing(head, expected):
    model = head_model(dict(type='AvgHead', in_channels=4, **head))
    [(name, (loss, classes))] = chance_losses(model, targets()).items()
    assert (name, classes) == ('loss', 2)
    assert loss == pytest.approx(expected, rel=1e-5)


def test_losses_of_pairs_streams_and_distillation():
    head = dict(type='OrderPairHead', in_channels=8, digit_loss_weight=0.5)
    losses = chance_losses(head_model(head), targets())
    assert losses['loss_pair'] == (pytest.approx(LN_2), 2)
    assert losses['loss_digit'] == (pytest.approx(0.5 * math.log(10)), 10)
    head = dict(
        type='TwoStreamHead',
        num_classes=60,
        in_channels=dict(rgb=4, pose=4),
        loss_weights=dict(pose=2.0),
    )
    label_N = torch.arange(4)
    losses = chance_losses(head_model(head), ActionTargets(label_N, label_N, label_N))
    assert losses['rgb_loss_cls'] == (pytest.approx(math.log(60)), 60)
    assert losses['pose_loss_cls'] == (pytest.approx(2 * math.log(60)), 60)
    head = dict(
        type='AvgHead', in_channels=4, loss=dict(type='BCELoss', pos_weight=1.0)
    )
    model = head_model(head, distillation=SimpleNamespace(weight=0.7))
    assert chance_losses(model, targets()) == {
        'loss_label': (pytest.approx(0.3 * LN_2), 2)
    }
    assert chance_losses(SimpleNamespace(), targets()) == {}


@pytest.mark.parametrize(
    ('bias', 'status'),
    # half of the labels: (b + 0) / 2 nats beside ln 2
    [(0.0, 'ok'), (3.0, 'WARN'), (40.0, 'FAIL')],
)
def test_first_loss_near_chance(make_subject, bias, status):
    subject = make_subject()
    with torch.no_grad():
        subject.model.head.fc.weight.zero_()
        subject.model.head.fc.bias.fill_(bias)
    verdict = check_first_loss(subject)
    assert verdict.status == status
    assert '0.693 = ln 2 +- 0.5' in verdict.text
    assert verdict.facts['loss_of_chance'] == pytest.approx(LN_2)


def test_model_that_nothing_is_known_of(make_subject, monkeypatch):
    subject = make_subject()
    monkeypatch.setattr('ocec.apis.verify_model_network.chance_losses', lambda *_: {})
    verdict = check_first_loss(subject)
    assert verdict.status == 'ok'
    assert 'nothing known to compare with' in verdict.text


def test_detached_backbone_is_named(make_subject, monkeypatch):
    subject = make_subject()
    embed = subject.model.head.embed
    monkeypatch.setattr(
        subject.model.head, 'embed', lambda feats: embed([f.detach() for f in feats])
    )
    verdict = check_gradients(subject)
    assert verdict.status == 'FAIL'
    names = {n for n, _ in subject.model.named_parameters() if 'backbone' in n}
    assert set(verdict.facts['without_gradient']) == names
    assert f'{len(names)} of {len(names) + 4} parameters get no' in verdict.text
    assert 'backbone.blocks' in verdict.text
    assert 'and 7 more' in verdict.text


def test_detached_head(make_subject, monkeypatch):
    subject = make_subject()
    loss = subject.model.head.loss
    monkeypatch.setattr(subject.model.head, 'loss', lambda *args: loss(*args).detach())
    verdict = check_gradients(subject)
    assert verdict.status == 'FAIL'
    assert verdict.text == 'the loss depends on no parameter'


def test_blocks_that_begin_as_their_shortcut(clips):
    data = clips.prepare(clips.train_batch, training=True)
    loss, _ = clips.model.parse_losses(clips.model.train()(**data, mode='loss'))
    loss.backward()
    blocked = [n for n, p in clips.model.named_parameters() if not p.grad.any()]
    assert blocked
    verdict = check_gradients(clips)
    assert verdict.status == 'ok'
    assert f'{len(blocked)} of them only after a step' in verdict.text


def test_gradients_that_are_not_finite(make_subject, monkeypatch):
    subject = make_subject()
    loss = subject.model.head.loss
    monkeypatch.setattr(
        subject.model.head, 'loss', lambda *args: loss(*args) * math.inf
    )
    verdict = check_gradients(subject)
    assert verdict.status == 'FAIL'
    assert 'parameters are not finite: backbone' in verdict.text
