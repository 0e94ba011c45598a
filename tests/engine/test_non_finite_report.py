"""On short trainings; those of one rank of two are in tests/e2e."""

import pytest

from ocec.apis.train import train
from ocec.engine.non_finite_file import read_bad_batch
from ocec.models.data_preprocessors import ImagePreprocessor


@pytest.fixture
def spoil_all(monkeypatch):
    """Make batches NaN from the n-th one on, counted from 0."""

    def patch(first):
        forward, ids = ImagePreprocessor.forward, []

        def spoiled(self, data, training=False):
            data = forward(self, data, training)
            first_id = int(data['data_samples'].sample_id_B[0])
            if training and first_id not in ids:
                ids.append(first_id)
            if training and ids.index(first_id) >= first:
                data['inputs'] = data['inputs'] * float('nan')
            return data

        monkeypatch.setattr(ImagePreprocessor, 'forward', spoiled)

    return patch


def test_of_accumulated_batches_the_bad_one_is_named(tmp_path, write_config, spoil_all):
    spoil_all(first=1)
    config = write_config(
        "optim_wrapper = dict(type='OptimWrapper', accumulative_counts=2)"
    )
    with pytest.raises(FloatingPointError, match='the loss is nan in epoch 1, step 2'):
        train(config, work_dir=tmp_path / 'run')
    bad = read_bad_batch(tmp_path / 'run' / 'non_finite_epoch1_iter2.pth')
    assert (bad.step, bad.amp, bad.loss_scale) == (2, None, 1.0)
    assert bad.found['module'] == 'data_preprocessor'


def test_mixed_precision_is_noted(tmp_path, write_config, spoil_all):
    spoil_all(first=0)
    with pytest.raises(FloatingPointError, match='the loss is nan in epoch 1, step 1'):
        train(write_config(), work_dir=tmp_path / 'run', amp=True)
    bad = read_bad_batch(tmp_path / 'run' / 'non_finite_epoch1_iter1.pth')
    assert bad.amp == {'device_type': 'cpu', 'dtype': 'bfloat16'}


def test_what_does_not_come_again_is_said(tmp_path, write_config, monkeypatch):
    forward, calls = ImagePreprocessor.forward, []

    def spoiled(self, data, training=False):
        data = forward(self, data, training)
        calls.append(training)
        if len(calls) == 1:
            data['inputs'] = data['inputs'] * float('nan')
        return data

    monkeypatch.setattr(ImagePreprocessor, 'forward', spoiled)
    with pytest.raises(FloatingPointError, match='again, the batch gave finite numb'):
        train(write_config(), work_dir=tmp_path / 'run')
