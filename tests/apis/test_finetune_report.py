"""A start, two methods, two data sets; expected numbers: each scored on its own."""

import json

import pytest

from ocec.apis.errors import ConfigError
from ocec.apis.finetune_report import finetune_report
from ocec.apis.score_checkpoint import score_checkpoint
from ocec.functional.classification import confusion_counts, f1_score, roc_auc
from ocec.functional.paired_tests import mcnemar_exact


@pytest.fixture
def setup(make_member, make_eye_parquet):
    a, b = make_eye_parquet(num_rows=48), make_eye_parquet(seed=3)
    files = [make_member(a, seed=seed) for seed in range(4)]
    runs = [f'scratch={files[1]}', f'full={files[2]},{files[3].parent}']
    return {'a': a, 'b': b, 'start': files[0], 'runs': runs}, files


def test_numbers_are_those_of_each_checkpoint(setup, tmp_path, capsys):
    arguments, files = setup
    outputs = {
        'out': tmp_path / 'new' / 'page.html',
        'json': tmp_path / 'numbers.json',
        'markdown': tmp_path / 'table.md',
    }
    report = finetune_report(**arguments, **outputs)
    assert [row.name for row in report.rows] == ['zero-shot', 'scratch', 'full']
    by_side = {}
    for letter in 'ab':
        data = arguments[letter]
        scores = [score_checkpoint(f, data=data, split='val').scores for f in files]
        by_side[letter.upper()] = scores
        expected = [
            f1_score(confusion_counts(s['prob_B'], s['label_B'])) for s in scores
        ]
        areas = [roc_auc(s['prob_B'], s['label_B']) for s in scores]
        found = [row.sides[letter.upper()] for row in report.rows]
        f1 = [seed for value in found for seed in value['f1'].seeds]
        assert f1 == pytest.approx(expected)
        assert [x for v in found for x in v['auc'].seeds] == pytest.approx(areas)
    # of scratch against the start
    right = [(s['prob_B'] >= 0.5) == (s['label_B'] == 1) for s in by_side['B'][:2]]
    [change] = [c for c in report.changes if (c.side, c.method) == ('B', 'scratch')]
    assert change.p_value == mcnemar_exact(*right).p_value
    assert len(change.fixed_K) == (~right[0] & right[1]).sum()
    printed = capsys.readouterr().out
    assert printed.startswith(report.summary[0])
    for path in outputs.values():
        assert f'written: {path}\n' in printed
    assert '<h1>Fine-tuning onto B (' in outputs['out'].read_text()
    assert outputs['markdown'].read_text().startswith('# Fine-tuning onto B (')
    assert json.loads(outputs['json'].read_text())['methods'][2]['num_seeds'] == 2


def test_markdown_alone_on_the_terminal(setup, tmp_path, capsys):
    arguments, files = setup
    arguments['runs'] = [f'full={files[2]}']
    finetune_report(**arguments, split='test', out=tmp_path / 'p.html', markdown='-')
    captured = capsys.readouterr()
    assert captured.out.startswith('# Fine-tuning onto B (')
    assert 'written' not in captured.out
    assert f'written: {tmp_path / "p.html"}' in captured.err


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'limit': 0}, '--limit must be >= 1, got 0'),
        ({'b': 'a.parquet'}, '--a and --b are both a.parquet: there is nothing to for'),
        ({'start': 'gone'}, '--start gone: no such checkpoint'),
        ({'runs': ['full']}, '--run full: write NAME=WORK_DIR'),
    ],
)
def test_wrong_arguments(settings, message, tmp_path):
    (tmp_path / 'x.pth').touch()
    given = {'a': 'a.parquet', 'b': 'b.parquet', 'start': tmp_path / 'x.pth'}
    given |= {'runs': ['full=gone'], 'out': tmp_path / 'page.html'}
    with pytest.raises(ConfigError, match=message):
        finetune_report(**{**given, **settings})
    assert not (tmp_path / 'page.html').exists()


def test_each_seed_has_its_own_start(setup, tmp_path):
    arguments, files = setup
    arguments |= {'start': f'{files[0]},{files[1]}', 'runs': [f'full={files[2]}']}
    first = finetune_report(**arguments, out=tmp_path / 'page.html').rows[0]
    expected = []
    for file in files[:2]:
        found = score_checkpoint(file, data=arguments['b'], split='val').scores
        expected.append(f1_score(confusion_counts(found['prob_B'], found['label_B'])))
    assert (first.name, first.num_seeds) == ('zero-shot', 2)
    assert first.sides['B']['f1'].seeds == pytest.approx(tuple(expected))


def test_a_copy_of_b_is_no_other_camera(setup, tmp_path):
    arguments, files = setup
    copy = tmp_path / 'copy.parquet'
    copy.write_bytes(arguments['b'].read_bytes())
    arguments |= {'a': copy, 'runs': [f'full={files[2]}']}
    with pytest.raises(ConfigError, match='hold the same images: there is nothing to'):
        finetune_report(**arguments, out=tmp_path / 'page.html')
    assert not (tmp_path / 'page.html').exists()


def test_a_run_without_a_checkpoint(setup, tmp_path):
    arguments, _ = setup
    (tmp_path / 'empty').mkdir()
    arguments['runs'] = [f'full={tmp_path / "empty"}']
    with pytest.raises(ConfigError, match='--run full .*empty: the folder holds no'):
        finetune_report(**arguments, out=tmp_path / 'page.html')
