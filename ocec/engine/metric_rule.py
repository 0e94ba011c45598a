"""Which way a metric improves."""

from __future__ import annotations

RULES = ('greater', 'less')
LESS_IS_BETTER = ('loss', 'error', 'ece', 'brier', 'eer', 'fp', 'fn')


def rule_of(metric: str) -> str:
    """Return ``less`` for losses and errors, ``greater`` for everything else.

    Args:
        metric: a name as ``eye/loss``; what follows the last slash decides.

    Returns:
        ``less`` or ``greater``.

    Example:
        >>> rule_of('eye/loss'), rule_of('eye/f1')
        ('less', 'greater')
    """
    words = metric.lower().rsplit('/', 1)[-1].split('_')
    return 'less' if set(words) & set(LESS_IS_BETTER) else 'greater'


def is_better(
    value: float, best: float | None, rule: str, min_delta: float = 0.0
) -> bool:
    """Whether a value beats the best so far, strictly.

    Args:
        value: the new value.
        best: the best so far; None if there is none.
        rule: ``greater`` or ``less``.
        min_delta: smallest difference that counts, >= 0.

    Returns:
        True if it is better by more than ``min_delta``.
    """
    if best is None:
        return True
    gain = value - best if rule == 'greater' else best - value
    return gain > min_delta
