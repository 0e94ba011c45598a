import json
from dataclasses import asdict

import numpy as np
import pytest
import torch

from ocec.apis import compare_datasets, drift_report_embeddings
from ocec.apis.command import run_command
from ocec.apis.drift_report import drift_report, measure_drift
from ocec.apis.errors import ConfigError
from ocec.engine.checkpoint_io import save_atomically


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch):
    for module in (compare_datasets, drift_report_embeddings):
        monkeypatch.setattr(module, 'NUM_CHANCE_DRAWS', 2)


@pytest.fixture
def report(make_member, own_data, unseen_data, tmp_path):
    """Return a function that makes a report of drawn eyes."""
    checkpoint = make_member(own_data)

    def make(b=unseen_data, **settings):
        settings = {'out': tmp_path / 'new' / 'drift.html', 'jobs': 1, **settings}
        return drift_report(own_data, b, checkpoint, **settings)

    make.checkpoint, make.a = checkpoint, own_data
    return make


def test_same_scores_have_no_loss(make_scored_rows):
    a, b = make_scored_rows(2000, groups=200), make_scored_rows(2000, seed=1)
    found, _ = measure_drift(a, b, 0.5)
    assert found['conclusion'].verdict in ('WORKS AS IT IS', 'NO LOSS SHOWN')
    assert abs(found['gaps']['auc']['value']) < 0.01


def test_shift_of_the_scores_asks_for_a_threshold(make_scored_rows):
    a, b = make_scored_rows(2000, groups=200), make_scored_rows(2000, seed=1, shift=5)
    found, _ = measure_drift(a, b, 0.5)
    assert found['conclusion'].verdict == 'MOVE THE THRESHOLD'
    # the features separate as before; only the threshold is off
    assert found['gaps']['f1']['low'] > 0
    assert abs(found['gaps']['auc']['value']) < 0.01
    best = found['own_threshold']['best']['threshold']
    assert best == pytest.approx(1 / (1 + np.exp(-5)), abs=0.02)
    assert found['calibration']['B']['fitted']['bias'] == pytest.approx(-5, abs=1)
    rises = [found['sets'][which]['called_open']['value'] for which in 'AB']
    assert rises[1] > rises[0] + 0.02


def test_head_that_reads_wrongly_asks_for_a_new_one(make_scored_rows):
    a, b = make_scored_rows(2000, groups=200), make_scored_rows(2000, seed=1)
    rng = np.random.default_rng(0)
    lost_N = rng.random(2000) < 0.3
    # a third of the scores is noise, the embeddings are as good as ever
    b.prob_N[lost_N] = rng.random(lost_N.sum())
    found, _ = measure_drift(a, b, 0.5)
    assert found['conclusion'].verdict == 'FINE-TUNE THE HEAD'
    assert found['gaps']['auc']['low'] > 0


def test_features_that_are_gone_ask_for_all(make_scored_rows):
    a, b = make_scored_rows(2000, groups=200), make_scored_rows(2000, seed=1)
    # the same third has lost its embeddings too
    rng = np.random.default_rng(0)
    lost_N = rng.random(2000) < 0.3
    b.prob_N[lost_N] = rng.random(lost_N.sum())
    b.embedding_ND[lost_N] = rng.normal(size=(lost_N.sum(), 6))
    found, _ = measure_drift(a, b, 0.5)
    assert found['conclusion'].verdict == 'FINE-TUNE ALL'


def test_other_share_of_open_eyes_is_no_loss(make_scored_rows):
    a = make_scored_rows(2000, groups=200, shift=1)
    b = make_scored_rows(2000, seed=1, shift=1, open_share=0.2)
    found, _ = measure_drift(a, b, 0.5)
    metrics = found['metrics']
    # F1 falls with the share alone
    assert metrics['B']['f1']['value'] < metrics['A']['f1']['value'] - 0.02
    assert abs(found['gaps']['f1']['value']) < 0.02
    assert found['gaps']['f1']['low'] < 0 < found['gaps']['f1']['high']


def test_flipped_labels_of_a_group_are_found(make_scored_rows):
    a, b = make_scored_rows(), make_scored_rows(seed=1, flipped=3)
    found, _ = measure_drift(a, b, 0.5)
    first = found['groups']['rows'][0]
    assert (first['value'], first['flag']) == ('g3', 'clearly above')


def test_one_group_or_class_of_b_cannot_be_told(make_scored_rows):
    a = make_scored_rows()
    one_group, _ = measure_drift(a, make_scored_rows(groups=1), 0.5)
    part = make_scored_rows(seed=1)
    one_class, _ = measure_drift(a, part.take(part.label_N == 1), 0.5)
    for found in (one_group, one_class):
        assert found['conclusion'].verdict == 'CANNOT TELL'
        assert found['own_threshold'] is found['head'] is None


def test_head_that_cannot_be_learned_is_not_measured(make_scored_rows):
    # 98 open, 2 closed: to call all open would win against scores that lie too low
    b = make_scored_rows(100, groups=20, seed=1, open_share=0.98, shift=-4)
    found, _ = measure_drift(make_scored_rows(), b, 0.5)
    assert found['head'] is found['gaps']['f1_head'] is None
    assert found['own_threshold'] is not None


def test_few_rows_without_an_error_do_not_say_that_it_works(make_scored_rows):
    b = make_scored_rows(20, groups=0, seed=1)
    b.label_N[:] = np.arange(20) % 2
    b.prob_N[:] = np.where(b.label_N == 1, 0.99, 0.01)
    found, _ = measure_drift(make_scored_rows(2000, groups=200), b, 0.5)
    assert found['metrics']['B']['f1']['value'] == 1
    assert found['conclusion'].verdict == 'NO LOSS SHOWN'


def test_model_without_embeddings(make_scored_rows):
    a, b = make_scored_rows(), make_scored_rows(seed=1)
    for part in (a, b):
        object.__setattr__(part, 'embedding_ND', None)
    found, outlier_M = measure_drift(a, b, 0.5)
    assert found['embeddings'] is found['head'] is outlier_M is None


def test_report_of_a_checkpoint(report, tmp_path, unseen_data, capsys):
    out, numbers = tmp_path / 'new' / 'drift.html', tmp_path / 'other' / 'drift.json'
    found = report(json_file=numbers)
    text = capsys.readouterr().out
    assert found.conclusion.verdict in text
    assert text.endswith(f'written: {numbers}\nwritten: {out}\n')
    assert json.loads(numbers.read_text()) == json.loads(json.dumps(asdict(found)))
    assert (found.threshold, found.data.image_size) == (0.5, (32, 64))
    assert [found.sets[which]['rows'] for which in 'AB'] == [16, 80]
    assert '<title>Drift from A to B</title>' in out.read_text()


def test_stored_threshold_is_used(report, tmp_path):
    content = torch.load(report.checkpoint, weights_only=True)
    content['thresholds'] = {'best_f1': 0.25, 'split': 'val'}
    save_atomically(content, report.checkpoint)
    found = report()
    assert found.threshold == 0.25
    assert found.threshold_origin.startswith('best_f1, chosen on val and stored')
    assert report(threshold='0.75').threshold == 0.75


def test_b_without_labels(report, make_eye_parquet, capsys):
    bare = make_eye_parquet(
        num_rows=32, seed=5, class_id=None, label=pa_nulls(32), split=['val'] * 32
    )
    found = report(bare)
    assert found.conclusion.verdict.startswith('NO LABELS, ')
    assert found.metrics['B'] is found.gaps is found.groups is None
    assert 'nothing can be said of F1' in capsys.readouterr().out


def pa_nulls(num):
    import pyarrow as pa

    return pa.nulls(num, pa.string())


def test_b_of_one_group(report, make_eye_parquet):
    alone = make_eye_parquet(num_rows=16, seed=5, splits={'val': 1}, groups=1)
    found = report(alone)
    assert found.conclusion.verdict == 'CANNOT TELL'
    assert found.data is None


def test_a_given_twice(report):
    found = report(report.a)
    assert found.gaps['accuracy']['value'] == found.gaps['auc']['value'] == 0
    assert any(note.startswith('16 rows are in A and in B') for note in found.notes)
    assert 'CLEAR' not in found.data.headline


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(split_a='dev'), "split must be one of .*'all'.* got 'dev'"),
        (dict(max_rows=0), 'max_rows must be >= 1, got 0'),
        (dict(threshold='1.5'), r'threshold must be in \[0, 1\]'),
        (dict(threshold='best_f1'), 'the checkpoint holds no threshold best_f1'),
    ],
)
def test_wrong_arguments(report, settings, message):
    with pytest.raises(ConfigError, match=message):
        report(**settings)


def test_exit_codes(report, tmp_path, capsys):
    common = dict(a=report.a, b=report.a, checkpoint=report.checkpoint)
    assert run_command(drift_report, **common, max_rows=0) == 2
    gone = {**common, 'b': tmp_path / 'gone.parquet'}
    assert run_command(drift_report, **gone) == 1
    assert 'gone.parquet: no such parquet file' in capsys.readouterr().err


def test_empty_split_of_b(report, make_eye_parquet):
    other = make_eye_parquet(num_rows=8, split=['train'] * 8)
    with pytest.raises(ValueError, match='no row in split "val"; rows by split'):
        report(other)


def test_a_needs_labels_of_both_classes(report, make_eye_parquet):
    closed = make_eye_parquet(
        num_rows=8, split=['val'] * 8, class_id=[0] * 8, label=['closed'] * 8
    )
    with pytest.raises(ValueError, match=r'^A, .*got labels of 1 classes'):
        drift_report(closed, report.a, report.checkpoint)


def test_checkpoint_of_another_task(make_pair_run, make_pair_folder, report):
    run = make_pair_run(make_pair_folder())
    message = r'best.pth holds a PairClassifier, which is no classifier of eyes: name'
    with pytest.raises(ConfigError, match=message):
        drift_report(report.a, report.a, run / 'best.pth')
