import json
import re

import numpy as np
import pytest

from ocec.apis.errors import ConfigError
from ocec.apis.stack import check_predictions, predict_ensemble, stack
from ocec.apis.stack_ensemble import Ensemble


@pytest.fixture
def write_stack(make_member, own_data, unseen_data, tmp_path):
    """Write a config of two members with random weights."""
    checkpoints = {
        name: str(make_member(own_data, seed=seed)) for seed, name in enumerate('ab', 1)
    }

    def write(text=''):
        members = [dict(name=n, checkpoint=path) for n, path in checkpoints.items()]
        path = tmp_path / 'stack_tiny.py'
        path.write_text(
            f'members = {members}\n'
            f'stack = dict(data={str(unseen_data)!r}, split="val")\n'
            f'test = dict(data={str(unseen_data)!r}, split="test")\n'
            'meta = ["lightgbm", "logistic", "best_single", "dynamic"]\n'
            f'out = {str(tmp_path / "out")!r}\n{text}\n'
        )
        return path

    return write


def test_stack_of_eye_models(write_stack, unseen_data, tmp_path, capsys):
    result = stack(write_stack())
    out = tmp_path / 'out'
    assert result.out == out
    names = {path.name for path in out.iterdir()}
    assert names == {
        'stack.json',
        'stack.md',
        'stack.csv',
        'importance.png',
        'scores',
        'ensemble',
    }
    content = json.loads((out / 'stack.json').read_text())
    assert content['data']['stack']['rows'] == 80
    assert content['data']['test']['groups'] == '10 groups'
    assert content['intervals']['stack'] == 'bootstrap of 20 groups'
    numbers = {m['name']: m['stack_out_of_fold'] for m in content['methods']}
    assert set(numbers) == {'lightgbm', 'logistic', 'best_single', 'dynamic', 'mean'}
    best = max(numbers.values(), key=lambda n: (n['accuracy'], -n['log_loss']))
    assert numbers[result.final] == best
    assert (out / 'stack.md').read_text() in capsys.readouterr().out
    # the saved ensemble gives the very numbers of the report
    found = Ensemble.load(out / 'ensemble').predict(unseen_data, split='test')
    accuracy = float(np.mean(found.label_N == found.truth_N))
    assert accuracy == result.evaluation.methods[result.final].test.accuracy

    path = tmp_path / 'pred.csv'
    ensemble = out / 'ensemble'
    predicted = predict_ensemble(ensemble, str(unseen_data), split='test', out=path)
    lines = path.read_text().splitlines()
    assert lines[0] == 'id,label'
    assert lines[1] == f'images/00080.png,{predicted.label_N[0]}'
    assert len(lines) == 41
    printed = capsys.readouterr().out
    assert f'accuracy on the labels of these data: {100 * accuracy:.2f} %' in printed
    check_predictions(path, ensemble, str(unseen_data), split='test')
    path.write_text('\n'.join(lines[:-1]))
    with pytest.raises(ValueError, match=r'1 of 40 ids are missing \(images/00119.png'):
        check_predictions(path, ensemble, str(unseen_data), split='test')


def test_overlap_is_refused_before_anything_is_scored(write_stack, own_data, tmp_path):
    config = write_stack(f'stack = dict(data={str(own_data)!r}, split="train")')
    with pytest.raises(
        ConfigError, match="member 'a' was trained on 32 of 32 pictures"
    ):
        stack(config)
    assert not (tmp_path / 'out').exists()


def test_unverified_members_are_told_in_the_report(write_stack, own_data, tmp_path):
    config = write_stack('final = "mean"')
    own_data.unlink()
    with pytest.raises(ConfigError, match='--allow-unverified'):
        stack(config)
    result = stack(config, out=tmp_path / 'other', allow_unverified=True)
    assert result.final == 'mean'
    text = (tmp_path / 'other' / 'stack.md').read_text()
    assert "**not honest for sure**: member 'a': its train data cannot be" in text
    content = json.loads((tmp_path / 'other' / 'stack.json').read_text())
    assert len(content['let_through']) == 4  # train and val of two members


def test_one_checkpoint_under_two_names(write_stack):
    config = write_stack('members[1]["checkpoint"] = members[0]["checkpoint"]')
    message = re.escape("members 'a' and 'b' are one checkpoint under two names")
    with pytest.raises(ConfigError, match=message):
        stack(config)


def test_too_many_folds(write_stack):
    with pytest.raises(ConfigError, match='stack: 20 groups cannot be dealt into 21'):
        stack(write_stack('folds = 21'))
