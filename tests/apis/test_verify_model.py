import json

import pytest

from ocec.apis.errors import ConfigError
from ocec.apis.verify_model import CHECKS, verify_model
from ocec.models.classifiers.image_classifier import ImageClassifier

QUICK = [name for name in CHECKS if name not in ('work-dir', 'disk')]


def statuses(capsys) -> dict[str, str]:
    lines = capsys.readouterr().out.splitlines()
    words = [line.split() for line in lines if line[:4] in ('ok  ', 'WARN', 'FAIL')]
    words += [line.split() for line in lines if line.startswith('skip')]
    return {name: status for status, name, *_ in words}


def test_sound_config(write_config, tmp_path, capsys):
    out = tmp_path / 'new' / 'checks.json'
    results = verify_model(
        write_config(), work_dir=tmp_path / 'run', device='cpu', json_file=out
    )
    assert [result.name for result in results] == list(CHECKS)
    assert {result.verdict.status for result in results} == {'ok'}
    assert set(statuses(capsys).values()) == {'ok'}
    content = json.loads(out.read_text())
    assert content['failed'] == []
    assert [check['name'] for check in content['checks']] == list(CHECKS)
    sizes = content['checks'][3]['facts']
    assert sizes['parameters'] == 593
    # nothing of the run itself is begun
    assert not (tmp_path / 'run').exists()


def test_failure_leaves_out_what_needs_it(write_config, capsys):
    text = (
        "model['backbone'] = dict(type='OCECConvNeXt', num_blocks=8)\n"
        "train_dataloader['dataset']['image_size'] = (4, 8)\n"
        "val_dataloader['dataset']['image_size'] = (4, 8)\n"
        "test_dataloader['dataset']['image_size'] = (4, 8)\n"
    )
    config = write_config(text)
    with pytest.raises(ValueError, match='checks that failed: model') as caught:
        verify_model(config, device='cpu')
    assert not isinstance(caught.value, ConfigError)
    found = statuses(capsys)
    assert found['forward'] == found['gradients'] == found['disk'] == 'skip'
    assert found['data'] == found['work-dir'] == 'ok'


def test_without_data_the_model_is_tried_on_noise(write_config, tmp_path, capsys):
    out = tmp_path / 'checks.json'
    with pytest.raises(ValueError, match='checks that failed: data$'):
        verify_model(
            write_config(), data='gone.parquet', device='cpu', quick=True, json_file=out
        )
    found = statuses(capsys)
    assert found['leaks'] == found['speed'] == found['overfit'] == 'skip'
    assert found['forward'] == found['gradients'] == found['lr'] == 'ok'
    content = json.loads(out.read_text())
    assert content['failed'] == ['data']
    assert content['checks'][4]['text'].endswith('(on made-up data)')


def test_error_of_a_model_is_a_result(write_config, capsys, monkeypatch):
    monkeypatch.setenv('OCEC_TRACEBACK', '1')

    def broken(*args, **kwargs):
        raise KeyError('nothing here')

    monkeypatch.setattr(ImageClassifier, '_features', broken)
    with pytest.raises(ValueError, match='checks that failed: forward'):
        verify_model(write_config(), device='cpu', skip=['overfit'])
    captured = capsys.readouterr()
    assert "FAIL  forward     KeyError: 'nothing here'" in captured.out
    assert 'Traceback' in captured.err


def test_checks_are_left_out(write_config, capsys):
    results = verify_model(write_config(), device='cpu', skip=QUICK)
    done = [r.name for r in results if r.verdict.status != 'skip']
    assert done == ['work-dir', 'disk']
    assert capsys.readouterr().out.endswith(f'{len(QUICK)} skip\n')


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (
            dict(skip=['lrr']),
            '--skip: no such check lrr; there are config, data',
        ),
        (dict(steps=1), '--steps must be >= 2, got 1'),
        (dict(device='tpuu'), '--device tpuu: '),
        (dict(cfg_options=['modle.x=1']), 'modle'),
        (dict(cfg_options=['model.head.num_clases=2']), 'num_clases'),
    ],
)
def test_wrong_usage(write_config, settings, message):
    with pytest.raises(ConfigError, match=message):
        verify_model(write_config(), **settings)


def test_config_that_does_not_train(write_config):
    text = 'train_dataloader = train_cfg = optim_wrapper = param_scheduler = None'
    with pytest.raises(ConfigError, match='there is no train_dataloader, train_cfg'):
        verify_model(write_config(text))
