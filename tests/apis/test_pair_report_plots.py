import cv2
import numpy as np
import pytest

from ocec.apis.measure_models import ModelRow
from ocec.apis.pair_report_numbers import Contender, Ensemble, PairError
from ocec.apis.pair_report_plots import (
    ReportFigures,
    difference_label,
    digits_text,
    occluded_label,
)
from ocec.functional.binned_accuracy import BinAccuracy
from ocec.functional.classification import ConfusionCounts
from ocec.visualization.run_log import read_run


@pytest.fixture
def make_figures(make_work_dir):
    def make(ensemble=True, known=True, num_errors=20):
        runs = [read_run(make_work_dir(f'r{n}{ensemble}{known}')) for n in range(3)]
        rng = np.random.default_rng(0)
        errors = [
            PairError(
                str(n), rng.integers(0, 256, (28, 56), np.uint8), 3, 4, 1, 0.1, 0.5
            )
            for n in range(num_errors)
        ]
        bins = [
            BinAccuracy(1, 2, 9, 0.8, 0.7, 0.9),
            BinAccuracy(2, 3, 0, *[np.nan] * 3),
        ]
        contenders = [
            Contender('mean', 'method', True, 0.9, 0.85, 0.95, 0.0, 1.0),
            Contender('a', 'member', False, 0.8, np.nan, np.nan, -0.1, 0.1),
        ]
        return ReportFigures(
            rows=[ModelRow('a', '', '', accuracy=0.8), ModelRow('b', '', '')],
            runs=runs,
            model='a',
            confusion=ConfusionCounts(tp=5, fp=2, fn=3, tn=4),
            by_occlusion=bins if known else [],
            by_difference=bins if known else [],
            errors=errors,
            ensemble=Ensemble(contenders, 'test', None) if ensemble else None,
            split='test',
        )

    return make


def decode(png):
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)


@pytest.mark.parametrize('name', ['curves', 'occlusion', 'difference', 'ensemble'])
def test_each_figure_shows_something(make_figures, name):
    image = decode(make_figures().draw(name))
    assert image.shape[1] >= 600
    assert (image < 255).any(axis=2).mean() > 0.02


def test_unknown_bins_look_otherwise(make_figures):
    known = make_figures().draw('occlusion')
    assert known != make_figures(known=False).draw('occlusion')


@pytest.mark.parametrize(('ensemble', 'num_errors'), [(True, 20), (False, 0)])
def test_the_sheet_holds_everything(make_figures, ensemble, num_errors):
    figures = make_figures(ensemble, num_errors=num_errors)
    image = decode(figures.draw_sheet())
    assert image.shape[1] == 1400
    # table 1.3, curves 4, bins 3.6, montage 4.2, and 1.2 + 0.56 for two contenders
    height = 100 * (0.8 + 0.48 + 4 + 3.6 + 4.2 + (1.76 if ensemble else 0.01))
    assert image.shape[0] == pytest.approx(height, abs=2)


def test_bins_have_names():
    nothing = (0, *[np.nan] * 3)
    assert occluded_label(BinAccuracy(0.0, 0.35, *nothing)) == '< 35 %'
    assert occluded_label(BinAccuracy(0.35, 0.45, *nothing)) == '35 to 45 %'
    assert occluded_label(BinAccuracy(0.65, 1.000001, *nothing)) == '> 65 %'
    assert difference_label(BinAccuracy(3, 4, *nothing)) == '3'


def test_unknown_digits_are_question_marks():
    error = PairError('x', np.zeros((28, 56), np.uint8), 7, 6, 1, 0.1, 0.5)
    assert digits_text(error) == '7 | 6'
    unknown = PairError('x', np.zeros((28, 56), np.uint8), None, None, 1, 0.1, 0.5)
    assert digits_text(unknown) == '? | ?'
