import subprocess
import sys

import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve, roc_curve

from ocec.functional.calibration import reliability
from ocec.functional.classification import confusion_counts
from ocec.functional.thresholds import sweep_thresholds
from ocec.visualization import diagnostic_plots as plots

RNG = np.random.default_rng(0)
LABEL = np.tile([0, 1], 40)
PROB = (0.5 * LABEL + 0.5 * RNG.random(80)).round(2)
NAMES = ('shut', 'wide')


def line(figure, label):
    """Return x and y of the line with this label."""
    [found] = [x for x in figure.axes[0].lines if x.get_label() == label]
    return np.asarray(found.get_xdata()), np.asarray(found.get_ydata())


def curve(figure):
    """Return x and y of the longest line."""
    found = max(figure.axes[0].lines, key=lambda x: len(x.get_xdata()))
    return np.asarray(found.get_xdata()), np.asarray(found.get_ydata())


def texts(figure):
    axes = figure.axes[0]
    legend = axes.get_legend()
    return {
        *(text.get_text() for text in axes.texts),
        *(text.get_text() for text in (legend.get_texts() if legend else [])),
        *(tick.get_text() for tick in (*axes.get_xticklabels(), axes.title)),
        axes.get_xlabel(),
        axes.get_ylabel(),
    }


def test_confusion_has_the_truth_in_rows():
    counts = confusion_counts(
        np.array([0.9, 0.1, 0.2, 0.8, 0.7]), np.array([0, 0, 0, 1, 1])
    )
    figure = plots.plot_confusion(counts, threshold=0.5, class_names=NAMES)
    placed = {text.get_position(): text.get_text() for text in figure.axes[0].texts}
    # (column, row): 3 closed, of which 1 called open; 2 open, both found
    assert placed == {
        (0, 0): '2\n66.7%',
        (1, 0): '1\n33.3%',
        (0, 1): '0\n0.0%',
        (1, 1): '2\n100.0%',
    }
    assert {'shut', 'wide', '5 samples at threshold 0.5'} <= texts(figure)


def test_roc_is_that_of_scikit_learn_with_the_threshold_marked():
    counts = confusion_counts(PROB, LABEL)
    figure = plots.plot_roc(
        sweep_thresholds(PROB, LABEL), auc=0.87654, counts=counts, class_names=NAMES
    )
    x, y = curve(figure)
    fpr, tpr, _ = roc_curve(LABEL, PROB, drop_intermediate=False)
    assert x == pytest.approx(fpr)
    assert y == pytest.approx(tpr)
    closed = PROB[LABEL == 0]
    share = (closed >= 0.5).mean()
    assert {
        'ROC, area 0.8765',
        f'in use ({share:.3f}, 1.000)',
        'false-alarm rate: shut called wide',
    } <= texts(figure)


def test_pr_is_that_of_scikit_learn():
    figure = plots.plot_pr(sweep_thresholds(PROB, LABEL), ap=0.5, class_names=NAMES)
    precision, recall, _ = precision_recall_curve(LABEL, PROB)
    x, y = curve(figure)
    assert x == pytest.approx(recall[::-1])
    assert y == pytest.approx(precision[::-1])
    # called open at random, half would be right
    assert set(line(figure, 'chance')[1]) == {0.5}
    assert {'precision of wide', 'precision and recall, average 0.5000'} <= texts(
        figure
    )


def test_reliability_leaves_empty_bins_out():
    prob, label = np.array([0.1, 0.2, 0.9, 0.9]), np.array([0, 1, 1, 1])
    figure = plots.plot_reliability(reliability(prob, label, num_bins=4), ece=0.1)
    x, y = line(figure, 'measured')
    assert x == pytest.approx([0.15, 0.9])
    assert y == pytest.approx([0.5, 1.0])
    assert [text.get_text() for text in figure.axes[0].texts] == ['2', '2']


def test_histograms_count_each_class():
    figure = plots.plot_score_histogram(PROB, LABEL, threshold=0.5, class_names=NAMES)
    stairs = figure.axes[0].patches
    assert [patch.get_data().values.sum() for patch in stairs] == [40, 40]
    assert {'shut (40)', 'wide (40)', 'P(wide)'} <= texts(figure)


def test_threshold_curve_shows_what_each_threshold_would_give():
    sweep = sweep_thresholds(PROB, LABEL)
    figure = plots.plot_threshold_curve(
        sweep, threshold=0.5, chosen={'best': 0.25, 'none': None}
    )
    thresholds, found = line(figure, 'recall')
    for threshold, recall in zip(thresholds, found, strict=True):
        assert recall == (PROB[LABEL == 1] >= threshold).mean()
    assert {'in use 0.5', 'best 0.25'} <= texts(figure)
    assert not any('none' in text for text in texts(figure))


def test_embedding_circles_the_errors():
    points = RNG.normal(size=(80, 2))
    is_error = np.arange(80) < 10
    figure = plots.plot_embedding(
        points, LABEL, is_error_N=is_error, title='PCA', class_names=NAMES
    )
    expected = {'shut (35)', 'shut, wrong (5)', 'wide (35)', 'wide, wrong (5)'}
    assert expected <= texts(figure)
    shown = {
        collection.get_label(): np.asarray(collection.get_offsets())
        for collection in figure.axes[0].collections
    }
    assert (shown['shut, wrong (5)'] == points[:10:2]).all()


def test_long_curves_are_thinned_and_keep_their_ends():
    prob = np.linspace(0, 1, 9000)
    figure = plots.plot_roc(sweep_thresholds(prob, np.arange(9000) % 2), auc=0.5)
    x, y = curve(figure)
    assert len(x) == plots.MAX_POINTS
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)


@pytest.mark.parametrize('label', [np.zeros(3, int), np.ones(3, int), np.zeros(0, int)])
def test_a_missing_class_is_drawn_without_a_warning(label, recwarn):
    prob = np.array([0.2, 0.7, 0.9])[: len(label)]
    sweep, counts = sweep_thresholds(prob, label), confusion_counts(prob, label)
    nan = float('nan')
    figures = [
        plots.plot_confusion(counts, threshold=0.5),
        plots.plot_roc(sweep, auc=nan, counts=counts),
        plots.plot_pr(sweep, ap=nan, counts=counts),
        plots.plot_reliability(reliability(prob, label), ece=nan),
        plots.plot_score_histogram(prob, label, threshold=0.5),
        plots.plot_threshold_curve(sweep, threshold=0.5),
        plots.plot_embedding(
            np.zeros((len(label), 2)), label, is_error_N=label == 1, title=''
        ),
    ]
    for figure in figures:
        assert plots.figure_pixels(figure).shape == (420, 520, 3)
    assert 'ROC, area without a value' in texts(figures[1])
    assert [str(warning.message) for warning in recwarn] == []


def test_pixels_are_rgb():
    figure = plots.plot_confusion(confusion_counts(PROB, LABEL), threshold=0.5)
    figure.set_facecolor('#ff8000')
    pixels = plots.figure_pixels(figure)
    assert pixels.dtype == np.uint8
    assert pixels[0, 0].tolist() == [255, 128, 0]


def test_no_global_state_of_matplotlib_is_touched():
    code = (
        'import sys, numpy as np\n'
        'from ocec.functional.classification import ConfusionCounts\n'
        'from ocec.visualization.diagnostic_plots import *\n'
        "assert 'matplotlib' not in sys.modules\n"
        'figure_pixels(plot_confusion(ConfusionCounts(1, 2, 3, 4), threshold=0.5))\n'
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, '-c', code], check=True)
