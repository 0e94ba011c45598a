from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest

from ocec.apis.drift_report_groups import failing_groups, worst_errors
from ocec.functional.picture_statistics import PIXEL_STATISTICS


def test_group_with_flipped_labels_is_flagged_first(make_scored_rows):
    part = make_scored_rows(flipped=7)
    found = failing_groups(part, 0.5)
    [first] = [row for row in found['rows'] if row['value'] == 'g7']
    assert found['rows'][0] == first
    assert (first['column'], first['flag']) == ('group', 'clearly above')
    is_of_it_N = part.group_N == 7
    wrong_N = (part.prob_N >= 0.5) != (part.label_N == 1)
    assert (first['num'], first['num_open']) == (10, part.label_N[is_of_it_N].sum())
    num_wrong = first['false_alarms'] + first['missed']
    assert num_wrong == wrong_N[is_of_it_N].sum()
    interval = binomtest(int(num_wrong), 10).proportion_ci(method='wilson')
    assert (first['low'], first['high']) == pytest.approx(tuple(interval))
    assert found['error_rate'] == pytest.approx(wrong_N.mean())
    flagged = [row for row in found['rows'] if row['column'] == 'group' and row['flag']]
    assert flagged == [first]


def test_columns_that_are_looked_at(make_scored_rows):
    light = ['class', 'brightness', 'contrast', 'sharpness']
    found = failing_groups(make_scored_rows(), 0.5)
    assert found['columns'] == ['group', *light]
    assert found['num_values'] == 40 + 2 + 3 * 4
    # one side of a 95 % interval
    assert found['by_chance'] == pytest.approx(0.025 * 54)
    alone = failing_groups(make_scored_rows(groups=0), 0.5)
    assert alone['columns'] == light


def test_dark_rows_that_fail(make_scored_rows):
    part = make_scored_rows()
    dark_N = part.pixel_NK[:, PIXEL_STATISTICS.index('brightness')]
    # the darker half of the dark quarter is called the wrong way round
    is_dark_N = dark_N < np.quantile(dark_N, 0.125)
    prob_N = np.where(is_dark_N, 1 - part.prob_N, part.prob_N)
    found = failing_groups(replace(part, prob_N=prob_N), 0.5)
    clear = [row for row in found['rows'] if row['flag'] == 'clearly above']
    assert [row['column'] for row in clear] == ['brightness']
    assert clear[0]['value'].startswith(f'{dark_N.min():.4g} to ')
    assert clear[0]['num'] == 100


def test_light_that_never_changes_is_left_out(make_scored_rows):
    part = make_scored_rows()
    part = replace(part, pixel_NK=np.ones_like(part.pixel_NK))
    assert failing_groups(part, 0.5)['columns'] == ['group', 'class']


def test_worst_errors_come_first(make_scored_rows):
    part = make_scored_rows(num=5, groups=0)
    part = replace(
        part,
        prob_N=np.array([0.6, 0.9, 0.1, 0.4, 0.7], np.float32),
        label_N=np.array([0, 0, 1, 1, 1], np.int8),
    )
    found = worst_errors(part, 0.5, 5)
    assert {name: index.tolist() for name, index in found.items()} == {
        'false alarms': [1, 0],
        'missed': [2, 3],
    }
    assert worst_errors(part, 0.5, 1)['missed'].tolist() == [2]
