import pytest
import torch

from ocec.engine.start_weights import only_ours, read_weights

AVERAGED = {'a.weight': torch.ones(2), 'a.mean': torch.ones(1)}
RAW = {'a.weight': torch.zeros(2), 'a.mean': torch.zeros(1)}
OURS = {
    'meta': {'cfg': "model = dict(type='ImageClassifier')"},
    'state_dict': AVERAGED,
    'ema_state_dict': {'steps': 3, **{f'module.{n}': x for n, x in RAW.items()}},
}


@pytest.mark.parametrize(
    ('which', 'state', 'kind'),
    [
        ('ema', AVERAGED, 'averaged (EMA) weights'),
        ('raw', RAW, 'raw weights'),
    ],
)
def test_averaged_or_raw(which, state, kind):
    weights = read_weights(OURS, 'a.pth', which)
    assert (weights.state, weights.kind) == (state, kind)
    assert weights.model == {'type': 'ImageClassifier'}
    assert AVERAGED['a.mean'] == 1  # what was read is as it was


@pytest.mark.parametrize('which', ['ema', 'raw'])
def test_without_ema_there_is_one_kind(which):
    weights = read_weights({'state_dict': RAW}, 'a.pth', which)
    assert (weights.state, weights.kind) == (RAW, 'weights')


def test_bare_weights_of_a_wrapped_model():
    wrapped = {f'module.{name}': x for name, x in RAW.items()}
    weights = read_weights(wrapped, 'a.pth')
    assert (weights.state, weights.kind, weights.model) == (RAW, 'bare weights', None)


def test_the_original():
    content = {'model_state': {'stem.0.weight': torch.ones(1)}}
    weights = read_weights(content, 'a.pt')
    assert list(weights.state) == ['backbone.stem.0.weight']
    assert weights.kind == 'weights of the original trainer'


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ({'epoch': 3}, r"a.pth holds no weights: its keys are \['epoch'\]"),
        ({}, r'a.pth holds no weights: its keys are \[\]'),
        ([1], 'a.pth holds no weights: it is a list'),
    ],
)
def test_no_weights(content, message):
    for read in (read_weights, only_ours):
        with pytest.raises(ValueError, match=message):
            read(content, 'a.pth')


def test_another_word():
    with pytest.raises(ValueError, match=r"one of \('ema', 'raw'\), got 'best'"):
        read_weights(OURS, 'a.pth', 'best')


def test_a_run_goes_on_from_its_own_only():
    assert only_ours(OURS, 'a.pth') is OURS
    assert only_ours(RAW, 'a.pth') == {'state_dict': RAW}
    message = r'a.pt is a checkpoint of the original .* can start .* but not go on'
    with pytest.raises(ValueError, match=message):
        only_ours({'model_state': {'stem.0.weight': torch.ones(1)}}, 'a.pt')


@pytest.mark.parametrize(
    ('meta', 'parts'),
    [
        ({'parts': ['backbone.rgb_path.']}, ('backbone.rgb_path.',)),
        ({'parts': 'backbone'}, ()),
        ({'parts': [1]}, ()),
        ({}, ()),
        (None, ()),
    ],
)
def test_parts_that_a_checkpoint_tells(meta, parts):
    checkpoint = {'meta': meta, 'state_dict': {'a': torch.zeros(1)}}
    assert read_weights(checkpoint, 'a.pth').parts == parts
