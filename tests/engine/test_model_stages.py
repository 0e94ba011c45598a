import pytest
from torch import nn

from ocec.engine.model_stages import (
    backbone_stages,
    describe_stages,
    parameter_stages,
    select_parameters,
)


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.token = nn.Parameter(nn.Linear(1, 1).weight.detach())
        self.stem = nn.Linear(1, 1, bias=False)
        self.blocks = nn.Sequential(*(nn.Linear(1, 1) for _ in range(3)))
        self.act = nn.ReLU()
        self.last_norm = nn.LayerNorm(1)

    def stage_modules(self):
        blocks = {f'blocks.{i}': [block] for i, block in enumerate(self.blocks)}
        return {'stem': [self.stem], **blocks, 'act': [self.act]}


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(1, 1)
        self.margin = nn.Linear(1, 2, bias=False)


class Model(nn.Module):
    def __init__(self, backbone=None):
        super().__init__()
        self.head = Head()  # before the backbone: the order is that of the data
        self.neck = nn.Linear(1, 1, bias=False)
        self.backbone = backbone or Backbone()


BLOCKS = {
    f'blocks.{i}': [f'backbone.blocks.{i}.weight', f'backbone.blocks.{i}.bias']
    for i in range(3)
}
STAGES = {
    'stem': ['backbone.token', 'backbone.stem.weight'],
    **BLOCKS,
    'act': ['backbone.last_norm.weight', 'backbone.last_norm.bias'],
    'neck': ['neck.weight'],
    'head': ['head.fc.weight', 'head.fc.bias'],
    'margin': ['head.margin.weight'],
}


def test_each_parameter_is_in_one_stage_from_the_image_on():
    stages = parameter_stages(Model())
    assert stages == STAGES
    assert list(stages) == list(STAGES)
    names = [name for members in stages.values() for name in members]
    assert sorted(names) == sorted(name for name, _ in Model().named_parameters())


def test_a_backbone_without_stages_is_one():
    model = Model(nn.Linear(1, 1))
    assert parameter_stages(model)['backbone'] == ['backbone.weight', 'backbone.bias']
    assert backbone_stages(model) == ['backbone']
    # one with an attribute of that name that is no method, as mmpretrain's
    assert backbone_stages(nn.Linear(1, 1)) == []


@pytest.mark.parametrize(
    ('patterns', 'stages'),
    [
        ('all', list(STAGES)),
        ('stem', ['stem']),
        (['stem', 'margin'], ['stem', 'margin']),
        ('blocks.*', ['blocks.0', 'blocks.1', 'blocks.2']),
        ('blocks[-2:]', ['blocks.1', 'blocks.2']),
        ('blocks[:1]', ['blocks.0']),
        ('blocks[1:2]', ['blocks.1']),
        ('blocks[:-2]', ['blocks.0']),
        ('backbone', ['stem', 'blocks.0', 'blocks.1', 'blocks.2', 'act']),
        ('head', ['head']),
        ('backbone.blocks.2', ['blocks.2']),
    ],
)
def test_patterns_of_stages_and_modules(patterns, stages):
    chosen = select_parameters(STAGES, patterns, where='x')
    assert chosen == {name for stage in stages for name in STAGES[stage]}


def test_patterns_of_parameters():
    assert select_parameters(STAGES, '*.fc.*', where='x') == set(STAGES['head'])
    biases = select_parameters(STAGES, 'backbone.blocks.*.bias', where='x')
    assert biases == {f'backbone.blocks.{i}.bias' for i in range(3)}


@pytest.mark.parametrize('pattern', ['block.0', 'blocks[5:]', 'layers[-1:]'])
def test_a_pattern_that_matches_nothing(pattern):
    message = (
        r'FreezeHook\.freeze: .* matches nothing\. The stages are stem, blocks\.0, '
        r'.*margin; parameters are called as backbone\.token, backbone\.stem\.weight'
    )
    with pytest.raises(ValueError, match=message):
        select_parameters(STAGES, ['stem', pattern], where='FreezeHook.freeze')


def test_description_of_a_part_of_a_stage():
    names = {*STAGES['stem'], 'head.fc.bias'}
    assert describe_stages(STAGES, names) == 'stem, head (1 of 2 tensors)'
    assert describe_stages(STAGES, set()) == ''
