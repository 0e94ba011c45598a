from types import SimpleNamespace

import numpy as np
import pytest

from ocec.apis import compare_datasets, drift_report_embeddings
from ocec.apis.drift_report import drift_report, measure_drift
from ocec.apis.drift_report_page import choose_crops


@pytest.fixture
def make_page(make_member, own_data, tmp_path, monkeypatch, open_page):
    """Return a factory of reports, opened in the browser."""
    for module in (compare_datasets, drift_report_embeddings):
        monkeypatch.setattr(module, 'NUM_CHANCE_DRAWS', 2)
    checkpoint, out = make_member(own_data), tmp_path / 'drift.html'

    def make(b, **settings):
        report = drift_report(own_data, b, checkpoint, out=out, jobs=1, **settings)
        return report, open_page(out)

    return make


def all_pictures_loaded(page):
    script = 'all => all.every(x => x.complete && x.naturalWidth > 0)'
    return page.locator('img').evaluate_all(script)


def test_page_in_the_browser(make_page, unseen_data):
    report, page = make_page(unseen_data)
    assert page.locator('#verdict').inner_text() == report.conclusion.verdict
    rows = page.locator('#rules tr').all_inner_texts()[1:]
    assert [row.split('\t')[-1] for row in rows] == [
        rule.answer for rule in report.conclusion.rules
    ]
    first = page.locator('#metrics tr').all_inner_texts()[1].split('\t')
    value = report.metrics['B']['f1']['value']
    assert first[0] == 'F1'
    assert first[2].startswith(f'{value:.3f} (')
    assert page.locator('#groups tr').count() == 1 + len(report.groups['rows'])
    for name in ('calibration', 'embeddings', 'shift', 'statistics'):
        assert page.locator(f'#{name}').count() == 1
    assert page.locator('img[alt="embeddings of A and B"]').count() == 1
    assert all_pictures_loaded(page)


def test_page_without_labels_of_b(make_page, make_eye_parquet):
    b = make_eye_parquet(
        num_rows=32, seed=5, class_id=[None] * 32, label=['?'] * 32, split=['val'] * 32
    )
    _, page = make_page(b)
    assert page.locator('#verdict').inner_text().startswith('NO LABELS, ')
    assert page.locator('#groups').count() == page.locator('#shift').count() == 0
    assert page.locator('h3').all_inner_texts() == [
        "B: farthest from A's classes, by embedding"
    ]
    assert all_pictures_loaded(page)


def test_page_of_one_group(make_page, make_eye_parquet):
    b = make_eye_parquet(num_rows=16, seed=5, splits={'val': 1}, groups=1)
    _, page = make_page(b)
    assert page.locator('#verdict').inner_text() == 'CANNOT TELL'
    text = page.locator('body').inner_text()
    assert 'The pictures of A and B are not compared' in text


def test_crops_of_failing_groups(make_scored_rows):
    a, b = make_scored_rows(), make_scored_rows(seed=1, flipped=3)
    # the first row has no label: places among labelled rows are not those of B
    b.label_N[0] = -1
    numbers, outlier_M = measure_drift(a, b, 0.5)
    report = SimpleNamespace(groups=numbers['groups'], threshold=0.5)
    chosen = choose_crops(report, b, outlier_M)
    assert list(chosen) == [
        'worst false alarms',
        'worst missed',
        'errors of group g3',
        "farthest from A's classes, by embedding",
    ]
    is_wrong_N = (b.prob_N >= 0.5) != (b.label_N == 1)
    for title in list(chosen)[:3]:
        assert is_wrong_N[chosen[title]].all()
    assert (b.group_N[chosen['errors of group g3']] == 3).all()
    worst = chosen['worst false alarms'][0]
    assert b.prob_N[worst] == b.prob_N[(b.label_N == 0)].max()
    farthest = chosen["farthest from A's classes, by embedding"]
    assert farthest[0] == np.argmax(outlier_M)
