import numpy as np
import pytest

from ocec.preparation.row_filters import SizeFilter

HEIGHT = np.array([10, 20, 30, 40])
WIDTH = np.array([20, 40, 30, 40])  # aspects 2, 2, 1, 1
LABEL = np.array([0, 1, 0, 1])


@pytest.mark.parametrize(
    ('settings', 'kept'),
    [
        ({}, [1, 1, 1, 1]),
        ({'min_size': (20, 30)}, [0, 1, 1, 1]),
        ({'min_size': (0, 31)}, [0, 1, 0, 1]),
        ({'max_size': (30, 30)}, [1, 0, 1, 0]),
        ({'min_aspect': 2.0}, [1, 1, 0, 0]),
        ({'max_aspect': 1.5}, [0, 0, 1, 1]),
        ({'min_size': (20, 20), 'max_aspect': 1.5}, [0, 0, 1, 1]),
    ],
)
def test_the_bounds_themselves_are_kept(settings, kept):
    keep_N, _ = SizeFilter(**settings).apply(HEIGHT, WIDTH, LABEL)
    assert keep_N.tolist() == [bool(value) for value in kept]


def test_both_classes_are_counted():
    _, told = SizeFilter(min_size=(20, 20)).apply(HEIGHT, WIDTH, LABEL)
    assert told == [
        'filter min_size 20 x 20 drops 1 of 2 closed (50.0%), 0 of 2 open (0.0%)'
    ]
    _, told = SizeFilter(min_size=(20, 20), min_aspect=2).apply(HEIGHT, WIDTH, LABEL)
    assert told[-1] == (
        'filter all filters together drops 2 of 2 closed (100.0%), 1 of 2 open (50.0%)'
    )


@pytest.mark.parametrize(
    ('num_dropped', 'warns'),
    # of 1,000 each; 3 standard errors of 100 against 100 + d: about 43
    [((100, 100), False), ((100, 130), False), ((100, 160), True), ((0, 300), True)],
)
def test_unequal_losses_are_warned_of(num_dropped, warns):
    label = np.repeat([0, 1], 1000)
    height = np.full(2000, 20)
    for c in (0, 1):
        height[c * 1000 : c * 1000 + num_dropped[c]] = 5
    _, told = SizeFilter(min_size=(10, 1)).apply(height, height, label)
    warned = [line for line in told if line.startswith('WARNING')]
    assert bool(warned) == warns
    if warns:
        assert 'drops the classes unequally' in warned[0]


def test_one_class_alone_cannot_be_treated_unequally():
    keep_N, told = SizeFilter(min_size=(20, 20)).apply(HEIGHT, WIDTH, LABEL * 0)
    assert keep_N.tolist() == [False, True, True, True]
    assert len(told) == 1
