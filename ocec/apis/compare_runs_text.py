"""The comparison of runs in the terminal, as Markdown and as CSV."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from ocec.visualization.run_columns import COLUMNS, Column
from ocec.visualization.run_groups import find_config_differences, mean_and_spread
from ocec.visualization.run_provenance import compare_facts

if TYPE_CHECKING:
    from ocec.apis.compare_runs import Comparison

IN_TERMINAL = (
    'best',
    'best_epoch',
    'fisher',
    'auc',
    'val_loss',
    'epochs_to_target',
    'minutes_to_target',
    'seconds_per_epoch',
    'roughness',
    'loss_gap',
    'acc_gap',
    'memory_mb',
)
"""What the terminal shows, as far as it fits; the files hold all."""

OF_ACTIONS = (
    'train_top1',
    'val_top1',
    'gap',
    'last_gap',
    'convergence_epoch',
    'best_epoch',
    'rgb_top1',
    'pose_top1',
    'lr',
    'roughness',
    'seconds_per_epoch',
)
"""The guide's table of two runs on actions; of these the terminal shows it instead."""

WIDE = 240


def print_table(comparison: Comparison) -> None:
    """Print runs, the best first, with what makes them hard to compare.

    Args:
        comparison: the runs.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    columns = action_columns(comparison) or [
        c for c in used_columns(comparison) if c.key in IN_TERMINAL
    ]
    console = Console()
    # a file or a pipe has no width of its own
    width = console.width if console.is_terminal else WIDE
    console = Console(width=width)
    order = order_of(comparison)
    rows = [
        [comparison.runs[i].name, comparison.runs[i].state]
        + [format_number(comparison.numbers[i][c.key], c.digits) for c in columns]
        for i in order
    ]
    titles = ['run', 'state', *(title_of(c, comparison) for c in columns)]
    # names in brackets are no markup
    table = Table(title=Text(headline(comparison)), title_justify='left')
    num_shown = _count_fitting([titles, *rows], width)
    for number, title in enumerate(titles[:num_shown]):
        table.add_column(Text(title), justify='right' if number > 1 else 'left')
    for row in rows:
        table.add_row(*(Text(cell) for cell in row[:num_shown]))
    console.print(table)
    if num_shown < len(titles):
        hidden = ', '.join(titles[num_shown:])
        console.print(f'no room for: {hidden}', markup=False, highlight=False)
    for line in remarks(comparison):
        console.print(line, markup=False, highlight=False)


def write_markdown(comparison: Comparison) -> str:
    """Write tables of numbers, of seeds, of config differences, and the remarks.

    Args:
        comparison: the runs.

    Returns:
        Markdown text.
    """
    columns = used_columns(comparison)
    titles = [title_of(column, comparison) for column in columns]
    rows = [
        [
            comparison.runs[index].name,
            *(
                format_number(comparison.numbers[index][c.key], c.digits)
                for c in columns
            ),
            comparison.runs[index].state,
        ]
        for index in order_of(comparison)
    ]
    parts = [
        f'# {headline(comparison)}\n\nWritten {comparison.written}.\n',
        '\n'.join(f'- {_escape(line)}' for line in remarks(comparison)) + '\n',
        '## Runs\n\n' + _markdown_table(['run', *titles, 'state'], rows),
    ]
    parts += _guide_table(comparison)
    seeds = [group for group in comparison.groups if len(group.runs) > 1]
    if seeds:
        rows = [
            [
                g.name,
                str(len(g.runs)),
                *(_mean_cell(comparison, g.runs, c) for c in columns),
            ]
            for g in seeds
        ]
        parts.append(
            '## Seeds\n\nMean ± standard deviation.\n\n'
            + _markdown_table(['group', 'runs', *titles], rows)
        )
    settings = {run.name: run.settings for run in comparison.runs if run.settings}
    differences = find_config_differences(settings)
    if differences:
        rows = [[name, *map(str, values)] for name, values in differences.items()]
        parts.append(
            '## Settings that differ\n\n'
            + _markdown_table(['setting', *settings], rows)
        )
    parts.append(
        '## What the columns mean\n\n'
        + '\n'.join(
            f'- {title_of(c, comparison)}: {c.help.format(metric=_short(comparison))}'
            for c in columns
        )
        + '\n'
    )
    return '\n'.join(parts)


def write_csv(comparison: Comparison) -> str:
    """Write one row for each run, with all numbers as they are.

    Args:
        comparison: the runs.

    Returns:
        CSV text; empty cells where a log does not tell.
    """
    group_of = {i: group.name for group in comparison.groups for i in group.runs}
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator='\n')
    keys = [column.key for column in COLUMNS]
    facts = ('val set', 'train set', 'code', 'device')
    head = ['run', 'path', 'group', 'seed', 'state', 'log', 'metric', 'target', *keys]
    writer.writerow([*head, *(fact.replace(' ', '_') for fact in facts), 'messages'])
    for index, (run, numbers) in enumerate(
        zip(comparison.runs, comparison.numbers, strict=True)
    ):
        place = [run.name, run.path, group_of[index], run.seed, run.state, run.source]
        values = [comparison.metric, comparison.target, *(numbers[key] for key in keys)]
        known = [run.facts.get(fact) for fact in facts]
        writer.writerow([*place, *values, *known, '; '.join(run.messages)])
    return stream.getvalue()


def remarks(comparison: Comparison) -> list[str]:
    """Collect what a reader of the numbers must know.

    Args:
        comparison: the runs.

    Returns:
        Lines, the gravest first.
    """
    facts = {run.name: run.facts for run in comparison.runs if run.facts}
    lines = [f'{level}: {text}' for level, text in compare_facts(facts)]
    lines += [f'{path}: {why}' for path, why in comparison.problems.items()]
    lines += comparison.notes
    runs_of: dict[str, list[str]] = {}
    for run in comparison.runs:
        for message in run.messages:
            runs_of.setdefault(message, []).append(run.name)
    return lines + [_tell(message, runs) for message, runs in runs_of.items()]


def used_columns(comparison: Comparison) -> list[Column]:
    """Return the columns that hold a number for any run.

    Args:
        comparison: the runs.

    Returns:
        In the order of ``COLUMNS``.
    """
    numbers = comparison.numbers
    return [c for c in COLUMNS if any(found[c.key] is not None for found in numbers)]


def action_columns(comparison: Comparison) -> list[Column]:
    """Return the columns of the guide's table of runs on actions.

    Args:
        comparison: the runs.

    Returns:
        In the order of ``OF_ACTIONS``; none where a run is of something else.
    """
    if any(found['val_top1'] is None for found in comparison.numbers):
        return []
    used = {column.key: column for column in used_columns(comparison)}
    return [used[key] for key in OF_ACTIONS if key in used]


def order_of(comparison: Comparison) -> list[int]:
    """Return the runs, the best first, those without the metric last.

    Args:
        comparison: the runs.

    Returns:
        Their indices.
    """
    sign = 1 if comparison.rule == 'less' else -1
    bests = [numbers['best'] for numbers in comparison.numbers]
    return sorted(
        range(len(bests)), key=lambda i: (bests[i] is None, sign * (bests[i] or 0))
    )


def headline(comparison: Comparison) -> str:
    """Return one line on what is compared.

    Args:
        comparison: the runs.

    Returns:
        ``6 runs by val/f1, target 0.9``.
    """
    count = len(comparison.runs)
    text = f'{count} run{"s" if count != 1 else ""}'
    if comparison.metric:
        text += f' by {comparison.metric}'
    if comparison.target is not None:
        text += f', target {comparison.target:g}'
    return text


def title_of(column: Column, comparison: Comparison) -> str:
    """Return what stands above a column.

    Args:
        column: the column.
        comparison: names the metric.

    Returns:
        Its title.
    """
    return column.title.format(metric=_short(comparison))


def format_number(number: float | None, digits: int) -> str:
    """Write a number for people.

    Args:
        number: None where unknown.
        digits: after the point.

    Returns:
        Text; a dash where unknown.
    """
    return '–' if number is None else f'{number:.{digits}f}'


def _guide_table(comparison: Comparison) -> list[str]:
    """Return the guide's table, one column for each run; nothing for other runs."""
    columns = action_columns(comparison)
    if not columns:
        return []
    rows = [
        [
            title_of(column, comparison),
            *(format_number(n[column.key], column.digits) for n in comparison.numbers),
        ]
        for column in columns
    ]
    head = ['', *(run.name for run in comparison.runs)]
    return [
        f'## Training and validation\n\nAt the epoch of the best {_short(comparison)}. '
        'Training numbers are those of augmented clips with dropout.\n\n'
        + _markdown_table(head, rows)
    ]


def _short(comparison: Comparison) -> str:
    return comparison.metric.removeprefix('val/') or 'metric'


def _tell(message: str, runs: list[str]) -> str:
    if len(runs) > 3:
        return f'{len(runs)} runs: {message}'
    return f'{", ".join(runs)}: {message}'


def _count_fitting(rows: list[list[str]], width: int) -> int:
    """Return how many leading columns fit side by side; at least 3."""
    widths = [max(map(len, cells)) + 3 for cells in zip(*rows, strict=True)]
    total, count = 1, 0
    for cell_width in widths:
        total += cell_width
        count += total <= width
    return max(count, 3)


def _mean_cell(comparison: Comparison, indices: tuple[int, ...], column: Column) -> str:
    values = [comparison.numbers[index][column.key] for index in indices]
    mean, spread = mean_and_spread(values)
    # whole epochs of several seeds have a mean that is not whole
    digits = column.digits if spread is None else max(column.digits, 1)
    text = format_number(mean, digits)
    if spread is not None:
        text += f' ± {format_number(spread, digits)}'
    known = sum(value is not None for value in values)
    return text if known in (0, len(values)) else f'{text} ({known} of {len(values)})'


def _markdown_table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ['---'] * len(head), *rows]
    return ''.join(
        '| ' + ' | '.join(_escape(cell) for cell in line) + ' |\n' for line in lines
    )


def _escape(text: str) -> str:
    # Markdown shows HTML as it is
    return text.replace('<', '&lt;').replace('|', '\\|').replace('\n', ' ')
