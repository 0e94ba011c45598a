import json

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from ocec.apis.train import train


def events_of(folder):
    return EventAccumulator(str(folder / 'vis_data')).Reload()


def hparams_of(events):
    content = events.summary_metadata[
        '_hparams_/session_start_info'
    ].plugin_data.content
    info = HParamsPluginData.FromString(content).session_start_info
    return {
        name: getattr(value, value.WhichOneof('kind'))
        for name, value in info.hparams.items()
    }


def test_settings_and_metrics_lie_beside_the_curves(tmp_path, write_config):
    result = train(write_config(), work_dir=tmp_path / 'run')
    events = events_of(result.work_dir)
    # one run: no folder below that of the curves
    assert not [path for path in (tmp_path / 'run/vis_data').iterdir() if path.is_dir()]
    assert 'train/loss' in events.Tags()['scalars']
    found = hparams_of(events)
    assert found['optim_wrapper.optimizer.lr'] == 8e-3
    assert found['model.backbone.base_channels'] == 8
    assert found['train_cfg.max_epochs'] == 2
    assert found['param_scheduler.1.type'] == 'CosineAnnealingLR'
    assert found['custom_hooks.0.decay'] == 0.99
    assert found['model.input_size'] == '(32, 64)'
    assert not [name for name in found if name.startswith(('work_dir', 'val_', 'env'))]
    lines = (result.work_dir / 'metrics.jsonl').read_text().splitlines()
    last = [x for x in map(json.loads, lines) if x['phase'] == 'val'][-1]
    for tag, value in (
        ('hparam/last/eye/loss', last['eye/loss']),
        ('hparam/last/eye/auc', last['eye/auc']),
        ('hparam/best/eye/f1', result.best['value']),
        ('hparam/best/epoch', result.best['epoch']),
    ):
        assert [x.value for x in events.Scalars(tag)] == [pytest.approx(value)], tag


def test_without_tensorboard_nothing_is_written(tmp_path, write_config):
    config = write_config("visualizer = dict(_delete_=True, type='Visualizer')")
    train(config, work_dir=tmp_path / 'run')
    assert not list((tmp_path / 'run').rglob('events.out.tfevents.*'))


def test_without_validation_there_are_settings_only(tmp_path, write_config):
    train(write_config(), work_dir=tmp_path / 'run', no_validate=True)
    events = events_of(tmp_path / 'run')
    assert hparams_of(events)['train_cfg.max_epochs'] == 2
    assert not [tag for tag in events.Tags()['scalars'] if tag.startswith('hparam')]
