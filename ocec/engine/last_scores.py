"""Scores that an evaluation has left behind."""

from __future__ import annotations

from mmengine.evaluator import BaseMetric, Evaluator


def metric_with_scores(evaluator: Evaluator) -> BaseMetric | None:
    """Return the first metric that keeps its scores and has some.

    Args:
        evaluator: of the validation or the test.

    Returns:
        A metric whose ``last_scores`` are those of its last evaluation; None where no
        metric keeps them, and on every process but the main one.
    """
    for metric in evaluator.metrics:
        if getattr(metric, 'last_scores', None) is not None:
            return metric
    return None
