import json

import pytest
from mmengine.config import Config

from ocec.apis.publish_model_facts import (
    count_shared_groups,
    describe_model,
    find_metrics,
    read_training,
    score_model,
    without_folders,
)
from ocec.apis.score_checkpoint import score_checkpoint
from ocec.engine.checkpoint_io import load_safely


def test_folders_are_cut_off_and_nothing_else():
    given = {
        'data': ['/home/me/eyes.parquet', 'data/eyes.parquet'],
        'size': (32, 64),
        'folder': '/a/b/',
        'text': '/no/path\nbut a text',
        'none': None,
    }
    assert without_folders(given) == {
        **given,
        'data': ['eyes.parquet', 'data/eyes.parquet'],
        'folder': 'b',
    }


def test_model(make_member, own_data):
    content = load_safely(make_member(own_data))
    cfg = Config.fromstring(content['meta']['cfg'], '.py')
    facts = describe_model(cfg, content)
    assert facts['architecture']['backbone'] == 'OCECBaseline'
    assert facts['architecture']['head'] == 'AvgHead'
    assert facts['architecture']['margin'] is None
    # 8 channels, 2 blocks: a stem of 3x3x3x8 + 16; blocks of 9x8 + 16 + 8x8 + 16
    # each; a batch norm of 16, a last layer of 9
    assert facts['params'] == 232 + 2 * 168 + 16 + 9
    # on a 16x32 map: 3x3x3x8, twice 9x8 + 8x8; then 8
    assert facts['macs'] == 16 * 32 * (216 + 2 * 136) + 8
    assert facts['input']['shape'] == [3, 32, 64]
    assert facts['input']['mean'] == [119.753, 118.821, 119.626]
    assert facts['classes'] == ['closed', 'open']


def test_training(tmp_path):
    fingerprint = {'closed': 1, 'open': 2, 'files': [{'file': '/x/a.parquet'}]}
    session = {'git': None, 'packages': {'torch': '2'}, 'data': {'train': fingerprint}}
    checkpoint = tmp_path / 'a.pth'
    content = {'meta': {'epoch': 3}, 'thresholds': {'data': {'open': 5}}}
    told = read_training(checkpoint, content)
    assert told['data'] == {'train': None, 'val': {'open': 5}}
    assert told['packages'] is None
    sessions = {'sessions': [{}, session]}
    (tmp_path / 'provenance.json').write_text(json.dumps(sessions))
    told = read_training(checkpoint, content)
    assert told['data']['train']['files'] == [{'file': 'a.parquet'}]
    assert told['data']['val'] == {'open': 5}
    assert (told['epoch'], told['seed'], told['packages']) == (3, None, {'torch': '2'})


def test_scores(make_member, own_data):
    file = make_member(own_data)
    found = score_model(file, str(own_data), 'val', None)
    assert found['is_new']
    assert found['report']['split'] == 'val'
    # 64 rows, 4 of a subject, half of the subjects in train and a quarter in val
    assert found['report']['num_groups'] == 4
    assert found['data']['files'][0]['file'] == own_data.name
    low, high = found['accuracy_interval']
    assert low <= found['accuracy'] <= high


@pytest.fixture
def scored(make_member, own_data, make_eye_parquet):
    """Return a function that scores val of a file with the given groups."""
    file = make_member(own_data)

    def score(**columns):
        data = make_eye_parquet(num_rows=64, **columns)
        return score_checkpoint(file, data=data, split='val')

    return score


def test_groups(scored):
    split = scored()
    own = split.dataset.fingerprint()
    other = {'files': [{'footer_sha256': 'x'}]}
    found = count_shared_groups(split, own)
    assert found == {
        'is_training_file': True,
        'train': 8,
        'scored': 4,
        'unknown': 0,
        'shared': 0,
    }
    assert count_shared_groups(split, other)['is_training_file'] is False
    assert count_shared_groups(split, None)['is_training_file'] is None


def test_groups_that_are_trained_on_or_unknown(scored):
    # rows 0-31 are of train, 32-47 of val: subject 7 is in both, one is not told
    groups = [f's{row // 4}' for row in range(32)] + ['s7'] * 8 + ['n'] * 7 + [None]
    found = count_shared_groups(scored(group=groups + ['t'] * 16), None)
    assert (found['train'], found['scored']) == (8, 2)
    assert (found['shared'], found['unknown']) == (1, 1)


def test_numbers_beside_the_checkpoint(tmp_path):
    checkpoint = tmp_path / 'best.pth'
    assert find_metrics(checkpoint, {})['source'] == 'no metrics lie beside the ' + (
        'checkpoint'
    )
    best = {'metric': 'eye/f1', 'value': 0.9, 'epoch': 3, 'file': 'best.pth'}
    (tmp_path / 'best.json').write_text(json.dumps({**best, 'sha256': 'x'}))
    interval = {'epoch': 3, 'low': 0.8, 'high': 1.0, 'num_groups': 4}
    found = find_metrics(checkpoint, {'verdict': {'interval': interval}})
    assert found['best']['value'] == 0.9
    assert found['best']['interval'] == interval
    assert 'which chose the epoch' in found['source']
    stale = find_metrics(checkpoint, {'verdict': {'interval': {'epoch': 2}}})
    assert 'interval' not in stale['best']
    assert find_metrics(tmp_path / 'other.pth', {})['best'] is None
    test = {'checkpoint': f'{tmp_path}/best.pth', 'eye/f1': 0.8, 'report': {'at': 1}}
    (tmp_path / 'test_metrics.json').write_text(json.dumps(test))
    found = find_metrics(checkpoint, {})
    assert found['report'] == {'at': 1}
    assert 'test_metrics.json' in found['source']
    assert found['is_new'] is False
