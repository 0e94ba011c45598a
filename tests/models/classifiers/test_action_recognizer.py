import copy
import math

import pytest
import torch
from mmengine.optim import OptimWrapper
from torch import nn
from torch.nn import functional as F

from ocec.engine.epam_checkpoint import convert_epam
from ocec.models.classifiers import ActionRecognizer
from ocec.models.classifiers.action_recognizer import flatten_clips
from ocec.registry import MODELS
from ocec.structures import ActionScores, ActionTargets

NUM_CLASSES = 4
RGB = {'type': 'XShiftNet', 'base_channels': 8, 'depths': (2, 1, 1)}
POSE = {
    **{'type': 'XShiftNet', 'base_channels': 8, 'depths': (2, 1)},
    **{'in_channels': 5, 'stem_stride': 1, 'shift_div': 4},
}
BACKBONES = {
    'epam': {
        **{'type': 'EPAMNet', 'rgb_path': RGB, 'pose_path': POSE},
        'attention': {'type': 'PoseAttention'},
    },
    'late': {'type': 'EPAMNet', 'rgb_path': RGB, 'pose_path': POSE},
    'rgb': {'type': 'EPAMNet', 'rgb_path': RGB, 'pose_path': None},
    'pose': {'type': 'EPAMNet', 'rgb_path': None, 'pose_path': POSE},
}
HEAD = {'type': 'TwoStreamHead', 'num_classes': NUM_CLASSES}


def make_model(backbone='epam', **head):
    torch.manual_seed(0)
    model = ActionRecognizer(BACKBONES[backbone], {**HEAD, **head})
    model.init_weights()
    return model


def make_inputs(batch=4, clips=None, num_rgb=2, num_pose=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    lead = (batch,) if clips is None else (batch, clips)
    return {
        'rgb': torch.randn(*lead, 3, num_rgb, 16, 16, generator=generator),
        'heatmap': torch.rand(*lead, 5, num_pose, 4, 4, generator=generator),
    }


def make_targets(batch=4):
    ids = torch.arange(batch)
    return ActionTargets(
        label_B=ids % NUM_CLASSES, sample_id_B=ids + 100, group_id_B=ids // 2
    )


def trained(model, num_steps=3):
    """Move weights and running statistics away from where they start."""
    optimizer = torch.optim.SGD(model.parameters(), 0.5)
    for step in range(num_steps):
        optimizer.zero_grad()
        losses = model.train()(make_inputs(seed=step), make_targets(), mode='loss')
        model.parse_losses(losses)[0].backward()
        optimizer.step()
    return model


# against the network with Conv3d


@pytest.mark.parametrize('training', [True, False])
def test_equals_the_conv3d_network_with_its_gradients(epam_conv3d, training):
    torch.manual_seed(0)
    sizes = {'rgb_depths': (3, 2, 1), 'pose_depths': (2, 1), 'width': 8}
    theirs = epam_conv3d.EPAMConv3d(6, 5, **sizes).double().train(training)
    epam_conv3d.randomize(theirs)
    rgb = {**RGB, 'depths': sizes['rgb_depths']}
    ours = ActionRecognizer(
        {**BACKBONES['epam'], 'rgb_path': rgb},
        {**HEAD, 'num_classes': 6, 'dropout': 0.0},
    ).double()
    ours.load_state_dict(convert_epam(theirs.state_dict(), 'x.pth'))
    ours = ours.train(training).to(memory_format=torch.channels_last)
    inputs = {name: x.double() for name, x in make_inputs(3, None, 4, 12).items()}
    expected = theirs(inputs['rgb'], inputs['heatmap'])
    found = ours(inputs)
    for stream, logits in zip(('rgb', 'pose'), expected, strict=True):
        torch.testing.assert_close(found[stream], logits, rtol=0, atol=1e-12)
    torch.testing.assert_close(found['fused'], sum(expected), rtol=0, atol=1e-12)
    label = torch.tensor([0, 5, 2])
    sum(F.cross_entropy(z, label) for z in expected).backward()
    sum(F.cross_entropy(found[s], label) for s in ('rgb', 'pose')).backward()
    wanted = {name: p.grad for name, p in theirs.named_parameters()}
    wanted = convert_epam(wanted, 'x.pth')
    assert len(wanted) == len(list(ours.parameters()))
    for name, parameter in ours.named_parameters():
        torch.testing.assert_close(
            parameter.grad, wanted[name], rtol=0, atol=1e-10, msg=name
        )
    if training:  # running statistics too
        state = convert_epam(theirs.state_dict(), 'x.pth')
        for name, buffer in ours.named_buffers():
            torch.testing.assert_close(buffer, state[name], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ('num_classes', 'published'), [(60, 2_538_717), (120, 2_577_717)]
)
def test_parameters_are_those_of_the_original(num_classes, published):
    with torch.device('meta'):
        model = ActionRecognizer(
            {
                'type': 'EPAMNet',
                'rgb_path': {'type': 'XShiftNet'},
                'pose_path': {
                    **{'type': 'XShiftNet', 'in_channels': 17, 'depths': (5, 11, 7)},
                    **{'stem_stride': 1, 'shift_div': 4},
                },
                'attention': {'type': 'PoseAttention'},
            },
            {'type': 'TwoStreamHead', 'num_classes': num_classes},
        )
    assert sum(p.numel() for p in model.parameters()) == published


# modes


@pytest.mark.parametrize('backbone', BACKBONES)
def test_tensor_mode(backbone):
    model, inputs = trained(make_model(backbone)).eval(), make_inputs()
    found = model(inputs)
    logits = model.head(model.backbone(inputs))
    assert list(found) == [*logits, 'fused']
    for stream, z in logits.items():
        torch.testing.assert_close(found[stream], z)
    torch.testing.assert_close(found['fused'], sum(logits.values()))


@pytest.mark.parametrize('backbone', BACKBONES)
@pytest.mark.parametrize('fusion', ['score', 'prob'])
def test_predict_mode(backbone, fusion):
    model = trained(make_model(backbone, fusion=fusion)).eval()
    inputs, targets = make_inputs(), make_targets()
    logits = model.head(model.backbone(inputs))
    (scores,) = model(inputs, targets, mode='predict')
    assert isinstance(scores, ActionScores)
    torch.testing.assert_close(scores.prob_BC, model(inputs)['fused'].softmax(1))
    torch.testing.assert_close(scores.prob_BC.sum(1), torch.ones(4))
    loss = sum(
        F.cross_entropy(z, targets.label_B, reduction='none') for z in logits.values()
    )
    torch.testing.assert_close(scores.loss_B, loss)
    for name in ('label_B', 'sample_id_B', 'group_id_B'):
        assert getattr(scores, name) is getattr(targets, name)
    if len(logits) == 1:
        assert scores.rgb_prob_BC is scores.pose_prob_BC is None
        return
    torch.testing.assert_close(scores.rgb_prob_BC, logits['rgb'].softmax(1))
    torch.testing.assert_close(scores.pose_prob_BC, logits['pose'].softmax(1))


@pytest.mark.parametrize('backbone', BACKBONES)
def test_loss_mode_names_its_parts(backbone):
    model, inputs, targets = make_model(backbone).eval(), make_inputs(), make_targets()
    losses = model(inputs, targets, mode='loss')
    (scores,) = model(inputs, targets, mode='predict')
    streams = list(model.backbone.out_channels)
    accuracies = ['fused_top1']
    if len(streams) == 2:
        accuracies += ['rgb_top1', 'pose_top1']
    assert list(losses) == [*(f'{s}_loss_cls' for s in streams), *accuracies]
    total, logged = model.parse_losses(losses)
    torch.testing.assert_close(total, scores.loss_B.mean())
    right = scores.prob_BC.argmax(1) == targets.label_B
    assert logged['fused_top1'].item() == right.float().mean().item()
    for stream in streams[: 2 * (len(streams) - 1)]:
        prob = getattr(scores, f'{stream}_prob_BC')
        right = prob.argmax(1) == targets.label_B
        assert logged[f'{stream}_top1'].item() == right.float().mean().item()


@pytest.mark.parametrize('backbone', BACKBONES)
def test_first_loss_is_that_of_a_guess(backbone):
    losses = make_model(backbone).train()(make_inputs(), make_targets(), mode='loss')
    for name, loss in losses.items():
        if 'loss' in name:
            assert loss.item() == pytest.approx(math.log(NUM_CLASSES), abs=0.1)


def test_a_stream_of_weight_zero_does_not_train():
    model = make_model('late', loss_weights={'pose': 0.0})
    losses = model(make_inputs(), make_targets(), mode='loss')
    assert losses['pose_loss_cls'] == 0
    model.parse_losses(losses)[0].backward()
    assert all(not p.grad.any() for p in model.backbone.pose_path.parameters())


# clips


@pytest.mark.parametrize('fusion', ['score', 'prob'])
def test_clips_of_a_video_are_averaged(fusion):
    model = trained(make_model(fusion=fusion)).eval()
    inputs, targets = make_inputs(clips=3), make_targets()
    (scores,) = model(inputs, targets, mode='predict')
    logits = {s: [] for s in ('rgb', 'pose')}
    for clip in range(3):
        feats = model.backbone({name: x[:, clip] for name, x in inputs.items()})
        for stream, z in model.head(feats).items():
            logits[stream].append(z)
    loss = sum(
        F.cross_entropy(z, targets.label_B, reduction='none')
        for clips in logits.values()
        for z in clips
    )
    torch.testing.assert_close(scores.loss_B, loss / 3)
    if fusion == 'score':
        rgb, pose = (sum(clips) / 3 for clips in logits.values())
        expected = (rgb + pose).softmax(1)
    else:
        rgb, pose = (sum(z.softmax(1) for z in c) / 3 for c in logits.values())
        expected = (rgb + pose) / 2
    torch.testing.assert_close(scores.prob_BC, expected)


def test_one_clip_in_its_own_dimension_is_one_clip():
    model = trained(make_model()).eval()
    plain, extra = make_inputs(), make_inputs(clips=1)
    torch.testing.assert_close(model(extra), model(plain))


def test_clips_are_examples_in_training():
    model, targets = make_model().eval(), make_targets()
    losses = model(make_inputs(clips=3), targets, mode='loss')
    (scores,) = model(make_inputs(clips=3), targets, mode='predict')
    total, _ = model.parse_losses(losses)
    torch.testing.assert_close(total, scores.loss_B.mean())


def test_clips_are_laid_out_by_video():
    inputs = make_inputs(clips=3)
    flat, num_clips = flatten_clips(inputs)
    assert num_clips == 3
    assert torch.equal(flat['rgb'][7], inputs['rgb'][2, 1])


@pytest.mark.parametrize('change', [{'heatmap': 3}, {'rgb': None}])
def test_clips_that_do_not_go_together(change):
    inputs = make_inputs(clips=2)
    for name, clips in change.items():
        inputs[name] = make_inputs(clips=clips)[name]
    with pytest.raises(ValueError, match='as many videos and clips of everything, got'):
        make_model()(inputs)
    with pytest.raises(ValueError, match='as many videos and clips of everything, got'):
        flatten_clips({})


# training and export


@pytest.mark.parametrize('backbone', BACKBONES)
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_one_step_reaches_every_parameter(backbone, dtype):
    model = trained(make_model(backbone), num_steps=1)
    model.zero_grad()
    with torch.autocast('cpu', torch.bfloat16, enabled=dtype != torch.float32):
        losses = model(make_inputs(), make_targets(), mode='loss')
    model.parse_losses(losses)[0].backward()
    for name, parameter in model.named_parameters():
        # none is left out, so that plain DDP need not look for unused ones
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        if dtype == torch.float32:
            assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize('backbone', BACKBONES)
def test_a_few_steps_of_mmengine_learn(backbone):
    model = make_model(backbone, dropout=0.0).train()
    batch = {'inputs': make_inputs(8), 'data_samples': make_targets(8)}
    wrapper = OptimWrapper(torch.optim.Adam(model.parameters(), lr=0.01))
    for _ in range(25):
        logged = model.train_step(batch, wrapper)
    assert logged['fused_top1'] == 1
    assert logged['loss'] < 0.5 * math.log(NUM_CLASSES)


@pytest.mark.parametrize('backbone', BACKBONES)
def test_the_batch_does_not_matter_in_evaluation(backbone):
    model, inputs = trained(make_model(backbone)).double().eval(), make_inputs(5)
    inputs = {name: x.double() for name, x in inputs.items()}
    whole = model(inputs)['fused']
    alone = [model({n: x[i : i + 1] for n, x in inputs.items()}) for i in range(5)]
    alone = torch.cat([answer['fused'] for answer in alone])
    torch.testing.assert_close(whole, alone, rtol=0, atol=1e-12)


def test_a_batch_as_large_as_there_are_classes():
    model = make_model().train()
    losses = model(make_inputs(NUM_CLASSES), make_targets(NUM_CLASSES), mode='loss')
    assert losses['rgb_loss_cls'].ndim == 0


@pytest.mark.parametrize(
    ('backbone', 'fusion'),
    [('epam', 'score'), ('late', 'prob'), ('rgb', 'prob'), ('pose', 'score')],
)
def test_the_exported_program_says_the_same(backbone, fusion):
    model = trained(make_model(backbone, fusion=fusion)).eval()
    streams = {'rgb': 'rgb', 'pose': 'heatmap'}
    kept = [streams[stream] for stream in model.backbone.out_channels]
    batch = torch.export.Dim('batch', min=2, max=64)
    inputs = {name: make_inputs()[name] for name in kept}
    with torch.no_grad():
        program = torch.export.export(
            model, (inputs,), dynamic_shapes=({name: {0: batch} for name in kept},)
        ).module()
        for num_videos in (2, 5):
            inputs = {name: make_inputs(num_videos)[name] for name in kept}
            torch.testing.assert_close(
                program(inputs), model(inputs), rtol=1e-4, atol=1e-5
            )


# building


def test_the_head_gets_its_channels_from_the_backbone():
    head = copy.deepcopy(HEAD)
    model = ActionRecognizer(BACKBONES['epam'], head)
    sizes = {name: fc.in_features for name, fc in model.head.fc.items()}
    assert sizes == model.backbone.out_channels
    assert head == HEAD  # the caller's config was not written to


def test_a_backbone_that_tells_no_channels_needs_them_in_the_head():
    message = r'Identity does not tell its out_channels by stream: set model.head.in_'
    with pytest.raises(ValueError, match=message):
        ActionRecognizer(nn.Identity(), HEAD)
    model = ActionRecognizer(nn.Identity(), {**HEAD, 'in_channels': {'rgb': 3}})
    assert model({'rgb': torch.zeros(2, 3, 1, 2, 2)})['fused'].shape == (2, 4)


def test_the_comparison_model_has_the_same_interface():
    model = MODELS.build(
        {
            'type': 'ActionRecognizer',
            'backbone': {
                **{'type': 'RGBPoseConv3D', 'rgb_channels': 16, 'pose_channels': 8},
                **{'num_keypoints': 5, 'speed_ratio': 2},
            },
            'head': HEAD,
        }
    )
    model.init_weights()
    losses = model(make_inputs(2), make_targets(2), mode='loss')
    model.parse_losses(losses)[0].backward()
    assert all(p.grad is not None for p in model.parameters())


def test_an_unknown_mode():
    with pytest.raises(ValueError, match="must be loss, predict or tensor, got 'fast'"):
        make_model()(make_inputs(), mode='fast')
