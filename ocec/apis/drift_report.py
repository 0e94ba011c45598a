"""Will a model of A work on B, where does it fail, and what is to be done?

Shapes: N rows, D features.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ocec.apis.analyze_errors import choose_threshold
from ocec.apis.compare_datasets import DriftReport, compare_datasets
from ocec.apis.drift_report_calibration import calibrate, fit_set
from ocec.apis.drift_report_embeddings import compare_embeddings, probe_head
from ocec.apis.drift_report_groups import failing_groups
from ocec.apis.drift_report_metrics import (
    describe_scores,
    difference,
    f1_of_other_share,
    group_folds,
    metrics_at,
    own_threshold,
)
from ocec.apis.drift_report_page import render_page
from ocec.apis.drift_report_scores import ScoredRows, score_rows
from ocec.apis.drift_report_text import find_notes, format_summary
from ocec.apis.drift_report_verdict import (
    Conclusion,
    conclude,
    conclude_without_labels,
)
from ocec.apis.errors import ConfigError
from ocec.apis.score_checkpoint import ScoredSplit, open_test_runner
from ocec.apis.threshold_report import thresholds_for
from ocec.datasets.eye_parquet import parse_image_size
from ocec.datasets.eye_table import SPLITS
from ocec.engine.checkpoint_io import write_text_atomically
from ocec.functional.metric_interval import count_groups

MAX_ROWS = 20_000
ALL_ROWS = 'all'


@dataclass(frozen=True)
class ModelDrift:
    """What B does to a model of A. Numbers with an interval are ``value, low, high``.

    Args:
        conclusion: what to do, with the numbers that say so.
        checkpoint: the model.
        threshold: P(open) from which an eye counts as open.
        threshold_origin: where it is from, in words.
        sets: of A and B: ``name``, ``rows`` of the split, ``scored``, ``unreadable``,
            ``labelled``, ``groups`` known, and of :func:`describe_scores`.
        metrics: of A and B at the threshold; B None without labels; ``A_at_B_share``,
            F1 of A at B's share of open eyes.
        gaps: A less B: ``f1`` (at B's share), ``accuracy``, ``auc``, ``f1_own``, with
            B's own threshold, ``f1_head``, with a new last layer. None without labels.
        own_threshold: of :func:`own_threshold`, None where it cannot be measured.
        head: of :func:`probe_head`, None where it cannot be measured.
        calibration: of A and B, of :func:`calibrate`.
        embeddings: of :func:`compare_embeddings`; None if the model tells none.
        groups: of :func:`failing_groups`; None without labels.
        data: of ``compare_datasets``; None where a set has fewer than two groups.
        notes: what limits the result.
    """

    conclusion: Conclusion
    checkpoint: str
    threshold: float
    threshold_origin: str
    sets: dict[str, dict]
    metrics: dict[str, dict | None]
    gaps: dict[str, dict | None] | None
    own_threshold: dict | None
    head: dict | None
    calibration: dict[str, dict | None]
    embeddings: dict | None
    groups: dict | None
    data: DriftReport | None
    notes: tuple[str, ...]


def drift_report(
    a: str | Path | Sequence[str],
    b: str | Path | Sequence[str],
    checkpoint: str | Path,
    *,
    split_a: str = 'val',
    split_b: str = 'val',
    out: str | Path = 'drift.html',
    json_file: str | Path | None = None,
    config: str | Path | None = None,
    threshold: float | str | None = None,
    max_rows: int = MAX_ROWS,
    seed: int = 0,
    allow_outside: bool = False,
    trust_checkpoint: bool = False,
    jobs: int | None = None,
) -> ModelDrift:
    """Score A and B with a model of A, say what differs, write the page.

    Args:
        a: what the model was trained on: a parquet file, folder or pattern.
        b: what it shall work on; without labels only what needs none is reported.
        checkpoint: weights; of a run with EMA, the averaged ones.
        split_a: ``train``, ``val`` or ``test`` of A, or ``all``.
        split_b: the same of B.
        out: the HTML file.
        json_file: where to write all numbers.
        config: the config file; by default the config that the checkpoint holds.
        threshold: P(open) from which an eye counts as open, or the name of one that
            the checkpoint holds; by default its ``best_f1``, else that of the metric.
        max_rows: of more rows of a set a random choice is used, >= 1.
        seed: of that choice, of folds and classifiers.
        allow_outside: also read pictures outside the folder of their parquet file.
        trust_checkpoint: unpickle anything when loading.
        jobs: processes that measure pictures, >= 1; None takes all cores.

    Returns:
        All numbers.

    Raises:
        ConfigError: an argument is wrong, or the checkpoint is no classifier of eyes.
        FileNotFoundError: a file is not there.
        ImportError: scikit-learn, matplotlib or jinja2 is not installed.
        ValueError: a file is damaged, a split is empty, or A lacks labels of a class.
    """
    splits = [_check_split(split) for split in (split_a, split_b)]
    if max_rows < 1:
        raise ConfigError(f'max_rows must be >= 1, got {max_rows}')
    choice = {'max_rows': max_rows, 'seed': seed, 'allow_outside': allow_outside}
    with open_test_runner(
        checkpoint, config=config, trust_checkpoint=trust_checkpoint
    ) as (runner, content):
        cfg = runner.cfg
        _check_task(cfg.model.get('type'), checkpoint)
        scored_a, scored_b = (
            score_rows(runner.model, cfg, data, split, **choice)
            for data, split in zip((a, b), splits, strict=True)
        )
    scored_a = _check_a(scored_a.labelled(), scored_a.name)
    # choose_threshold looks at the thresholds and the config only
    stored = thresholds_for(content.get('thresholds'), scored_a.fingerprint())
    value, origin = choose_threshold(
        _wanted_threshold(threshold, stored), ScoredSplit({}, None, cfg, stored)
    )
    data = None
    if min(count_groups(part.group_N) for part in (scored_a, scored_b)) >= 2:
        size = parse_image_size(cfg.test_dataloader.dataset['image_size'])
        data = compare_datasets(
            a,
            b,
            split_a=splits[0],
            split_b=splits[1],
            image_size=size,
            jobs=jobs,
            quiet=True,
            **choice,
        )
    numbers, outlier_M = measure_drift(scored_a, scored_b, value, seed=seed)
    report = ModelDrift(
        checkpoint=str(checkpoint),
        threshold=value,
        threshold_origin=origin,
        data=data,
        notes=tuple(find_notes(scored_a, scored_b, splits, numbers)),
        **numbers,
    )
    print(format_summary(report))
    if json_file is not None:
        _write(json.dumps(asdict(report), indent=1) + '\n', Path(json_file))
    page = render_page(
        report, scored_a, scored_b, outlier_M, allow_outside=allow_outside, seed=seed
    )
    _write(page, Path(out))
    return report


def measure_drift(
    a: ScoredRows, b: ScoredRows, threshold: float, *, seed: int = 0
) -> tuple[dict, np.ndarray | None]:
    """Compute everything that the scores and embeddings of both sets say.

    Args:
        a: labelled rows of A, of both classes.
        b: rows of B.
        threshold: P(open) from which an eye counts as open.
        seed: of folds and classifiers.

    Returns:
        The fields of :class:`ModelDrift` that are numbers, and the conclusion; and
        (M,) squared distances of B's rows over the limit of outliers, or None.
    """
    fold_a_N = group_folds(a, seed=seed)
    embeddings, outlier_M = None, None
    if a.embedding_ND is not None:
        embeddings, outlier_M = compare_embeddings(a, b, fold_a_N, seed=seed)
    found = {
        'sets': {
            which: _describe(part, threshold) for which, part in (('A', a), ('B', b))
        },
        'metrics': {'A': metrics_at(a, threshold), 'B': None, 'A_at_B_share': None},
        'gaps': None,
        'own_threshold': None,
        'head': None,
        'calibration': {'A': calibrate(a, fold_a_N), 'B': None},
        'embeddings': embeddings,
        'groups': None,
    }
    if b.has_labels:
        found |= _measure_labelled(a, b.labelled(), threshold, found, seed)
        conclusion = _conclude(found)
    else:
        conclusion = conclude_without_labels(embeddings)
    return found | {'conclusion': conclusion}, outlier_M


def _measure_labelled(a, b: ScoredRows, threshold: float, found: dict, seed) -> dict:
    """What needs labels of B."""
    of_a, of_b = found['metrics']['A'], metrics_at(b, threshold)
    at_share = f1_of_other_share(a, threshold, of_b['open_share'])
    gaps = {
        'f1': difference(at_share, of_b['f1']),
        'accuracy': difference(of_a['accuracy'], of_b['accuracy']),
        'auc': difference(of_a['auc'], of_b['auc']),
        'f1_own': None,
        'f1_head': None,
    }
    own, head, fold_N = None, None, group_folds(b, seed=seed)
    has_both = len(np.unique(b.label_N)) == 2
    if fold_N is not None and has_both:
        own = own_threshold(b, threshold, fold_N)
        says_open_N = own.pop('says_open_N')
        gaps['f1_own'] = difference(at_share, own['cross_fitted'])
        if b.embedding_ND is not None:
            head = probe_head(b, fold_N, says_open_N, seed=seed)
            gaps['f1_head'] = head and difference(at_share, head['f1'])
    calibrated = calibrate(b, fold_N if has_both else None, other=fit_set(a))
    return {
        'metrics': {'A': of_a, 'B': of_b, 'A_at_B_share': at_share},
        'gaps': gaps,
        'own_threshold': own,
        'head': head,
        'calibration': {**found['calibration'], 'B': calibrated},
        'groups': failing_groups(b, threshold),
    }


def _conclude(found: dict) -> Conclusion:
    gaps, own, head = found['gaps'], found['own_threshold'], found['head']
    return conclude(
        {
            # without one of the classes there is neither a threshold nor an order
            'loss': gaps['f1'] if own is not None else None,
            'own': own and own['gain'],
            'left': gaps['f1_own'],
            'order': gaps['auc'],
            'calibration': found['calibration']['B']['gain'],
            'head': head and head['gain'],
            'after_head': gaps['f1_head'],
        },
        best_threshold=own and own['best']['threshold'],
    )


def _describe(part: ScoredRows, threshold: float) -> dict:
    return {
        'name': part.name,
        'rows': part.num_rows,
        'scored': len(part.row_N),
        'unreadable': part.num_unreadable,
        'labelled': int((part.label_N >= 0).sum()),
        'groups': len(np.unique(part.group_N[part.group_N >= 0])),
        **describe_scores(part, threshold),
    }


def _check_split(split: str) -> str | None:
    if split not in (*SPLITS, ALL_ROWS):
        raise ConfigError(f'split must be one of {(*SPLITS, ALL_ROWS)}, got {split!r}')
    return None if split == ALL_ROWS else split


def _check_task(model: str | None, checkpoint: str | Path) -> None:
    if model != 'ImageClassifier':
        raise ConfigError(
            f'{checkpoint} holds a {model}, which is no classifier of eyes: name a '
            'checkpoint of an ImageClassifier'
        )


def _check_a(part: ScoredRows, name: str) -> ScoredRows:
    if len(np.unique(part.label_N)) < 2:
        raise ValueError(
            f'A, {name}: closed and open labels are needed to know how good the model '
            f'is at home, got labels of {len(np.unique(part.label_N))} classes'
        )
    return part


def _wanted_threshold(threshold, stored) -> float | str | None:
    if threshold is None and (stored or {}).get('best_f1') is not None:
        return 'best_f1'
    return threshold


def _write(text: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text_atomically(text, path)
    print(f'written: {path}')
