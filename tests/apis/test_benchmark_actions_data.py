"""Times are whatever the machine gives; checked is what is timed."""

import pytest

from ocec.apis import benchmark_actions_data as module
from ocec.apis.benchmark_actions_data import measure_heatmaps, measure_reading
from ocec.apis.benchmark_setup import BenchmarkSetup


@pytest.fixture
def make_setup(make_action_run, tmp_path):
    def make(**settings):
        run = make_action_run(**settings)
        return BenchmarkSetup(
            config=str(run.config),
            data=str(run.folder),
            pictures='',
            work_dir=str(tmp_path),
            threads=1,
            epochs=2,
        )

    return make


def test_heatmaps_of_both_kinds(make_setup, monkeypatch):
    monkeypatch.setattr(module, 'RUNS_OF_OURS', 1)
    found = measure_heatmaps(make_setup(), 3)
    assert list(found) == ['joints', 'limbs']
    for figures in found.values():
        for name in ('loop', 'kept memory', 'new memory'):
            assert len(figures[name]) == 2
            assert min(figures[name]) > 0
    assert found['joints']['difference'] < 1e-6
    # the law of cosines in single precision, on maps of 8 x 8
    assert found['limbs']['difference'] < 1e-4


@pytest.mark.parametrize('with_rgb', [True, False])
def test_bytes_are_those_of_the_inputs(make_setup, with_rgb):
    found = measure_reading(make_setup(with_rgb=with_rgb), 3)
    frames = 3 * 32 * 32 * 3 if with_rgb else 0
    # all three videos: two persons, 6 frames, 17 joints, x, y and score
    joints = 2 * 6 * 17 * 3 * 4
    assert found['bytes_per_clip'] == frames + joints + 4 * 4 + 2 * 8
    assert len(found['clips_per_second']) == 2
    assert min(found['clips_per_second']) > 0
