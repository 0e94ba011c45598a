import cv2
import numpy as np

from ocec.apis.stack_plot import COLOR, draw_importance


def drawn(importance):
    png = np.frombuffer(draw_importance(importance), np.uint8)
    return cv2.imdecode(png, cv2.IMREAD_COLOR)[..., ::-1]


def lengths_of_bars(image):
    """Longest runs of the bars' colour in the rows of a picture, top to bottom."""
    rgb = [int(COLOR[start : start + 2], 16) for start in (1, 3, 5)]
    counts = (np.abs(image - np.array(rgb)).max(axis=2) < 4).sum(axis=1)
    starts = np.flatnonzero((counts[1:] > 5) & (counts[:-1] <= 5)) + 1
    return [int(counts[start + 3]) for start in starts]


def test_bars_have_the_length_of_the_shares():
    lengths = lengths_of_bars(drawn({'lightgbm': {'a': 0.2, 'b': 0.6, 'c': 0.2}}))
    assert len(lengths) == 3
    assert lengths[0] == max(lengths)  # the largest on top
    assert abs(lengths[0] / lengths[1] - 3) < 0.1


def test_a_panel_for_each_combiner():
    one = {'lightgbm': {'a': 0.5, 'b': 0.5}}
    two = one | {'logistic': {'a': 0.1, 'b': 0.9}}
    assert drawn(two).shape[1] == 2 * drawn(one).shape[1]


def test_nothing_counts():
    assert lengths_of_bars(drawn({'lightgbm': {'a': 0.0, 'b': 0.0}})) == []
