import json
import os

import numpy as np
import pytest

from ocec.apis.errors import ConfigError
from ocec.apis.pair_stage_plan import StageMember
from ocec.apis.pair_stage_run import describe_run, hash_data
from ocec.engine.last_checkpoint import last_good_checkpoint

CONFIG = 'pair-stage0-compare_1xb64-50e_digits-28x28'


@pytest.fixture
def data(make_pair_folder):
    return make_pair_folder()


@pytest.fixture
def describe(data, tmp_path):
    def make(*options, seed=1, digest=None):
        member = StageMember('stage0', 'compare', CONFIG, seed, tuple(options))
        return describe_run(member, tmp_path / 'w', data, digest or hash_data(data))

    return make


def finish(run):
    (run.folder / 'best.pth').write_text('weights')
    record = {'best': {'file': 'best.pth'}}
    (run.folder / 'finished.json').write_text(json.dumps(record))


def test_a_run_begins_is_interrupted_and_finishes(describe, tmp_path, capsys):
    run = describe('train_cfg.max_epochs=3')
    assert capsys.readouterr().out == ''
    assert (run.name, run.max_epochs) == ('stage0/compare-s1', 3)
    assert run.folder == tmp_path / 'w' / 'stage0' / 'compare-s1'
    assert run.state() == 'new'
    run.prepare()
    assert run.state() == 'begun'
    finish(run)
    assert run.state() == 'finished'
    # the same settings in another process
    assert describe('train_cfg.max_epochs=3').state() == 'finished'
    run.prepare()
    assert run.state() == 'begun'


def test_key_depends_on_what_decides_on_the_result(describe, data, make_pair_folder):
    keys = [
        describe().key(),
        describe(seed=2).key(),
        describe('train_cfg.max_epochs=3').key(),
        describe(digest='other').key(),
    ]
    assert len(set(keys)) == 4
    moved = data.rename(data.with_name('moved'))
    assert hash_data(moved) == describe(digest=hash_data(moved)).data_sha256
    assert describe(digest=hash_data(moved)).key() == keys[0]


def test_other_settings_are_told(describe):
    describe('train_cfg.max_epochs=3').prepare()
    message = r'was trained otherwise: train_cfg.max_epochs 3 then, 50 now. Choose'
    with pytest.raises(ConfigError, match=message):
        describe().state()
    options = ['train_dataloader.batch_size=7', 'val_dataloader.batch_size=7']
    options += ['optim_wrapper.optimizer.lr=0.5', 'train_cfg.max_epochs=4']
    with pytest.raises(ConfigError, match='the pairs are not those of .*pairs0'):
        describe('train_cfg.max_epochs=3', digest='x').state()
    with pytest.raises(ConfigError, match='and 1 more') as caught:
        describe(*options, digest='x').state()
    assert 'optim_wrapper.optimizer.lr 0.001 then, 0.5 now' in str(caught.value)


def test_what_was_not_started_here_is_left_alone(describe):
    run = describe()
    run.folder.mkdir(parents=True)
    (run.folder / 'metrics.jsonl').write_text('')
    with pytest.raises(ConfigError, match='holds a run that was not started here'):
        run.state()


def test_a_finished_run_without_its_checkpoint_is_told(describe):
    run = describe()
    run.prepare()
    finish(run)
    (run.folder / 'best.pth').unlink()
    with pytest.raises(ConfigError, match='names best.pth, which is not there'):
        run.state()


@pytest.mark.parametrize('text', ['{', '[]'])
def test_a_damaged_record_is_told(describe, text):
    run = describe()
    run.prepare()
    (run.folder / 'member.json').write_text(text)
    with pytest.raises(ConfigError, match='member.json is damaged'):
        run.state()


def test_beginning_anew_forgets_checkpoints(describe):
    run = describe()
    run.prepare()
    (run.folder / 'epoch_1.pth').write_text('x')
    files = json.dumps({'files': ['epoch_1.pth'], 'outdated': []})
    for name in ('last_checkpoint', 'best.json', 'checkpoints.json'):
        (run.folder / name).write_text(files if name.startswith('check') else 'x')
    run.prepare()
    assert (run.folder / 'last_checkpoint').exists()
    run.prepare(anew=True)
    assert not (run.folder / 'last_checkpoint').exists()
    assert not (run.folder / 'best.json').exists()
    assert last_good_checkpoint(run.folder) is None


def test_a_folder_is_taken_once(describe):
    lock = describe().lock()
    with pytest.raises(ValueError, match='another process is training there'):
        describe().lock()
    os.close(lock)
    os.close(describe().lock())


def test_data_are_known_by_their_content(data):
    before = hash_data(data)
    # a test set may change, what nets are trained with may not
    (data / 'test.npz').unlink()
    assert hash_data(data) == before
    arrays = dict(np.load(data / 'val.npz'))
    np.savez(data / 'val.npz', **arrays | {'y': 1 - arrays['y']})
    assert hash_data(data) != before
    (data / 'digits.npz').unlink()
    hash_data(data)
    (data / 'val.npz').unlink()
    with pytest.raises(ConfigError, match='val.npz: no such file of pairs'):
        hash_data(data)
