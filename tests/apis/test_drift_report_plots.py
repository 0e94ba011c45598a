import cv2
import numpy as np

from ocec.apis.drift_report_metrics import describe_scores
from ocec.apis.drift_report_plots import draw_projection, draw_reliability, draw_scores


def decode(png):
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def count_like(image, color):
    """Pixels of nearly a colour."""
    return (np.abs(image.astype(int) - color).max(axis=2) < 12).sum()


def test_scores_of_both_sets(make_scored_rows):
    histograms = {
        'A': describe_scores(make_scored_rows(), 0.5)['histogram'],
        'B': describe_scores(make_scored_rows(labelled=False), 0.5)['histogram'],
    }
    image = decode(draw_scores(histograms, 0.5))
    height, width, _ = image.shape
    grey = np.array([0x77] * 3) * 0.55 + 255 * 0.45
    # rows without a label are grey, and in B alone; edges of letters are too
    assert count_like(image[:, width // 2 :], grey) > 5000
    assert count_like(image[:, : width // 2], grey) < 1000


def test_reliability_leaves_empty_bins_out():
    found = {'count': [5, 0, 5], 'mean_prob': [0.1, None, 0.9]}
    found['open_share'] = [0.2, None, 0.8]
    both = decode(draw_reliability({'A': found, 'B': found}))
    one = decode(draw_reliability({'A': found}))
    red = (0xC0, 0x39, 0x2B)
    assert count_like(both, red) > 50
    assert count_like(one, red) == 0


def test_projection_shows_each_kind_that_is_there():
    point_N2 = np.random.default_rng(0).normal(size=(60, 2))
    is_b_N = np.repeat([False, True], 30)
    label_N = np.tile([0, 1, -1], 20)
    image = decode(draw_projection(point_N2, is_b_N, label_N, ['x', 'y']))
    only_a = decode(draw_projection(point_N2[:30], is_b_N[:30], label_N[:30], ['', '']))
    red = np.array([0xC0, 0x39, 0x2B]) * 0.5 + 255 * 0.5
    assert count_like(image, red) > 50
    assert count_like(only_a, red) == 0
