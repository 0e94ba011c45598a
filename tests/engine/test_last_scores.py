from types import SimpleNamespace

from ocec.engine.last_scores import metric_with_scores, scored_parts


def test_the_first_metric_that_has_scores():
    foreign = SimpleNamespace()
    unused, used, later = (SimpleNamespace(last_scores=x) for x in (None, {}, {}))
    evaluator = SimpleNamespace(metrics=[foreign, unused, used, later])
    assert metric_with_scores(evaluator) is used
    evaluator.metrics = [foreign, unused]
    assert metric_with_scores(evaluator) is None


def test_parts_of_a_metric():
    parts = [SimpleNamespace(last_scores={}) for _ in range(2)]
    plain, several, unused = (
        SimpleNamespace(last_scores={}),
        SimpleNamespace(last_scores={}, parts=parts),
        SimpleNamespace(last_scores=None),
    )
    for metric, expected in ((plain, [plain]), (several, parts), (unused, [])):
        assert scored_parts(SimpleNamespace(metrics=[metric])) == expected
