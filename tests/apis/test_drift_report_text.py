import pytest

from ocec.apis import compare_datasets, drift_report_embeddings
from ocec.apis.drift_report import drift_report
from ocec.apis.drift_report_text import format_summary


@pytest.fixture
def make_report(make_member, own_data, tmp_path, monkeypatch):
    """Return a factory of reports on drawn eyes with random weights."""
    for module in (compare_datasets, drift_report_embeddings):
        monkeypatch.setattr(module, 'NUM_CHANCE_DRAWS', 2)
    checkpoint = make_member(own_data)

    def make(b, **settings):
        settings = {'out': tmp_path / 'drift.html', 'jobs': 1, **settings}
        return drift_report(own_data, b, checkpoint, **settings)

    return make


def test_summary_has_every_part(make_report, unseen_data):
    report = make_report(unseen_data)
    lines = format_summary(report).splitlines()
    assert lines[0] == report.conclusion.verdict
    for start in (
        '  At A',
        'threshold 0.5: that of the metric of the config',
        f'B: {unseen_data} [val]: 80 rows, 80 labelled, 20 groups; called open ',
        'f1        ',
        'auc       ',
        'B at its own threshold: F1 ',
        'B with a new last layer: F1 ',
        'calibration error A ',
        'embeddings: Fisher ratio A ',
        'pictures: ',
        'errors on B: ',
        'A: if checkpoint and threshold were chosen on this split',
        'A: 4 groups are few: its intervals are too narrow.',
    ):
        assert any(line.startswith(start) for line in lines), start


def test_notes_of_what_limits_the_result(make_report, make_eye_parquet):
    b = make_eye_parquet(
        num_rows=40,
        seed=5,
        class_id=None,
        label=['open'] * 29 + [None] + ['closed'] * 10,
        group=None,
    )
    notes = '\n'.join(make_report(b, split_a='train', split_b='all').notes)
    assert 'A: the model may have been trained on these rows' in notes
    assert 'B: 1 rows have no label; metrics, calibration and errors' in notes
    assert 'B: no group is known, so every row counts as independent' in notes
    assert 'and what is learned on B looks too good.' in notes
    assert 'The share of open eyes is 50.0% in A and 74.4% in B.' in notes


def test_few_rows_of_no_group_are_noted(make_report, make_eye_parquet):
    b = make_eye_parquet(num_rows=12, seed=5, split=['val'] * 12, group=None)
    notes = '\n'.join(make_report(b).notes)
    assert 'B: 12 rows are few: its intervals are too narrow, and the conc' in notes


def test_random_choice_is_noted(make_report, unseen_data):
    report = make_report(unseen_data, max_rows=14)
    assert any(note.startswith('B: 14 of 80 rows: a random') for note in report.notes)
