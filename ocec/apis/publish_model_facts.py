"""What a model card tells: the model, its training and its numbers, nothing guessed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from ocec.apis.get_flops import count_macs, count_parameters
from ocec.apis.score_checkpoint import ScoredSplit, score_checkpoint
from ocec.apis.threshold_report import (
    metric_threshold,
    report_thresholds,
    thresholds_for,
)
from ocec.datasets.eye_split import assign_splits
from ocec.datasets.eye_table import NO_GROUP, SPLITS
from ocec.functional.classification import accuracy, confusion_counts
from ocec.functional.metric_interval import metric_interval
from ocec.functional.probability import CLASS_NAMES
from ocec.registry import MODELS

CLASSIFIER = 'ImageClassifier'


def without_folders(value: Any) -> Any:
    """Return plain values whose absolute paths are cut to the name of the file.

    Args:
        value: dicts, lists and tuples of plain values.

    Returns:
        A copy.

    Example:
        >>> without_folders({'data': ['/home/me/eyes.parquet', 'data/eyes.parquet']})
        {'data': ['eyes.parquet', 'data/eyes.parquet']}
    """
    if isinstance(value, Mapping):
        return {key: without_folders(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(without_folders, value))
    if isinstance(value, str) and '\n' not in value:
        path = os.path.expanduser(value)
        return os.path.basename(path.rstrip('/')) if os.path.isabs(path) else value
    return value


def describe_model(cfg: Config, published: Mapping) -> dict[str, Any]:
    """Tell architecture, size and input of a model.

    Args:
        cfg: its config.
        published: checkpoint with ``meta``.

    Returns:
        ``architecture``, ``params``, ``macs`` of one image, ``input`` and ``classes``;
        None for the last three of what is no classifier of single images and does not
        tell its classes.
    """
    with DefaultScope.overwrite_default_scope('ocec'):
        model = MODELS.build(cfg.model).eval()
    parts = {
        part: type(getattr(model, part)).__name__
        for part in ('backbone', 'neck', 'head')
        if getattr(model, part, None) is not None
    }
    margin = getattr(getattr(model, 'head', None), 'margin', None)
    classes = (published['meta'].get('dataset_meta') or {}).get('classes')
    is_classifier = cfg.model.get('type') == CLASSIFIER
    facts = {
        'architecture': {
            'type': type(model).__name__,
            **parts,
            'margin': None if margin is None else type(margin).__name__,
            'settings': dict(cfg.model.get('backbone') or {}),
        },
        'params': count_parameters(model),
        'macs': None,
        'input': None,
        'classes': list(classes) if classes else None,
    }
    if not is_classifier:
        return facts
    facts['classes'] = facts['classes'] or list(CLASS_NAMES)
    height, width = cfg.model['input_size']
    facts['macs'] = count_macs(model, torch.zeros(1, 3, height, width))
    facts['input'] = {
        'shape': [3, height, width],
        'pixels': 'RGB, 0 to 255',
        'mean': list(cfg.model['data_preprocessor']['mean']),
        'std': list(cfg.model['data_preprocessor']['std']),
    }
    return facts


def read_training(checkpoint: Path, content: Mapping) -> dict[str, Any]:
    """Tell what is recorded of a training.

    Args:
        checkpoint: its file; ``provenance.json`` lies beside it.
        content: of the checkpoint.

    Returns:
        ``epoch`` and ``seed``; ``data``, the fingerprints of ``train`` and ``val``,
        without folders; ``git`` and ``packages``; ``imported`` and ``average``, where
        the weights come from elsewhere. None for what nobody recorded.
    """
    meta = content.get('meta') or {}
    session: dict[str, Any] = {}
    record = checkpoint.parent / 'provenance.json'
    if record.is_file():
        session = json.loads(record.read_text(encoding='utf-8'))['sessions'][-1]
    data = dict(session.get('data') or {})
    data.setdefault('val', (content.get('thresholds') or {}).get('data'))
    told = {
        **{key: meta.get(key) for key in ('epoch', 'seed', 'imported', 'average')},
        'data': {'train': data.get('train'), 'val': data['val']},
        **{key: session.get(key) for key in ('git', 'packages')},
    }
    return without_folders(told)


def score_model(
    file: Path, data: str, split: str | None, train: Mapping | None
) -> dict[str, Any]:
    """Score a published file.

    Args:
        file: the file.
        data: parquet file, folder or pattern.
        split: None takes that of the test loader.
        train: fingerprint of the images trained on; None where it is not known.

    Returns:
        ``source``; ``report``, as ``tools/test.py`` writes it; ``accuracy`` with its
        interval; ``data``, the fingerprint; and ``groups``, as
        :func:`count_shared_groups` tells them.
    """
    scored = score_checkpoint(file, data=data, split=split)
    dataset = scored.dataset
    describe = getattr(dataset, 'fingerprint', None)
    fingerprint = describe() if describe else None
    threshold = metric_threshold(scored.cfg.test_evaluator)
    report = report_thresholds(
        scored.scores,
        thresholds_for(scored.thresholds, fingerprint),
        threshold=threshold,
        split=getattr(dataset, 'split', 'test'),
        data=fingerprint,
    )
    counts = confusion_counts(
        scored.scores['prob_B'], scored.scores['label_B'], threshold=threshold
    )
    interval = metric_interval('accuracy', scored.scores, threshold=threshold)
    has_interval = not np.isnan(interval.low)
    return without_folders(
        {
            'source': 'scored anew from the published file',
            'is_new': True,
            'report': report,
            'accuracy': accuracy(counts),
            'accuracy_interval': list(interval[:2]) if has_interval else None,
            'data': fingerprint,
            'groups': count_shared_groups(scored, train),
        }
    )


def find_metrics(checkpoint: Path, content: Mapping) -> dict[str, Any]:
    """Take the numbers that lie beside a checkpoint.

    Args:
        checkpoint: its file.
        content: of the checkpoint.

    Returns:
        ``source``, which says where they are from; ``report`` of the last test of
        a file of this name, else None; and ``best``, ``{metric, value, epoch}`` of the
        validation that chose the checkpoint, with ``interval``, else None.
    """
    found: dict[str, Any] = {'is_new': False, 'report': None, 'best': None}
    test = checkpoint.parent / 'test_metrics.json'
    if test.is_file():
        metrics = json.loads(test.read_text(encoding='utf-8'))
        if Path(metrics['checkpoint']).name == checkpoint.name:
            source = 'the metrics are those of test_metrics.json beside the checkpoint'
            return without_folders(
                {**found, 'source': source, 'report': metrics['report']}
            )
    record = checkpoint.parent / 'best.json'
    if record.is_file():
        best = json.loads(record.read_text(encoding='utf-8'))
        if best['file'] == checkpoint.name:
            interval = (content.get('verdict') or {}).get('interval') or {}
            found['best'] = {key: best.get(key) for key in ('metric', 'value', 'epoch')}
            if interval.get('epoch') == best.get('epoch'):
                found['best']['interval'] = interval
            source = 'the metric is that of the validation which chose the epoch'
            return {**found, 'source': source}
    return {**found, 'source': 'no metrics lie beside the checkpoint'}


def count_shared_groups(
    scored: ScoredSplit, train: Mapping | None
) -> dict[str, Any] | None:
    """Tell whether people or recordings of a split were trained on.

    Args:
        scored: the split.
        train: fingerprint of the images trained on.

    Returns:
        ``is_training_file``, whether the file is the one trained on (None: not
        known); ``train`` and ``scored``, their groups; ``unknown``, rows of the split
        without a group; ``shared``, groups in both. None for other data than eyes in
        parquet files.
    """
    dataset, cfg = scored.dataset, scored.cfg.test_dataloader.dataset
    table = getattr(dataset, 'table', None)
    if table is None:
        return None
    split_N = assign_splits(
        table,
        cfg.get('split_ratios'),
        seed=cfg.get('split_seed', 42),
        group_by=cfg.get('group_by', 'group'),
        fold=cfg.get('fold'),
    )
    groups = {
        name: set(np.unique(table.group_N[split_N == SPLITS.index(name)])) - {NO_GROUP}
        for name in ('train', dataset.split)
    }
    tested = [file['footer_sha256'] for file in dataset.fingerprint()['files']]
    trained = [file['footer_sha256'] for file in (train or {}).get('files') or ()]
    return {
        'is_training_file': set(tested) == set(trained) if trained else None,
        'train': len(groups['train']),
        'scored': len(groups[dataset.split]),
        'unknown': int((table.group_N[dataset.rows] == NO_GROUP).sum()),
        'shared': len(groups['train'] & groups[dataset.split]),
    }
