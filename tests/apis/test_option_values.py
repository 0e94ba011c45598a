import pytest

from ocec.apis.option_values import CFG_OPTIONS_HELP, parse_value


@pytest.mark.parametrize(
    ('text', 'value'),
    [
        # words, in any case
        ('none', None),
        ('None', None),
        ('NULL', None),
        ('true', True),
        ('False', False),
        # numbers, and what only looks like one
        ('3', 3),
        ('-3', -3),
        ('1e-3', 0.001),
        ('0x10', 16),
        ('0123', '0123'),
        ('2024_11', '2024_11'),
        ('1.5.2', '1.5.2'),
        ('1+2j', '1+2j'),
        # text
        ('word', 'word'),
        ('', ''),
        ('two words', 'two words'),
        ("it's", "it's"),
        ('data/x.parquet', 'data/x.parquet'),
        ('mmpretrain.ResNet', 'mmpretrain.ResNet'),
        ('run#3', 'run#3'),
        ('foo(1)', 'foo(1)'),
        ('"quoted"', 'quoted'),
        ("'3'", '3'),
        ('"none"', 'none'),
        # containers
        ('2,3', [2, 3]),
        ('2,', [2]),
        ('a,b', ['a', 'b']),
        ('01,02', ['01', '02']),
        ('none,1', [None, 1]),
        ('(2,3)', (2, 3)),
        ('[]', []),
        ('[a, none, true, 1e-3]', ['a', None, True, 0.001]),
        ('[01, b c]', ['01', 'b c']),
        ('[a/b, (1, 2)]', ['a/b', (1, 2)]),
        ('{"a": 1}', {'a': 1}),
        ('dict(a=1, b=[2])', {'a': 1, 'b': [2]}),
        (
            'dict(type=Adam, lr=-1e-3, x=dict(y=none))',
            {'type': 'Adam', 'lr': -0.001, 'x': {'y': None}},
        ),
    ],
)
def test_value(text, value):
    parsed = parse_value(text)
    assert parsed == value
    assert type(parsed) is type(value)


def test_surrounding_blanks_are_dropped():
    assert parse_value('  3 ') == 3


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('dict(a=1', r'dict\(a=1 is not a valid dict; write dict\(key=value'),
        ('{1', 'is not a valid dict'),
        ('[1,2', r"brackets that do not match; to pass it as text, .*'\"\[1,2\"'"),
        ('(a]', 'brackets that do not match'),
        ('[foo(1)]', r'only literals and dict\(key=value, ...\) .* got foo\(1\)'),
        ('dict(1)', r'got dict\(1\)'),
        ('dict(**x)', r'got dict\(\*\*x\)'),
        ('{**x}', r'\*\* is not allowed'),
        ('dict(a=1, a=2)', 'key a is given twice'),
        ('{"a": 1, "a": 2}', 'key a is given twice'),
    ],
)
def test_broken_container_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        parse_value(text)


def test_nothing_is_evaluated(tmp_path):
    victim = tmp_path / 'x'
    call = f'__import__("pathlib").Path("{victim}").touch()'
    assert parse_value(call) == call
    with pytest.raises(ValueError, match='only literals'):
        parse_value(f'[{call}]')
    assert not victim.exists()


def test_help_shows_each_kind_of_key():
    for part in ('train_pipeline.1.prob', 'hooks[0]', '[type=RandomFlip]'):
        assert part in CFG_OPTIONS_HELP
