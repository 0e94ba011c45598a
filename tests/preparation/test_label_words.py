import pytest

from ocec.preparation.label_words import parse_label, parse_labels


@pytest.mark.parametrize(
    ('value', 'label'),
    [('open', 1), (' Closed ', 0), ('1', 1), ('0', 0), (1, 1), (0, 0), (1.0, 1)],
)
def test_what_people_write_is_read(value, label):
    assert parse_label(value) == (label, '')


@pytest.mark.parametrize(
    ('value', 'problem'),
    [
        (2, 'label must be open, closed, 1 or 0, got 2'),
        ('2', "label must be open, closed, 1 or 0, got '2'"),
        (-1, 'label must be open, closed, 1 or 0, got -1'),
        (0.5, 'label must be open, closed, 1 or 0, got 0.5'),
        ('shut', "label must be open, closed, 1 or 0, got 'shut'"),
        (True, 'label must be open, closed, 1 or 0, got True'),
        (None, 'the label is missing (None)'),
        (float('nan'), 'the label is missing (nan)'),
        ('NaN', "the label is missing ('NaN')"),
        ('', "the label is missing ('')"),
    ],
)
def test_what_is_no_label_is_told(value, problem):
    assert parse_label(value) == (-1, problem)


def test_names_and_numbers_are_not_mixed():
    places = [f'a.csv, line {line}' for line in range(1, 7)]
    message = (
        'names: a.csv, line 2; numbers: a.csv, line 1; a.csv, line 3; a.csv, line 4 '
        'and 1 more'
    )
    with pytest.raises(ValueError, match=message):
        parse_labels(['1', 'open', '0', '1', '0', 'what'], places)


def test_labels_that_cannot_be_read_do_not_count_as_mixed():
    assert parse_labels(['1', 'shut', None], ['', '', ''])[0] == (1, '')
