"""What to do about a drift: questions, the numbers that answer them, a conclusion.

An answer is ``yes`` or ``no`` only where a whole interval says so.
"""

from __future__ import annotations

from dataclasses import dataclass

from ocec.functional.paired_tests import wilson_interval

# F1 or AUC: what nobody would fine-tune for
TOLERANCE = 0.01
# nats
LOSS_TOLERANCE = 0.01
YES, NO, UNCLEAR = 'yes', 'no', 'cannot tell'
# above, a domain classifier without a chance range tells A from B
TOLD_APART = 0.6


@dataclass(frozen=True)
class Rule:
    """A question with its answer.

    Args:
        question: that yes or no answers.
        number: what answers it, in words and figures.
        answer: ``yes``, ``no`` or ``cannot tell``.
    """

    question: str
    number: str
    answer: str


@dataclass(frozen=True)
class Conclusion:
    """What to do.

    Args:
        verdict: a few words in capitals.
        meaning: sentences, the most important first.
        rules: what they follow from.
    """

    verdict: str
    meaning: tuple[str, ...]
    rules: tuple[Rule, ...]


QUESTIONS = {
    'loss': "At A's threshold, is F1 on B lower than on A (at B's share of open eyes)?",
    'own': 'Does a threshold chosen on B win F1 back?',
    'left': "With B's own threshold, is F1 still lower than on A?",
    'order': 'Do the scores order the eyes of B worse (AUC)?',
    'calibration': 'Do a temperature and bias fitted on B lower the loss?',
    'head': 'Does a new last layer, learned on B, win more F1 than the threshold?',
    'after_head': 'With that layer, is F1 still lower than on A?',
}
MEANINGS = {
    'CANNOT TELL': 'A or B has fewer than two groups, or one class only: no interval '
    'can be had, so nothing can be said. Label crops of several subjects of B.',
    'WORKS AS IT IS': 'On B the model is as good as on A, within one point of F1. '
    'Fine-tuning has little to win.',
    'NO LOSS SHOWN': 'The intervals of A and B allow for no loss and for one of more '
    'than a point. Label more subjects of B before fine-tuning.',
    'MOVE THE THRESHOLD': 'A threshold chosen on B wins F1, and what is then left of '
    'the difference to A lies within the intervals. Choose it on labelled groups of B '
    'and report on others; fine-tune only if more labels show that something is left.',
    'MOVE THE THRESHOLD, THEN FINE-TUNE THE HEAD': 'A threshold chosen on B wins F1 '
    'without training; what is then left of the difference to A lies within the '
    'intervals. A new last layer on the frozen embeddings wins more: fine-tune with '
    'all but the head frozen, which needs few labels.',
    'FINE-TUNE THE HEAD': 'The embeddings of the model hold what it needs for B; its '
    'last layer reads them wrongly. Start with all but the head frozen, which needs '
    'few labels, and compare with a full fine-tuning.',
    'FINE-TUNE ALL': 'Neither a threshold nor a new last layer, learned on the '
    'labelled rows of B at hand, reaches the F1 of A. Fine-tune the whole model, '
    'staged or with small learning rates, and mix in rows of A if A must not be '
    'forgotten. B may also be harder, or labelled less well, than A: then no training '
    'reaches that F1.',
    'FINE-TUNE': 'A threshold of its own does not reach the F1 of A. The model tells '
    'no embeddings, or B has too few rows of a class to learn a last layer from, so '
    'that nothing is said of the head alone.',
    'A LOSS, ITS CAUSE NOT SHOWN': 'F1 is lower on B, but B has too few rows to say '
    'whether the threshold or the last layer is to blame. Moving the threshold costs '
    'least: try it first, and label more subjects of B.',
}


def conclude(found: dict, *, best_threshold: float | None = None) -> Conclusion:
    """Come to a conclusion on a labelled B.

    Args:
        found: numbers of ``drift_report_metrics.bounded``: ``loss``, F1 of A less
            that of B; ``own``, gain of B's threshold; ``left``, F1 of A less that
            with B's threshold; ``order``, AUC of A less that of B; ``calibration``,
            gain of loss in nats; ``head``, gain of a new last layer; ``after_head``,
            F1 of A less that with it. None where there is none.
        best_threshold: the best one on the rows of B at hand, to be named.

    Returns:
        The conclusion.
    """
    answers = {
        name: answer(number, LOSS_TOLERANCE if name == 'calibration' else TOLERANCE)
        for name, number in found.items()
        if number is not None
    }
    rules = tuple(
        Rule(QUESTIONS[name], show(found[name], '+.3f'), answers[name])
        for name in QUESTIONS
        if name in answers
    )
    verdict = _verdict(found.get('loss'), answers)
    meaning = [MEANINGS[verdict]]
    if answers.get('own') == YES and verdict != 'CANNOT TELL':
        meaning.append(
            f'A threshold chosen on B wins {show(found["own"], "+.3f")} F1 without '
            'training'
            + (f'; {best_threshold:.3g} is best here.' if best_threshold else '.')
        )
    if answers.get('head') == YES and verdict != 'CANNOT TELL':
        meaning.append(
            f'A new last layer wins {show(found["head"], "+.3f")} F1 more than the '
            'threshold.'
        )
    if answers.get('calibration') == YES:
        meaning.append(
            'If P(open) itself is used, not only the decision: recalibrate on B, see '
            'below.'
        )
    return Conclusion(verdict, tuple(meaning), rules)


def conclude_without_labels(embeddings: dict | None) -> Conclusion:
    """Come to a conclusion on a B without labels.

    Args:
        embeddings: of ``drift_report_embeddings.compare_embeddings``; None where the
            model tells none.

    Returns:
        The conclusion; it never says that the model works.
    """
    rules = []
    domain = (embeddings or {}).get('domain')
    if domain is not None:
        limit = TOLD_APART if domain['chance'] is None else domain['chance'][1]
        rules.append(
            Rule(
                'Do the embeddings tell A from B, more than groups dealt at random?',
                f'AUC {domain["auc"]:.3f}, limit {limit:.3f}',
                YES if domain['auc'] > limit else UNCLEAR,
            )
        )
    outliers = (embeddings or {}).get('outliers')
    if outliers is not None:
        share, expected = outliers['share'], outliers['expected']
        is_more = share['low'] is not None and share['low'] > expected
        rules.append(
            Rule(
                f'Do more than {expected:.0%} of B lie beyond the limit of A?',
                show(share, '.1%'),
                YES if is_more else UNCLEAR,
            )
        )
    is_unlike = any(rule.answer == YES for rule in rules)
    verdict = 'B LOOKS UNLIKE A' if is_unlike else 'NO DIFFERENCE SHOWN'
    low, high = wilson_interval(20, 400)
    advice = (
        'Without labels nothing can be said of F1: embeddings may differ and decisions '
        'be right, or look alike and be wrong. Label some hundred crops of B from as '
        'many subjects as you can and run this again; at 400 independent crops an '
        f'error rate of 5 % has the interval {low:.1%} to {high:.1%}.'
    )
    return Conclusion(f'NO LABELS, {verdict}', (advice,), tuple(rules))


def answer(number: dict, tolerance: float) -> str:
    """Answer whether a number is above zero.

    Args:
        number: ``value``, ``low`` and ``high``; None where undefined.
        tolerance: what counts as none, >= 0.

    Returns:
        ``yes`` if the whole interval is above 0, ``no`` if all of it is below the
        tolerance, else ``cannot tell``.

    Example:
        >>> answer({'value': 0.1, 'low': 0.05, 'high': 0.2}, 0.01)
        'yes'
    """
    if number['low'] is None or number['high'] is None:
        return UNCLEAR
    if number['low'] > 0:
        return YES
    return NO if number['high'] < tolerance else UNCLEAR


def show(number: dict, form: str = '.3f') -> str:
    """Write a number with its interval.

    Args:
        number: ``value``, ``low`` and ``high``; None where undefined.
        form: of each number.

    Returns:
        As ``0.776 (0.741 to 0.809)``.
    """
    if number['value'] is None:
        return 'undefined'
    text = format(number['value'], form)
    if number['low'] is None or number['high'] is None:
        return f'{text} (no interval)'
    return f'{text} ({number["low"]:{form}} to {number["high"]:{form}})'


def _verdict(loss: dict | None, answers: dict[str, str]) -> str:
    if loss is None or loss['low'] is None:
        return 'CANNOT TELL'
    if answers['loss'] == NO:
        return 'WORKS AS IT IS'
    if answers.get('own') == YES and answers.get('left') != YES:
        more = ', THEN FINE-TUNE THE HEAD' if answers.get('head') == YES else ''
        return f'MOVE THE THRESHOLD{more}'
    is_lower = answers['loss'] == YES
    if is_lower and answers.get('after_head', answers.get('left')) == YES:
        return 'FINE-TUNE ALL' if 'after_head' in answers else 'FINE-TUNE'
    if answers.get('head') == YES:
        return 'FINE-TUNE THE HEAD'
    return 'A LOSS, ITS CAUSE NOT SHOWN' if is_lower else 'NO LOSS SHOWN'
