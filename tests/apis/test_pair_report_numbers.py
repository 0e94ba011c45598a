import json
from types import SimpleNamespace

import numpy as np
import pytest

from ocec.apis.errors import ConfigError
from ocec.apis.measure_models import MeasuredModel, ModelRow
from ocec.apis.pair_report_numbers import (
    accuracy_by_difference,
    accuracy_by_occlusion,
    choose_model,
    compare_with_targets,
    confusion_of,
    find_errors,
    read_ensemble,
)
from ocec.datasets.pair_npz import PairNpz


@pytest.fixture
def scored(make_pair_folder):
    """Scores of the test pairs: every third decision is wrong."""
    dataset = PairNpz(make_pair_folder((16, 16, 16, 60)), 'test')
    label_N = dataset.labels.astype(np.int64)
    right_N = np.arange(60) % 3 > 0
    sure_N = 0.5 + np.arange(1, 61) / 200  # the later, the more confident
    prob_N = np.where(right_N == (label_N == 1), sure_N, 1 - sure_N)
    scores = {
        'prob_B': prob_N,
        'label_B': label_N,
        'sample_id_B': np.arange(60),
        'group_id_B': dataset.group_ids.astype(np.int64),
    }
    return SimpleNamespace(scores=scores, dataset=dataset)


def test_confusion_has_a_third_of_errors(scored):
    counts = confusion_of(scored)
    assert counts.fp + counts.fn == 20
    label_N = scored.scores['label_B']
    assert counts.fp == (label_N[::3] == 0).sum()


def test_accuracy_by_occlusion_is_that_of_the_worse_side(scored):
    bins = accuracy_by_occlusion(scored)
    assert sum(found.rows for found in bins) == 60
    arrays = np.load(scored.dataset.table.file)
    for found in bins:
        inside = [
            row
            for row in range(60)
            if found.first <= max(arrays['occluded'][row]) < found.end
        ]
        assert found.rows == len(inside)
        if inside:
            right = sum(row % 3 > 0 for row in inside)
            assert found.accuracy == pytest.approx(right / len(inside))


def test_accuracy_by_difference(scored):
    bins = accuracy_by_difference(scored)
    assert [found.first for found in bins] == list(range(1, 10))
    digits = np.load(scored.dataset.table.file)['digit'].astype(int)
    adjacent = [row for row in range(60) if abs(digits[row][0] - digits[row][1]) == 1]
    assert bins[0].rows == len(adjacent)
    right = sum(row % 3 > 0 for row in adjacent)
    assert bins[0].accuracy == pytest.approx(right / len(adjacent))


def test_foreign_pairs_have_no_bins_and_no_digits(scored, tmp_path):
    arrays = np.load(scored.dataset.table.file)
    np.savez(tmp_path / 'foreign.npz', x=arrays['x'], y=arrays['y'])
    foreign = PairNpz(tmp_path / 'foreign.npz', 'test')
    scored = SimpleNamespace(scores=scored.scores, dataset=foreign)
    assert accuracy_by_occlusion(scored) == []
    assert accuracy_by_difference(scored) == []
    [error] = find_errors(scored, 1)
    assert (error.left, error.right, error.difference) == (None, None, None)
    assert np.isnan(error.occluded)


def test_errors_are_the_most_confident_ones_with_their_pixels(scored):
    errors = find_errors(scored, 3)
    arrays = np.load(scored.dataset.table.file)
    assert [error.name for error in errors] == arrays['id'][[57, 54, 51]].tolist()
    assert np.array_equal(errors[0].x_HW, arrays['x'][57])
    assert (errors[0].left, errors[0].right) == tuple(arrays['digit'][57])
    assert errors[0].label == arrays['y'][57]
    assert errors[0].prob == scored.scores['prob_B'][57]
    assert errors[0].occluded == pytest.approx(arrays['occluded'][57].max())
    assert len(find_errors(scored, 99)) == 20


def model(name, val, scored):
    row = ModelRow(name, '', '', val_accuracy=val, problem=None if scored else 'broken')
    return MeasuredModel(row, scored)


def test_the_model_is_chosen_on_val(scored):
    models = [
        model('s/a', 0.7, scored),
        model('s/b', 0.8, scored),
        model('c', 0.9, None),
    ]
    assert choose_model(models, None).row.name == 's/b'
    assert choose_model(models, 'a').row.name == 's/a'
    assert choose_model(models, 's/a').row.name == 's/a'
    with pytest.raises(ConfigError, match='--model c: no such model was measured. The'):
        choose_model(models, 'c')
    with pytest.raises(ConfigError, match='no model could be measured:\n  c: broken'):
        choose_model(models[2:], None)


def numbers(accuracy, **changes):
    values = {
        'accuracy': accuracy,
        'low': 0.8,
        'high': 0.9,
        'gain': 0.0,
        'p_value': 1.0,
    }
    return values | changes


def write_stack(path, *, test=True):
    content = {
        'final': 'mean',
        'members': [{'name': 'a', 'stack': numbers(0.81), 'test': numbers(0.83)}],
        'methods': [
            {'name': 'mean', 'stack_out_of_fold': numbers(0.84), 'test': numbers(0.82)},
            {
                'name': 'lightgbm',
                'stack_out_of_fold': numbers(0.86, low=None),
                'test': numbers(0.85),
            },
        ],
        'data': {'stack': {'fingerprint': {'sha256': 's'}}},
    }
    if test:
        content['data']['test'] = {'fingerprint': {'sha256': 't'}}
    path.write_text(json.dumps(content))


def test_an_ensemble_is_told_on_the_test(tmp_path):
    write_stack(tmp_path / 'stack.json')
    ensemble = read_ensemble(tmp_path / 'stack.json')
    names = [(one.name, one.kind, one.accuracy) for one in ensemble.contenders]
    assert names == [
        ('lightgbm', 'method', 0.85),
        ('a', 'member', 0.83),
        ('mean', 'method', 0.82),
    ]
    assert ensemble.final.name == 'mean'
    assert (ensemble.split, ensemble.sha256) == ('test', 't')


def test_an_ensemble_without_a_test_is_told_out_of_fold(tmp_path):
    write_stack(tmp_path / 'stack.json', test=False)
    ensemble = read_ensemble(tmp_path / 'stack.json')
    assert ensemble.split == 'stack, out of fold'
    assert [one.accuracy for one in ensemble.contenders] == [0.86, 0.84, 0.81]
    assert np.isnan(ensemble.contenders[0].low)


@pytest.mark.parametrize('text', ['{', '{}', '[]', '{"data": {}, "members": []}'])
def test_what_is_no_stacking(tmp_path, text):
    path = tmp_path / 'stack.json'
    path.write_text(text)
    with pytest.raises(ConfigError, match='--stack .*stack.json: no record of a stack'):
        read_ensemble(path)


def test_targets_stand_beside_what_was_reached(tmp_path):
    write_stack(tmp_path / 'stack.json')
    rows = [
        ModelRow('a', 'stage1', '', val_accuracy=0.84, accuracy=0.83),
        ModelRow('b', 'stage1', '', val_accuracy=0.86, accuracy=0.82),
        ModelRow('c', 'stage2', '', problem='broken'),
    ]
    found = compare_with_targets(rows, read_ensemble(tmp_path / 'stack.json'))
    by_stage = {row.pop('stage'): row for row in found}
    assert by_stage['stage1'] == {'target': 0.85, 'val': 0.86, 'test': 0.83}
    assert by_stage['stage2'] == {'target': 0.88, 'val': None, 'test': None}
    assert by_stage['stage4'] == {'target': 0.9, 'val': None, 'test': 0.82}
    assert compare_with_targets([], None)[3]['test'] is None
