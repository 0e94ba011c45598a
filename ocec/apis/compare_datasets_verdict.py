"""The comparison of two data sets in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ocec.preparation.drift_classifier import DomainResult
from ocec.preparation.drift_numbers import SIZE_STATISTICS

if TYPE_CHECKING:
    from ocec.apis.compare_datasets import DriftReport

# rules of thumb, no tests: the chance range is what the data themselves say
VERDICTS = (
    (0.6, 'ALIKE'),
    (0.8, 'SOME DRIFT'),
    (0.95, 'CLEAR DRIFT'),
    (1.01, 'ANOTHER DOMAIN'),
)
MEANINGS = {
    'ALIKE': 'Light, colour and sharpness do not tell A from B. As far as they go, a '
    'model and a threshold of A carry over to B, and fine-tuning on B has little to '
    'gain from them.',
    'NOT ABOVE CHANCE': 'Groups dealt out at random differ as much: subjects differ '
    'from each other, and there are too few of them to see a drift between A and B. '
    'The statistics named may be those of a few subjects.',
    'SOME DRIFT': 'B overlaps with A. Test a model of A on labelled rows of B before '
    'fine-tuning; augmentation that covers the statistics named first may do.',
    'CLEAR DRIFT': 'Most pictures give their set away. Expect a model of A to lose on '
    'B: fine-tune on B, or on A and B, choose the threshold on B, and validate on '
    'groups of B that were not trained on.',
    'ANOTHER DOMAIN': 'Nearly every picture gives its set away. A score on A says '
    'nothing about B: fine-tune on B (or train on A and B), choose threshold and '
    'checkpoint on held-out groups of B, and keep the mean and std of the pretrained '
    'model, or change them knowingly.',
}
SCALE = (
    'An AUC of 0.5 means that the classifier cannot tell A from B; 1.0 means that it '
    'tells every picture.'
)
# AUC from which a statistic alone is named as separating
NAMED_FROM = 0.6
NUM_NAMED = 3


def judge(result: DomainResult, statistics: Sequence[dict]) -> tuple[str, str]:
    """Come to a verdict.

    Args:
        result: of the classifier by pixels.
        statistics: of :func:`ocec.preparation.drift_numbers.compare_statistics`.

    Returns:
        A headline that names the AUC and the most separating statistics, and what it
        means for fine-tuning.
    """
    verdict = next(name for limit, name in VERDICTS if result.auc < limit)
    if result.chance and result.auc <= result.chance[1] >= VERDICTS[0][0]:
        verdict = 'NOT ABOVE CHANCE'
    named = {}
    for found in statistics:
        if found['statistic'] not in SIZE_STATISTICS and found['auc'] >= NAMED_FROM:
            told = f'({found["auc"]:.2f}, higher in {found["larger"]})'
            # in grey pictures the channels say what brightness and contrast do
            named.setdefault(told, f'{found["statistic"]} {told}')
    named = list(named.values())[:NUM_NAMED]
    listed = f', most by {", ".join(named)}' if named else ''
    headline = f'{verdict}: domain classifier AUC {result.auc:.3f}{listed}'
    return headline, MEANINGS[verdict]


def format_labels(labels: dict) -> str:
    """Tell how the labels differ.

    Args:
        labels: of :func:`ocec.preparation.drift_numbers.compare_labels`.

    Returns:
        One line.
    """
    shares = [labels[which]['open_share'] for which in 'AB']
    shown = ', '.join(
        f'{which} {"unknown" if share is None else f"{share:.1%}"}'
        for which, share in zip('AB', shares, strict=True)
    )
    shift = labels['log_odds_shift']
    told = '' if shift is None else f' (log-odds of open move by {shift:+.2f})'
    return f'share of open eyes: {shown}{told}'


def format_summary(report: DriftReport) -> str:
    """Write a report for the terminal, the headline first.

    Args:
        report: of a comparison.

    Returns:
        Some lines of text.
    """
    lines = [report.headline, report.meaning, SCALE, '']
    for which, part in report.sets.items():
        mean, std = (
            ', '.join(f'{value:.1f}' for value in part[key]) for key in ('mean', 'std')
        )
        lines.append(
            f'{which}: {part["name"]}: {part["measured"]:,} pictures, '
            f'{part["groups"]:,} groups, mean {mean}, std {std} (R, G, B)'
        )
    lines += [format_labels(report.labels), '']
    for name, found in report.classifiers.items():
        by_class = ', '.join(
            f'{label} {_show(auc)}' for label, auc in found['auc_by_class'].items()
        )
        lines.append(
            f'domain classifier by {name}: AUC {found["auc"]:.3f} ({by_class}; '
            f'{found["num_folds"]} folds, {found["pictures"]:,} pictures)'
        )
    lines += ['', f'{"statistic":12}{"AUC":>7}{"closed":>8}{"open":>8}']
    lines[-1] += f'{"mean A":>12}{"mean B":>12}{"B - A in std":>14}'
    lines += [
        f'{found["statistic"]:12}{found["auc"]:>7.3f}{_show(found["auc_closed"]):>8}'
        f'{_show(found["auc_open"]):>8}{found["A"]["mean"]:>12.3f}'
        f'{found["B"]["mean"]:>12.3f}{_show(found["difference"], "+.2f"):>14}'
        for found in report.statistics
    ]
    return '\n'.join([*lines, *(['', *report.notes] if report.notes else [])])


def _show(value: float | None, form: str = '.3f') -> str:
    return '-' if value is None else format(value, form)
