"""Times are whatever the machine gives; checked is what is timed."""

import time

import pytest
import torch

from ocec.apis.benchmark_actions_step import (
    build_loader,
    build_model,
    clock,
    load_config,
    measure_peak,
    measure_step,
    measure_training,
    time_call,
)
from ocec.apis.benchmark_setup import BenchmarkSetup
from ocec.apis.errors import ConfigError


@pytest.fixture
def setup(make_action_run, tmp_path):
    run = make_action_run()
    return BenchmarkSetup(
        config=str(run.config),
        data=str(run.folder),
        pictures='',
        work_dir=str(tmp_path),
        threads=1,
        epochs=2,
    )


def test_both_forms_take_turns(setup):
    seconds = measure_step(setup, 2)
    assert list(seconds) == ['2d', 'conv3d']
    assert all(len(times) == 2 and min(times) > 0 for times in seconds.values())


@pytest.mark.parametrize('form', ['2d', 'conv3d'])
def test_the_peak_on_a_cpu_is_that_of_the_process(setup, form):
    assert measure_peak(setup, 1, form) is None


def test_a_training_is_timed_step_by_step(setup):
    seconds = measure_training(setup, 2, 1)
    assert list(seconds) == ['wait', 'step']
    assert all(len(times) == 2 for times in seconds.values())
    assert min(seconds['step']) > 0


@pytest.mark.parametrize(
    'measure',
    [
        lambda setup: measure_training(setup, 4, 1),
        lambda setup: measure_step(setup, 4),
        lambda setup: measure_peak(setup, 4, '2d'),
    ],
)
def test_a_split_without_a_whole_batch(setup, measure):
    message = 'the training split has 3 clips, a batch of 4 needs more'
    with pytest.raises(ConfigError, match=message):
        measure(setup)


def test_the_loader_has_its_own_batch_and_workers(setup):
    cfg = load_config(setup)
    kept = cfg.train_dataloader.to_dict()
    loader = build_loader(cfg, batch_size=3, num_workers=0)
    assert loader.batch_sampler.batch_size == 3
    assert len(next(iter(loader))['data_samples'].label_B) == 3
    assert cfg.train_dataloader.to_dict() == kept


def test_the_model_is_as_a_training_builds_it(setup):
    model = build_model(load_config(setup), 'cpu')
    assert model.training
    weight = model.backbone.rgb_path.stem[0].weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    # blocks begin as their shortcuts: the weights were initialised
    assert not model.backbone.rgb_path.stages[0][0].project[1].weight.any()


def test_one_thread_is_timed_by_the_processor(setup):
    assert clock(setup) is time.process_time
    two = BenchmarkSetup(**{**vars(setup), 'threads': 2})
    assert clock(two) is time.perf_counter
    # waiting takes time by the clock
    assert time_call(lambda: time.sleep(0.02), two) >= 0.02
