import cv2
import numpy as np
import pytest

from ocec.apis.lr_curve import LRCurve, LRSuggestion
from ocec.apis.lr_plot import SMOOTH_COLOR, TAKE_COLOR, draw_lr_curve


@pytest.fixture
def curve():
    curve = LRCurve(smoothing=0.0)
    losses = [*np.linspace(1.0, 0.2, 50), *np.geomspace(0.2, 500, 11)]
    for lr, loss in zip(np.geomspace(1e-6, 1, 61), losses, strict=True):
        curve.add(float(lr), float(loss))
    return curve


def draw(curve, tmp_path, *, lr=None):
    suggestion = None if lr is None else LRSuggestion(lr, 1e-5, 1e-1)
    draw_lr_curve(curve, suggestion, tmp_path / 'a.png', title='a test')
    return cv2.imread(str(tmp_path / 'a.png'))[..., ::-1]


def is_color(image, color):
    rgb = [int(color[start : start + 2], 16) for start in (1, 3, 5)]
    return (np.abs(image.astype(int) - rgb) < 12).all(axis=-1)


def test_size_and_curve(curve, tmp_path):
    image = draw(curve, tmp_path)
    assert image.shape == (600, 960, 3)
    rows, columns = np.nonzero(is_color(image, SMOOTH_COLOR))
    # from the left to the right, and the divergence does not squeeze the fall
    assert columns.max() - columns.min() > 600
    assert rows.max() - rows.min() > 300


def test_mark_lies_on_a_logarithmic_axis(curve, tmp_path):
    def column_of(lr):
        image = draw(curve, tmp_path, lr=lr).astype(int)
        redness = image[..., 0] - image[..., 1]  # also where a line is blurred
        return int(redness.clip(min=0).sum(axis=0).argmax())

    first, second, third = map(column_of, (1e-4, 1e-3, 1e-2))
    assert second - first > 50
    assert abs((third - second) - (second - first)) <= 2


def test_no_mark_without_a_suggestion(curve, tmp_path):
    assert not is_color(draw(curve, tmp_path), TAKE_COLOR).any()
    assert is_color(draw(curve, tmp_path, lr=1e-3), TAKE_COLOR).sum() > 100


def test_single_step(tmp_path):
    curve = LRCurve()
    curve.add(1e-6, 0.7)
    assert draw(curve, tmp_path).shape == (600, 960, 3)
