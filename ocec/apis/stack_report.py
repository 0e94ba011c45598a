"""What a stacking is worth, as JSON, as a table of text and as CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from ocec.apis.stack_config import ALLOWANCES, BASELINE, StackConfig
from ocec.apis.stack_evaluate import Evaluation, MethodNumbers, SplitNumbers

CSV_COLUMNS = (
    'kind',
    'name',
    'split',
    'accuracy',
    'low',
    'high',
    'f1',
    'auc',
    'log_loss',
    'gain',
    'gain_low',
    'gain_high',
    'p_value',
    'better',
    'worse',
    'in_sample_accuracy_not_a_result',
    'overfit_gap',
)


def as_json(
    settings: StackConfig,
    evaluation: Evaluation,
    *,
    final: str,
    data: Mapping[str, Mapping],
    digests: Mapping[str, str],
    let_through: Sequence[str],
) -> dict:
    """Collect everything in plain values.

    Args:
        settings: of the stacking.
        evaluation: its numbers.
        final: name of the combiner that the ensemble predicts with.
        data: of ``stack`` and ``test``: fingerprint, rows, groups.
        digests: SHA-256 of the checkpoint of each member.
        let_through: what should have been refused, in words.

    Returns:
        Values for JSON; NaN is None.
    """
    content = {
        'final': final,
        'chosen_by': 'config' if settings.final else 'highest out-of-fold accuracy',
        'baseline': BASELINE,
        'folds': settings.folds,
        'seed': settings.seed,
        'threshold': 0.5,
        'intervals': evaluation.interval,
        'members': [
            {
                'name': member.name,
                'checkpoint': str(member.checkpoint),
                'sha256': digests[member.name],
                'mc_dropout': member.mc_dropout,
                'swap': member.swap,
                **_numbers(evaluation.members[member.name]),
            }
            for member in settings.members
        ],
        'methods': [
            {
                'name': name,
                'settings': settings.meta[name],
                **_numbers(numbers),
                'importance': evaluation.combiners[name].importance(),
            }
            for name, numbers in evaluation.methods.items()
        ],
        'data': dict(data),
        'let_through': list(let_through),
    }
    return _without_nan(content)


def as_markdown(
    settings: StackConfig,
    evaluation: Evaluation,
    *,
    final: str,
    data: Mapping[str, Mapping],
    let_through: Sequence[str],
) -> str:
    """Write the tables that a person reads.

    Args:
        settings: of the stacking.
        evaluation: its numbers.
        final: name of the combiner that the ensemble predicts with.
        data: of ``stack`` and ``test``: rows, groups, source.
        let_through: what should have been refused, in words.

    Returns:
        Markdown.
    """
    lines = [f'# Stacking of {len(settings.members)} members', '']
    for role, facts in data.items():
        lines.append(
            f'- {role}: {facts["rows"]:,} rows, {facts["groups"]}, {facts["source"]}; '
            f'intervals: {evaluation.interval[role]}'
        )
    for role, facts in data.items():
        if not facts['num_groups']:
            lines.append(
                f'- **{role}: no groups are known**: rows of one subject or recording '
                'may be in several folds, or in stack and test; all numbers may be too '
                'good, and their intervals too narrow'
            )
    if 'test' not in data:
        lines.append('- test: none, so no number here is of rows that chose nothing')
    lines += [
        f'- {settings.folds} folds, stratified, groups together; seed {settings.seed}',
        f'- the ensemble predicts with **{final}** '
        + ('(config)' if settings.final else '(highest out-of-fold accuracy)'),
    ]
    for text in let_through:
        lines.append(f'- **not honest for sure**: {text}')
    for name in settings.allow:
        lines.append(f'- allowed by hand: {name}: {ALLOWANCES[name]}')
    lines += ['', '## Accuracy in %, 95 % interval', '']
    header = ['', 'stack, out of fold', 'against the mean', 'p', 'folds']
    test_header = ['test', 'against the mean', 'p'] if 'test' in data else []
    rows = [
        [
            f'**{name}**' if name == final else name,
            *_cells(numbers.stack),
            _folds(numbers.fold_accuracies),
            *(_cells(numbers.test) if numbers.test else []),
        ]
        for name, numbers in evaluation.methods.items()
    ]
    lines += _table([*header, *test_header], rows)
    lines += ['', '## Single members', '']
    rows = [
        [
            name,
            *_cells(numbers.stack),
            *(_cells(numbers.test) if numbers.test else []),
        ]
        for name, numbers in evaluation.members.items()
    ]
    lines += _table(['', 'stack', *header[2:4], *test_header], rows)
    lines += [
        '',
        '## Overfit gap: no result',
        '',
        'Accuracy of the final combiner on the very rows it was fitted on, and how far '
        'that lies above the honest number. It says how much a combiner learns by '
        'heart, and nothing about new rows.',
        '',
    ]
    rows = [
        [name, _percent(numbers.in_sample), f'{100 * numbers.overfit_gap:+.2f}']
        for name, numbers in evaluation.methods.items()
    ]
    lines += _table(['', 'in sample', 'minus out of fold'], rows)
    lines += [
        '',
        "p: McNemar's exact test against the plain mean, rows taken as independent. Of "
        f'{len(evaluation.methods) - 1} combiners compared, the best is too good by '
        'luck; the test column is not used to choose.',
    ]
    return '\n'.join(lines) + '\n'


def as_csv(evaluation: Evaluation) -> str:
    """Write a line for each combiner and member on each split.

    Args:
        evaluation: the numbers.

    Returns:
        CSV text with the columns ``CSV_COLUMNS``.
    """
    stream = io.StringIO()
    writer = csv.DictWriter(stream, CSV_COLUMNS, lineterminator='\n')
    writer.writeheader()
    for kind, table in (('method', evaluation.methods), ('member', evaluation.members)):
        for name, numbers in table.items():
            own = 'stack, out of fold' if kind == 'method' else 'stack'
            gap = {
                'in_sample_accuracy_not_a_result': numbers.in_sample,
                'overfit_gap': numbers.overfit_gap,
            }
            row = {'kind': kind, 'name': name}
            writer.writerow(row | {'split': own} | asdict(numbers.stack) | gap)
            if numbers.test is not None:
                writer.writerow(row | {'split': 'test'} | asdict(numbers.test))
    return stream.getvalue()


def _numbers(numbers: MethodNumbers) -> dict:
    is_method = numbers.in_sample is not None
    content = {
        'stack_out_of_fold' if is_method else 'stack': asdict(numbers.stack),
        'test': None if numbers.test is None else asdict(numbers.test),
    }
    if is_method:
        content |= {
            'fold_accuracies': list(numbers.fold_accuracies),
            'overfit_gap': {
                'in_sample_accuracy_not_a_result': numbers.in_sample,
                'minus_out_of_fold': numbers.overfit_gap,
            },
        }
    return content


def _cells(numbers: SplitNumbers) -> list[str]:
    return [
        f'{_percent(numbers.accuracy)} ({_percent(numbers.low)} to '
        f'{_percent(numbers.high)})',
        f'{100 * numbers.gain:+.2f} ({100 * numbers.gain_low:+.2f} to '
        f'{100 * numbers.gain_high:+.2f})',
        f'{numbers.p_value:.2g}',
    ]


def _folds(accuracies: Sequence[float]) -> str:
    mean = sum(accuracies) / len(accuracies)
    variance = sum((x - mean) ** 2 for x in accuracies) / (len(accuracies) - 1)
    return f'{100 * mean:.2f} ± {100 * math.sqrt(variance):.2f}'


def _percent(share: float) -> str:
    return f'{100 * share:.2f}'


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [header, ['---'] * len(header), *rows]
    return ['| ' + ' | '.join(line) + ' |' for line in lines]


def _without_nan(value):
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
