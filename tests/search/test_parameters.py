import pytest

from ocec.search.parameters import Parameter, list_grid, read_space, suggest


def test_a_list_is_a_choice_and_ranges_keep_their_kind():
    space = read_space(
        {
            'a.width': [16, 24],
            'a.lr': {'type': 'float', 'low': 1e-4, 'high': 1, 'log': True},
            'a.depth': {'type': 'int', 'low': 1, 'high': 7, 'step': 3},
        }
    )
    assert list(space) == ['a.width', 'a.lr', 'a.depth']
    assert space['a.width'] == Parameter('a.width', 'categorical', choices=(16, 24))
    assert space['a.lr'].extremes == (1e-4, 1.0)
    assert space['a.lr'].log
    assert space['a.depth'].grid() == [1, 4, 7]


def test_a_grid_holds_every_combination_the_last_key_fastest():
    space = read_space({'a': [1, 2], 'b': ['x', 'y', 'z']})
    assert list_grid(space) == [
        {'a': a, 'b': b} for a in (1, 2) for b in ('x', 'y', 'z')
    ]


@pytest.mark.parametrize(
    ('low', 'high', 'step', 'values'),
    [
        (0, 0.6, 0.1, [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]),  # 0.1 * 3 is not 0.3
        (0.1, 1, 0.4, [0.1, 0.5, 0.9]),
        (1, 3, 1, [1, 2, 3]),
    ],
)
def test_steps_of_a_range(low, high, step, values):
    settings = {'type': 'float', 'low': low, 'high': high, 'step': step}
    assert read_space({'a': settings})['a'].grid() == values


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'type': 'float', 'low': 0, 'high': 1}, 'a: a range of floats without step'),
        ({'type': 'int', 'low': 1, 'high': 9, 'log': True}, 'a: a log range has no'),
    ],
)
def test_a_range_without_steps_has_no_grid(settings, message):
    with pytest.raises(ValueError, match=message):
        list_grid(read_space({'a': settings}))


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (3, 'a: must be a list of values or dict.*belongs into fixed'),
        ([], 'a: no choices'),
        ([3], 'a: the only choice is 3: it belongs into fixed'),
        ([3, 4, 3], 'a: 3 is there twice'),
        ({'low': 1, 'high': 2}, 'a: type must be one of categorical, int, float'),
        ({'type': 'flaot', 'low': 1}, "got 'flaot'; did you mean float"),
        ({'type': 'int', 'low': 1, 'hihg': 2}, "int takes no 'hihg'; did you mean hi"),
        ({'type': 'int', 'low': 1}, 'a: high is missing'),
        ({'type': 'int', 'low': 1.5, 'high': 2}, 'a: low must be a whole number'),
        ({'type': 'int', 'low': True, 'high': 2}, 'a: low must be a whole number'),
        ({'type': 'float', 'low': '1', 'high': 2}, 'a: low must be a finite number'),
        ({'type': 'float', 'low': 0, 'high': float('inf')}, 'high must be a finite'),
        ({'type': 'float', 'low': 2, 'high': 1}, 'a: the range from 2 to 1 is empty'),
        ({'type': 'int', 'low': 2, 'high': 2}, 'a: the range from 2 to 2 is empty'),
        ({'type': 'int', 'low': 1, 'high': 5, 'step': 0}, r'step must be in \(0, 4\]'),
        ({'type': 'int', 'low': 1, 'high': 5, 'step': 9}, 'step must be in'),
        (
            {'type': 'float', 'low': 1, 'high': 5, 'step': 1, 'log': True},
            'log and step exclude each other',
        ),
        ({'type': 'float', 'low': 0, 'high': 5, 'log': True}, 'begins above 0'),
        ({'type': 'float', 'low': 1, 'high': 5, 'log': 'yes'}, 'log must be True or'),
    ],
)
def test_malformed_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        read_space({'a': settings})


def test_the_space_must_be_a_dict():
    with pytest.raises(ValueError, match='space must be a dict'):
        read_space(['lr'])


def test_what_a_storage_cannot_keep_is_kept_as_text():
    losses = [{'type': 'BCELoss'}, {'type': 'FocalLoss', 'gamma': 2}, None]
    parameter = read_space({'loss': losses})['loss']
    stored = [parameter.encode(loss) for loss in losses]
    assert stored[1] == "{'type': 'FocalLoss', 'gamma': 2}"
    assert [parameter.decode(item) for item in stored] == losses
    assert parameter.distribution().choices == tuple(stored)


def test_true_and_1_are_told_apart():
    parameter = Parameter('a', 'categorical', choices=(1, True))
    assert parameter.decode(True) is True
    assert parameter.decode(1) == 1
    assert parameter.decode(1) is not True


def test_distributions_are_those_of_the_ranges():
    space = read_space(
        {
            'a': {'type': 'int', 'low': 1, 'high': 7, 'step': 3},
            'b': {'type': 'float', 'low': 0.1, 'high': 1, 'log': True},
        }
    )
    a, b = (space[key].distribution() for key in 'ab')
    assert (a.low, a.high, a.step, a.log) == (1, 7, 3, False)
    assert (b.low, b.high, b.step, b.log) == (0.1, 1, None, True)
    assert isinstance(space['a'].decode(4.0), int)


def test_suggestions():
    assert suggest('hyprband', ['median', 'hyperband']) == '; did you mean hyperband?'
    assert suggest('xyz', ['median']) == ''
