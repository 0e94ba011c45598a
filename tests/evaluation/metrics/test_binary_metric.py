"""Expected numbers: scikit-learn 1.9 on all images at once."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from sklearn import metrics as sk

from ocec.evaluation.metrics import BinaryMetric, binary_metric
from ocec.functional.separation import fisher_ratio
from ocec.structures import BatchScores


def make_scores(num_images=50, seed=0):
    generator = torch.Generator().manual_seed(seed)
    label = torch.randint(0, 2, (num_images,), generator=generator)
    noise = torch.rand(num_images, generator=generator)
    return BatchScores(
        prob_B=(0.4 * label + 0.6 * noise),
        loss_B=torch.rand(num_images, generator=generator),
        label_B=label,
        sample_id_B=torch.randperm(num_images, generator=generator) * 3,
        group_id_B=torch.arange(num_images) // 5,
        embedding_BD=torch.randn(num_images, 3, generator=generator),
    )


def take(scores, index):
    return BatchScores(
        **{k: value[index] for k, value in vars(scores).items() if value is not None}
    )


def evaluate(batches, size=None, **kwargs):
    metric = BinaryMetric(**kwargs)
    for batch in batches:
        metric.process({}, [batch])
    size = sum(map(len, batches)) if size is None else size
    return metric.evaluate(size)


def constant_scores(prob, labels):
    label = torch.tensor(labels)
    ids = torch.arange(len(labels))
    prob = torch.full((len(labels),), prob)
    return BatchScores(prob, torch.ones(len(labels)), label, ids, ids)


@pytest.mark.parametrize('threshold', [0.3, 0.5, 0.62])
def test_every_number_matches_scikit_learn(threshold):
    scores = make_scores()
    found = evaluate(
        [take(scores, slice(0, 20)), take(scores, slice(20, 50))], threshold=threshold
    )
    label, prob = scores.label_B.numpy(), scores.prob_B.numpy()
    said_open = prob >= np.float32(threshold)
    tn, fp, fn, tp = sk.confusion_matrix(label, said_open).ravel()
    expected = {
        'f1': sk.f1_score(label, said_open),
        'precision': sk.precision_score(label, said_open),
        'recall': sk.recall_score(label, said_open),
        'accuracy': sk.accuracy_score(label, said_open),
        'auc': sk.roc_auc_score(label, prob),
        'ap': sk.average_precision_score(label, prob),
        'loss': scores.loss_B.double().mean().item(),
        'fisher': fisher_ratio(scores.embedding_BD.numpy(), label),
        'tp': tp,
        'fp': fp,
        'fn': fn,
        'tn': tn,
    }
    assert tuple(expected) == BinaryMetric.metric_names
    assert found == {f'eye/{k}': pytest.approx(v) for k, v in expected.items()}


def test_the_threshold_moves_decisions_not_areas():
    scores = make_scores()
    low, high = (evaluate([scores], threshold=t) for t in (0.2, 0.8))
    assert low['eye/recall'] > high['eye/recall']
    assert all(low[name] == high[name] for name in ('eye/auc', 'eye/ap', 'eye/loss'))


def test_neither_batches_nor_their_order_matter():
    scores = make_scores()
    whole = evaluate([scores])
    order = torch.randperm(50, generator=torch.Generator().manual_seed(1))
    shuffled = [take(scores, part) for part in order.split(7)]
    assert evaluate(shuffled) == whole


def test_an_image_that_was_scored_twice_counts_once():
    # a distributed sampler pads the last round with images from the start
    scores = make_scores()
    padded = [scores, take(scores, slice(0, 9))]
    assert evaluate(padded, size=50) == evaluate([scores])


def test_two_ranks_give_the_numbers_of_one(monkeypatch):
    scores = make_scores()
    other = BinaryMetric()
    other.process({}, [take(scores, slice(24, 50))])
    # rank 0 sees images 0-25, rank 1 the rest and two of them again; rank 2 none
    monkeypatch.setattr(
        binary_metric,
        'all_gather_object',
        lambda mine: [mine, other._local_scores(), {}],
    )
    found = evaluate([take(scores, slice(0, 26))], size=50)
    monkeypatch.undo()
    assert found == evaluate([scores])


@pytest.mark.parametrize(('kept', 'size'), [(49, 50), (0, 50), (50, 49)])
def test_a_missing_image_is_an_error_not_a_number(kept, size):
    batches = [take(make_scores(), slice(0, kept))] if kept else []
    with pytest.raises(RuntimeError, match=f'{kept} of {size} images were scored'):
        evaluate(batches, size=size)


def test_big_counts_are_readable():
    with pytest.raises(RuntimeError, match='0 of 12,259 images were scored'):
        evaluate([], size=12_259)


def test_each_evaluation_starts_afresh():
    metric, scores = BinaryMetric(), make_scores()
    for _ in range(2):
        metric.process({}, [scores])
        first = metric.evaluate(50)
    metric.process({}, [take(scores, slice(0, 49))])
    with pytest.raises(RuntimeError):
        metric.evaluate(50)
    # after the error too
    metric.process({}, [scores])
    assert metric.evaluate(50) == first


def test_the_scores_are_kept_by_sample_id():
    scores = make_scores()
    metric = BinaryMetric()
    assert metric.last_scores is None
    metric.process({}, [scores])
    metric.process({}, [take(scores, slice(0, 5))])
    metric.evaluate(50)
    order = scores.sample_id_B.argsort()
    for name, value in vars(scores).items():
        np.testing.assert_array_equal(metric.last_scores[name], value[order])


def test_mmengine_evaluates_it_by_name():
    scores = make_scores()
    evaluator = Evaluator([{'type': 'ocec.BinaryMetric', 'prefix': 'dark'}])
    evaluator.process([scores])
    found = evaluator.evaluate(50)
    assert set(found) == {f'dark/{name}' for name in BinaryMetric.metric_names}
    assert found['dark/f1'] == evaluate([scores])['eye/f1']


# collapse


@pytest.mark.parametrize(('prob', 'answer'), [(0.9, 'open'), (0.1, 'closed')])
def test_one_answer_for_all_raises_the_alarm(log_records, prob, answer):
    found = evaluate([constant_scores(prob, [1, 0, 1, 1, 0])])
    (record,) = log_records
    assert record.levelname == 'WARNING'
    assert record.getMessage() == (
        f'COLLAPSE: all 5 images are called {answer}, though 3 are open and 2 are '
        'closed. Look at the learning rate, the labels and the class weights before '
        'you trust any number of this epoch'
    )
    # ties of all: the AUC of a coin, and the share of open
    assert found['eye/auc'] == 0.5
    assert found['eye/ap'] == pytest.approx(0.6)


@pytest.mark.parametrize(('prob', 'label'), [(0.9, 1), (0.9, 0), (0.1, 0), (0.1, 1)])
def test_a_split_of_one_class_raises_no_alarm(log_records, prob, label):
    found = evaluate([constant_scores(prob, [label] * 4)])
    assert log_records == []
    assert math.isnan(found['eye/auc'])
    assert math.isnan(found['eye/ap']) == (label == 0)


def test_both_answers_raise_no_alarm_however_wrong(log_records):
    scores = constant_scores(0.9, [1, 0, 0, 0])
    scores.prob_B[0] = 0.1
    assert evaluate([scores])['eye/accuracy'] == 0.0
    assert log_records == []


def test_a_model_that_diverged_gets_no_finite_area(log_records):
    found = evaluate([constant_scores(float('nan'), [1, 0, 1])])
    assert math.isnan(found['eye/auc'])
    assert math.isnan(found['eye/ap'])
    assert log_records[0].getMessage().startswith('COLLAPSE')


@pytest.mark.parametrize('threshold', [-0.1, 1.1, float('nan')])
def test_a_threshold_out_of_range_is_named(threshold):
    message = rf'threshold must be in \[0, 1\], got {threshold}'
    with pytest.raises(ValueError, match=message):
        BinaryMetric(threshold)


def test_separation_is_told_where_the_model_gives_embeddings():
    scores = make_scores()
    assert 'eye/fisher' not in evaluate([replace(scores, embedding_BD=None)])
    rng = np.random.default_rng(0)
    embedding = rng.normal(size=(50, 4)) + scores.label_B.numpy()[:, None] * [
        3,
        0,
        0,
        0,
    ]
    scores = replace(scores, embedding_BD=torch.tensor(embedding, dtype=torch.float32))
    found = evaluate([take(scores, slice(0, 20)), take(scores, slice(20, 50))])
    expected = fisher_ratio(embedding.astype(np.float32), scores.label_B.numpy())
    assert found['eye/fisher'] == pytest.approx(expected)
