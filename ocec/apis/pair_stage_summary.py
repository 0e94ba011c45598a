"""What the members of all stages reached: a table, means and deviations."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from ocec.apis.pair_stage_run import MemberRun
from ocec.visualization.run_groups import mean_and_spread
from ocec.visualization.run_log import RunError, read_run
from ocec.visualization.run_numbers import summarize_training

HEADER = ('stage', 'member', 'seed', 'state', 'epochs', 'best epoch', 'val', 'minutes')


def summarize_runs(
    runs: Sequence[MemberRun], failed: Mapping[str, str]
) -> dict[str, list[dict]]:
    """Collect what each member and each stage reached.

    Args:
        runs: of the members.
        failed: name of a run to what happened.

    Returns:
        ``members``, a row for each; ``means``, a row for each stage, and for each net
        with several seeds: mean and standard deviation (n - 1 in the denominator) of
        the best validation accuracy of the members that have finished.
    """
    members = [_row_of(run, failed) for run in runs]
    means = []
    for stage in dict.fromkeys(row['stage'] for row in members):
        of_stage = [row for row in members if row['stage'] == stage]
        means.append({'stage': stage, 'member': 'all', **_mean_of(of_stage)})
        names = list(dict.fromkeys(row['member'] for row in of_stage))
        for name in names if len(names) > 1 else ():
            of_name = [row for row in of_stage if row['member'] == name]
            if len(of_name) > 1:
                means.append({'stage': stage, 'member': name, **_mean_of(of_name)})
    return {'members': members, 'means': means}


def summary_text(summary: Mapping[str, Sequence[Mapping]]) -> str:
    """Write the summary as Markdown.

    Args:
        summary: of :func:`summarize_runs`.

    Returns:
        Two tables; accuracies in %.
    """
    rows = [
        [
            row['stage'],
            row['member'],
            str(row['seed']),
            row['state'],
            _text(row['epochs'], '{:.0f}'),
            _text(row['best_epoch'], '{:.0f}'),
            _text(row['val_accuracy'], '{:.2%}'),
            _text(row['minutes'], '{:.1f}'),
        ]
        for row in summary['members']
    ]
    means = [
        [row['stage'], row['member'], str(row['finished']), _mean_text(row)]
        for row in summary['means']
    ]
    return '\n'.join(
        [
            *_table(HEADER, rows),
            '',
            *_table(('stage', 'net', 'finished', 'val, mean ± std'), means),
            '',
            'val: accuracy of the best epoch on the pairs that chose it, so a little '
            'too good; tools/test_models.py measures on the test.',
        ]
    )


def _row_of(run: MemberRun, failed: Mapping[str, str]) -> dict:
    row = {
        'stage': run.member.stage,
        'member': run.member.name,
        'seed': run.member.seed,
        'state': 'FAILED' if run.name in failed else run.state(),
        'epochs': None,
        'best_epoch': None,
        'val_accuracy': None,
        'minutes': None,
        'work_dir': str(run.folder),
    }
    best = run.folder / 'best.json'
    if best.is_file():
        record = json.loads(best.read_text(encoding='utf-8'))
        row |= {'best_epoch': record['epoch'], 'val_accuracy': record['value']}
    try:
        log = read_run(run.folder)
    except (RunError, OSError):  # nothing was logged yet, which the row shows
        return row
    return row | {
        'epochs': log.num_epochs,
        'minutes': summarize_training(log)['minutes'],
    }


def _mean_of(rows: Sequence[Mapping]) -> dict:
    values = [row['val_accuracy'] for row in rows if row['state'] == 'finished']
    mean, std = mean_and_spread(values)
    return {'finished': len(values), 'mean': mean, 'std': std}


def _mean_text(row: Mapping) -> str:
    if row['mean'] is None:
        return '–'
    spread = '' if row['std'] is None else f' ± {100 * row["std"]:.2f}'
    return f'{100 * row["mean"]:.2f}{spread} %'


def _text(value: float | None, form: str) -> str:
    return '–' if value is None or value != value else form.format(value)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [header, ['---'] * len(header), *rows]
    return ['| ' + ' | '.join(line) + ' |' for line in lines]
