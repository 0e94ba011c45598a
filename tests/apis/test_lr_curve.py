import csv
import json

import numpy as np
import pytest

from ocec.apis.lr_curve import LRCurve, LRSuggestion, suggest_lr

NUM = 121
LR_N = np.geomspace(1e-6, 1, NUM)  # 20 a decade
LOG_N = np.log10(LR_N)


def curve_of(losses, *, smoothing=0.0):
    curve = LRCurve(smoothing)
    for lr, loss in zip(LR_N, losses, strict=False):
        curve.add(float(lr), float(loss))
    return curve


def falling_losses(noise=0.0):
    """Fall from 1 to 0.2, fastest at 1e-3; lowest at 1e-1, then rise."""
    losses = 1 - 0.8 / (1 + np.exp(-2 * (LOG_N + 3)))
    losses += np.where(LOG_N > -1, 3 * (LOG_N + 1), 0)
    return losses + noise * np.random.default_rng(0).normal(size=NUM)


def test_running_mean_by_hand():
    # weights of the past 1/2: 8; (8/2 + 2)/(1/2 + 1) = 4; (8/4 + 2/2 + 0.5)/(7/4) = 2
    curve = curve_of([8, 2, 0.5], smoothing=0.5)
    assert curve.smoothed == pytest.approx([8, 4, 2])
    assert len(curve) == 3


def test_running_mean_is_the_weighted_mean_of_all_before():
    losses = np.random.default_rng(0).random(30)
    curve = curve_of(losses, smoothing=0.9)
    for step in range(30):
        weights = 0.9 ** np.arange(step, -1, -1)
        mean = np.average(losses[: step + 1], weights=weights)
        assert curve.smoothed[step] == pytest.approx(mean)


@pytest.mark.parametrize('smoothing', [-0.1, 1.0])
def test_smoothing_out_of_range(smoothing):
    with pytest.raises(ValueError, match=rf'in \[0, 1\), got {smoothing}'):
        LRCurve(smoothing)


def test_suggestion_of_a_known_curve():
    suggestion = suggest_lr(curve_of(falling_losses()))
    assert suggestion.lowest == pytest.approx(1e-1)
    assert suggestion.min_over_10 == pytest.approx(1e-2)
    # within a step of the point where the slope is greatest
    assert np.log10(suggestion.steepest) == pytest.approx(-3, abs=0.051)


def test_suggestion_under_noise():
    suggestion = suggest_lr(curve_of(falling_losses(noise=0.05), smoothing=0.9))
    # the running mean looks 10 steps, half a decade, back
    assert np.log10(suggestion.min_over_10) == pytest.approx(-2, abs=0.6)
    assert np.log10(suggestion.steepest) == pytest.approx(-3, abs=0.6)


def test_high_first_batches_are_not_the_steepest_fall():
    losses = falling_losses()
    losses[:2] = 1.15, 1.1
    suggestion = suggest_lr(curve_of(losses, smoothing=0.9))
    assert np.log10(suggestion.steepest) == pytest.approx(-3, abs=0.3)


def test_steepest_of_a_curve_that_is_lowest_early():
    # the lowest point comes before one window is full
    losses = [1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.2, *[0.9] * 93]
    suggestion = suggest_lr(curve_of(losses))
    assert suggestion.lowest == pytest.approx(LR_N[6])
    assert suggestion.steepest <= LR_N[20]


@pytest.mark.parametrize(
    ('losses', 'message'),
    [
        (0.7 + 0.05 * np.random.default_rng(0).normal(size=NUM), 'did not fall: 0.7'),
        (0.7 + np.linspace(0, 2, NUM), 'did not fall: .* at best 0.7 at lr 1e-06'),
        ([0.7] * NUM, 'raise --max-lr; if it only rises, lower --min-lr'),
        ([0.7] * 9, 'ended after 9 steps, fewer than 10'),
    ],
)
def test_curve_without_a_descent(losses, message):
    with pytest.raises(ValueError, match=message):
        suggest_lr(curve_of(losses, smoothing=0.9))


def test_points_are_written_with_all_digits(tmp_path):
    curve = curve_of(falling_losses()[:12] + 1 / 3, smoothing=0.9)
    curve.write_csv(tmp_path / 'a.csv')
    with open(tmp_path / 'a.csv', newline='') as stream:
        rows = list(csv.DictReader(stream))
    assert [int(row['step']) for row in rows] == list(range(1, 13))
    for name in ('lr', 'loss', 'smoothed'):
        assert [float(row[name]) for row in rows] == getattr(curve, name)


@pytest.mark.parametrize('suggestion', [None, LRSuggestion(0.1, 0.2, 1.0)])
def test_json_holds_settings_suggestion_and_points(tmp_path, suggestion):
    curve = curve_of([3, 2], smoothing=0.5)
    curve.write_json(tmp_path / 'a.json', suggestion, {'seed': 7})
    content = json.loads((tmp_path / 'a.json').read_text())
    assert (content['seed'], content['smoothing']) == (7, 0.5)
    expected = {'min_over_10': 0.1, 'steepest': 0.2, 'lowest': 1.0}
    assert content['suggestion'] == (None if suggestion is None else expected)
    assert content['points']['loss'] == [3, 2]
    assert content['points']['lr'] == curve.lr
