from pathlib import Path

import numpy as np
import pytest

from ocec.apis.publish_model_card import card_text, limits
from ocec.apis.threshold_report import report_thresholds

ROOT = Path(__file__).parents[2]
THRESHOLDS = {
    'split': 'val',
    'num_images': 2426,
    'best_f1': 0.49,
    'precision': None,
    'false_alarm': 0.97,
    'precision_target': 0.99,
    'false_alarm_target': 0.01,
    'temperature': 1.5,
    'data': {'open': 2},
}
GROUPS = {
    'is_training_file': True,
    'train': 25,
    'scored': 4,
    'unknown': 0,
    'shared': 0,
}


def make_report(**settings):
    scores = {
        'prob_B': np.array([0.1, 0.9, 0.2, 0.8]),
        'label_B': np.array([0, 1, 1, 1]),
        'group_id_B': np.array([0, 0, 1, 1]),
        'loss_B': np.zeros(4),
    }
    return report_thresholds(
        scores, THRESHOLDS, threshold=0.5, split='test', **settings
    )


def make_scores(**changes):
    return {
        'source': 'scored anew from the published file',
        'report': make_report(),
        'accuracy': 0.75,
        'accuracy_interval': [0.5, 1.0],
        'groups': GROUPS,
        **changes,
    }


def make_card(**changes):
    return {
        'name': 'eyes',
        'files': [
            {'file': 'eyes-1a2b3c4d.pth', 'bytes': 73891, 'sha256': '1a2b3c4d5e'}
        ],
        'ocec': '0.1.0',
        'weights': 'averaged (EMA) weights',
        'architecture': {
            'type': 'ImageClassifier',
            'backbone': 'OCECBaseline',
            'head': 'AvgHead',
            'margin': None,
            'settings': {'type': 'OCECBaseline', 'num_blocks': 4},
        },
        'params': 11457,
        'macs': 2_680_000,
        'input': {
            'shape': [3, 32, 64],
            'pixels': 'RGB, 0 to 255',
            'mean': [119.753, 118.5, 119],
            'std': [45, 45, 45],
        },
        'classes': ['closed', 'open'],
        'training': {
            'epoch': 14,
            'seed': None,
            'imported': None,
            'average': None,
            'git': {'commit': 'abc'},
            'packages': {'torch': '2.15'},
            'data': {
                'train': {
                    'closed': 5809,
                    'open': 6450,
                    'files': [{'file': 'mrl.parquet', 'footer_sha256': '51963c6dbe'}],
                },
                'val': None,
            },
        },
        'scores': make_scores(),
        'thresholds': THRESHOLDS,
        'license': 'Apache-2.0',
        **changes,
    }


def test_a_whole_card():
    text = card_text(make_card())
    titles = [line[3:] for line in text.splitlines() if line.startswith('## ')]
    assert titles == [
        'Files',
        'Model',
        'Training data',
        'Metrics',
        'Thresholds',
        'Intended use',
        'Limits',
        'Licence',
        'Origin',
    ]
    for line in (
        '# eyes',
        'P(open) of one image; the classes are closed (0) and open (1). These are the '
        'averaged (EMA) weights of the training.',
        '| `eyes-1a2b3c4d.pth` | 73,891 | `1a2b3c4d5e` |',
        '| architecture | ImageClassifier, backbone OCECBaseline, head AvgHead '
        '(num_blocks=4) |',
        '| parameters | 11,457 |',
        '| multiply-accumulates | 2.68 M for an image |',
        '| input | 3x32x64, RGB, 0 to 255 |',
        '| mean, std | 119.753 118.5 119; 45 45 45 |',
        '| val | not recorded | – | – |',
        'Scored anew from the published file.',
        'Accuracy as configured: 0.7500 (0.5000-1.0000).',
        '| best_f1 | 0.4900 | the highest F1 |',
        '| precision | none reaches it | the lowest with precision >= 0.99 |',
        '| false_alarm | 0.9700 | at most 1 % of closed called open |',
        'Apache-2.0',
        '| seed | not recorded |',
        '| commit | abc |',
        '| packages | torch 2.15 |',
    ):
        assert line in text.splitlines()
    assert '| 5,809 closed, 6,450 open | mrl.parquet (footer 51963c6d) |' in text
    assert 'Calibration temperature 1.500: divide the log-odds' in text
    # tp 2, fp 0, fn 1: F1 of 2 * 2 / (2 * 2 + 1)
    assert '0.5000    0.8000' in text


def test_what_nobody_knows_is_said():
    scores = {'source': 'no metrics lie beside', 'report': None, 'best': None}
    text = card_text(make_card(scores=scores, thresholds=None, license=None))
    assert 'The file holds none: 0.5 is what the training used' in text
    assert 'Not stated: ask whoever gave you the file.' in text
    assert 'The numbers above have not been measured on this file.' in text
    assert 'Whether the same people are in training and in the metrics: not' in text


def test_the_validation_that_chose_the_epoch():
    interval = {'low': 0.9, 'high': 0.98, 'num_groups': 4}
    best = {'metric': 'eye/f1', 'value': 0.942, 'epoch': 14, 'interval': interval}
    scores = {'source': 'the metric', 'report': None, 'best': best}
    line = 'eye/f1 0.9420 at epoch 14, 95 % interval 0.9000-0.9800 over 4 groups.'
    assert line in card_text(make_card(scores=scores)).splitlines()


@pytest.mark.parametrize(
    ('groups', 'told'),
    [
        ({}, '4 groups (people or recordings) were scored, none of the 25 trained on'),
        ({'shared': 3}, '3 of the 4 groups scored were trained on, too: the metrics'),
        ({'unknown': 1200}, '1,200 images scored do not tell their group'),
        ({'is_training_file': None}, 'The metrics are of another file than the train'),
    ],
)
def test_limits_of_groups(groups, told):
    scores = make_scores(groups={**GROUPS, **groups})
    assert any(line.startswith(told) for line in limits(make_card(scores=scores)))


def test_limits_of_the_split():
    few = '2 groups are few: the intervals are too narrow.'
    same = 'Epoch and thresholds were chosen on the very images scored'
    listed = limits(make_card())
    assert few in listed
    assert not any(line.startswith(same) for line in listed)
    scores = make_scores(report=make_report(data={'open': 2}))
    assert any(line.startswith(same) for line in limits(make_card(scores=scores)))


def test_other_data_than_eyes():
    text = card_text(make_card(classes=None, input=None, macs=None, thresholds=None))
    assert 'Architecture: ImageClassifier.' in text
    assert 'It looks at one crop' not in text
    assert 'multiply-accumulates' not in text


def test_many_classes():
    classes = [str(label) for label in range(16)]
    text = card_text(make_card(classes=classes, input=None, thresholds=None))
    told = 'It tells 16 classes apart. These are the averaged (EMA) weights of the'
    assert told in text
    assert '## Thresholds\n\nNone: the most likely class is the answer.\n' in text


@pytest.mark.parametrize('is_of_eyes', [True, False])
def test_its_commands_are_tools(is_of_eyes):
    card = make_card() if is_of_eyes else make_card(classes=None, input=None)
    lines = [x for x in card_text(card).splitlines() if x.startswith('python ')]
    tools = [line.split()[1] for line in lines]
    expected = ['tools/infer.py'] if is_of_eyes else []
    assert tools == [*expected, 'tools/test.py', 'tools/train.py']
    assert all((ROOT / tool).is_file() for tool in tools)
    assert all('eyes-1a2b3c4d.pth' in line for line in lines)
