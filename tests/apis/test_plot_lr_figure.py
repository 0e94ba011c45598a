import cv2
import numpy as np

from ocec.apis.plot_lr_figure import RateCurves, draw_rates


def make():
    curves = RateCurves(['stem', 'stem', 'head'], num_epochs=4, iters_per_epoch=2)
    for step in range(8):
        stem = None if step < 4 else 1e-5
        curves.add(step / 2, [stem, stem, 1e-3])
    return curves


def test_groups_of_one_stage_share_a_curve():
    by_stage = make().by_stage()
    assert list(by_stage) == ['stem', 'head']
    assert np.isnan(by_stage['stem']).tolist() == [True] * 4 + [False] * 4
    assert by_stage['head'] == [1e-3] * 8


def drawn_columns(path):
    """Columns of the dark and of the light line."""
    image = cv2.imread(str(path)).astype(int)
    assert image.shape == (600, 1080, 3)
    inside = image[35:-70, 110:780]
    blue, green, red = inside[..., 0], inside[..., 1], inside[..., 2]
    dark = (blue < 110) & (green < 40) & (red < 90) & (blue > red + 5)
    light = (green > 180) & (blue < 100)
    return [np.nonzero(mask.any(axis=0))[0] for mask in (dark, light)]


def test_a_frozen_stage_has_no_line(tmp_path):
    path = tmp_path / 'a.png'
    draw_rates(make(), path, title='a run', notes=['a note'])
    stem, head = drawn_columns(path)
    # the head from the left on, the stem in the second half of it
    assert head.max() - head.min() > 500
    assert stem.min() > head.min() + 0.4 * (head.max() - head.min())


def test_everything_frozen_but_rates_of_zero(tmp_path):
    curves = RateCurves(['all'], num_epochs=1, iters_per_epoch=1)
    curves.add(0.0, [0.0])
    draw_rates(curves, tmp_path / 'a.png', title='a run')
    assert (tmp_path / 'a.png').stat().st_size > 5000
