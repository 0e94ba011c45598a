"""Expected numbers: each model on the line, scored on its own."""

import json

import pytest
import torch

from ocec.apis.average_weights import AveragePoint, average_weights, curve_text
from ocec.apis.errors import ConfigError
from ocec.apis.score_checkpoint import score_checkpoint
from ocec.engine.checkpoint_io import save_atomically
from ocec.functional.classification import confusion_counts, f1_score


@pytest.fixture
def setup(make_member, make_eye_parquet):
    """Two models and the data of each."""
    data_a, data_b = make_eye_parquet(num_rows=48), make_eye_parquet(seed=3)
    a, b = (make_member(data_a, seed=seed) for seed in (0, 1))
    return {'checkpoint_a': a, 'checkpoint_b': b, 'data_a': data_a, 'data_b': data_b}


def f1_of(checkpoint, data):
    scores = score_checkpoint(checkpoint, data=data, split='val').scores
    return f1_score(
        confusion_counts(scores['prob_B'], scores['label_B'], threshold=0.5)
    )


def state_of(checkpoint):
    return torch.load(checkpoint, weights_only=True)['state_dict']


def test_curve_and_checkpoint(setup, tmp_path, capsys):
    out = tmp_path / 'out'
    points = average_weights(**setup, out_dir=out, alphas=[0.5], weight_b=1.0)
    assert [point.alpha for point in points] == [0, 0.5, 1]
    for point, name in ((points[0], 'checkpoint_a'), (points[2], 'checkpoint_b')):
        assert point.a['f1'] == f1_of(setup[name], setup['data_a'])
        assert point.b['f1'] == f1_of(setup[name], setup['data_b'])
    content = json.loads((out / 'curve.json').read_text())
    chosen = content['chosen']
    best = max(points, key=lambda point: (point.b['f1'], -point.alpha))
    assert chosen['alpha'] == best.alpha
    assert [p['b']['f1'] for p in content['points']] == [p.b['f1'] for p in points]
    # what is written scores what was chosen
    assert f1_of(out / 'averaged.pth', setup['data_b']) == best.b['f1']
    a, b, found = map(
        state_of, (setup['checkpoint_a'], setup['checkpoint_b'], out / 'averaged.pth')
    )
    for name, value in found.items():
        if value.is_floating_point():
            expected = (1 - best.alpha) * a[name] + best.alpha * b[name]
            torch.testing.assert_close(value, expected)
    meta = torch.load(out / 'averaged.pth', weights_only=True)['meta']
    assert meta['average']['alpha'] == best.alpha
    assert meta['average']['a']['file'] == str(setup['checkpoint_a'])
    assert (out / 'curve.png').stat().st_size > 10_000
    assert (out / 'curve.txt').read_text() in capsys.readouterr().out


def test_what_keeps_a_is_chosen(setup, tmp_path):
    points = average_weights(**setup, out_dir=tmp_path, alphas=[0.3, 0.7], keep_a=0.0)
    chosen = json.loads((tmp_path / 'curve.json').read_text())['chosen']
    kept = [p for p in points if p.a['f1'] >= points[0].a['f1']]
    assert chosen['a']['f1'] >= points[0].a['f1']
    assert chosen['b']['f1'] == max(p.b['f1'] for p in kept)


def test_batch_norms_measured_anew(setup, tmp_path):
    settings = {'alphas': [0.5], 'weight_b': 0.5}
    plain, anew = (
        average_weights(**setup, **settings, out_dir=tmp_path / name, batch_norm=name)
        for name in ('interpolate', 'reestimate')
    )
    # A and B stay as they were trained
    assert (plain[0], plain[2]) == (anew[0], anew[2])
    assert plain[1].b['loss'] != anew[1].b['loss']


def test_table():
    a, b, half = (
        dict.fromkeys(('f1', 'auc', 'accuracy', 'loss'), x) for x in (0.9, 0.6, None)
    )
    points = [AveragePoint(0.0, a, b), AveragePoint(1.0, b, half)]
    lines = curve_text(points, points[1], 'so').splitlines()
    assert lines[0] == 'alpha          f1 A       auc A  accuracy A      loss A' + (
        '        f1 B       auc B  accuracy B      loss B'
    )
    assert lines[1].split() == ['0', *['0.9000'] * 4, *['0.6000'] * 4]
    assert lines[2].split() == ['1', *['0.6000'] * 4, *['undefined'] * 4, 'chosen']
    assert lines[3] == 'alpha 0 is A, 1 is B; chosen: so'


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'alphas': [0.5, 1.5]}, r'alphas must be in \[0, 1\], got 1.5'),
        ({'keep_a': -1}, 'keep_a must be >= 0, got -1'),
        (
            {'batch_norm': 'mean'},
            "must be one of .'interpolate', 'reestimate'., got me",
        ),
        ({'checkpoint_a': 'gone.pth'}, 'gone.pth: no such checkpoint'),
    ],
)
def test_wrong_settings(settings, message, tmp_path):
    given = {'checkpoint_a': 'a', 'checkpoint_b': 'b', 'data_a': 'a', 'data_b': 'b'}
    with pytest.raises(ConfigError, match=message):
        average_weights(**{**given, **settings}, out_dir=tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


def test_models_that_do_not_go_together(setup, make_member, tmp_path):
    text = 'model = dict(backbone=dict(num_blocks=3))'
    other = make_member(setup['data_a'], text)
    with pytest.raises(ConfigError, match='A and B are no models of one architecture'):
        average_weights(**{**setup, 'checkpoint_a': other}, out_dir=tmp_path)
    margins = (
        make_member(setup['data_a'], f"model['head'] = dict(margin=dict(type='{m}'))")
        for m in ('CosFace', 'ArcFace')
    )
    pair = dict(zip(('checkpoint_a', 'checkpoint_b'), margins, strict=True))
    with pytest.raises(ConfigError, match='the margin CosFace, B with ArcFace: their'):
        average_weights(**setup | pair, out_dir=tmp_path)
    content = torch.load(setup['checkpoint_b'], weights_only=True)
    content['state_dict']['data_preprocessor.std'] *= 2
    save_atomically(content, setup['checkpoint_b'])
    with pytest.raises(ConfigError, match='trained with other data_preprocessor.std'):
        average_weights(**setup, out_dir=tmp_path)
