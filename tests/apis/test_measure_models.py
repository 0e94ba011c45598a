import csv
import json
import shutil

import numpy as np
import pytest

from ocec.apis.errors import ConfigError
from ocec.apis.measure_models import find_work_dirs, measure_models, score_models
from ocec.apis.score_checkpoint import score_checkpoint


@pytest.fixture
def data(make_pair_folder):
    return make_pair_folder((16, 16, 16, 40))


def test_numbers_are_those_of_a_slow_count(make_pair_run, data):
    folder = make_pair_run(data)
    [row] = measure_models([folder])
    scores = score_checkpoint(folder / 'best.pth').scores
    said = [prob >= 0.5 for prob in scores['prob_B']]
    label = [y == 1 for y in np.load(data / 'test.npz')['y']]
    pairs = list(zip(said, label, strict=True))
    assert row.accuracy == sum(s == y for s, y in pairs) / 40
    hits = sum(s and y for s, y in pairs)
    assert row.recall == hits / 20
    assert row.precision == hits / max(sum(said), 1)
    assert row.low <= row.accuracy <= row.high
    assert (row.name, row.stage, row.seed) == ('stage0/compare-s1', 'stage0', 1)
    assert (row.params, row.val_accuracy, row.rows) == (175_681, 0.75, 40)
    # two epochs of 50 + 10 seconds
    assert row.minutes == pytest.approx(2.0)


def test_tables_in_all_formats(make_pair_run, data, tmp_path, capsys):
    make_pair_run(data, 'stage1/b-s2', seed=2, val=0.5)
    make_pair_run(data, 'stage0/a-s1')
    make_pair_run(data, 'loose', seed=3)
    out = tmp_path / 'deep' / 'table.md'
    rows = measure_models(
        all_in=tmp_path / 'runs', out=out, formats=['md', 'csv', 'json'], split='val'
    )
    assert [row.name for row in rows] == ['loose', 'stage0/a-s1', 'stage1/b-s2']
    markdown = out.read_text()
    assert markdown in capsys.readouterr().out
    assert '| model | stage | params | val % | val % (95 %) | F1 | min |' in markdown
    assert '| stage1 | 1 of 1 |' in markdown
    with open(out.with_suffix('.csv'), newline='') as stream:
        table = list(csv.DictReader(stream))
    assert [float(row['accuracy']) for row in table] == [row.accuracy for row in rows]
    content = json.loads(out.with_suffix('.json').read_text())
    assert content['split'] == 'val'
    assert content['models'][2]['val_accuracy'] == 0.5


def test_a_model_that_fails_is_told_after_the_others(make_pair_run, data, capsys):
    good = make_pair_run(data, 'stage0/good-s1')
    bad = make_pair_run(data, 'stage0/bad-s1')
    (bad / 'best.pth').write_bytes(b'PK')
    empty = bad.parent / 'empty-s1'
    empty.mkdir()
    with pytest.raises(
        ValueError, match=r'2 of 3 models fail:\n.*empty-s1.*\n.*bad-s1'
    ):
        measure_models([good, bad, empty])
    out = capsys.readouterr().out
    assert '| FAILED |' in out
    assert 'PROBLEM: stage0/bad-s1: ValueError: ' in out
    assert 'no best.json: no validated run lies here' in out
    assert '| stage0/good-s1 | stage0 | 175,681 |' in out


def test_expected_accuracies(make_pair_run, data, tmp_path, capsys):
    make_pair_run(data, 'stage0/a-s1')
    registry = tmp_path / 'registry.json'
    [row] = measure_models(all_in=tmp_path / 'runs', out=registry)
    [again] = measure_models(all_in=tmp_path / 'runs', expected=registry)
    assert (again.verdict, again.expected) == ('ok', row.accuracy)
    other = {'stage0/a-s1': row.accuracy - 0.05, 'stage0/gone-s1': 0.5}
    registry.write_text(json.dumps(other))
    message = r'accuracy 0\.\d+ where .* is expected\n.*gone-s1: expected, but there is'
    with pytest.raises(ValueError, match=message):
        measure_models(all_in=tmp_path / 'runs', expected=registry)
    assert '| +5.00 | FAILED |' in capsys.readouterr().out
    # of named runs, others may be missing
    with pytest.raises(ValueError, match='1 of 1 models fail'):
        measure_models([row.work_dir], expected=registry)


def test_what_the_reader_should_know(make_pair_run, data):
    first = make_pair_run(data, 'stage0/a-s1')
    copy = first.with_name('copy-s1')
    shutil.copytree(first, copy)
    (copy / 'finished.json').unlink()
    (copy / 'metrics.jsonl').unlink()
    notes = {m.row.name: m.row.notes for m in score_models([first, copy])}
    assert notes['stage0/a-s1'] == []
    assert notes['stage0/copy-s1'][0] == 'the training has not finished'
    assert notes['stage0/copy-s1'][1].startswith('no training time: holds no metrics')
    assert notes['stage0/copy-s1'][2] == 'the same weights as stage0/a-s1'


def test_runs_are_found_once(tmp_path):
    for name in ('a', 'b'):
        (tmp_path / name).mkdir()
        (tmp_path / name / 'metrics.jsonl').touch()
        (tmp_path / name / 'member.json').touch()
    found = find_work_dirs([tmp_path / 'b' / '..' / 'a'], tmp_path)
    assert [folder.resolve().name for folder in found] == ['a', 'b']
    with pytest.raises(ConfigError, match='no run lies below this folder'):
        find_work_dirs([], tmp_path / 'gone')
    with pytest.raises(ConfigError, match='name a WORK_DIR, or all of a folder'):
        find_work_dirs([], None)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'formats': ['md']}, '--format needs -o FILE'),
        ({'out': 't.xls'}, r"-o t.xls: the format must be of md, csv, json, got 'xls'"),
    ],
)
def test_wrong_arguments(settings, message):
    with pytest.raises(ConfigError, match=message):
        measure_models(['x'], **settings)
