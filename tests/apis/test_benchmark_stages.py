"""Times are whatever the machine gives; checked is what is timed and computed."""

import math
from types import SimpleNamespace

import pytest
import torch

from ocec.apis import benchmark_stages as module
from ocec.apis.benchmark_stages import (
    measure_decoding,
    measure_hooks,
    measure_stages,
    measure_validation,
)

AUGMENTS = ('BatchRandomFlip', 'BatchPhotometricDistort', 'BatchRandomCLAHE')


@pytest.fixture(autouse=True)
def _few_repeats(monkeypatch):
    monkeypatch.setattr(module, 'REPEATS', 3)
    monkeypatch.setattr(module, 'WARMUP', 1)


def test_every_stage_of_a_step_is_timed_in_its_order(make_benchmark_setup):
    figures = measure_stages(make_benchmark_setup())
    assert list(figures) == [
        'read',
        'copy to the device',
        *(f'augment: {name}' for name in AUGMENTS),
        'normalise',
        'forward',
        'backward',
        'clip and optimizer',
        'EMA',
    ]
    for entry in figures.values():
        assert 0 < entry['low'] <= entry['ms'] <= entry['high']
        assert math.isfinite(entry['high'])


def test_the_clock_drops_the_warmup_and_gives_quartiles(monkeypatch):
    # each lap looks twice: at its end, and where the next one starts
    seconds = iter([0.0, 9.0, 9.0, 10.0, 10.001, 10.001, 20.0, 20.003, 20.003])
    monkeypatch.setattr(
        module, 'time', SimpleNamespace(perf_counter=lambda: next(seconds))
    )
    peaks = iter([500.0, 300.0, 700.0])
    monkeypatch.setattr(module, 'peak_memory_mb', lambda: next(peaks))
    monkeypatch.setattr(module, 'reset_peak_memory', lambda: True)
    clock = module._StageClock(SimpleNamespace(synchronize=lambda: None))
    clock.start()
    clock.lap('a')  # the warmup
    for _ in range(2):
        clock.start()
        clock.lap('a')
    figures = clock.figures()
    assert figures['a'] == pytest.approx(
        # quartiles of 1 and 3 ms
        {'ms': 2.0, 'low': 1.5, 'high': 2.5, 'peak_mb': 700.0}
    )


def test_a_system_without_peaks_gives_none(monkeypatch):
    monkeypatch.setattr(module, 'reset_peak_memory', lambda: False)
    clock = module._StageClock(SimpleNamespace(synchronize=lambda: None))
    clock.start()
    for _ in range(3):
        clock.lap('a')
    assert 'peak_mb' not in clock.figures()['a']


def test_hooks_of_a_whole_run_are_timed(make_benchmark_setup):
    setup = make_benchmark_setup(epochs=2)
    figures = measure_hooks(setup)
    assert list(figures) == [
        'step of a run',
        'hooks and logging',
        'EMA hook',
        'checkpoint, each epoch',
    ]
    assert all(entry['ms'] > 0 for entry in figures.values())
    # a run of 2 + 1 epochs, as the hooks wrote it
    assert module.Path(setup.work_dir, 'epoch_3.pth').is_file()


def test_a_run_shorter_than_the_warmup_is_timed(make_benchmark_setup, monkeypatch):
    monkeypatch.setattr(module, 'WARMUP', 100)
    assert measure_hooks(make_benchmark_setup())['step of a run']['ms'] > 0


def test_the_time_of_a_method_is_added_up(monkeypatch):
    seconds = iter([1.0, 1.002, 5.0, 5.01])
    monkeypatch.setattr(
        module, 'time', SimpleNamespace(perf_counter=lambda: next(seconds))
    )
    hook = SimpleNamespace(call=lambda runner, number: (runner, number))
    total = [0.0]
    module._time_method(hook, 'call', total)
    assert hook.call('runner', 3) == ('runner', 3)
    assert hook.call('runner', number=4) == ('runner', 4)
    assert total == pytest.approx([12.0])


def test_validation_is_compared_with_the_forward_pass(make_benchmark_setup):
    found = measure_validation(make_benchmark_setup())
    assert list(found) == [
        'images_per_second',
        'forward_images_per_second',
        'ratio',
        'ratio_low',
        'ratio_high',
    ]
    assert all(value > 0 for value in found.values())
    assert found['ratio_low'] <= found['ratio'] <= found['ratio_high']


def test_the_cache_is_compared_with_a_bare_loop(make_benchmark_setup):
    setup = make_benchmark_setup(epochs=2)
    found = measure_decoding(setup)
    assert all(value > 0 for value in found.values())
    assert found['ratio'] == pytest.approx(
        found['pictures_per_second_on_one_core'] / found['bare_loop_per_second']
    )
    assert found['ratio_on_all_cores'] == pytest.approx(
        found['pictures_per_second_and_core_on_all'] / found['bare_loop_per_second']
    )
    # every cache that was built is gone again
    assert list(module.Path(setup.work_dir).iterdir()) == []


def test_a_rate_is_pictures_by_seconds(monkeypatch):
    seconds = iter([3.0, 5.0])
    monkeypatch.setattr(
        module, 'time', SimpleNamespace(perf_counter=lambda: next(seconds))
    )
    calls = []
    rate = module._pictures_per_second(lambda: calls.append(1), 50)
    assert (rate, calls) == (25.0, [1])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
def test_the_gpu_adds_a_stage(make_benchmark_setup):
    assert 'pin' in measure_stages(make_benchmark_setup(device='cuda'))
