import csv
import json

import pytest
import torch
from mmengine.config import Config
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ocec.apis.run_hooks import DiagnosticsHook
from ocec.apis.test import test as run_test
from ocec.apis.train import train
from ocec.engine.checkpoint_io import load_safely
from ocec.engine.runner import Runner
from ocec.evaluation.metrics import BinaryMetric

EMPTY = 'default_hooks = dict(diagnostics=None)'


def with_hook(**settings):
    """Text of a config whose hook leaves nothing out, whatever it takes."""
    settings = {'type': 'DiagnosticsHook', 'max_share': 1, **settings}
    return f'default_hooks = dict(diagnostics={settings})'


def folders(work_dir):
    root = work_dir / 'diagnostics'
    return sorted(
        path.parent.relative_to(root).as_posix()
        for path in root.glob('*/*/metrics.json')
    )


def report_of(work_dir, folder):
    path = work_dir / 'diagnostics' / folder / 'metrics.json'
    return json.loads(path.read_text())


def lines_of(work_dir, phase):
    lines = [json.loads(line) for line in (work_dir / 'metrics.jsonl').open()]
    return [line for line in lines if line['phase'] == phase]


def images_of(work_dir):
    events = EventAccumulator(str(work_dir / 'vis_data'), {'images': 0}).Reload()
    return {
        tag: [image.step for image in events.Images(tag)]
        for tag in events.Tags()['images']
    }


def test_every_interval_and_the_last_are_written(tmp_path, write_config):
    text = f'{with_hook(interval=2)}\ntrain_cfg = dict(max_epochs=3)'
    work_dir = train(write_config(text), work_dir=tmp_path / 'run').work_dir
    assert folders(work_dir) == ['val/epoch_0002', 'val/epoch_0003']
    for folder, line in zip(folders(work_dir), lines_of(work_dir, 'val')[1:], strict=1):
        report = report_of(work_dir, folder)
        assert (report['epoch'], report['step']) == (line['epoch'], line['step'])
        for name in ('f1', 'auc', 'loss', 'fisher', 'tp'):
            assert report['metrics'][name] == pytest.approx(line[f'eye/{name}'])
    images = images_of(work_dir)
    assert images['diagnostics/val/confusion'] == [4, 6]
    assert {f'diagnostics/val/{name}' for name in ('roc', 'pca', 'scores')} <= {*images}


def test_a_test_is_kept_apart_from_validation(tmp_path, write_config):
    config = write_config(with_hook(interval=-1))
    work_dir = train(config, work_dir=tmp_path / 'run').work_dir
    assert folders(work_dir) == ['val/epoch_0002']
    before = report_of(work_dir, 'val/epoch_0002')
    found = run_test(config, work_dir / 'epoch_2.pth', work_dir=work_dir)
    assert folders(work_dir) == ['test/epoch_0002', 'val/epoch_0002']
    assert report_of(work_dir, 'val/epoch_0002') == before
    report = report_of(work_dir, 'test/epoch_0002')
    assert report['dataset'].startswith('test: 16 images')
    assert report['metrics']['f1'] == pytest.approx(found['eye/f1'])


def test_a_training_with_it_is_the_same_and_so_is_a_resumed_one(tmp_path, write_config):
    data = dict(num_rows=96)
    text = with_hook(interval=1, train_samples=20, tsne_samples=12)
    runs = {}
    for name, hook in (('with', text), ('without', EMPTY)):
        train(write_config(hook, **data), work_dir=tmp_path / name, seed=1)
        runs[name] = load_safely(tmp_path / name / 'epoch_2.pth')['state_dict']
    for name, weight in runs['with'].items():
        assert torch.equal(weight, runs['without'][name]), name
    halves = tmp_path / 'with'
    names = {path.name for path in (halves / 'diagnostics/val/epoch_0002').iterdir()}
    train(
        write_config(text, **data),
        work_dir=halves,
        resume=str(halves / 'epoch_1.pth'),
        seed=1,
    )
    assert folders(halves) == [
        f'{split}/epoch_000{epoch}' for split in ('train', 'val') for epoch in (1, 2)
    ]
    again = {path.name for path in (halves / 'diagnostics/val/epoch_0002').iterdir()}
    assert again == names
    assert 'tsne.png' in names


def test_train_samples_are_scored_with_the_averaged_weights(tmp_path, write_config):
    config = write_config(with_hook(interval=-1, train_samples=12))
    work_dir = train(config, work_dir=tmp_path / 'run').work_dir
    report = report_of(work_dir, 'train/epoch_0002')
    assert report['metrics']['num_samples'] == 12
    assert 'probable_label_errors' not in report['lists']
    # the checkpoint holds the averaged weights: a test of the train split knows P
    cfg = Config.fromfile(config)
    cfg.test_dataloader.dataset.split = 'train'
    cfg.load_from, cfg.work_dir = str(work_dir / 'epoch_2.pth'), str(tmp_path / 'x')
    for part in ('train_dataloader', 'train_cfg', 'optim_wrapper', 'param_scheduler'):
        cfg[part] = None
    cfg.custom_hooks = []
    runner = Runner.from_cfg(cfg)
    runner.test()
    scores = runner.test_evaluator.metrics[0].last_scores
    expected = dict(zip(scores['sample_id_B'], scores['prob_B'], strict=True))
    listed = []
    for name in ('hard_samples', 'confident_errors', 'outliers'):
        path = work_dir / 'diagnostics/train/epoch_0002' / f'{name}.csv'
        listed += csv.DictReader(path.open())
    assert listed
    for line in listed:
        prob = expected[int(line['sample_id'])]
        assert float(line['prob']) == pytest.approx(prob, abs=2e-6)


def test_what_would_take_too_long_is_left_out(tmp_path, write_config):
    text = with_hook(interval=1, max_share=1e-6)
    work_dir = train(write_config(text), work_dir=tmp_path / 'run').work_dir
    assert folders(work_dir) == ['val/epoch_0002']
    [log] = work_dir.glob('*.log')
    assert 'diagnostics of epoch 1 are left out' in log.read_text()


def test_a_run_that_stops_early_has_its_last(tmp_path, write_config):
    text = (
        f'{with_hook(interval=-1)}\ntrain_cfg = dict(max_epochs=9)\ncustom_hooks = '
        "[dict(type='EarlyStoppingHook', monitor='eye/f1', patience=1, min_delta=2)]"
    )
    work_dir = train(write_config(text), work_dir=tmp_path / 'run').work_dir
    # nothing is better by 2 than the first
    assert folders(work_dir) == ['val/epoch_0002']


def test_a_val_split_of_one_class(tmp_path, write_config):
    names = ['train'] * 32 + ['val'] * 16 + ['test'] * 16
    labels = [row % 2 for row in range(32)] + [0] * 16 + [0, 1] * 8
    words = [('closed', 'open')[label] for label in labels]
    config = write_config(with_hook(), split=names, class_id=labels, label=words)
    work_dir = train(config, work_dir=tmp_path / 'run').work_dir
    metrics = report_of(work_dir, 'val/epoch_0002')['metrics']
    assert metrics['auc'] is None
    assert metrics['tn'] + metrics['fp'] == 16


def test_it_says_when_no_metric_keeps_the_scores(tmp_path, write_config):
    class Forgetful(BinaryMetric):
        def evaluate(self, size):
            metrics = super().evaluate(size)
            self.last_scores = None
            return metrics

    runner = Runner.from_cfg(Config.fromfile(write_config(with_hook())))
    runner.val_evaluator.metrics[0].__class__ = Forgetful
    runner.train()
    assert folders(tmp_path / 'run') == []
    [log] = (tmp_path / 'run').glob('*.log')
    assert log.read_text().count('no diagnostics of val: no metric keeps the sc') == 1


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'interval': 0}, 'interval must be > 0, or -1, got 0'),
        ({'max_share': 0}, r'max_share must be in \(0, 1\], got 0'),
        ({'max_share': 1.5}, r'max_share must be in \(0, 1\], got 1.5'),
        ({'tsne_samples': -1}, 'tsne_samples must be >= 0, got -1'),
        ({'train_samples': -2}, 'train_samples must be >= 0, got -2'),
        ({'list_limit': 0}, 'list_limit must be > 0, got 0'),
    ],
)
def test_arguments_out_of_range(settings, message):
    with pytest.raises(ValueError, match=message):
        DiagnosticsHook(**settings)
