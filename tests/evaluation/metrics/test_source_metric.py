"""Expected numbers: those of a BinaryMetric of the images of each source."""

import math

import pytest
import torch

from ocec.evaluation.metrics import BinaryMetric, SourceMetric
from ocec.registry import METRICS
from ocec.structures import BatchScores

BOUNDS = {'home': [0, 100], 'new': [100, 140]}


def make_scores(num=60, seed=0, open_from=0):
    """Every second sample id from 0; the first 50 are of home."""
    generator = torch.Generator().manual_seed(seed)
    label = torch.randint(0, 2, (num,), generator=generator)
    label[:open_from] = 1
    noise = torch.rand(num, generator=generator)
    ids = torch.arange(num) * 2
    return BatchScores(0.4 * label + 0.6 * noise, noise, label, ids, ids // 8)


def take(scores, keep_N):
    fields = {k: x[keep_N] for k, x in vars(scores).items() if x is not None}
    return BatchScores(**fields)


def evaluate(metric, scores, bounds=BOUNDS):
    if bounds is not None:
        metric.dataset_meta = {'classes': ('closed', 'open'), 'sources': bounds}
    for part in torch.randperm(len(scores)).split(17):
        metric.process({}, [take(scores, part)])
    return metric.evaluate(len(scores))


def alone(scores, keep_N, threshold=0.5):
    metric = BinaryMetric(threshold, prefix='x')
    part = take(scores, keep_N)
    metric.process({}, [part])
    found = metric.evaluate(len(part))
    return {name.removeprefix('x/'): value for name, value in found.items()}


@pytest.fixture
def scores():
    return make_scores()


def test_each_source_has_its_numbers_at_its_threshold(scores):
    metric = SourceMetric({'home': {}, 'new': {'threshold': 0.3}})
    found = evaluate(metric, scores)
    is_home = scores.sample_id_B < 100
    assert int(is_home.sum()) == 50
    home, new = alone(scores, is_home), alone(scores, ~is_home, 0.3)
    assert alone(scores, ~is_home) != new
    for source, expected in (('home', home), ('new', new)):
        for name, value in expected.items():
            assert found[f'{source}/{name}'] == value
    assert found['mean/f1'] == pytest.approx((home['f1'] + new['f1']) / 2)
    assert found['mean/loss'] == pytest.approx((home['loss'] + new['loss']) / 2)
    assert 'mean/tp' not in found


def test_weights_of_the_mean(scores):
    sources = {'home': {'weight': 1}, 'new': {'weight': 3}}
    found = evaluate(SourceMetric(sources, prefix='both'), scores)
    for name in ('f1', 'auc', 'recall'):
        expected = 0.25 * found[f'home/{name}'] + 0.75 * found[f'new/{name}']
        assert found[f'both/{name}'] == pytest.approx(expected)


def test_a_mean_is_undefined_unless_the_source_does_not_count():
    # all images of home are open: no area under its curve
    scores = make_scores(open_from=50)
    found = evaluate(SourceMetric({'home': {}, 'new': {}}), scores)
    assert math.isnan(found['home/auc'])
    assert math.isnan(found['mean/auc'])
    found = evaluate(SourceMetric({'home': {'weight': 0}, 'new': {}}), scores)
    assert found['mean/auc'] == found['new/auc']


def test_its_names_are_those_listed(scores):
    config = {'type': 'SourceMetric', 'sources': {'home': {}, 'new': {}}}
    metric = METRICS.build(dict(config))
    found = evaluate(metric, scores)
    listed = SourceMetric.list_metrics(config)
    # fisher needs embeddings
    assert set(listed) - set(found) == {f'{n}/fisher' for n in ('home', 'new', 'mean')}
    assert set(found) <= set(listed)
    assert 'best/f1' in SourceMetric.list_metrics({**config, 'prefix': 'best'})


def test_parts_follow_the_scores_that_are_kept(scores):
    metric = SourceMetric({'home': {}, 'new': {'threshold': 0.3}})
    assert metric.parts == []
    evaluate(metric, scores)
    kept = metric.last_scores
    home, new = metric.parts
    assert (home.prefix, new.prefix, new.threshold) == ('home', 'new', 0.3)
    assert [len(part.last_scores['label_B']) for part in (home, new)] == [50, 10]
    other = evaluate(metric, make_scores(seed=1))
    metric.last_scores = kept  # as a second validation puts them back
    assert metric.parts[1].last_scores['prob_B'].tolist() == (
        scores.prob_B[scores.sample_id_B >= 100].tolist()
    )
    assert other['new/loss'] != pytest.approx(
        metric.parts[1].last_scores['loss_B'].mean()
    )


@pytest.mark.parametrize(
    ('bounds', 'message'),
    [
        (None, 'expects the sources home, new; the dataset tells none'),
        ({'home': [0, 200]}, 'expects the sources home, new; the dataset tells home'),
        ({'home': [0, 120], 'new': [120, 121]}, 'no image of new was scored'),
    ],
)
def test_a_dataset_of_other_sources(scores, bounds, message):
    with pytest.raises(ValueError, match=message):
        evaluate(SourceMetric({'home': {}, 'new': {}}), scores, bounds)


@pytest.mark.parametrize(
    ('sources', 'message'),
    [
        ({}, 'must name at least one source, got none'),
        ({'a': {'wait': 1}}, r"source a: \['wait'\] are no settings; there are"),
        ({'a': {'threshold': 2}}, r'threshold must be in \[0, 1\], got 2'),
        (
            {'a': {'weight': -1}, 'b': {}},
            r'weights must be >= 0 and not all 0, got \[-1',
        ),
        ({'a': {'weight': 0}}, r'weights must be >= 0 and not all 0, got \[0\]'),
        ({'mean': {}}, "a source is called 'mean', as the mean: give another prefix"),
    ],
)
def test_wrong_settings(sources, message):
    with pytest.raises(ValueError, match=message):
        SourceMetric(sources)
