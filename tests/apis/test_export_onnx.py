import json

import numpy as np
import onnx
import pytest

from ocec.apis import export_onnx as export_module
from ocec.apis.errors import ConfigError
from ocec.apis.export_onnx import export_onnx
from ocec.apis.score_checkpoint import score_checkpoint
from ocec.datasets.eye_parquet import EyeParquet
from ocec.export.onnx_classifier import OnnxClassifier
from ocec.export.onnx_metadata import read_metadata

FAST = {'exporter': 'torchscript', 'repeats': 2}


@pytest.fixture
def checkpoint(make_member, own_data):
    return make_member(own_data)


def test_fp32_says_what_the_test_says(checkpoint, own_data, capsys):
    result = export_onnx(checkpoint, **FAST)
    file = result.files['fp32']
    assert result.rejected == {}
    classifier = OnnxClassifier(file)
    dataset = EyeParquet(own_data, 'val', image_size=classifier.card.image_size)
    images = dataset.__getitems__(range(len(dataset)))['inputs'].numpy()
    scores = score_checkpoint(checkpoint, split='val').scores
    np.testing.assert_allclose(classifier.predict(images), scores['prob_B'], atol=1e-5)
    card = classifier.card
    assert (card.precision, card.parity, card.metrics['flips']) == ('fp32', 'passed', 0)
    assert (card.metrics['split'], card.data['split']) == ('val', 'val')
    assert card.threshold == 0.5
    assert file.parent == checkpoint.parent
    # nothing but the file, its comparison and the checkpoint
    names = {path.name for path in file.parent.iterdir()}
    stem = file.stem
    assert names == {
        f'{stem}.onnx',
        f'{stem}.parity.json',
        'best.pth',
        'best.pth.sha256',
    }
    out = capsys.readouterr().out
    assert f'fp32: {file} (passed)' in out
    assert [line.split()[:2] for line in out.splitlines() if line.startswith('fp32 ')]


def test_parity_file(checkpoint, tmp_path):
    result = export_onnx(checkpoint, out=tmp_path / 'eye.onnx', **FAST)
    assert result.parity == tmp_path / 'eye.parity.json'
    content = json.loads(result.parity.read_text())
    [entry] = content['files']
    assert (entry['file'], entry['verdict']) == ('eye.onnx', 'passed')
    assert entry['bytes'] == pytest.approx((tmp_path / 'eye.onnx').stat().st_size, 0.05)
    assert set(entry['agreement']) == set(entry['latency']) - {'torch'}
    assert entry['opencv']['problem'] is None
    numbers = entry['agreement']['opencv']
    assert numbers['max_gap'] < 1e-4
    assert numbers['num_images'] == content['num_images'] == 16


@pytest.mark.parametrize(
    'settings',
    [
        {'input': 'raw', 'embedding': True},
        {'input': 'raw', 'batch': 3},
        {'input': 'raw', 'dtype': 'float32'},
        {'normalize': 'outside'},
        {'dtype': 'uint8', 'batch': 2},
        {'opset': 16, 'input': 'raw'},
    ],
)
def test_every_kind_of_input_passes_the_gate(checkpoint, tmp_path, settings):
    export_onnx(checkpoint, out=tmp_path / 'eye', **settings, **FAST)
    card = read_metadata(tmp_path / 'eye.onnx')
    assert card.metrics['max_gap'] < 1e-4
    assert card.input == settings.get('input', 'resized')
    assert card.embedding == settings.get('embedding', False)


def test_several_precisions(checkpoint, tmp_path):
    out = tmp_path / 'new' / 'eye.onnx'
    result = export_onnx(
        checkpoint,
        out=out,
        precisions=('fp32', 'fp16', 'int8'),
        max_drop=1.0,
        **FAST,
    )
    assert [path.name for path in result.files.values()] == [
        'eye.onnx',
        'eye-fp16.onnx',
        'eye-int8.onnx',
    ]
    for precision, file in result.files.items():
        assert read_metadata(file).precision == precision
        onnx.checker.check_model(str(file), full_check=True)
    alone = export_onnx(checkpoint, out=out, precisions=('fp16',), **FAST)
    assert alone.files == {'fp16': out}
    assert read_metadata(out).precision == 'fp16'


def test_a_file_that_differs_does_not_get_its_name(
    checkpoint, tmp_path, monkeypatch, capsys
):
    out = tmp_path / 'eye.onnx'
    out.write_text('an older file')
    true_export = export_module.to_onnx

    def spoilt(graph, *args, **settings):
        graph.mean = graph.mean + 20  # as one who normalises in another way
        return true_export(graph, *args, **settings)

    monkeypatch.setattr(export_module, 'to_onnx', spoilt)
    with pytest.raises(ValueError, match=r'fp32: P\(open\) differs by .* > 0.0001'):
        export_onnx(checkpoint, out=out, **FAST)
    assert not out.exists()
    assert read_metadata(tmp_path / 'eye.onnx.rejected').parity == 'not checked'
    [entry] = json.loads((tmp_path / 'eye.parity.json').read_text())['files']
    assert entry['verdict'] == 'failed'
    assert 'max |dP|' in capsys.readouterr().out
    # a later success leaves nothing of it
    monkeypatch.undo()
    export_onnx(checkpoint, out=out, **FAST)
    assert not (tmp_path / 'eye.onnx.rejected').exists()


def test_without_data(checkpoint, own_data, tmp_path):
    own_data.unlink()
    with pytest.raises(ConfigError, match='or export without the comparison with --no'):
        export_onnx(checkpoint, out=tmp_path / 'eye.onnx', **FAST)
    older = tmp_path / 'eye.parity.json'
    older.write_text('of an older file')
    result = export_onnx(checkpoint, out=tmp_path / 'eye.onnx', parity=False, **FAST)
    assert result.parity is None
    assert not older.exists()
    card = read_metadata(result.files['fp32'])
    assert (card.parity, card.metrics, card.data) == ('not checked', None, None)


def test_a_folder_as_output(checkpoint, tmp_path):
    with pytest.raises(ConfigError, match='is a folder: name a file, as .*/eye.onnx'):
        export_onnx(checkpoint, out=tmp_path, **FAST)


def test_real_pictures_of_many_sizes(make_member, real_data, tmp_path):
    data = real_data / 'eyes' / 'mrl.parquet'
    checkpoint = make_member(data)
    export_onnx(
        checkpoint, out=tmp_path / 'eye.onnx', input='raw', max_images=150, **FAST
    )
    metrics = read_metadata(tmp_path / 'eye.onnx').metrics
    assert metrics['num_images'] == 150
    assert metrics['max_gap'] < 1e-5
