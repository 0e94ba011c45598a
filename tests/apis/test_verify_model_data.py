import numpy as np
import pytest
from mmengine.config import Config

from ocec.apis.verify_model_data import (
    _class_problems,
    _shared_clips,
    check_data,
    check_leaks,
    check_settings,
    check_speed,
)


def test_config_without_findings(make_subject):
    verdict = check_settings(make_subject())
    assert verdict.text.endswith('resolves, no findings')


def test_config_with_findings(make_subject):
    verdict = check_settings(make_subject("optimiser = dict(type='SGD')"))
    assert verdict.status == 'FAIL'
    assert verdict.text == '1 findings'
    assert 'optimiser: nothing reads this key' in verdict.details[0]
    subject = make_subject("train_dataloader.pop('batch_size')")
    subject.cfg.train_dataloader.batch_size = None
    verdict = check_settings(subject)
    assert verdict.status == 'WARN'
    assert 'train_dataloader.batch_size: is missing, so it is 1' in verdict.text


def test_sizes_and_classes(make_subject):
    verdict = check_data(make_subject())
    assert verdict.status == 'ok'
    assert verdict.text == 'train 32 images; val 16 images; test 16 images'
    assert verdict.details[0] == 'train 32 images: 16 closed, 16 open'
    assert verdict.facts['train_dataloader'] == {
        'size': 32,
        'class_counts': [16, 16],
    }


def test_files_that_are_not_there(make_subject):
    subject = make_subject("train_dataloader['dataset']['data'] = 'gone.parquet'")
    verdict = check_data(subject)
    assert verdict.status == 'FAIL'
    assert 'gone.parquet: no such parquet file' in verdict.text
    assert verdict.text.endswith('(train_dataloader)')
    assert 'make_sample_eyes.py' in verdict.way_out
    assert 'gone.parquet' in subject.data_problem


def test_test_split_is_not_needed_to_train(make_subject):
    subject = make_subject("test_dataloader['dataset']['data'] = 'gone.parquet'")
    verdict = check_data(subject)
    assert verdict.status == 'WARN'
    assert len(verdict.details) == 2
    assert subject.data_problem == ''


def test_actions_that_are_not_there(make_subject, monkeypatch, tmp_path):
    subject = make_subject()
    monkeypatch.chdir(tmp_path)
    for name in ('train_dataloader', 'val_dataloader'):
        subject.cfg[name].dataset = dict(
            type='RGBPose', annotations='a.pkl', rgb=dict(root='videos')
        )
    verdict = check_data(subject)
    assert verdict.status == 'FAIL'
    assert verdict.text == f'data that are not there, looked for from {tmp_path}:'
    told = '\n'.join(verdict.details)
    assert 'a.pkl: no such file of skeletons (train_dataloader, val_datalo' in told
    assert 'videos: no such folder of videos' in told
    assert 'make_sample_actions.py data/sample_actions' in told


def test_actions_that_cannot_be_read(make_subject, tmp_path):
    subject = make_subject()
    file = tmp_path / 'a.pkl'
    file.write_bytes(b'no pickle')
    for name in ('train_dataloader', 'val_dataloader'):
        subject.cfg[name].dataset = dict(type='RGBPose', annotations=str(file))
    verdict = check_data(subject)
    assert verdict.status == 'FAIL'
    assert str(file) in verdict.text
    assert verdict.way_out.startswith('docs/skeleton.md; python tools/dataset_convert')


def test_one_class_only(make_subject):
    verdict = check_data(make_subject(label=['open'] * 64, class_id=[1] * 64))
    assert verdict.status == 'FAIL'
    assert verdict.text.startswith('train has one class only, of 2')


@pytest.mark.parametrize(
    ('counts', 'num_classes', 'status', 'text'),
    [
        ([2, 2, 2], 3, None, None),
        (
            [2, 2, 0, 2],
            3,
            'FAIL',
            'train has labels up to 3, model.head.num_classes is 3',
        ),
        ([2, 0, 2], 4, 'WARN', '2 of 4 classes are not in train: 1, 3'),
        ([1, 1], 60, 'WARN', '58 of 60 classes are not in train: 2, 3, 4, 5, 6, ...'),
    ],
)
def test_classes_of_the_head(counts, num_classes, status, text):
    found = _class_problems('train_dataloader', counts, None, num_classes)
    assert [(v.status, v.text) for v in found] == ([(status, text)] if status else [])


def test_classes_that_only_the_validation_has():
    known = np.array([0, 2])
    [found] = _class_problems('val_dataloader', [1, 1, 0], known, 3)
    assert found.status == 'WARN'
    assert found.text == 'val has classes that train does not have: 1'
    assert _class_problems('val_dataloader', [1, 0, 1], known, 3) == []


def test_splits_that_share_nothing(make_subject):
    assert check_leaks(make_subject()).text == 'train and val share nothing'


def test_leaks(make_subject):
    verdict = check_leaks(make_subject(group=['one'] * 64))
    assert verdict.status == 'FAIL'
    assert verdict.text.startswith('LEAK: 1 groups are in train and val (one)')


def test_contradicting_labels(make_subject, monkeypatch):
    found = ['2 pictures are labelled open in one row and closed in another']
    monkeypatch.setattr('ocec.apis.verify_model_data.find_quickly', lambda _: found)
    verdict = check_leaks(make_subject())
    assert verdict.status == 'WARN'
    assert verdict.text == found[0]


def test_clips_in_two_splits():
    class Clips:
        def __init__(self, *names):
            self.ids = np.array(names)

    train, val = Clips('a', 'b', 'c'), Clips('c', 'd')
    [found] = _shared_clips({'train': train, 'val': val})
    assert found == 'LEAK: 1 clips are in train and val: c'
    assert _shared_clips({'train': train, 'val': Clips('d')}) == []


def test_nothing_to_compare(make_subject):
    subject = make_subject()
    subject.cfg.val_dataloader = None
    assert check_leaks(subject).text == 'not compared: no validation'


def test_time_to_read_and_to_train(make_subject):
    subject = make_subject()
    verdict = check_speed(subject)
    assert verdict.status == 'ok'
    assert verdict.text.endswith('steps not timed')
    # 2 epochs of 2 steps of 10 s, as many images as were tried
    subject.seconds_per_step = 10.0
    verdict = check_speed(subject)
    assert verdict.facts['seconds_of_run'] == 40
    assert 'an epoch 20 s, the run 40 s' in verdict.details[0]
    subject.seconds_per_step = 1e-9
    assert check_speed(subject).details[1].startswith('the device will wait')


def test_config_is_left_as_it_is(make_subject):
    subject = make_subject()
    before = Config(subject.cfg.to_dict()).pretty_text
    check_data(subject)
    check_leaks(subject)
    assert subject.cfg.pretty_text == before
