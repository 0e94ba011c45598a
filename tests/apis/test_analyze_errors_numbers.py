import math

import numpy as np
import pytest

from ocec.apis.analyze_errors_numbers import (
    decisions,
    error_table,
    false_alarm_rate,
    summarize,
)
from ocec.apis.diagnose_numbers import diagnostic_numbers
from ocec.functional.classification import ConfusionCounts

PROB = np.array([0.9, 0.2, 0.6, 0.1, 0.8, 0.5], np.float32)
LABEL = np.array([1, 1, 0, 0, 1, 0])
# right, missed, false alarm, right, right, false alarm
DECISION = np.array([0, 2, 1, 0, 0, 1])


def scores(**overrides):
    return {
        'prob_B': PROB,
        'label_B': LABEL,
        'loss_B': np.arange(6, dtype=np.float32),
        'group_id_B': np.array([0, 0, 1, 1, 2, 2]),
        **overrides,
    }


def summary(scores, **kwargs):
    numbers = diagnostic_numbers(scores, threshold=0.5)
    return {metric.name: metric for metric in summarize(scores, numbers, **kwargs)}


def test_summary_by_hand():
    found = summary(scores())
    # tp 2, fp 2, fn 1, tn 1
    expected = {
        'F1': 4 / 7,
        'precision': 1 / 2,
        'recall': 2 / 3,
        'false-alarm rate': 2 / 3,
        'accuracy': 1 / 2,
        # pairs won: 0.9 and 0.8 beat all three, 0.2 beats 0.1
        'ROC AUC': 7 / 9,
        # precision at each open, from the highest score: 1/1, 2/2, 3/5
        'average precision': (1 + 1 + 3 / 5) / 3,
        'loss': 2.5,
    }
    for name, value in expected.items():
        assert found[name].value == pytest.approx(value), name
        assert found[name].low <= found[name].value <= found[name].high, name
    assert found['recall'].meaning == 'found among the open'
    assert 'Fisher ratio' not in found


def test_intervals_draw_whole_groups():
    # one group holds all errors: with 2 groups a resample has none, half or all
    few = scores(
        prob_B=np.array([1, 0, 1, 0, 0, 1.0]),
        label_B=np.array([1, 0, 1, 0, 1, 0]),
        group_id_B=np.array([0, 0, 0, 0, 1, 1]),
    )
    accuracy = summary(few)['accuracy']
    assert (accuracy.value, accuracy.low, accuracy.high) == (4 / 6, 0, 1)


def test_one_class_and_names_of_the_classes():
    alone = scores(
        label_B=np.ones(6, np.int64), embedding_BD=np.ones((6, 2), np.float32)
    )
    found = summary(alone, class_names=('smaller', 'larger'))
    assert math.isnan(found['ROC AUC'].value)
    assert math.isnan(found['false-alarm rate'].value)
    assert math.isnan(found['Fisher ratio'].value)
    assert found['recall'].value == pytest.approx(4 / 6)  # 0.9, 0.6, 0.8, 0.5
    assert found['false-alarm rate'].meaning == 'smaller called larger, of all smaller'


def test_false_alarm_rate_without_closed_eyes():
    assert math.isnan(false_alarm_rate(ConfusionCounts(tp=1, fp=0, fn=0, tn=0)))


def test_decisions():
    assert decisions(PROB, LABEL, threshold=0.5).tolist() == DECISION.tolist()
    # at the threshold is above it
    assert decisions(PROB, LABEL, threshold=0.51).tolist()[-1] == 0


def test_error_table_is_sorted_by_errors_then_by_their_share():
    values = ['b', 'b', 'b', 'a', 'c', 'c']
    rows = error_table(values, LABEL, DECISION)
    assert [
        (r.value, r.num, r.num_open, r.false_alarms, r.missed, r.error_rate)
        for r in rows
    ] == [
        ('b', 3, 2, 1, 1, pytest.approx(2 / 3)),
        ('c', 2, 1, 1, 0, 0.5),
        ('a', 1, 0, 0, 0, 0.0),
    ]
