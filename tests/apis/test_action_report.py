"""Expected numbers: scikit-learn, scipy, a slow loop."""

import json

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn import metrics as sk

from ocec.apis import action_report as module
from ocec.apis.action_report import (
    action_report_text,
    count_confusions,
    report_actions,
)
from ocec.functional.bootstrap import bootstrap_interval

C = 7
CLASSES = tuple(f'act {c}' for c in range(C))
FUSION = {'of': 'score', 'weights': {'rgb': 1.0, 'pose': 2.0}}


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    monkeypatch.setattr(module, 'NUM_RESAMPLES', 50)


@pytest.fixture
def scores():
    rng = np.random.default_rng(0)
    label = rng.integers(0, C - 1, 90)  # the last class has no clip
    prob = {}
    for name in ('prob_BC', 'rgb_prob_BC', 'pose_prob_BC'):
        raw = rng.random((90, C))
        raw[np.arange(90), label] += 0.6 * rng.random(90)
        prob[name] = (raw / raw.sum(1, keepdims=True)).astype(np.float32)
    return {
        **prob,
        'label_B': label,
        'sample_id_B': np.arange(90) * 2,
        'group_id_B': np.arange(90) // 18,
    }


def test_numbers_match_scikit_learn(scores):
    report = report_actions(scores, CLASSES, fusion=FUSION)
    assert list(report['streams']) == ['fused', 'rgb', 'pose']
    label = scores['label_B']
    for stream, field in module.STREAMS.items():
        answer = scores[field].argmax(1)
        found = report['streams'][stream]
        assert found['top1']['value'] == pytest.approx(sk.accuracy_score(label, answer))
        top5 = sk.top_k_accuracy_score(label, scores[field], k=5, labels=range(C))
        assert found['top5']['value'] == pytest.approx(top5)
        recalls = sk.recall_score(label, answer, labels=range(C - 1), average=None)
        assert found['mean_class']['value'] == pytest.approx(recalls.mean())
    answer = scores['prob_BC'].argmax(1)
    expected = sk.confusion_matrix(label, answer, labels=range(C))
    assert report['confusion'] == expected.tolist()
    json.dumps(report, allow_nan=False)


def test_intervals_of_clips_and_of_groups(scores):
    report = report_actions(scores, CLASSES)
    right = scores['prob_BC'].argmax(1) == scores['label_B']
    top1 = report['streams']['fused']['top1']
    wilson = binomtest(int(right.sum()), 90).proportion_ci(method='wilson')
    assert top1['interval'] == pytest.approx([wilson.low, wilson.high])
    groups = scores['group_id_B']
    drawn = bootstrap_interval(np.mean, right, group_N=groups, num_resamples=50)
    # never narrower than of clips that have nothing in common
    widest = [min(wilson.low, drawn.low), max(wilson.high, drawn.high)]
    assert top1['group_interval'] == pytest.approx(widest)
    mean_class = report['streams']['fused']['mean_class']
    for low, high in (mean_class['interval'], mean_class['group_interval']):
        assert low < mean_class['value'] < high
    assert report['num_groups'] == 5


def test_groups_that_differ_have_wide_intervals():
    label = np.arange(60) % 3
    right = np.arange(60) < 30  # all of 3 people, none of 3 others
    scores = {
        'prob_BC': np.eye(3)[np.where(right, label, (label + 1) % 3)],
        'label_B': label,
        'group_id_B': np.arange(60) // 10,
    }
    numbers = report_actions(scores, 'abc')['streams']['fused']
    for name in ('top1', 'mean_class'):
        low, high = numbers[name]['interval']
        wide_low, wide_high = numbers[name]['group_interval']
        assert wide_high - wide_low > 1.5 * (high - low)


@pytest.mark.parametrize('groups', [-1, 3])
def test_no_interval_of_groups_where_there_are_none(scores, groups):
    scores['group_id_B'] = np.full(90, groups)
    report = report_actions(scores, CLASSES)
    assert report['num_groups'] is None
    for numbers in report['streams']['fused'].values():
        assert numbers['group_interval'] is None
        assert numbers['interval'] is not None
    assert 'clips count as independent' in action_report_text(report)


def test_classes_counted_in_a_loop(scores):
    found = report_actions(scores, CLASSES)['classes']
    answer, label = scores['prob_BC'].argmax(1), scores['label_B']
    for c in range(C - 1):
        of_class = answer[label == c].tolist()
        assert found[c]['clips'] == len(of_class)
        assert found[c]['called'] == (answer == c).sum()
        assert found[c]['right'] == of_class.count(c)
        assert found[c]['recall'] == pytest.approx(of_class.count(c) / len(of_class))
        wrong = {k: of_class.count(k) for k in range(C) if k != c}
        assert found[c]['confused'] == max(wrong.values())
        assert wrong[CLASSES.index(found[c]['confused_with'])] == found[c]['confused']
    empty = found[C - 1]
    assert (empty['clips'], empty['recall'], empty['interval']) == (0, None, None)


def test_without_any_error_the_intervals_still_have_a_width():
    scores = {
        'prob_BC': np.eye(2)[[0, 0, 1, 1]],
        'label_B': np.array([0, 0, 1, 1]),
        'group_id_B': np.array([0, 1, 0, 1]),
    }
    numbers = report_actions(scores, 'ab')['streams']['fused']
    wilson = binomtest(4, 4).proportion_ci(method='wilson')
    for name in ('top1', 'mean_class'):
        assert numbers[name]['value'] == 1
        for kind in ('interval', 'group_interval'):
            assert numbers[name][kind] == pytest.approx([wilson.low, 1.0])


def test_a_class_that_is_always_right_is_confused_with_none():
    prob = np.eye(3)[[0, 0, 1, 0]]
    scores = {
        'prob_BC': prob,
        'label_B': np.array([0, 0, 1, 2]),
        'group_id_B': np.full(4, -1),
    }
    report = report_actions(scores, 'abc', split='xsub_val')
    assert [entry['confused_with'] for entry in report['classes']] == [None, None, 'a']
    lines = action_report_text(report).splitlines()
    assert lines[0].startswith('xsub_val: 4 clips ')
    assert list(report['streams']) == ['fused']
    assert 'other weights' not in '\n'.join(lines)  # there is nothing to fuse
    table = [line.split() for line in lines[lines.index(find(lines, 'class')) + 1 :]]
    # the worst first: 2 c, one clip, recall 0, called a once
    assert table[0][:4] == ['2', 'c', '1', '0.0000']
    assert table[0][-2:] == ['a', '(1)']
    assert table[1][-1] == '-'


def find(lines, start):
    [line] = [line for line in lines if line.startswith(f'{start} ')]
    return line


def test_text_says_what_the_numbers_are_worth(scores):
    report = report_actions(scores, CLASSES, split='xsub_val', fusion=FUSION)
    text = action_report_text(report)
    assert text.startswith('xsub_val: 90 clips of 5 groups ')
    assert 'less than 20 groups: intervals of groups are too narrow' in text
    assert 'fused: scores with weights rgb 1, pose 2, as configured; no other' in text
    top1 = report['streams']['rgb']['top1']
    low, high = top1['group_interval']
    assert f'{top1["value"]:.4f} (' in find(text.splitlines(), 'rgb')
    assert f'[{low:.4f}-{high:.4f}]' in find(text.splitlines(), 'rgb')
    assert '1 classes have no clip here' in text
    scores['group_id_B'] = np.arange(90) // 2
    assert 'too narrow' not in action_report_text(report_actions(scores, CLASSES))


def test_many_classes_are_not_all_printed():
    prob = np.eye(30)
    scores = {
        'prob_BC': prob,
        'label_B': np.arange(30),
        'group_id_B': np.full(30, -1),
    }
    text = action_report_text(report_actions(scores, [f'c{c}' for c in range(30)]))
    assert 'and 10 classes of higher recall' in text


def test_a_clip_without_an_answer_is_no_answer():
    prob = np.array([[0.9, 0.1], [np.nan, np.nan]])
    assert count_confusions(prob, np.array([0, 0])).tolist() == [[1, 0], [0, 0]]
    scores = {
        'prob_BC': prob,
        'label_B': np.array([0, 0]),
        'group_id_B': np.full(2, -1),
    }
    report = report_actions(scores, 'ab')
    assert report['streams']['fused']['top1']['value'] == 0.5
    assert report['classes'][0]['recall'] == 0.5


def test_no_clip_at_all():
    scores = {
        'prob_BC': np.zeros((0, 2)),
        'label_B': np.zeros(0, int),
        'group_id_B': np.zeros(0, int),
    }
    report = report_actions(scores, 'ab')
    assert report['streams']['fused']['top1']['value'] is None
    assert 'undefined' in action_report_text(report)
