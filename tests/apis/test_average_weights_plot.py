import cv2

from ocec.apis.average_weights_plot import AveragePoint, draw_average_curve


def test_it_draws(tmp_path):
    points = [
        AveragePoint(alpha, {'f1': 0.9 - 0.1 * alpha}, {'f1': 0.6 + 0.3 * alpha})
        for alpha in (0, 0.5, 1)
    ]
    path = tmp_path / 'curve.png'
    draw_average_curve(points, points[1], path)
    image = cv2.imread(str(path))
    assert image.shape == (540, 1320, 3)
    # lines in the colours of both data sets, #1f4e79 and #c0392b as BGR
    for color in ((0x79, 0x4E, 0x1F), (0x2B, 0x39, 0xC0)):
        assert (image == color).all(axis=2).sum() > 100
