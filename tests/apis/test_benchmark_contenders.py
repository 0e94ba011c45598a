"""Rates are whatever the machine gives; checked is what was trained and read."""

import math
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from ocec.apis import benchmark_contenders as module
from ocec.apis.benchmark_contenders import (
    CONTENDERS,
    build_plain_model,
    build_with_batch,
    plain_loader,
    plain_steps,
)
from ocec.apis.benchmark_report import NAMES
from ocec.models.batch_augments import BatchRandomFlip
from ocec.models.classifiers import ImageClassifier
from ocec.models.data_preprocessors import ImagePreprocessor


@pytest.fixture(autouse=True)
def _few_steps(monkeypatch):
    monkeypatch.setattr(module, 'STEPS', 2)
    monkeypatch.setattr(module, 'WARMUP_STEPS', 1)


@pytest.fixture
def batch_sizes(monkeypatch):
    """List that fills with the size of each batch that a classifier trains on."""
    sizes = []
    forward = ImageClassifier.forward

    def watched(self, inputs, *args, **kwargs):
        sizes.append(len(inputs))
        return forward(self, inputs, *args, **kwargs)

    monkeypatch.setattr(ImageClassifier, 'forward', watched)
    return sizes


def assert_rates(rates, number):
    assert len(rates) == number
    assert all(math.isfinite(rate) and rate > 0 for rate in rates)


@pytest.fixture
def fake_clock(monkeypatch):
    """A clock that runs one second further at each look."""
    seconds = iter(range(1000))
    monkeypatch.setattr(
        module, 'time', SimpleNamespace(perf_counter=lambda: float(next(seconds)))
    )


def test_every_contender_has_a_name_in_the_table():
    assert set(CONTENDERS) == set(NAMES)


def test_a_rate_is_images_by_seconds(fake_clock, make_benchmark_setup):
    setup = make_benchmark_setup(epochs=3)
    steps, passes = [], []
    # 2 steps of 16 images between two looks at the clock
    assert module._rates(setup, lambda: steps.append(1), 16) == [32.0] * 3
    assert len(steps) == 1 + 3 * 2
    assert module._passes(setup, lambda: passes.append(1), 50) == [50.0] * 3
    assert len(passes) == 1 + 3


def test_ours_trains_whole_epochs_and_one_more(make_benchmark_setup, batch_sizes):
    setup = make_benchmark_setup(epochs=2)
    assert_rates(CONTENDERS['ours'](setup), 2)
    assert batch_sizes == [16] * 2 * 3
    checkpoints = sorted(path.name for path in Path(setup.work_dir).glob('*.pth'))
    assert 'epoch_3.pth' in checkpoints


@pytest.mark.parametrize(
    ('name', 'num_augmented'), [('resident', 0), ('resident_augmented', 3)]
)
def test_one_batch_is_trained_on_again_and_again(
    make_benchmark_setup, batch_sizes, monkeypatch, name, num_augmented
):
    setup = make_benchmark_setup()
    calls = []
    forward = BatchRandomFlip.forward

    def watched(self, x_BCHW):
        calls.append(x_BCHW.clone())
        return forward(self, x_BCHW)

    monkeypatch.setattr(BatchRandomFlip, 'forward', watched)
    assert_rates(CONTENDERS[name](setup), 1)
    assert batch_sizes == [16] * 3  # one to warm up and two
    assert len(calls) == num_augmented
    assert all(torch.equal(call, calls[0]) for call in calls)


def test_the_resident_batch_is_the_first_of_the_run(make_benchmark_setup):
    setup = make_benchmark_setup()
    runner, batch = build_with_batch(setup)
    assert batch['inputs'].shape == (16, 3, 32, 64)
    assert batch['inputs'].dtype == torch.uint8
    assert runner.model.training
    weights = [p.clone() for p in runner.model.parameters()]
    runner.model.train_step(batch, runner.optim_wrapper)
    after = list(runner.model.parameters())
    assert any(not torch.equal(*pair) for pair in zip(weights, after, strict=True))


@pytest.mark.parametrize('name', ['plain', 'plain_amp'])
def test_the_plain_loop_trains_whole_epochs(make_benchmark_setup, batch_sizes, name):
    setup = make_benchmark_setup()
    assert_rates(CONTENDERS[name](setup), 1)
    assert batch_sizes == [16] * 2 * 2


def test_the_plain_loop_reads_what_ours_does(make_benchmark_setup):
    setup = make_benchmark_setup()
    (images_BCHW, label_B), *rest = plain_loader(setup, 'val')
    assert rest == []
    settings = setup.load_config().model.data_preprocessor
    files = [
        *sorted(Path(setup.pictures, 'val/closed').iterdir()),
        *sorted(Path(setup.pictures, 'val/open').iterdir()),
    ]
    assert label_B.tolist() == [0] * 8 + [1] * 8
    for image_CHW, file in zip(images_BCHW, files, strict=True):
        pixels = cv2.imread(str(file))[..., ::-1]
        pixels = cv2.resize(pixels, (64, 32), interpolation=cv2.INTER_LINEAR)
        expected = (pixels - np.array(settings.mean)) / np.array(settings.std)
        # both round to whole pixel values, each in its way
        np.testing.assert_allclose(
            image_CHW.permute(1, 2, 0), expected, atol=1.1 / min(settings.std)
        )


def test_the_plain_loop_learns(make_benchmark_setup):
    setup = make_benchmark_setup()
    torch.manual_seed(0)
    model = build_plain_model(setup, mixed_precision=False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    (batch,) = plain_loader(setup, 'val')
    losses = plain_steps(
        model,
        [batch] * 20,
        optimizer,
        device='cpu',
        mixed_precision=False,
        max_norm=5.0,
    )
    losses = [float(loss) for loss in losses]
    assert len(losses) == 20
    assert losses[-1] < 0.7 * losses[0]


def test_reading_ours_reads_every_row_and_augments(
    make_benchmark_setup, batch_sizes, monkeypatch
):
    seen = []
    forward = ImagePreprocessor.forward

    def watched(self, data, training=False):
        seen.append((data['data_samples'].sample_id_B.tolist(), training))
        return forward(self, data, training)

    monkeypatch.setattr(ImagePreprocessor, 'forward', watched)
    assert_rates(CONTENDERS['read_ours'](make_benchmark_setup()), 1)
    assert [training for _, training in seen] == [True] * 4
    passes = [sorted(seen[i][0] + seen[i + 1][0]) for i in (0, 2)]
    assert passes == [list(range(32))] * 2
    assert batch_sizes == []


def test_mmpretrain_trains_and_reads_the_same_pictures(make_benchmark_setup):
    setup = make_benchmark_setup()
    assert_rates(CONTENDERS['mmpretrain'](setup), 1)
    # mmengine's own Runner trained two epochs of 32 / 16 steps
    folder = Path(setup.work_dir, 'mmpretrain')
    checkpoint = torch.load(folder / 'epoch_2.pth', weights_only=False)
    assert checkpoint['meta']['iter'] == 4
    names = set(checkpoint['state_dict'])
    ours = build_plain_model(setup, mixed_precision=False).state_dict()
    assert {name for name in ours if name.startswith('backbone.')} <= names
    assert_rates(CONTENDERS['read_mmpretrain'](setup), 1)
