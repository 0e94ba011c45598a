import json

import pytest

from ocec.apis import pair_stage_worker
from ocec.apis.pair_stage_plan import StageMember
from ocec.apis.pair_stage_run import describe_run, hash_data
from ocec.apis.pair_stage_worker import train_member
from ocec.apis.train import TrainResult

CONFIG = 'pair-stage0-compare_1xb64-50e_digits-28x28'


@pytest.fixture
def run(make_pair_folder, tmp_path):
    data = make_pair_folder()
    member = StageMember('stage0', 'compare', CONFIG, 5, ('train_cfg.max_epochs=1',))
    run = describe_run(member, tmp_path / 'w', data, hash_data(data))
    run.prepare()
    return run


def test_a_member_is_trained_as_its_record_says(run):
    train_member(str(run.folder))
    assert run.state() == 'finished'
    record = json.loads((run.folder / 'finished.json').read_text())
    assert record['key'] == run.key()
    assert record['best'] == json.loads((run.folder / 'best.json').read_text())
    [session] = json.loads((run.folder / 'provenance.json').read_text())['sessions']
    assert session['seed'] == 5
    assert session['data']['train']['file'] == str(run.data / 'train.npz')


def test_a_run_without_a_validation_has_not_finished(run, monkeypatch):
    result = TrainResult(run.folder, None)
    monkeypatch.setattr(pair_stage_worker, 'train', lambda *_, **__: result)
    with pytest.raises(ValueError, match='the run has no best checkpoint'):
        train_member(run.folder)
    assert run.state() == 'begun'


def test_a_run_that_a_signal_stopped_has_not_finished(run, monkeypatch):
    best = {'file': 'best_pair_f1_epoch_1.pth'}
    result = TrainResult(run.folder, best, stopped_by='SIGTERM')
    monkeypatch.setattr(pair_stage_worker, 'train', lambda *_, **__: result)
    with pytest.raises(ValueError, match='stopped by SIGTERM; the next start goes on'):
        train_member(run.folder)
    assert run.state() == 'begun'
