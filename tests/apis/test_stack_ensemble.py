import json
import re

import numpy as np
import pytest

from ocec.apis.errors import ConfigError
from ocec.apis.stack_config import DataConfig, MemberConfig
from ocec.apis.stack_ensemble import Ensemble
from ocec.apis.stack_members import score_members
from ocec.engine.checkpoint_io import file_sha256
from ocec.stacking import build_combiner

META = {'logistic': {'type': 'logistic'}, 'mean': {'type': 'mean'}}


@pytest.fixture
def ensemble(make_member, own_data, unseen_data):
    members = tuple(
        MemberConfig(name, make_member(own_data, seed=seed))
        for seed, name in enumerate('ab', 1)
    )
    scores = score_members(members, DataConfig(str(unseen_data), 'val')).scores
    combiners = {name: build_combiner(settings) for name, settings in META.items()}
    for combiner in combiners.values():
        combiner.fit(scores)
    digests = {member.name: file_sha256(member.checkpoint) for member in members}
    return Ensemble(members, digests, combiners, META, 'logistic', 42)


@pytest.mark.parametrize('copy', [True, False])
def test_saved_ensemble_predicts_the_same_with_one_call(
    ensemble, unseen_data, tmp_path, copy
):
    ensemble.save(tmp_path / 'e', copy_checkpoints=copy)
    ensemble.save(tmp_path / 'e', copy_checkpoints=copy)  # replaces the older one
    if copy:  # needs nothing outside its folder, wherever that is
        for member in ensemble.members:
            member.checkpoint.rename(member.checkpoint.with_suffix('.away'))
        (tmp_path / 'e').rename(tmp_path / 'moved')
    folder = tmp_path / ('moved' if copy else 'e')
    found = Ensemble.load(folder).predict(unseen_data, split='test')
    if copy:
        for member in ensemble.members:
            member.checkpoint.with_suffix('.away').rename(member.checkpoint)
    expected = ensemble.predict(str(unseen_data), split='test')
    assert found.prob_N.tolist() == expected.prob_N.tolist()
    assert found.label_N.tolist() == (expected.prob_N >= 0.5).astype(int).tolist()
    assert found.truth_N.tolist() == [0, 1] * 20
    assert found.id_N[-1] == 'images/00119.png'
    assert found.sample_id_N.tolist() == list(range(80, 120))
    assert set(found.member_probs) == {'a', 'b'}


def test_prediction_is_what_the_combiner_says_of_the_members(ensemble, unseen_data):
    found = ensemble.predict(unseen_data, split='test', combiner='mean')
    columns = [found.member_probs[name] for name in 'ab']
    np.testing.assert_allclose(found.prob_N, np.mean(columns, 0))


def test_unknown_combiner(ensemble, unseen_data):
    message = "the ensemble has no combiner 'best'; it has logistic, mean"
    with pytest.raises(ConfigError, match=message):
        ensemble.predict(unseen_data, combiner='best')


def test_missing_and_changed_members(ensemble, tmp_path):
    ensemble.save(tmp_path / 'e')
    member = tmp_path / 'e' / 'members' / 'b.pth'
    member.write_bytes(member.read_bytes() + b'more')
    with pytest.raises(ValueError, match=r"member 'b': .* is not the checkpoint that"):
        Ensemble.load(tmp_path / 'e')
    member.unlink()
    message = re.escape(f"member 'b' of the ensemble is missing: {member}")
    with pytest.raises(FileNotFoundError, match=message):
        Ensemble.load(tmp_path / 'e')


def test_folder_without_or_with_another_ensemble(ensemble, tmp_path):
    with pytest.raises(ConfigError, match='ensemble.json is missing: .* is no saved'):
        Ensemble.load(tmp_path)
    ensemble.save(tmp_path / 'e')
    file = tmp_path / 'e' / 'ensemble.json'
    content = json.loads(file.read_text())
    file.write_text(json.dumps(content | {'format': 9}))
    with pytest.raises(ConfigError, match='format 9, this version reads 1'):
        Ensemble.load(tmp_path / 'e')
    del content['members']
    file.write_text(json.dumps(content))
    with pytest.raises(ConfigError, match="damaged: KeyError\\('members'\\)"):
        Ensemble.load(tmp_path / 'e')
    file.write_text('{')
    with pytest.raises(ConfigError, match='damaged: JSONDecodeError'):
        Ensemble.load(tmp_path / 'e')


def test_a_failed_save_leaves_the_older_ensemble(ensemble, tmp_path):
    ensemble.save(tmp_path / 'e')
    before = (tmp_path / 'e' / 'ensemble.json').read_text()
    ensemble.members[1].checkpoint.unlink()
    with pytest.raises(FileNotFoundError):
        ensemble.save(tmp_path / 'e')
    assert (tmp_path / 'e' / 'ensemble.json').read_text() == before
    assert not list(tmp_path.glob('.e.*'))
