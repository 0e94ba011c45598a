"""Expected numbers: scikit-learn 1.9 on all videos at once."""

from dataclasses import replace

import pytest
import torch
from mmengine.evaluator import Evaluator
from sklearn import metrics as sk

from ocec.evaluation.metrics import ActionMetric, action_metric
from ocec.structures import ActionScores

NUM_CLASSES = 7


def make_scores(num_videos=60, seed=0, num_classes=NUM_CLASSES):
    generator = torch.Generator().manual_seed(seed)
    label = torch.randint(0, num_classes, (num_videos,), generator=generator)

    def prob():
        z = torch.randn(num_videos, num_classes, generator=generator)
        z[torch.arange(num_videos), label] += 1.5
        return z.softmax(1)

    return ActionScores(
        prob_BC=prob(),
        loss_B=torch.rand(num_videos, generator=generator),
        label_B=label,
        sample_id_B=torch.randperm(num_videos, generator=generator) * 3,
        group_id_B=torch.arange(num_videos) // 5,
        rgb_prob_BC=prob(),
        pose_prob_BC=prob(),
    )


def take(scores, index):
    return ActionScores(
        **{k: value[index] for k, value in vars(scores).items() if value is not None}
    )


def one_stream(scores):
    return replace(scores, rgb_prob_BC=None, pose_prob_BC=None)


def evaluate(batches, size=None, **kwargs):
    metric = ActionMetric(**kwargs)
    for batch in batches:
        metric.process({}, [batch])
    return metric.evaluate(sum(map(len, batches)) if size is None else size)


def expected_of(prob, label):
    prob, label = prob.numpy(), label.numpy()
    top5 = sk.top_k_accuracy_score(label, prob, k=5, labels=range(NUM_CLASSES))
    return {
        'top1': sk.accuracy_score(label, prob.argmax(1)),
        'top5': top5,
        'mean_class': sk.balanced_accuracy_score(label, prob.argmax(1)),
    }


def test_every_number_matches_scikit_learn():
    scores = make_scores()
    batches = [take(scores, slice(0, 20)), take(scores, slice(20, 60))]
    found = evaluate(batches, ratios=[(2, 1), (0.5, 1)])
    rgb, pose = scores.rgb_prob_BC, scores.pose_prob_BC
    answers = {
        'fused': scores.prob_BC,
        'rgb': rgb,
        'pose': pose,
        'rgb2_pose1': (2 * rgb + pose) / 3,
        'rgb0.5_pose1': (0.5 * rgb + pose) / 1.5,
    }
    expected = {
        f'acc/{name}_{number}': pytest.approx(value)
        for name, prob in answers.items()
        for number, value in expected_of(prob, scores.label_B).items()
    }
    expected['acc/loss'] = pytest.approx(scores.loss_B.double().mean().item())
    assert found == expected


def test_the_names_are_known_beforehand():
    scores, settings = make_scores(), {'ratios': [(2, 1), (1, 2)], 'prefix': 'val'}
    found = evaluate([scores], **settings)
    assert set(ActionMetric.list_metrics(settings)) == set(found)
    assert {f'acc/{n}' for n in ActionMetric.metric_names} == set(evaluate([scores]))


def test_a_model_of_one_stream_has_the_same_first_names():
    scores = make_scores()
    found = evaluate([one_stream(scores)], ratios=[(2, 1)])
    both = evaluate([scores])
    assert set(found) == {
        *('acc/fused_top1', 'acc/fused_top5', 'acc/fused_mean_class', 'acc/loss')
    }
    assert found == {name: both[name] for name in found}


def test_fewer_than_five_classes():
    scores = make_scores(num_classes=3)
    assert evaluate([scores])['acc/fused_top5'] == 1
    broken = replace(one_stream(scores), prob_BC=torch.full((60, 3), torch.nan))
    found = evaluate([broken])
    assert found['acc/fused_top1'] == found['acc/fused_top5'] == 0


def test_neither_batches_nor_their_order_matter():
    scores = make_scores()
    order = torch.randperm(60, generator=torch.Generator().manual_seed(1))
    shuffled = [take(scores, part) for part in order.split(7)]
    assert evaluate(shuffled) == evaluate([scores])


def test_a_video_that_was_scored_twice_counts_once():
    scores = make_scores()
    padded = [scores, take(scores, slice(0, 9))]
    assert evaluate(padded, size=60) == evaluate([scores])


def test_two_ranks_give_the_numbers_of_one(monkeypatch):
    scores = make_scores()
    other = ActionMetric()
    other.process({}, [take(scores, slice(24, 60))])
    # rank 0 sees videos 0-25, rank 1 the rest and two of them again; rank 2 none
    monkeypatch.setattr(
        action_metric,
        'all_gather_object',
        lambda mine: [mine, other._local_scores(), {}],
    )
    found = evaluate([take(scores, slice(0, 26))], size=60)
    monkeypatch.undo()
    assert found == evaluate([scores])


@pytest.mark.parametrize(('kept', 'size'), [(59, 60), (0, 60), (60, 59)])
def test_a_missing_video_is_an_error_not_a_number(kept, size):
    batches = [take(make_scores(), slice(0, kept))] if kept else []
    with pytest.raises(RuntimeError, match=f'{kept} of {size} videos were scored'):
        evaluate(batches, size=size)


def test_the_scores_are_kept_by_sample_id():
    scores, metric = make_scores(), ActionMetric()
    assert metric.last_action_scores is None
    metric.process({}, [scores])
    metric.evaluate(60)
    order = scores.sample_id_B.argsort()
    for name, value in vars(scores).items():
        assert (metric.last_action_scores[name] == value[order].numpy()).all()


def test_mmengine_evaluates_it_by_name():
    scores = make_scores()
    evaluator = Evaluator([{'type': 'ocec.ActionMetric'}])
    evaluator.process([scores])
    assert evaluator.evaluate(60) == evaluate([scores])


def test_one_answer_for_all_raises_the_alarm(log_records):
    prob = torch.zeros(60, NUM_CLASSES)
    prob[:, 2] = 1
    scores = one_stream(replace(make_scores(), prob_BC=prob))
    evaluate([scores])
    (record,) = log_records
    assert record.levelname == 'WARNING'
    assert record.getMessage() == (
        'COLLAPSE: all 60 videos are called action 2, though there are 7 actions. Look '
        'at the learning rate and the labels before you trust any number of this epoch'
    )


def test_a_split_of_one_action_raises_no_alarm(log_records):
    prob = torch.zeros(60, NUM_CLASSES)
    prob[:, 2] = 1
    label = torch.full((60,), 2)
    evaluate([one_stream(replace(make_scores(), prob_BC=prob, label_B=label))])
    evaluate([make_scores()])
    assert log_records == []


@pytest.mark.parametrize('ratio', [(1,), (-1, 1), (0, 0), (1, 1, 1)])
def test_ratios_that_give_no_mean(ratio):
    with pytest.raises(
        ValueError, match='ratios must be pairs of weights >= 0, of RGB'
    ):
        ActionMetric(ratios=[ratio])
