"""What a test says of the thresholds that a checkpoint brings along.

They were chosen on the validation split; here they are only applied. Shapes: N images.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ocec.functional.bootstrap import Interval
from ocec.functional.calibration import apply_temperature, expected_calibration_error
from ocec.functional.classification import confusion_counts, roc_auc
from ocec.functional.metric_interval import FEW_GROUPS, RATIOS, metric_interval
from ocec.functional.probability import DEFAULT_THRESHOLD
from ocec.visualization.run_provenance import describe_data

LEVEL = 0.95
CHOSEN = ('best_f1', 'precision', 'false_alarm')
SHOWN_RATIOS = ('f1', 'precision', 'recall')


def report_thresholds(
    scores: Mapping[str, np.ndarray],
    stored: Mapping[str, Any] | None,
    *,
    threshold: float,
    split: str,
    data: dict | None = None,
) -> dict[str, Any]:
    """Compute what a test reports beside its metrics.

    Args:
        scores: (N,) arrays ``prob_B``, ``label_B`` and ``group_id_B`` of the test.
        stored: ``checkpoint['thresholds']``; None if it holds none.
        threshold: of the metric, which the numbers without a name belong to.
        split: that was tested.
        data: fingerprint of the images tested, if they have one.

    Returns:
        ``split``; ``auc`` with its interval; ``num_groups``, and ``has_groups``,
        whether any image tells its group; ``ece`` before and after temperature
        scaling; ``chosen_on``, the split of the thresholds; ``is_same``, whether they
        were chosen on the very images tested (None: not known); and ``at``: name to
        threshold, F1, precision, recall with their 95 % intervals, and false-alarm
        rate. None where there is no number.
    """
    prob_N, label_N = scores['prob_B'], scores['label_B']
    stored = stored or {}
    thresholds = {'default': threshold, **{n: stored[n] for n in CHOSEN if n in stored}}
    auc_interval = metric_interval('auc', scores)
    return {
        'split': split,
        'chosen_on': stored.get('split'),
        'is_same': _is_same(stored.get('data'), data),
        'targets': {
            name: stored[f'{name}_target']
            for name in CHOSEN
            if f'{name}_target' in stored
        },
        'num_images': len(label_N),
        'num_groups': auc_interval.num_groups,
        'has_groups': bool((scores['group_id_B'] >= 0).any()),
        'level': LEVEL,
        'auc': _finite(roc_auc(prob_N, label_N)),
        'auc_interval': _bounds(auc_interval),
        'at': {name: _numbers_at(scores, at) for name, at in thresholds.items()},
        **_calibration(prob_N, label_N, stored.get('temperature')),
    }


def metric_threshold(evaluator: Mapping | Sequence[Mapping] | None) -> float:
    """Return the threshold of a config's metric.

    Args:
        evaluator: one metric, several, or none.

    Returns:
        That of the first one that sets it, in [0, 1]; else the default of all.
    """
    metrics = evaluator if isinstance(evaluator, Sequence) else [evaluator or {}]
    found = [metric['threshold'] for metric in metrics if 'threshold' in metric]
    return float(found[0] if found else DEFAULT_THRESHOLD)


def thresholds_for(
    stored: Mapping[str, Any] | None, data: Mapping[str, Any] | None
) -> Mapping[str, Any] | None:
    """Return the thresholds chosen on the source whose files are tested, if any.

    Args:
        stored: ``checkpoint['thresholds']``; None if it holds none.
        data: fingerprint of the images tested, if they have one.

    Returns:
        Those of the one source, where several were validated; else ``stored``.
    """
    sources = ((stored or {}).get('data') or {}).get('sources') or {}
    for name, source in sources.items():
        chosen = (stored.get('sources') or {}).get(name)
        if chosen and data and _contents(source) == _contents(data):
            return {**stored, **chosen, 'prefix': name, 'data': source}
    return stored


def _contents(data: Mapping[str, Any]) -> list[str]:
    """Return what the files of a fingerprint hold, wherever they lie."""
    return [file['footer_sha256'] for file in data.get('files') or ()]


def report_text(report: Mapping[str, Any]) -> str:
    """Write a report as a table for the terminal.

    Args:
        report: of :func:`report_thresholds`.

    Returns:
        Several lines.
    """
    lines = [
        f'{report["num_images"]:,} images of {report["split"]}; in brackets 95 % '
        f'intervals over {_groups_text(report)}',
        f'{"threshold":<34}{"f1":<24}{"precision":<24}{"recall":<24}false alarms',
    ]
    lines += [
        _row(_title(name, report['targets'].get(name)), numbers)
        for name, numbers in report['at'].items()
    ]
    lines.append(f'auc {_with_bounds(report["auc"], report["auc_interval"])}')
    lines += [_calibration_text(report), _origin_text(report)]
    return '\n'.join(lines)


def _is_same(chosen_on: dict | None, tested: dict | None) -> bool | None:
    """Whether two fingerprints are of the same images, wherever their files lie."""
    if not chosen_on or not tested:
        return None
    return describe_data(chosen_on) == describe_data(tested)


def _groups_text(report: Mapping[str, Any]) -> str:
    number = f'{report["num_groups"]:,}'
    if not report['has_groups']:
        return f'{number} single images: their groups are unknown'
    if report['num_groups'] < FEW_GROUPS:
        return f'{number} groups: few, so that they are too narrow'
    return f'{number} groups'


def _numbers_at(
    scores: Mapping[str, np.ndarray], threshold: float | None
) -> dict[str, Any] | None:
    """Return the ratios at one threshold with their intervals."""
    if threshold is None:
        return None
    counts = confusion_counts(scores['prob_B'], scores['label_B'], threshold=threshold)
    numbers: dict[str, Any] = {'threshold': threshold}
    for name in SHOWN_RATIOS:
        numbers[name] = RATIOS[name](counts)
        interval = metric_interval(name, scores, threshold=threshold)
        numbers[f'{name}_interval'] = _bounds(interval)
    num_closed = counts.fp + counts.tn
    numbers['false_alarm_rate'] = counts.fp / num_closed if num_closed else None
    return {**numbers, **counts._asdict()}


def _calibration(
    prob_N: np.ndarray, label_N: np.ndarray, temperature: float | None
) -> dict[str, float | None]:
    scaled = None
    if temperature is not None:
        scaled_N = apply_temperature(prob_N, temperature)
        scaled = _finite(expected_calibration_error(scaled_N, label_N))
    return {
        'ece': _finite(expected_calibration_error(prob_N, label_N)),
        'temperature': temperature,
        'ece_after_temperature': scaled,
    }


def _bounds(interval: Interval) -> list[float] | None:
    """Return the bounds as JSON can hold them."""
    low, high = _finite(interval.low), _finite(interval.high)
    return None if low is None or high is None else [low, high]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _title(name: str, target: float | None) -> str:
    if name == 'precision':
        return f'precision >= {target:g}'
    if name == 'false_alarm':
        return f'false alarms <= {target:g}'
    return {'default': 'as configured', 'best_f1': 'best F1'}[name]


def _row(title: str, numbers: Mapping[str, Any] | None) -> str:
    if numbers is None:
        return f'{title:<24}no threshold reached it where they were chosen'
    cells = [
        f'{_with_bounds(numbers[name], numbers[f"{name}_interval"]):<24}'
        for name in SHOWN_RATIOS
    ]
    rate = numbers['false_alarm_rate']
    alarms = 'undefined' if rate is None else f'{rate:.4f}'
    return f'{title:<24}{numbers["threshold"]:<10.4f}{"".join(cells)}{alarms}'


def _with_bounds(value: float | None, bounds: list[float] | None) -> str:
    text = 'undefined' if value is None else f'{value:.4f}'
    return text if bounds is None else f'{text} ({bounds[0]:.4f}-{bounds[1]:.4f})'


def _calibration_text(report: Mapping[str, Any]) -> str:
    ece, scaled = report['ece'], report['ece_after_temperature']
    text = 'calibration error ' + ('undefined' if ece is None else f'{ece:.4f}')
    if scaled is None:
        return f'{text}; no temperature is stored with the weights'
    return f'{text}, with temperature {report["temperature"]:.3f}: {scaled:.4f}'


def _origin_text(report: Mapping[str, Any]) -> str:
    if report['chosen_on'] is None:
        return (
            'the checkpoint holds no thresholds: it was saved without a validation, or '
            'before they were stored; only the configured one is reported'
        )
    text = (
        f'thresholds and temperature were chosen on {report["chosen_on"]} in training'
    )
    if report['is_same'] is None:
        return text
    if report['is_same']:
        return f'{text}, on the very images tested here: these numbers are too good'
    return f'{text}, on other images than those tested here'
