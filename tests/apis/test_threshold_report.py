import json

import numpy as np
import pytest

from ocec.apis.threshold_report import (
    metric_threshold,
    report_text,
    report_thresholds,
    thresholds_for,
)
from ocec.functional.bootstrap import bootstrap_auc_interval, bootstrap_counts_interval
from ocec.functional.calibration import apply_temperature, expected_calibration_error

STORED = {
    'split': 'val',
    'prefix': 'eye',
    'num_images': 100,
    'data': {'files': ['a'], 'split': 'val'},
    'best_f1': 0.3,
    'precision': 0.7,
    'precision_target': 0.99,
    'false_alarm': None,
    'false_alarm_target': 0.01,
    'temperature': 2.0,
}


@pytest.fixture
def scores():
    rng = np.random.default_rng(0)
    label = np.tile([0, 1], 60)
    return {
        'prob_B': (0.4 * label + 0.6 * rng.random(120)).astype(np.float32),
        'label_B': label,
        'loss_B': rng.random(120).astype(np.float32),
        'group_id_B': np.repeat(np.arange(30), 4),
    }


def report_of(scores, stored=STORED, **settings):
    settings = {'threshold': 0.5, 'split': 'test', **settings}
    return report_thresholds(scores, stored, **settings)


def test_numbers_at_each_threshold(scores):
    report = report_of(scores)
    assert list(report['at']) == ['default', 'best_f1', 'precision', 'false_alarm']
    assert report['at']['false_alarm'] is None
    for name, threshold in (('default', 0.5), ('best_f1', 0.3), ('precision', 0.7)):
        numbers = report['at'][name]
        assert numbers['threshold'] == threshold
        said, is_open = scores['prob_B'] >= threshold, scores['label_B'] == 1
        tp, fp = (said & is_open).sum(), (said & ~is_open).sum()
        assert numbers['precision'] == pytest.approx(tp / (tp + fp))
        assert numbers['recall'] == pytest.approx(tp / 60)
        assert numbers['false_alarm_rate'] == pytest.approx(fp / 60)
        assert numbers['f1'] == pytest.approx(2 * tp / (tp + fp + 60))
        interval = bootstrap_counts_interval(
            scores['prob_B'],
            scores['label_B'],
            threshold=threshold,
            group_N=scores['group_id_B'],
        )
        assert numbers['f1_interval'] == [interval.low, interval.high]


def test_area_and_calibration(scores):
    report = report_of(scores)
    prob, label = scores['prob_B'], scores['label_B']
    interval = bootstrap_auc_interval(prob, label, group_N=scores['group_id_B'])
    assert report['auc_interval'] == [interval.low, interval.high]
    assert report['ece'] == expected_calibration_error(prob, label)
    scaled = expected_calibration_error(apply_temperature(prob, 2.0), label)
    assert report['ece_after_temperature'] == scaled != report['ece']


def test_text(scores):
    report = report_of(scores, data={'files': ['b'], 'split': 'test'})
    lines = report_text(report).splitlines()
    assert lines[0] == ('120 images of test; in brackets 95 % intervals over 30 groups')
    f1 = report['at']['best_f1']['f1']
    low, high = report['at']['best_f1']['f1_interval']
    assert lines[3].startswith('best F1 ')
    assert f'0.3000    {f1:.4f} ({low:.4f}-{high:.4f})' in lines[3]
    assert lines[4].startswith('precision >= 0.99 ')
    assert lines[5].split(maxsplit=3)[:3] == ['false', 'alarms', '<=']
    assert lines[5].endswith('no threshold reached it where they were chosen')
    assert lines[6].startswith(f'auc {report["auc"]:.4f} (')
    assert lines[7] == (
        f'calibration error {report["ece"]:.4f}, with temperature 2.000: '
        f'{report["ece_after_temperature"]:.4f}'
    )
    # the columns stand below their heads
    heads = lines[1]
    for name in ('f1', 'precision', 'recall'):
        start, value = heads.index(name), report['at']['best_f1'][name]
        assert lines[3][start:].startswith(f'{value:.4f}')


@pytest.mark.parametrize(
    ('data', 'is_same', 'end'),
    [
        (
            STORED['data'],
            True,
            'on the very images tested here: these numbers are too ',
        ),
        (
            {'files': ['b']},
            False,
            'in training, on other images than those tested here',
        ),
        (None, None, 'thresholds and temperature were chosen on val in training'),
    ],
)
def test_where_the_thresholds_come_from(scores, data, is_same, end):
    report = report_of(scores, data=data)
    assert report['is_same'] is is_same
    assert report['chosen_on'] == 'val'
    assert end in report_text(report).splitlines()[-1]


def test_without_stored_thresholds(scores):
    report = report_of(scores, None, threshold=0.4)
    assert list(report['at']) == ['default']
    assert report['at']['default']['threshold'] == 0.4
    assert report['temperature'] is report['ece_after_temperature'] is None
    *_, calibration, origin = report_text(report).splitlines()
    assert calibration.endswith('; no temperature is stored with the weights')
    assert origin.startswith('the checkpoint holds no thresholds')


@pytest.mark.parametrize(
    ('group', 'text'),
    [
        (np.full(120, -1), '120 single images: their groups are unknown'),
        (np.repeat(np.arange(4), 30), '4 groups: few, so that they are too narrow'),
    ],
)
def test_what_the_intervals_rest_on(scores, group, text):
    report = report_of({**scores, 'group_id_B': group})
    assert report_text(report).splitlines()[0].endswith(text)


def test_one_class_has_no_area(scores):
    is_open = scores['label_B'] == 1
    report = report_of({name: values[is_open] for name, values in scores.items()})
    assert report['auc'] is report['auc_interval'] is None
    assert report['at']['default']['false_alarm_rate'] is None
    assert 'auc undefined' in report_text(report)
    # JSON has no NaN
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_one_group_has_no_interval(scores):
    report = report_of({**scores, 'group_id_B': np.zeros(120, dtype=int)})
    assert report['at']['default']['f1_interval'] is None
    assert f'0.5000    {report["at"]["default"]["f1"]:.4f}  ' in report_text(report)


def test_the_same_images_at_another_place(scores):
    def fingerprint(folder, sha):
        return {'files': [{'file': f'{folder}/x.parquet', 'footer_sha256': sha}]}

    stored = {**STORED, 'data': fingerprint('/a', 'x')}
    assert report_of(scores, stored, data=fingerprint('/b', 'x'))['is_same'] is True
    assert report_of(scores, stored, data=fingerprint('/b', 'y'))['is_same'] is False


@pytest.mark.parametrize(
    ('evaluator', 'expected'),
    [
        (None, 0.5),
        ({'type': 'BinaryMetric', 'threshold': 0.6}, 0.6),
        ([{'type': 'Other'}, {'type': 'BinaryMetric', 'threshold': 0.7}], 0.7),
        ([], 0.5),
    ],
)
def test_threshold_of_the_metric(evaluator, expected):
    assert metric_threshold(evaluator) == expected


def test_thresholds_of_the_source_that_is_tested():
    home, new, other = (
        {'split': split, 'files': [{'file': f'{split}.parquet', 'footer_sha256': sha}]}
        for split, sha in (('val', 'aa'), ('val', 'bb'), ('val', 'cc'))
    )
    stored = {
        **STORED,
        'data': {'files': [], 'sources': {'home': home, 'new': new}},
        'sources': {'home': {'best_f1': 0.1}, 'new': {'best_f1': 0.2, 'num_images': 9}},
    }
    # another split of the same file, wherever it lies
    tested = {'split': 'test', 'files': [{'file': 'x', 'footer_sha256': 'bb'}]}
    chosen = thresholds_for(stored, tested)
    assert (chosen['best_f1'], chosen['num_images'], chosen['prefix']) == (
        0.2,
        9,
        'new',
    )
    assert chosen['data'] == new
    assert chosen['precision_target'] == 0.99
    for data in (other, None):
        assert thresholds_for(stored, data) is stored
    assert thresholds_for(STORED, home) is STORED
    assert thresholds_for(None, home) is None
