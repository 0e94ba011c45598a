import pytest
import torch
from mmengine.config import Config

from ocec.engine.start_plan import OtherModelError, plan_start
from ocec.engine.start_weights import StartWeights, read_weights
from ocec.registry import MODELS

BACKBONE = dict(type='OCECBaseline', base_channels=8, num_blocks=2)


def model_config(head='AvgHead', margin=None, *, num_classes=1, size=None, **backbone):
    return dict(
        type='ImageClassifier',
        backbone={**BACKBONE, **backbone},
        head=dict(
            type=head,
            num_classes=num_classes,
            margin=None if margin is None else dict(type=margin),
            loss=dict(type='BCELoss', pos_weight=1.0),
        ),
        data_preprocessor=dict(type='ImagePreprocessor', mean=[1.0], std=[2.0]),
        input_size=size,
    )


def build(cfg, seed=0):
    torch.manual_seed(seed)
    model = MODELS.build(cfg)
    model.init_weights()
    return model


def checkpoint_of(cfg):
    text = Config(dict(model=cfg)).pretty_text
    return {'meta': {'cfg': text}, 'state_dict': build(cfg, seed=1).state_dict()}


def plan(given, own, *, with_config=True, may_start_anew=True):
    checkpoint = checkpoint_of(given)
    if not with_config:
        checkpoint = checkpoint['state_dict']
    return plan_start(
        read_weights(checkpoint, 'a.pth'),
        build(own),
        model_cfg=own,
        file='a.pth',
        may_start_anew=may_start_anew,
    )


@pytest.mark.parametrize('with_config', [True, False])
@pytest.mark.parametrize('margin', [None, 'CosFace'])
def test_the_same_model_is_taken_wholly(margin, with_config):
    cfg = model_config(margin=margin)
    start = plan(cfg, cfg, with_config=with_config)
    expected = build(cfg, seed=1).state_dict()
    assert start.report.share_loaded() == 1
    assert start.anew == []
    assert list(start.state) == list(expected)
    assert all(torch.equal(start.state[name], x) for name, x in expected.items())
    # without a config nobody knows whose directions these are
    told = [n for n in start.notes if 'taken for those of CosFace' in n]
    assert len(told) == (margin is not None and not with_config)


@pytest.mark.parametrize(
    ('given', 'own', 'anew', 'why'),
    [
        (
            dict(margin='CosFace'),
            dict(margin='ArcFace'),
            'head.margin.weight',
            'margin: checkpoint: CosFace, config: ArcFace',
        ),
        (
            dict(margin=None),
            dict(margin='CosFace'),
            'head.margin.weight',
            'last layer: checkpoint: margin none, config: margin CosFace',
        ),
        (
            dict(num_classes=1),
            dict(num_classes=2),
            'head.fc.',
            'last layer: checkpoint: head.fc.weight (1, 8), head.fc.bias (1,); '
            'config: head.fc.weight (2, 8), head.fc.bias (2,)',
        ),
        (
            dict(head='AvgHead'),
            dict(head='AvgMaxMLPHead'),
            'head.',
            'head: checkpoint: AvgHead, config: AvgMaxMLPHead',
        ),
    ],
)
def test_what_changed_in_the_head_starts_anew(given, own, anew, why):
    given, own = model_config(**given), model_config(**own)
    start = plan(given, own)
    assert start.anew == [why]
    fresh, old = build(own).state_dict(), build(given, seed=1).state_dict()
    names = {name for name in fresh if name.startswith(anew)}
    for name, value in start.state.items():
        expected = fresh if name in names else old
        assert torch.equal(value, expected.get(name, value)), name
    learnt = [n for n in names if n.endswith('weight') and fresh[n].ndim == 2]
    assert learnt
    for name in learnt:
        assert name not in old or not torch.equal(start.state[name], old[name])
    # the backbone comes over in any case
    assert torch.equal(
        start.state['backbone.stem.0.weight'], old['backbone.stem.0.weight']
    )
    with pytest.raises(OtherModelError, match='a.pth is a checkpoint of another model'):
        plan(given, own, may_start_anew=False)


def test_margins_of_bare_weights_are_not_taken_silently():
    start = plan(
        model_config(margin='CosFace'),
        model_config(margin='ArcFace'),
        with_config=False,
    )
    [note] = start.notes
    assert note.startswith('the checkpoint does not tell its margin')
    assert note.endswith('taken for those of ArcFace')


def test_another_head_without_a_config():
    start = plan(model_config(), model_config(head='AvgMaxMLPHead'), with_config=False)
    assert start.anew == [
        'head: the layers of the checkpoint do not fit those of AvgMaxMLPHead'
    ]


@pytest.mark.parametrize('with_config', [True, False])
@pytest.mark.parametrize(
    ('given', 'own', 'lines'),
    [
        (
            dict(base_channels=32),
            dict(base_channels=48),
            ['checkpoint: base_channels=32, config: 48'],
        ),
        (
            dict(type='OCECInvertedSE', num_blocks=3),
            dict(),
            [
                'checkpoint: type=OCECInvertedSE, config: OCECBaseline',
                'checkpoint: num_blocks=3, config: 2',
            ],
        ),
    ],
)
def test_another_architecture_is_refused_in_terms_of_the_config(
    given, own, lines, with_config
):
    with pytest.raises(OtherModelError) as refused:
        plan(model_config(**given), model_config(**own), with_config=with_config)
    told = str(refused.value).splitlines()
    assert told[0] == (
        'a.pth is a checkpoint of another model than that of the config:'
    )
    assert [line.strip() for line in told[1:-1]] == lines


def test_another_kind_of_model():
    weights = StartWeights({}, 'weights', {'type': 'PairClassifier'})
    cfg = model_config()
    with pytest.raises(OtherModelError, match='model.type=PairClassifier, config: Im'):
        plan_start(weights, build(cfg), model_cfg=cfg, file='a', may_start_anew=True)


def test_weights_of_who_knows_what_are_told_by_name():
    weights = StartWeights({'layer.weight': torch.zeros(3)}, 'weights')
    cfg = model_config()
    with pytest.raises(OtherModelError) as refused:
        plan_start(weights, build(cfg), model_cfg=cfg, file='a', may_start_anew=True)
    lines = str(refused.value).splitlines()[1:-1]
    assert lines[0] == '  backbone.stem.0.weight: not in the checkpoint'
    own = [name for name in build(cfg).state_dict() if name.startswith('backbone')]
    assert lines[3] == f'  ... {len(own) + 1 - 3} more weights do not fit'


def test_a_bare_backbone():
    cfg = model_config()
    state = build(cfg, seed=1).backbone.state_dict()
    start = plan_start(
        StartWeights(state, 'bare weights'),
        build(cfg),
        model_cfg=cfg,
        file='a',
        may_start_anew=True,
    )
    stem = state['stem.0.weight']
    assert torch.equal(start.state['backbone.stem.0.weight'], stem)
    assert start.anew == [
        'head: the layers of the checkpoint do not fit those of AvgHead'
    ]
    assert start.notes == [
        'normalisation: the checkpoint does not tell its mean and std; those of the '
        'config are used'
    ]


def test_another_image_size_is_told():
    start = plan(model_config(size=(24, 40)), model_config(size=(32, 64)))
    assert start.notes == [
        'image size: the checkpoint was trained with 24x40, the config has 32x64'
    ]


def test_what_the_data_set_is_no_part_of_the_architecture():
    own = model_config()
    checkpoint = checkpoint_of(own)
    state = checkpoint['state_dict']
    extra = {'head.loss_module.other': torch.zeros(3)}
    del state['data_preprocessor.std']
    checkpoint['state_dict'] = {**state, **extra}
    start = plan_start(
        read_weights(checkpoint, 'a'),
        build(own),
        model_cfg=own,
        file='a',
        may_start_anew=False,
    )
    assert start.report.names('unexpected') == ['head.loss_module.other']
    assert start.report.names('missing') == ['data_preprocessor.std']
    assert start.state['data_preprocessor.std'].item() == 2


class TwoStreams(torch.nn.Module):
    """Two streams, what connects them, and a last layer."""

    def __init__(self):
        super().__init__()
        self.backbone = torch.nn.ModuleDict(
            {name: torch.nn.Linear(2, 2) for name in ('rgb', 'pose', 'bridge')}
        )
        self.head = torch.nn.ModuleDict({'fc': torch.nn.Linear(2, 3)})


PARTS = ('backbone.rgb.', 'backbone.pose.')


def plan_parts(model, left_out, *, parts=PARTS, may_start_anew=True):
    state = {
        name: x + 1
        for name, x in model.state_dict().items()
        if not name.startswith(left_out)
    }
    return plan_start(
        StartWeights(state, 'weights', parts=parts),
        model,
        model_cfg=None,
        file='streams.pth',
        may_start_anew=may_start_anew,
    )


def test_what_connects_the_parts_of_a_checkpoint_starts_anew():
    model = TwoStreams()
    own = model.state_dict()
    start = plan_parts(model, 'backbone.bridge')
    assert start.anew == ['between the parts of the checkpoint: backbone.bridge']
    for name, value in start.state.items():
        is_new = name.startswith('backbone.bridge')
        assert torch.equal(value, own[name] + (not is_new)), name
    # a checkpoint that has it, too, brings it along
    assert plan_parts(model, 'none').anew == []


@pytest.mark.parametrize(
    ('left_out', 'settings', 'message'),
    [
        ('backbone.bridge', dict(parts=()), 'backbone.bridge.weight: not in the chec'),
        ('backbone.pose', {}, 'backbone.pose.weight: not in the checkpoint'),
        (
            'backbone.bridge',
            dict(may_start_anew=False),
            'between the parts of the checkpoint: backbone.bridge',
        ),
    ],
)
def test_parts_are_whole_and_a_test_starts_nothing_anew(left_out, settings, message):
    with pytest.raises(OtherModelError, match=message):
        plan_parts(TwoStreams(), left_out, **settings)
