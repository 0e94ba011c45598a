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


def scored_parts(evaluator: Evaluator) -> list[BaseMetric]:
    """Return a metric for each set of images whose scores have numbers of their own.

    Args:
        evaluator: of the validation or the test.

    Returns:
        The ``parts`` of the first metric that has scores, one for each source of the
        images, or the metric itself; each has ``prefix``, ``threshold`` and
        ``last_scores``. Empty where no metric keeps scores.
    """
    metric = metric_with_scores(evaluator)
    if metric is None:
        return []
    return list(getattr(metric, 'parts', [metric]))
