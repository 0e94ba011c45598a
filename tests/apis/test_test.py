import csv
import json
import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from ocec.apis.errors import ConfigError
from ocec.apis.make_sample_actions import make_sample_actions
from ocec.apis.test import test as run_test
from ocec.apis.train import train
from ocec.engine.checkpoint_io import save_atomically
from ocec.registry import MODELS

FOLDER = Path(__file__).parents[2] / 'configs/skeleton/posec3d/rgbpose_conv3d'
CLASSES = ['phone', 'nod', 'drink', 'hug']
ACTIONS = f"""
_base_ = {str(FOLDER / 'epam-small_1xb8-60e_sample-actions.py')!r}
train_dataloader = val_dataloader = test_dataloader = dict(
    dataset=dict(
        num_pose_frames=8, num_rgb_frames=4, frame_size=(32, 32), num_classes=4
    )
)
model = dict(
    data_preprocessor=dict(frame_size=(32, 32), heatmap_size=(8, 8)),
    backbone=dict(
        rgb_path=dict(depths=(1, 1, 1, 1), base_channels=8),
        pose_path=dict(depths=(1, 1, 1), base_channels=8),
    ),
    head=dict(num_classes=4, fusion_weights=dict(pose=2.0)),
)
visualizer = dict(vis_backends=[])
"""

# rows of the parquet: a third each, train last, so that ids are not positions
SPLITS = ['test'] * 16 + ['val'] * 16 + ['train'] * 32


@pytest.fixture
def trained(write_config):
    config = write_config(
        'train_cfg = dict(max_epochs=1)', num_rows=len(SPLITS), split=SPLITS
    )
    return config, train(config).work_dir / 'epoch_1.pth'


def test_missing_checkpoint(write_config, tmp_path):
    gone = tmp_path / 'gone.pth'
    with pytest.raises(ConfigError, match=re.escape(f'{gone}: no such checkpoint')):
        run_test(write_config(), gone)


def test_config_without_test_loader(write_config, tmp_path):
    config = write_config('test_dataloader = test_evaluator = test_cfg = None')
    checkpoint = tmp_path / 'any.pth'
    checkpoint.touch()
    message = re.escape(f'{config}: there is no test_dataloader to test on')
    with pytest.raises(ConfigError, match=message):
        run_test(config, checkpoint)


def test_predictions_and_metrics_are_written(trained, tmp_path):
    config, checkpoint = trained
    out = tmp_path / 'new' / 'folder' / 'predictions.csv'
    metrics = run_test(config, checkpoint, work_dir=tmp_path / 'tested', out=out)
    with open(out, newline='') as stream:
        header, *rows = csv.reader(stream)
    assert header == ['sample_id', 'path', 'label', 'prob_open']
    # ids are rows of the parquet; the drawn eyes are closed and open by turns
    assert [row[:3] for row in rows] == [
        [str(i), f'images/{i:05d}.png', ('closed', 'open')[i % 2]] for i in range(16)
    ]
    probs = [float(row[3]) for row in rows]
    assert all(0 <= prob <= 1 for prob in probs)
    right = [(prob >= 0.5) == bool(i % 2) for i, prob in enumerate(probs)]
    assert metrics['eye/accuracy'] == pytest.approx(sum(right) / 16)
    written = json.loads((tmp_path / 'tested' / 'test_metrics.json').read_text())
    report = written.pop('report')
    assert written == {'checkpoint': str(checkpoint), **metrics}
    assert report['split'] == 'test'
    assert report['num_images'] == 16
    assert report['at']['default']['f1'] == metrics['eye/f1']
    assert report['auc'] == metrics['eye/auc']


def report_of(folder):
    return json.loads((folder / 'test_metrics.json').read_text())['report']


def log_of(folder):
    [log] = folder.glob('*.log')
    return log.read_text()


def test_thresholds_of_val_are_applied_to_the_test(trained, tmp_path):
    config, checkpoint = trained
    out, folder = tmp_path / 'predictions.csv', tmp_path / 'tested'
    run_test(config, checkpoint, work_dir=folder, out=out)
    stored = torch.load(checkpoint, weights_only=True)['thresholds']
    report = report_of(folder)
    assert (report['chosen_on'], report['is_same']) == ('val', False)
    assert report['temperature'] == stored['temperature']
    numbers = report['at']['best_f1']
    assert numbers['threshold'] == stored['best_f1']
    # with the decisions of the CSV counted by hand
    rows = [line.split(',') for line in out.read_text().splitlines()[1:]]
    said_open = [float(row[3]) >= stored['best_f1'] for row in rows]
    is_open = [row[2] == 'open' for row in rows]
    pairs = list(zip(said_open, is_open, strict=True))
    assert numbers['tp'] == pairs.count((True, True))
    assert numbers['fp'] == pairs.count((True, False))
    assert 'chosen on val in training, on other images than those' in log_of(folder)


def test_thresholds_on_the_images_they_were_chosen_on(trained, tmp_path):
    config, checkpoint = trained
    split = ['test_dataloader.dataset.split=val']
    run_test(config, checkpoint, work_dir=tmp_path, cfg_options=split)
    assert report_of(tmp_path)['is_same'] is True
    assert 'on the very images tested here: these numbers are too good' in log_of(
        tmp_path
    )


def test_a_checkpoint_without_thresholds_is_tested_too(trained, tmp_path):
    config, checkpoint = trained
    bare = torch.load(checkpoint, weights_only=True)
    del bare['thresholds']
    torch.save(bare, tmp_path / 'bare.pth')
    metrics = run_test(config, tmp_path / 'bare.pth', work_dir=tmp_path / 'tested')
    report = report_of(tmp_path / 'tested')
    assert list(report['at']) == ['default']
    assert report['at']['default']['f1'] == metrics['eye/f1']
    assert report['chosen_on'] is None
    assert 'the checkpoint holds no thresholds' in log_of(tmp_path / 'tested')


def test_order_of_the_loader_does_not_reach_the_csv(trained, tmp_path):
    config, checkpoint = trained
    shuffled = ['test_dataloader.sampler.shuffle=True', 'test_dataloader.batch_size=3']
    names, probs = [], []
    for options in ([], shuffled):
        out = tmp_path / 'predictions.csv'
        run_test(config, checkpoint, work_dir=tmp_path, out=out, cfg_options=options)
        rows = [line.split(',') for line in out.read_text().splitlines()[1:]]
        names.append([row[:3] for row in rows])
        probs.append([float(row[3]) for row in rows])
    assert names[0] == names[1]
    assert probs[0] == pytest.approx(probs[1], abs=1e-5)
    assert len(set(probs[0])) > 8  # else any order would do


def test_checkpoint_scores_as_it_did_in_training(trained, tmp_path):
    # in training the average was scored; EMAHook, not used here, swapped it in
    config, checkpoint = trained
    lines = (checkpoint.parent / 'metrics.jsonl').read_text().splitlines()
    [in_training] = [x for x in map(json.loads, lines) if x['phase'] == 'val']
    again = run_test(
        config,
        checkpoint,
        work_dir=tmp_path / 'again',
        cfg_options=['test_dataloader.dataset.split=val'],
    )
    assert {n: in_training[n] for n in again} == pytest.approx(again, abs=1e-6)


@pytest.fixture(scope='module')
def actions(tmp_path_factory):
    """Config, checkpoint that was not trained, and folder of generated actions."""
    pytest.importorskip('av')
    folder = tmp_path_factory.mktemp('actions')
    data = make_sample_actions(
        folder / 'data',
        **dict(num_clips=36, classes=CLASSES, num_subjects=6, size=(80, 64)),
        **dict(frames=(8, 10), jobs=1),
    )
    config = folder / 'small.py'
    config.write_text(ACTIONS)
    init_default_scope('ocec')
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(config).model)
    model.init_weights()
    for layer in model.head.fc.values():  # else all clips are called alike
        torch.nn.init.normal_(layer.weight)
    save_atomically(
        {'meta': {}, 'state_dict': model.state_dict()}, folder / 'start.pth'
    )
    return config, folder / 'start.pth', data


def test_actions_are_reported_for_each_stream_and_class(actions, tmp_path):
    config, checkpoint, data = actions
    out, folder = tmp_path / 'clips.csv', tmp_path / 'tested'
    metrics = run_test(config, checkpoint, work_dir=folder, data=data, out=out)
    written = json.loads((folder / 'test_metrics.json').read_text())
    report = written.pop('actions')
    assert written == {'checkpoint': str(checkpoint), **metrics, 'report': None}
    for stream in ('fused', 'rgb', 'pose'):
        for number in ('top1', 'top5', 'mean_class'):
            found = report['streams'][stream][number]['value']
            assert found == pytest.approx(metrics[f'acc/{stream}_{number}'])
    assert report['fusion'] == {'of': 'score', 'weights': {'rgb': 1.0, 'pose': 2.0}}
    assert report['num_groups'] == 2  # subjects 3 and 6
    with open(out, newline='') as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == report['num_clips'] == 12
    # the CSV alone gives the numbers
    for name, of in (('prediction', 'fused'), ('pose_1', 'pose')):
        right = [row[name] == row['label'] for row in rows]
        assert sum(right) / len(rows) == pytest.approx(metrics[f'acc/{of}_top1'])
    # actions are numbered from 1 in names of clips
    assert all(CLASSES[int(row['clip'][-3:]) - 1] == row['label'] for row in rows)
    with open(folder / 'test_confusion.csv', newline='') as stream:
        head, *confusions = csv.reader(stream)
    assert head == ['label', *CLASSES]
    for name, *counts in confusions:
        answers = [row['prediction'] for row in rows if row['label'] == name]
        assert list(map(int, counts)) == [answers.count(c) for c in CLASSES]
    log = log_of(folder)
    assert 'fused: scores with weights rgb 1, pose 2, as configured' in log
    assert 'xsub_val: 12 clips of 2 groups' in log


def test_actions_of_one_stream_have_one_answer(actions, tmp_path):
    config, checkpoint, data = actions
    options = ['model.backbone.rgb_path=None', 'model.backbone.attention=None']
    options += ['model.head.fusion_weights=None', 'test_dataloader.dataset.rgb=None']
    state = torch.load(checkpoint, weights_only=True)['state_dict']
    alone = {
        name: x
        for name, x in state.items()
        if name.startswith(('backbone.pose_path', 'head.fc.pose', 'data_pre'))
    }
    save_atomically({'meta': {}, 'state_dict': alone}, tmp_path / 'pose.pth')
    out = tmp_path / 'clips.csv'
    run_test(
        config,
        tmp_path / 'pose.pth',
        work_dir=tmp_path,
        data=data,
        out=out,
        cfg_options=options,
    )
    report = json.loads((tmp_path / 'test_metrics.json').read_text())['actions']
    assert list(report['streams']) == ['fused']
    assert report['fusion'] is None
    assert 'pose_1' not in out.read_text().splitlines()[0]
