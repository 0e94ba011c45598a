import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ocec.apis.check_dataset_numbers import (
    count_rows,
    cue_values,
    predict_from_cues,
    size_histogram,
    summarise_cues,
)
from ocec.datasets.eye_table import read_eye_table
from ocec.preparation.check_pictures import PICTURE_DTYPE


@pytest.fixture
def table(make_eye_parquet):
    """32 rows train, 16 val, 16 test, labels by turns; row 0 has neither."""
    split = ['train'] * 32 + ['val'] * 16 + ['test'] * 16
    label = ['closed', 'open'] * 32
    split[0], label[0] = 'unknown', 'eye'
    group = [f's{row // 4}' for row in range(64)]
    group[40:44] = ['unknown'] * 4
    return read_eye_table(
        [make_eye_parquet(split=split, label=label, class_id=None, group=group)]
    )


@pytest.fixture
def facts():
    rng = np.random.default_rng(0)
    facts = np.zeros(64, PICTURE_DTYPE)
    facts['width'] = rng.integers(20, 90, 64)
    facts['height'] = rng.integers(10, 40, 64)
    facts['mean'] = rng.uniform(0, 255, 64)
    facts['contrast'] = rng.uniform(5, 60, 64)
    facts[[5, 40]] = 0  # unreadable
    return facts


def test_rows_are_counted_by_split(table):
    assert count_rows(table) == [
        {
            'split': 'train',
            'rows': 31,
            'closed': 15,
            'open': 16,
            'unlabelled': 0,
            'open_share': 16 / 31,
            'groups': 8,
            'rows_without_group': 0,
        },
        {
            'split': 'val',
            'rows': 16,
            'closed': 8,
            'open': 8,
            'unlabelled': 0,
            'open_share': 0.5,
            'groups': 3,
            'rows_without_group': 4,
        },
        {
            'split': 'test',
            'rows': 16,
            'closed': 8,
            'open': 8,
            'unlabelled': 0,
            'open_share': 0.5,
            'groups': 4,
            'rows_without_group': 0,
        },
        {
            'split': 'no split',
            'rows': 1,
            'closed': 0,
            'open': 0,
            'unlabelled': 1,
            'open_share': 0,
            'groups': 1,
            'rows_without_group': 0,
        },
    ]


def test_each_cue_has_its_auc_and_direction(table, facts):
    found = predict_from_cues(table, facts)
    usable_N = (facts['height'] > 0) & (np.arange(64) > 0)
    label = np.tile([0, 1], 32)[usable_N]
    assert {item['cue'] for item in found} == set(cue_values(facts))
    assert [item['auc'] for item in found] == sorted(
        (item['auc'] for item in found), reverse=True
    )
    for item in found:
        value = cue_values(facts)[item['cue']][usable_N]
        auc = roc_auc_score(label, value)  # scikit-learn 1.9
        assert item['auc'] == pytest.approx(max(auc, 1 - auc))
        assert item['larger'] == ('open' if auc >= 0.5 else 'closed')
    assert {item['larger'] for item in found} == {'open', 'closed'}


def test_a_filter_by_class_gives_itself_away(table, facts):
    facts['height'] = np.where(table.label_N == 1, 45, 28)
    found = predict_from_cues(table, facts)
    assert found[0] == {'cue': 'height', 'auc': 1.0, 'larger': 'open'}


def test_one_class_predicts_nothing(make_eye_parquet, facts):
    table = read_eye_table([make_eye_parquet(class_id=[1] * 64, label=None)])
    assert predict_from_cues(table, facts) == []


def test_spreads_are_numpys(table, facts):
    found = summarise_cues(table, facts)
    assert len(found) == 5 * 3 * 2  # cues, splits, classes; row 0 has no label
    [item] = [
        item
        for item in found
        if (item['cue'], item['split'], item['label']) == ('aspect', 'val', 'closed')
    ]
    rows = [row for row in range(32, 48, 2) if row != 40]
    value = facts['width'][rows] / facts['height'][rows].astype(float)
    assert item['rows'] == 7
    assert item['mean'] == pytest.approx(value.mean())
    assert item['std'] == pytest.approx(value.std())
    assert (item['min'], item['max']) == pytest.approx((value.min(), value.max()))
    assert item['q05'] == pytest.approx(np.quantile(value, 0.05))
    assert item['median'] == pytest.approx(np.median(value))


def test_histograms_hold_every_readable_picture(table, facts):
    facts['width'][7] = 4000  # one large picture must not squeeze the others
    sizes = size_histogram(table, facts)
    edges = sizes['width']['edges']
    assert len(edges) <= 14
    assert edges[-1] == 4001
    assert len(set(np.diff(edges[:-1]))) == 1
    for name in ('width', 'height'):
        bins = sizes[name]
        assert sum(bins['closed']) == 31 - 1  # row 40 is unreadable, row 0 no eye
        assert sum(bins['open']) == 32 - 1
        for number, (low, high) in enumerate(
            zip(bins['edges'], bins['edges'][1:], strict=False)
        ):
            inside = (facts[name] >= low) & (facts[name] < high)
            inside &= facts['height'] > 0
            assert bins['open'][number] == (inside & (table.label_N == 1)).sum()


def test_sizes_all_alike_are_one_bin(table, facts):
    facts['width'][facts['height'] > 0] = 64
    sizes = size_histogram(table, facts)
    assert sizes['width'] == {'edges': [64, 65], 'closed': [30], 'open': [31]}


def test_no_readable_picture_has_an_empty_histogram(table):
    sizes = size_histogram(table, np.zeros(64, PICTURE_DTYPE))
    assert sizes['height'] == {'edges': [0, 1], 'closed': [0], 'open': [0]}
