import hashlib
import json

import pytest
import torch

from ocec.apis.errors import ConfigError
from ocec.apis.publish_model import publish_model
from ocec.apis.score_checkpoint import score_checkpoint
from ocec.apis.test import test as run_test
from ocec.apis.train import train
from ocec.engine.checkpoint_io import load_safely, save_atomically


@pytest.fixture
def run(write_config, tmp_path):
    """Config and the last checkpoint of a finished training, with EMA."""
    config = write_config()
    folder = train(config, work_dir=tmp_path / 'private' / 'run').work_dir
    return config, folder / 'epoch_2.pth'


def test_what_is_in_the_file(run, tmp_path, capsys):
    _, checkpoint = run
    files = publish_model(checkpoint, tmp_path / 'out', name='eyes')
    model, text, numbers = files
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    assert model.name == f'eyes-{digest[:8]}.pth'
    assert [file.name for file in (text, numbers)] == [
        f'eyes-{digest[:8]}.md',
        f'eyes-{digest[:8]}.json',
    ]
    listed = (tmp_path / 'out' / f'{model.name}.sha256').read_text()
    assert listed == f'{digest}  {model.name}\n'
    assert len(list((tmp_path / 'out').iterdir())) == 4
    before, found = (torch.load(f, weights_only=True) for f in (checkpoint, model))
    assert set(found) == {'meta', 'state_dict', 'thresholds'}
    # the averaged weights, which are others than the raw ones
    raw = before['ema_state_dict']
    for name, x in before['state_dict'].items():
        assert torch.equal(found['state_dict'][name], x)
    stem = 'backbone.stem.0.weight'
    assert not torch.equal(found['state_dict'][stem], raw[f'module.{stem}'])
    assert found['thresholds']['best_f1'] == before['thresholds']['best_f1']
    assert found['meta']['dataset_meta'] == {'classes': ('closed', 'open')}
    # nothing tells where it was made
    assert str(tmp_path).encode() not in model.read_bytes()
    for file in (text, numbers):
        assert str(tmp_path) not in file.read_text()
    assert 'not scored anew' in capsys.readouterr().out
    again = publish_model(checkpoint, tmp_path / 'again', name='eyes')
    assert again[0].name == model.name


def test_the_same_numbers_from_every_format(run, make_eye_parquet, tmp_path):
    pytest.importorskip('safetensors')
    config, checkpoint = run
    data = make_eye_parquet(seed=5)
    files = publish_model(
        checkpoint, tmp_path / 'out', data=str(data), formats=['pth', 'safetensors']
    )
    metrics = {
        file: run_test(config, file, work_dir=tmp_path / 'test', data=str(data))
        for file in (checkpoint, *files[:2])
    }
    assert metrics[files[0]] == metrics[checkpoint]
    assert metrics[files[1]] == metrics[checkpoint]
    card = json.loads(files[3].read_text())
    assert [entry['file'] for entry in card['files']] == [f.name for f in files[:2]]
    report = card['scores']['report']
    assert report['at']['default']['f1'] == metrics[checkpoint]['eye/f1']
    assert card['scores']['accuracy'] == metrics[checkpoint]['eye/accuracy']
    # as tools/test.py reports them
    tested = json.loads((tmp_path / 'test' / 'test_metrics.json').read_text())
    assert report == tested['report']
    scores = [score_checkpoint(f, data=data).scores['prob_B'] for f in files[:2]]
    assert (scores[0] == scores[1]).all()


def test_a_training_starts_from_it(run, tmp_path):
    pytest.importorskip('safetensors')
    config, checkpoint = run
    model = publish_model(checkpoint, tmp_path / 'out', formats=['safetensors'])[0]
    still = [
        'optim_wrapper.optimizer.lr=0',
        'optim_wrapper.optimizer.weight_decay=0',
        'param_scheduler=None',
        'train_cfg.max_epochs=1',
    ]
    folder = tmp_path / 'next'
    train(config, work_dir=folder, pretrain=[str(model.parent)], cfg_options=still)
    expected = load_safely(model)['state_dict']
    found = load_safely(folder / 'epoch_1.pth')['state_dict']
    for name in expected:
        if name.endswith('weight'):
            assert torch.equal(found[name], expected[name])


def test_the_classifier_reads_it(run, make_eye_parquet, tmp_path):
    pytest.importorskip('safetensors')
    from ocec.apis.eye_classifier import EyeClassifier

    _, checkpoint = run
    files = publish_model(checkpoint, tmp_path / 'out', formats=['pth', 'safetensors'])
    data = make_eye_parquet(num_rows=8)
    expected = EyeClassifier(checkpoint).predict(data).prob_open_N
    for file in files[:2]:
        assert (EyeClassifier(file).predict(data).prob_open_N == expected).all()


def test_without_a_config_inside(write_config, run, tmp_path):
    config, checkpoint = run
    bare = tmp_path / 'bare.pth'
    save_atomically(torch.load(checkpoint)['state_dict'], bare)
    with pytest.raises(ConfigError, match='bare.pth holds no config'):
        publish_model(bare, tmp_path / 'out', name='eyes')
    model = publish_model(bare, tmp_path / 'out', name='eyes', config=config)[0]
    assert score_checkpoint(model, data=write_config_data(config)).scores
    assert 'thresholds' not in load_safely(model)


def write_config_data(config):
    """Return the parquet file that a config names."""
    from mmengine.config import Config

    return Config.fromfile(config).test_dataloader.dataset.data


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'formats': ['onnx']}, r"--format must be of .*, got \['onnx'\]"),
        ({'formats': []}, r'--format must be of .*, got \[\]'),
        ({'split': 'val'}, '--split is of --data, which is not given'),
        ({'name': '../x'}, '--name is the beginning of a file name.*got .../x'),
        ({'checkpoint': 'gone.pth'}, 'gone.pth: no such checkpoint'),
    ],
)
def test_wrong_settings(settings, message, make_member, own_data, tmp_path):
    given = {'checkpoint': make_member(own_data), 'out_dir': tmp_path / 'out'}
    with pytest.raises(ConfigError, match=message):
        publish_model(**{**given, **settings})
    assert not (tmp_path / 'out').exists()


def test_the_original_is_imported_first(tmp_path):
    torch.save({'model_state': {}}, tmp_path / 'a.pt')
    with pytest.raises(ConfigError, match='import it first with .*import_original.py'):
        publish_model(tmp_path / 'a.pt', tmp_path / 'out')
