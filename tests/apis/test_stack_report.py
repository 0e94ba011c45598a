import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from ocec.apis.stack_config import DataConfig, MemberConfig, StackConfig
from ocec.apis.stack_evaluate import evaluate
from ocec.apis.stack_report import CSV_COLUMNS, as_csv, as_json, as_markdown
from ocec.stacking import MemberScores, join_members

META = {'logistic': {'type': 'logistic'}, 'mean': {'type': 'mean'}}
DATA = {
    'stack': {'rows': 60, 'groups': '20 groups', 'num_groups': 20, 'source': 'there'}
}


def drawn(seed):
    rng = np.random.default_rng(seed)
    label_N = rng.integers(0, 2, 60)
    probs = [1 / (1 + np.exp(1 - 2 * label_N - rng.normal(0, 2, 60))) for _ in 'ab']
    members = [MemberScores(n, p) for n, p in zip('ab', probs, strict=True)]
    return join_members(members, label_N, np.arange(60) // 3)


def settings(**changes):
    values = {
        'members': (MemberConfig('a', Path('a.pth')), MemberConfig('b', Path('b.pth'))),
        'stack': DataConfig('x', 'stack'),
        'test': None,
        'meta': META,
        'folds': 3,
        'seed': 0,
        'out': Path('out'),
        'final': None,
        'copy_checkpoints': True,
        'allow': (),
        'batch_size': None,
    }
    return StackConfig(**values | changes)


@pytest.fixture(scope='module')
def with_test():
    return evaluate(drawn(0), drawn(1), META, folds=3, seed=0)


@pytest.fixture(scope='module')
def without_test():
    return evaluate(drawn(0), None, META, folds=3, seed=0)


def markdown(evaluation, data, let_through=(), **changes):
    return as_markdown(
        settings(**changes),
        evaluation,
        final='logistic',
        data=data,
        let_through=let_through,
    )


def test_tables_for_people(with_test):
    text = markdown(with_test, DATA | {'test': DATA['stack']})
    numbers = with_test.methods['logistic']
    [row] = [line for line in text.splitlines() if line.startswith('| **logistic**')]
    cells = [cell.strip() for cell in row.split('|')[1:-1]]
    assert cells[1].startswith(f'{100 * numbers.stack.accuracy:.2f} (')
    assert cells[2].startswith(f'{100 * numbers.stack.gain:+.2f} (')
    folds = 100 * np.array(numbers.fold_accuracies)
    assert cells[4] == f'{folds.mean():.2f} ± {folds.std(ddof=1):.2f}'
    assert cells[5].startswith(f'{100 * numbers.test.accuracy:.2f} (')
    # in-sample accuracy stands under its own heading only
    results, gap = text.split('## Overfit gap: no result')
    assert f'| logistic | {100 * numbers.in_sample:.2f} |' in gap
    assert 'in sample' not in results


def test_every_table_has_rows_as_wide_as_its_header(with_test, without_test):
    for evaluation, data in (
        (with_test, DATA | {'test': DATA['stack']}),
        (without_test, DATA),
    ):
        lines = markdown(evaluation, data).splitlines()
        width = None
        for line in lines:
            if not line.startswith('|'):
                width = None
            elif width is None:
                width = line.count('|')
            assert width is None or line.count('|') == width


def test_what_limits_the_numbers_is_said(without_test):
    nothing = {'stack': DATA['stack'] | {'num_groups': 0, 'groups': 'no groups known'}}
    text = markdown(without_test, nothing, ['a is unknown'], allow=('unverified',))
    assert 'test: none, so no number here' in text
    assert '**stack: no groups are known**' in text
    assert '**not honest for sure**: a is unknown' in text
    assert 'allowed by hand: unverified: the training rows of a member' in text
    assert 'no groups are known' not in markdown(without_test, DATA)


def test_json_has_everything_and_no_nan(with_test):
    evaluation = with_test
    content = as_json(
        settings(),
        evaluation,
        final='logistic',
        data=DATA | {'x': {'y': float('nan')}},
        digests={'a': '11', 'b': '22'},
        let_through=['z'],
    )
    again = json.loads(json.dumps(content, allow_nan=False))
    assert again['data']['x']['y'] is None
    assert again['members'][1]['sha256'] == '22'
    [logistic] = [m for m in again['methods'] if m['name'] == 'logistic']
    numbers = evaluation.methods['logistic']
    assert logistic['stack_out_of_fold']['accuracy'] == numbers.stack.accuracy
    gap = logistic['overfit_gap']
    assert gap['in_sample_accuracy_not_a_result'] == numbers.in_sample
    assert 'accuracy' not in logistic
    assert sum(logistic['importance'].values()) == pytest.approx(1)
    assert again['chosen_by'] == 'highest out-of-fold accuracy'
    assert again['let_through'] == ['z']


def test_csv(with_test):
    rows = list(csv.DictReader(io.StringIO(as_csv(with_test))))
    assert list(rows[0]) == list(CSV_COLUMNS)
    assert [(r['kind'], r['name'], r['split']) for r in rows[:3]] == [
        ('method', 'logistic', 'stack, out of fold'),
        ('method', 'logistic', 'test'),
        ('method', 'mean', 'stack, out of fold'),
    ]
    assert len(rows) == 8
    numbers = with_test.methods['logistic'].test
    assert float(rows[1]['accuracy']) == numbers.accuracy
    assert rows[1]['overfit_gap'] == ''
