import numpy as np
import pytest
from sklearn.metrics import log_loss

from ocec.apis.drift_report_calibration import calibrate, fit_set
from ocec.apis.drift_report_metrics import group_folds


def test_bias_of_a_shifted_set_is_found_and_mended(make_scored_rows):
    part = make_scored_rows(2000, shift=3.0)
    found = calibrate(part, group_folds(part, seed=0))
    assert found['fitted']['temperature'] == pytest.approx(1, abs=0.25)
    # logit - 3 is right
    assert found['fitted']['bias'] == pytest.approx(-3, abs=0.7)
    expected = log_loss(part.label_N, part.prob_N.astype(np.float64))
    assert found['raw']['loss'] == pytest.approx(expected, rel=1e-4)
    assert found['cross_fitted']['ece'] < found['raw']['ece'] / 2
    gain = found['raw']['loss'] - found['cross_fitted']['loss']
    assert found['gain']['value'] == pytest.approx(gain)
    assert found['gain']['low'] > 0
    assert found['mean_prob'] > found['open_share'] == 0.5
    assert sum(found['reliability']['count']) == 2000


def test_what_is_right_has_nothing_to_gain(make_scored_rows):
    part = make_scored_rows(2000)
    found = calibrate(part, group_folds(part, seed=0), other=fit_set(part))
    assert found['gain']['low'] < 0 or found['gain']['value'] < 0.005
    # fitted on these very rows: no worse than what was fitted on others
    assert found['other']['loss'] <= found['cross_fitted']['loss']


def test_one_group_has_no_folds(make_scored_rows):
    found = calibrate(make_scored_rows(groups=1), None)
    assert found['cross_fitted'] is found['gain'] is found['other'] is None
    assert found['raw']['ece'] > 0


def test_one_class(make_scored_rows):
    part = make_scored_rows()
    part = part.take(part.label_N == 1)
    found = calibrate(part, group_folds(part, seed=0), other=fit_set(part))
    assert found['fitted'] == {'temperature': None, 'bias': None, 'slope': None}
    assert found['other'] is None
    # nothing can be fitted: nothing is changed
    assert found['gain']['value'] == pytest.approx(0, abs=1e-6)
