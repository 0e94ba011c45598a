import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ocec.apis.train import train
from ocec.engine.hooks import GradHistogramHook

HOOK = "custom_hooks = [dict(type='GradHistogramHook', interval=2)]"


def test_every_parameter_gets_a_histogram_each_interval(tmp_path, write_config):
    train(write_config(HOOK), work_dir=tmp_path / 'run')
    events = EventAccumulator(
        str(tmp_path / 'run' / 'vis_data'), size_guidance={'histograms': 0}
    ).Reload()
    tags = events.Tags()['histograms']
    assert 'grad/head.fc.weight' in tags
    # stem 3, two blocks of 6, head 4
    assert len(tags) == 3 + 2 * 6 + 4
    # 4 batches in all: steps 0 and 2
    assert [h.step for h in events.Histograms('grad/head.fc.weight')] == [0, 2]


def test_it_needs_tensorboard(tmp_path, write_config):
    config = write_config(f'{HOOK}\nvisualizer = dict(vis_backends=[])')
    with pytest.raises(ValueError, match='GradHistogramHook needs TensorBoard'):
        train(config, work_dir=tmp_path / 'run')


def test_interval_out_of_range():
    with pytest.raises(ValueError, match='interval must be > 0, got 0'):
        GradHistogramHook(interval=0)
