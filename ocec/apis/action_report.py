"""What a test says of actions: each stream with intervals, each class, confusions.

Shapes: N clips, C classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ocec.functional.bootstrap import UNKNOWN_GROUP, Interval, bootstrap_interval
from ocec.functional.metric_interval import FEW_GROUPS, count_groups
from ocec.functional.paired_tests import wilson_interval
from ocec.functional.top_k import label_rank, mean_class_accuracy, top_k_accuracy

STREAMS = {'fused': 'prob_BC', 'rgb': 'rgb_prob_BC', 'pose': 'pose_prob_BC'}
"""Name of each answer to its field; of one stream alone there is only the first."""

TOP = 5
SHOWN_CLASSES = 20
# 16,487 clips of NTU RGB+D 60 and 9 numbers: some seconds
NUM_RESAMPLES = 1000


def report_actions(
    scores: Mapping[str, np.ndarray],
    classes: Sequence[str],
    *,
    split: str | None = None,
    fusion: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Work out what a split says of a model of actions.

    Args:
        scores: fields of :class:`ocec.structures.ActionScores` as (N,) and (N, C)
            arrays.
        classes: C names.
        split: its name, for the text.
        fusion: what the head adds up for the answer of all streams, as
            ``dict(of='score', weights=dict(rgb=1.0, pose=1.0))``; None for one
            stream. Nothing is chosen on these clips.

    Returns:
        ``streams``: each with ``top1``, ``top5`` and ``mean_class``, these with
        ``value`` in [0, 1], ``interval`` (of clips that count as independent) and
        ``group_interval`` (of whole groups, at least as wide, None without groups),
        both 95 %;
        ``classes``: one entry each; ``confusion``: C rows of C counts, the row is the
        label. None where a number is undefined.
    """
    label_N, group_N = scores['label_B'], scores['group_id_B']
    confusion_CC = count_confusions(scores['prob_BC'], label_N)
    is_grouped = len(np.unique(group_N[group_N != UNKNOWN_GROUP])) > 1
    return {
        'split': split,
        'num_clips': len(label_N),
        'num_groups': count_groups(group_N) if is_grouped else None,
        'fusion': None if fusion is None else dict(fusion),
        'streams': {
            name: _stream_numbers(
                label_rank(scores[field], label_N),
                label_N,
                group_N if is_grouped else None,
                min(TOP, scores[field].shape[1]),
            )
            for name, field in STREAMS.items()
            if scores.get(field) is not None
        },
        'classes': _class_numbers(confusion_CC, label_N, classes),
        'confusion': confusion_CC.tolist(),
    }


def count_confusions(prob_NC: np.ndarray, label_N: np.ndarray) -> np.ndarray:
    """Count which class is called what.

    Args:
        prob_NC: (N, C) scores; the highest is the answer, of equal ones the first. A
            clip with a score that is NaN has no answer and is not counted.
        label_N: (N,) int in [0, C).

    Returns:
        (C, C) int64; the row is the label, the column the answer.

    Example:
        >>> count_confusions(np.array([[0.9, 0.1], [0.8, 0.2]]), np.array([0, 1]))
        array([[1, 0],
               [1, 0]])
    """
    num_classes = prob_NC.shape[1]
    confusion_CC = np.zeros((num_classes, num_classes), dtype=np.int64)
    has_answer_N = ~np.isnan(prob_NC).any(axis=1)
    answer_M = prob_NC[has_answer_N].argmax(axis=1)
    np.add.at(confusion_CC, (label_N[has_answer_N], answer_M), 1)
    return confusion_CC


def action_report_text(report: Mapping[str, Any]) -> str:
    """Write a report as lines for a log.

    Args:
        report: of :func:`report_actions`.

    Returns:
        Several lines: the streams, and the classes with the lowest recall.
    """
    return '\n'.join(
        [*_head_lines(report), *_stream_lines(report), *_class_lines(report)]
    )


def _stream_numbers(
    rank_N: np.ndarray, label_N: np.ndarray, group_N: np.ndarray | None, k: int
) -> dict[str, dict]:
    mean_class = mean_class_accuracy(rank_N, label_N)
    # no share of all clips: single ones are drawn instead of Wilson's formula
    alone = _bootstrap(mean_class_accuracy, rank_N, label_N, group_N=None)
    grouped = None
    if group_N is not None:
        grouped = _bootstrap(mean_class_accuracy, rank_N, label_N, group_N=group_N)
    bounds = [alone.low, alone.high]
    if not bounds[0] < bounds[1]:  # all right or all wrong: every draw says so
        bounds = _wilson(rank_N, 1)
    return {
        'top1': _share_numbers(rank_N, 1, group_N),
        'top5': _share_numbers(rank_N, k, group_N),
        'mean_class': _numbers(mean_class, bounds, grouped),
    }


def _share_numbers(rank_N: np.ndarray, k: int, group_N: np.ndarray | None) -> dict:
    grouped = None
    if group_N is not None:
        share = partial(top_k_accuracy, k=k)
        grouped = _bootstrap(share, rank_N, group_N=group_N)
    return _numbers(top_k_accuracy(rank_N, k), _wilson(rank_N, k), grouped)


def _wilson(rank_N: np.ndarray, k: int) -> list[float]:
    return list(wilson_interval(int((rank_N < k).sum()), len(rank_N)))


def _bootstrap(
    statistic: Callable[..., float], *arrays_N: np.ndarray, group_N: np.ndarray | None
) -> Interval:
    return bootstrap_interval(
        statistic, *arrays_N, group_N=group_N, num_resamples=NUM_RESAMPLES
    )


def _numbers(value: float, bounds: list[float], groups: Interval | None) -> dict:
    found = None
    if groups is not None:
        # never narrower than of clips that have nothing in common
        low, high = np.fmin(bounds[0], groups.low), np.fmax(bounds[1], groups.high)
        found = [_plain(low), _plain(high)]
    interval = [_plain(bound) for bound in bounds]
    return {'value': _plain(value), 'interval': interval, 'group_interval': found}


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _class_numbers(
    confusion_CC: np.ndarray, label_N: np.ndarray, classes: Sequence[str]
) -> list[dict]:
    total_C = np.bincount(label_N, minlength=len(classes)).tolist()
    found = []
    for label, (name, row_C) in enumerate(zip(classes, confusion_CC, strict=True)):
        total, right = total_C[label], int(row_C[label])
        wrong_C = row_C.copy()
        wrong_C[label] = 0
        other = int(wrong_C.argmax())
        found.append(
            {
                'label': label,
                'name': name,
                'clips': total,
                'called': int(confusion_CC[:, label].sum()),
                'right': right,
                'recall': right / total if total else None,
                'interval': list(wilson_interval(right, total)) if total else None,
                'confused_with': classes[other] if wrong_C[other] else None,
                'confused': int(wrong_C[other]),
            }
        )
    return found


def _head_lines(report: Mapping[str, Any]) -> list[str]:
    of = f'{report["num_clips"]:,} clips'
    if report['num_groups'] is None:
        intervals = '(95 % intervals, clips count as independent)'
    else:
        of += f' of {report["num_groups"]:,} groups'
        intervals = '(95 % intervals of clips as independent) [of groups]'
    lines = [f'{report["split"] or "test"}: {of} {intervals}']
    if report['num_groups'] is not None and report['num_groups'] < FEW_GROUPS:
        lines.append(
            f'less than {FEW_GROUPS} groups: intervals of groups are too narrow'
        )
    return lines


def _stream_lines(report: Mapping[str, Any]) -> list[str]:
    names = ('top1', 'top5', 'mean_class')
    titles = ('top-1', 'top-5', 'mean class')
    rows = [['', *titles]] + [
        [stream, *(_shown(numbers[name]) for name in names)]
        for stream, numbers in report['streams'].items()
    ]
    lines = _aligned(rows)
    if report['fusion'] is not None:
        weights = ', '.join(
            f'{s} {w:g}' for s, w in report['fusion']['weights'].items()
        )
        lines.append(
            f'fused: {report["fusion"]["of"]}s with weights {weights}, as configured; '
            'no other weights were tried on these clips'
        )
    return lines


def _class_lines(report: Mapping[str, Any]) -> list[str]:
    tested = [entry for entry in report['classes'] if entry['clips']]
    worst = sorted(tested, key=lambda entry: entry['recall'])[:SHOWN_CLASSES]
    rows = [['class', 'clips', 'recall', 'most often called instead']]
    for entry in worst:
        low, high = entry['interval']
        recall = f'{entry["recall"]:.4f} ({low:.4f}-{high:.4f})'
        other = entry['confused_with']
        told = '-' if other is None else f'{other} ({entry["confused"]:,})'
        rows.append(
            [f'{entry["label"]} {entry["name"]}', f'{entry["clips"]:,}', recall, told]
        )
    lines = _aligned(rows)
    if len(tested) > len(worst):
        lines.append(f'and {len(tested) - len(worst)} classes of higher recall')
    if missing := len(report['classes']) - len(tested):
        lines.append(f'{missing} classes have no clip here')
    return lines


def _shown(numbers: Mapping[str, Any]) -> str:
    if numbers['value'] is None:
        return 'undefined'
    text = f'{numbers["value"]:.4f}'
    for bounds, marks in (('interval', '()'), ('group_interval', '[]')):
        if numbers[bounds] is not None:
            low, high = numbers[bounds]
            text += f' {marks[0]}{low:.4f}-{high:.4f}{marks[1]}'
    return text


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        '  '.join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
