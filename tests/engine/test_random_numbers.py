import random

import numpy as np
import torch

from ocec.engine.random_numbers import drawing_from


def draw():
    return random.random(), np.random.rand(), torch.rand(1).item()


def test_what_is_drawn_depends_on_the_whole_seed_only():
    drawn = []
    for seed in [(1, 2, 3), (1, 2, 3), (1, 2, 4), (3, 2, 1)]:
        draw()
        with drawing_from(seed):
            drawn.append(draw())
    assert drawn[0] == drawn[1]
    for first, second, third in zip(*drawn[1:], strict=True):
        assert len({first, second, third}) == 3


def test_afterwards_the_generators_go_on_where_they_were():
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    expected = [draw(), draw()]
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    found = [draw()]
    with drawing_from((5,)):
        draw()
    assert [*found, draw()] == expected
