import json
import sys

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ocec.apis import compare_datasets as module
from ocec.apis.compare_datasets import compare_datasets
from ocec.apis.compute_mean_std import compute_mean_std

SETTINGS = dict(image_size=(16, 32), jobs=1)


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch):
    monkeypatch.setattr(module, 'NUM_CHANCE_DRAWS', 3)


@pytest.fixture
def make_changed(make_eye_parquet):
    """Return a factory of copies of a file with changed pictures."""

    def make(change, **settings):
        path = make_eye_parquet(**settings)
        table = pq.read_table(path)
        pictures = []
        for data in table.column('image_bytes').to_pylist():
            image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
            pictures.append(cv2.imencode('.png', change(image))[1].tobytes())
        index = table.schema.get_field_index('image_bytes')
        column = pa.array(pictures)
        pq.write_table(table.set_column(index, 'image_bytes', column), path)
        return path

    return make


def test_other_camera_is_found_and_named(make_eye_parquet, make_changed, capsys):
    first = make_eye_parquet(num_rows=48, seed=1)
    blurred = make_changed(
        lambda image: cv2.GaussianBlur(image, (7, 7), 2), num_rows=48, seed=2
    )
    report = compare_datasets(first, blurred, **SETTINGS)
    assert report.classifiers['pixels']['auc'] > 0.95
    assert report.headline.startswith('ANOTHER DOMAIN: domain classifier AUC ')
    assert 'most by sharpness (1.00, higher in A)' in report.headline
    assert report.statistics[0]['statistic'] == 'sharpness'
    output = capsys.readouterr().out
    assert output.startswith(report.headline)
    assert 'An AUC of 0.5 means' in output
    assert f'A: {first}: 48 pictures, 12 groups' in output


def test_quiet(make_eye_parquet, capsys):
    path = make_eye_parquet(num_rows=40)
    compare_datasets(path, path, quiet=True, **SETTINGS)
    assert capsys.readouterr().out == ''


def test_draws_of_one_kind_are_alike(make_eye_parquet):
    paths = [make_eye_parquet(num_rows=80, seed=seed, group=None) for seed in (1, 2)]
    report = compare_datasets(*paths, **SETTINGS)
    assert report.classifiers['pixels']['auc'] < 0.75
    assert report.classifiers['pixels']['chance'] is None
    assert any('without a known group stand alone' in note for note in report.notes)


def test_splits_of_one_file(make_eye_parquet):
    path = make_eye_parquet(num_rows=80)
    report = compare_datasets(path, path, split_a='train', split_b='val', **SETTINGS)
    assert [report.sets[which]['rows'] for which in 'AB'] == [40, 20]
    assert [report.sets[which]['groups'] for which in 'AB'] == [10, 5]
    low, high = report.classifiers['pixels']['chance']
    assert 0 <= low <= high <= 1
    assert any(note.startswith('Chance: the groups dealt') for note in report.notes)


def test_normalisation_is_that_of_compute_mean_std(make_eye_parquet):
    path = make_eye_parquet(num_rows=40)
    report = compare_datasets(path, path, split_b='train', **SETTINGS)
    [expected, _] = compute_mean_std([path], image_size=(16, 32))
    np.testing.assert_allclose(report.sets['B']['mean'], expected.mean, rtol=1e-5)
    np.testing.assert_allclose(report.sets['B']['std'], expected.std, rtol=1e-4)


def test_group_in_both_sets_is_held_out_from_both(make_eye_parquet):
    # the same file twice: subjects of one name are the same, and nothing is to be told
    path = make_eye_parquet(num_rows=40)
    report = compare_datasets(path, path, **SETTINGS)
    assert report.classifiers['pixels']['auc'] < 0.6
    assert any('A and B share 10 groups' in note for note in report.notes)
    for found in report.statistics:
        assert found['auc'] == pytest.approx(0.5)


def test_label_shift(make_eye_parquet):
    first = make_eye_parquet(num_rows=40)
    second = make_eye_parquet(
        num_rows=40, class_id=[0] * 30 + [1] * 10, label=['closed'] * 30 + ['open'] * 10
    )
    labels = compare_datasets(first, second, **SETTINGS).labels
    assert (labels['A']['open_share'], labels['B']['open_share']) == (0.5, 0.25)
    assert labels['log_odds_shift'] == pytest.approx(np.log(1 / 3))


def test_json_holds_all_numbers(make_eye_parquet, tmp_path, capsys):
    path = make_eye_parquet(num_rows=40)
    out = tmp_path / 'new' / 'drift.json'
    report = compare_datasets(path, path, json_file=out, max_rows=30, **SETTINGS)
    content = json.loads(out.read_text())
    assert content['headline'] == report.headline
    assert content['sets']['A'] | {'measured': 30, 'rows': 40} == content['sets']['A']
    assert set(content['classifiers']) == {'pixels', 'gray', 'files'}
    assert len(content['histograms']) == len(content['statistics']) == 13
    assert 'A: a random 30 of 40 rows.' in content['notes']
    assert capsys.readouterr().out.endswith(f'written: {out}\n')


def test_unreadable_rows_are_told(make_eye_parquet):
    path = make_eye_parquet(num_rows=40)
    table = pq.read_table(path)
    pictures = table.column('image_bytes').to_pylist()
    index = table.schema.get_field_index('image_bytes')
    column = pa.array([b'none', *pictures[1:]])
    pq.write_table(table.set_column(index, 'image_bytes', column), path)
    report = compare_datasets(path, path, **SETTINGS)
    assert report.sets['A']['unreadable'] == 1
    assert any('A: 1 rows could not be read, as' in note for note in report.notes)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(max_rows=0), 'max_rows must be >= 1, got 0'),
        (dict(image_size=(0, 8)), 'image_size must be'),
        (dict(split_a='test', split_b='dev'), "split must be one of .* got 'dev'"),
        (dict(jobs=0), 'jobs must be >= 1, got 0'),
    ],
)
def test_wrong_arguments(make_eye_parquet, settings, message):
    path = make_eye_parquet(num_rows=40)
    with pytest.raises(ValueError, match=message):
        compare_datasets(path, path, **SETTINGS | settings)


def test_missing_package_is_named(make_eye_parquet, monkeypatch):
    monkeypatch.setitem(sys.modules, 'sklearn.ensemble', None)
    path = make_eye_parquet(num_rows=40)
    with pytest.raises(ImportError, match='needs scikit-learn: pip install'):
        compare_datasets(path, path, **SETTINGS)
