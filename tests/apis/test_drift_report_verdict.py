import pytest

from ocec.apis.drift_report_metrics import bounded
from ocec.apis.drift_report_verdict import (
    MEANINGS,
    QUESTIONS,
    answer,
    conclude,
    conclude_without_labels,
    show,
)

YES = bounded(0.1, (0.05, 0.15))
NO = bounded(0.0, (-0.005, 0.005))
UNCLEAR = bounded(0.05, (-0.05, 0.15))
NONE = bounded(0.1)


@pytest.mark.parametrize(
    ('number', 'expected'),
    [(YES, 'yes'), (NO, 'no'), (UNCLEAR, 'cannot tell'), (NONE, 'cannot tell')],
)
def test_answer(number, expected):
    assert answer(number, 0.01) == expected


@pytest.mark.parametrize(
    ('verdict', 'found'),
    [
        ('CANNOT TELL', dict(loss=NONE, own=YES)),
        ('CANNOT TELL', dict(loss=None)),
        ('WORKS AS IT IS', dict(loss=NO, own=UNCLEAR, left=NO)),
        ('NO LOSS SHOWN', dict(loss=UNCLEAR, own=UNCLEAR, left=UNCLEAR)),
        ('MOVE THE THRESHOLD', dict(loss=YES, own=YES, left=NO, after_head=YES)),
        ('MOVE THE THRESHOLD', dict(loss=UNCLEAR, own=YES, left=UNCLEAR)),
        (
            'MOVE THE THRESHOLD, THEN FINE-TUNE THE HEAD',
            dict(loss=YES, own=YES, left=UNCLEAR, head=YES, after_head=NO),
        ),
        (
            'FINE-TUNE THE HEAD',
            dict(loss=YES, own=UNCLEAR, left=YES, head=YES, after_head=UNCLEAR),
        ),
        ('FINE-TUNE ALL', dict(loss=YES, own=YES, left=YES, head=YES, after_head=YES)),
        ('FINE-TUNE', dict(loss=YES, own=NO, left=YES)),
        (
            'A LOSS, ITS CAUSE NOT SHOWN',
            dict(loss=YES, own=UNCLEAR, left=UNCLEAR, head=UNCLEAR, after_head=UNCLEAR),
        ),
        # a layer that learns nothing from few rows is no sign of a loss
        (
            'NO LOSS SHOWN',
            dict(loss=UNCLEAR, own=NO, left=YES, head=NO, after_head=YES),
        ),
    ],
)
def test_verdicts(verdict, found):
    conclusion = conclude(found)
    assert conclusion.verdict == verdict
    assert conclusion.meaning[0] == MEANINGS[verdict]


def test_every_meaning_can_be_reached():
    reached = {
        mark.args[1][number][0]
        for mark in test_verdicts.pytestmark
        for number in range(len(mark.args[1]))
    }
    assert reached == set(MEANINGS)


def test_each_answer_stands_beside_its_number():
    found = dict(loss=UNCLEAR, own=YES, left=NO, calibration=YES)
    conclusion = conclude(found, best_threshold=0.8125)
    assert [(rule.question, rule.answer) for rule in conclusion.rules] == [
        (QUESTIONS['loss'], 'cannot tell'),
        (QUESTIONS['own'], 'yes'),
        (QUESTIONS['left'], 'no'),
        (QUESTIONS['calibration'], 'yes'),
    ]
    assert conclusion.rules[1].number == '+0.100 (+0.050 to +0.150)'
    assert conclusion.meaning[1:] == (
        'A threshold chosen on B wins +0.100 (+0.050 to +0.150) F1 without training; '
        '0.812 is best here.',
        'If P(open) itself is used, not only the decision: recalibrate on B, see '
        'below.',
    )


def embeddings(auc=0.9, chance=(0.4, 0.6), low=0.1):
    return {
        'domain': {'auc': auc, 'chance': chance},
        'outliers': {'share': bounded(0.2, (low, 0.3)), 'expected': 0.01},
    }


@pytest.mark.parametrize(
    ('found', 'verdict'),
    [
        (embeddings(), 'NO LABELS, B LOOKS UNLIKE A'),
        (embeddings(auc=0.55), 'NO LABELS, B LOOKS UNLIKE A'),
        (embeddings(auc=0.55, low=0.0), 'NO LABELS, NO DIFFERENCE SHOWN'),
        (embeddings(auc=0.65, chance=None, low=0), 'NO LABELS, B LOOKS UNLIKE A'),
        (dict(domain=None, outliers=None), 'NO LABELS, NO DIFFERENCE SHOWN'),
        (None, 'NO LABELS, NO DIFFERENCE SHOWN'),
    ],
)
def test_without_labels_nothing_is_said_of_f1(found, verdict):
    conclusion = conclude_without_labels(found)
    assert conclusion.verdict == verdict
    assert 'nothing can be said of F1' in conclusion.meaning[0]
    assert {rule.answer for rule in conclusion.rules} <= {'yes', 'cannot tell'}


def test_show():
    assert show(YES) == '0.100 (0.050 to 0.150)'
    assert show(NONE, '.1%') == '10.0% (no interval)'
    assert show(bounded(float('nan'))) == 'undefined'
