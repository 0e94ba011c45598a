"""Files of a test of actions: what each clip is called, which class is called what.

Shapes: N clips, C classes.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ocec.apis.action_report import STREAMS, TOP
from ocec.engine.checkpoint_io import write_text_atomically


def write_action_predictions(
    scores: Mapping[str, np.ndarray],
    names: Sequence[str],
    classes: Sequence[str],
    out: Path,
) -> None:
    """Write a CSV with one row for each clip, in the order of the scores.

    Columns: ``sample_id``, ``clip``, ``label``, ``prediction``; then for each stream
    ``fused_1``, ``fused_1_prob`` ... ``fused_5``, ``fused_5_prob``, its best classes
    and their probabilities, of equal ones the lower label first.

    Args:
        scores: fields of :class:`ocec.structures.ActionScores` as (N,) and (N, C)
            arrays.
        names: N names of clips.
        classes: C names.
        out: file to write.

    Raises:
        OSError: it cannot be written.
    """
    streams = {s: scores[f] for s, f in STREAMS.items() if scores.get(f) is not None}
    best = {s: best_classes(prob_NC, TOP) for s, prob_NC in streams.items()}
    places = range(min(TOP, len(classes)))
    columns = [
        name
        for stream in streams
        for place in places
        for name in (f'{stream}_{place + 1}', f'{stream}_{place + 1}_prob')
    ]
    rows = [['sample_id', 'clip', 'label', 'prediction', *columns]]
    for n, clip in enumerate(names):
        row = [int(scores['sample_id_B'][n]), clip, classes[scores['label_B'][n]]]
        row.append(classes[best['fused'][n, 0]])
        for stream, prob_NC in streams.items():
            for label in best[stream][n]:
                row += [classes[label], f'{prob_NC[n, label]:.6f}']
        rows.append(row)
    _write_csv(rows, out)


def write_confusion(report: Mapping[str, Any], out: Path) -> None:
    """Write the confusion matrix as a CSV; rows are labels, columns answers.

    Args:
        report: of :func:`ocec.apis.action_report.report_actions`.
        out: file to write.

    Raises:
        OSError: it cannot be written.
    """
    names = [entry['name'] for entry in report['classes']]
    rows = [['label', *names]]
    rows += [[n, *row] for n, row in zip(names, report['confusion'], strict=True)]
    _write_csv(rows, out)


def best_classes(prob_NC: np.ndarray, k: int) -> np.ndarray:
    """Return the classes with the highest scores.

    Args:
        prob_NC: (N, C) scores.
        k: >= 1; all where there are fewer.

    Returns:
        (N, min(k, C)) int64, the highest first, of equal ones the lower class.

    Example:
        >>> best_classes(np.array([[0.2, 0.5, 0.2, 0.1]]), 3)
        array([[1, 0, 2]])
    """
    return np.argsort(-prob_NC, axis=1, kind='stable')[:, :k]


def _write_csv(rows: Sequence[Sequence], out: Path) -> None:
    stream = io.StringIO()
    csv.writer(stream, lineterminator='\n').writerows(rows)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_text_atomically(stream.getvalue(), out)
