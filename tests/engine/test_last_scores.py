from types import SimpleNamespace

from ocec.engine.last_scores import metric_with_scores


def test_the_first_metric_that_has_scores():
    foreign = SimpleNamespace()
    unused, used, later = (SimpleNamespace(last_scores=x) for x in (None, {}, {}))
    evaluator = SimpleNamespace(metrics=[foreign, unused, used, later])
    assert metric_with_scores(evaluator) is used
    evaluator.metrics = [foreign, unused]
    assert metric_with_scores(evaluator) is None
