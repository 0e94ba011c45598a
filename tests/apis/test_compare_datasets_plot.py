import cv2
import numpy as np

from ocec.apis.compare_datasets_plot import COLORS, draw_histograms
from ocec.preparation.drift_numbers import STATISTICS, histograms


def drawn(value_NK, names):
    is_b_N = np.arange(len(value_NK)) >= len(value_NK) // 2
    found = histograms(value_NK, is_b_N, np.arange(len(value_NK)) % 2)
    png = np.frombuffer(draw_histograms(found, names), np.uint8)
    return cv2.imdecode(png, cv2.IMREAD_COLOR)[..., ::-1]


def columns_of(image, color):
    """Columns with a line of a colour."""
    rgb = [int(color[start : start + 2], 16) for start in (1, 3, 5)]
    return np.flatnonzero((np.abs(image - np.array(rgb)).max(axis=2) < 8).any(axis=0))


def test_a_lies_left_of_b():
    value_NK = np.random.default_rng(0).normal(size=(200, len(STATISTICS)))
    value_NK[100:] += 50
    image = drawn(value_NK, ['red'])
    below_legend = image[60:]
    left, right = (columns_of(below_legend, COLORS[which]) for which in 'AB')
    assert np.median(left) < np.median(right) - 50


def test_more_statistics_take_more_lines():
    value_NK = np.random.default_rng(0).normal(size=(20, len(STATISTICS)))
    heights = [drawn(value_NK, STATISTICS[:num]).shape[0] for num in (1, 3, 4)]
    assert heights[0] == heights[1] < heights[2]
