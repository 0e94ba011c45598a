import pytest

from ocec.engine.freeze_schedule import UnfreezeStep, parse_steps, plan_freezing

STAGES = {'stem': ['a', 'b'], 'blocks.0': ['c'], 'blocks.1': ['d'], 'head': ['e']}
NAN = float('nan')


@pytest.mark.parametrize(
    ('arguments', 'epoch', 'metrics', 'due'),
    [
        ({'epoch': 3}, 2, {}, False),
        ({'epoch': 3}, 3, {}, True),
        ({'monitor': 'eye/f1', 'value': 0.8}, 9, {}, False),
        ({'monitor': 'eye/f1', 'value': 0.8}, 9, {'eye/f1': 0.79}, False),
        ({'monitor': 'eye/f1', 'value': 0.8}, 1, {'eye/f1': 0.8}, True),
        ({'monitor': 'eye/f1', 'value': 0.8}, 1, {'eye/f1': NAN}, False),
        # of a loss, less is better, unless the rule says otherwise
        ({'monitor': 'eye/loss', 'value': 0.8}, 1, {'eye/loss': 0.9}, False),
        ({'monitor': 'eye/loss', 'value': 0.8}, 1, {'eye/loss': 0.8}, True),
        (
            {'monitor': 'eye/loss', 'value': 0.8, 'rule': 'greater'},
            *(1, {'eye/loss': 0.9}, True),
        ),
        # both must hold
        (
            {'monitor': 'eye/f1', 'value': 0.8, 'epoch': 5},
            *(4, {'eye/f1': 0.9}, False),
        ),
        (
            {'monitor': 'eye/f1', 'value': 0.8, 'epoch': 5},
            *(5, {'eye/f1': 0.9}, True),
        ),
        (
            {'monitor': 'eye/f1', 'value': 0.8, 'latest': 7},
            *(6, {'eye/f1': 0.1}, False),
        ),
        ({'monitor': 'eye/f1', 'value': 0.8, 'latest': 7}, 7, {'eye/f1': 0.1}, True),
    ],
)
def test_when_a_step_is_due(arguments, epoch, metrics, due):
    assert UnfreezeStep('all', **arguments).is_due(epoch, metrics) is due


def test_plan_tells_what_each_step_frees():
    steps = parse_steps(
        [
            {'stages': 'blocks[-1:]', 'epoch': 1},
            # the block is trained already, so only the rest is new
            {'stages': ['blocks.*', 'a'], 'epoch': 2},
        ]
    )
    frozen, freed = plan_freezing(STAGES, ['stem', 'blocks.*'], steps)
    assert frozen == {'a', 'b', 'c', 'd'}
    assert freed == [{'d'}, {'a', 'c'}]


def test_freezing_everything():
    message = (
        r"FreezeHook\.freeze='all' freezes every parameter, so that nothing would be "
        r'trained\. The stages are stem, blocks\.0, blocks\.1, head'
    )
    with pytest.raises(ValueError, match=message):
        plan_freezing(STAGES, 'all', [])


def test_freezing_nothing():
    message = r"FreezeHook\.freeze: 'blocks\.9' matches nothing"
    with pytest.raises(ValueError, match=message):
        plan_freezing(STAGES, 'blocks.9', [])


@pytest.mark.parametrize(
    ('steps', 'message'),
    [
        (['head'], r"unfreeze\[0\]: nothing of 'head' is frozen by then"),
        (['all', 'stem'], r"unfreeze\[1\]: nothing of 'stem' is frozen by then"),
        (['all', 'x'], r"unfreeze\[1\]: 'x' matches nothing"),
    ],
)
def test_unfreezing_nothing(steps, message):
    steps = [UnfreezeStep(stages, epoch=1) for stages in steps]
    with pytest.raises(ValueError, match=message):
        plan_freezing(STAGES, 'stem', steps)


@pytest.mark.parametrize(
    ('step', 'message'),
    [
        ({'epoch': 1}, r'unfreeze\[0\] lacks stages; its keys are stages, epoch,'),
        (
            {'stages': 'all', 'epochs': 1},
            r"unfreeze\[0\] has no 'epochs'; its keys are stages, epoch,",
        ),
        ({'stages': 'all'}, r"unfreeze of 'all': say when, by epoch or by monitor"),
        (
            {'stages': 'all', 'monitor': 'eye/f1'},
            r"belong together, got monitor='eye/f1' and value=None",
        ),
        (
            {'stages': 'all', 'epoch': 1, 'value': 0.5},
            r'belong together, got monitor=None and value=0\.5',
        ),
        ({'stages': 'all', 'epoch': 0}, r'unfreeze: epoch must be >= 1, got 0'),
        ({'stages': 'all', 'latest': 4}, r'without monitor say epoch=4'),
        (
            {'stages': 'all', 'monitor': 'f1', 'value': 1, 'latest': -1},
            r'unfreeze: latest must be >= 1, got -1',
        ),
        (
            {'stages': 'all', 'monitor': 'f1', 'value': 1, 'epoch': 5, 'latest': 4},
            r'latest=4 is before epoch=5',
        ),
        (
            {'stages': 'all', 'monitor': 'f1', 'value': 1, 'rule': 'more'},
            r"rule must be one of \('greater', 'less'\), got 'more'",
        ),
    ],
)
def test_steps_that_say_nonsense(step, message):
    with pytest.raises(ValueError, match=message):
        parse_steps([step])
