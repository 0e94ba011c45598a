"""Checks of config and data: findings, files, classes, leaks, time to read."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np
from torch.utils.data import Dataset

from ocec.apis.action_data import check_action_files, is_action_dataset
from ocec.apis.check_dataset_quick import EYE_DATASETS, find_quickly
from ocec.apis.check_pairs_quick import PAIR_DATASETS, find_in_pairs
from ocec.apis.config_check import check_config
from ocec.apis.errors import ConfigError
from ocec.apis.verify_model_batch import choose_samples, num_tried, unit_of
from ocec.apis.verify_model_result import FAIL, OK, WARN, Verdict, worst
from ocec.apis.verify_model_subject import LOADERS, Subject
from ocec.datasets.rgb_pose import RGBPose

SHOWN = 5
HOW_TO_MAKE = {
    'EyeParquet': 'python tools/dataset_converters/make_sample_eyes.py draws eyes; '
    'yours: --data FILE.parquet',
    'PairNpz': 'python tools/dataset_converters/make_digit_pairs.py makes pairs; '
    'yours: --data FOLDER',
}
HOW_TO_MAKE |= {
    'MixedEyes': 'yours: --data NAME=FILE,NAME=FILE',
    'PairStream': HOW_TO_MAKE['PairNpz'],
    'RGBPose': 'docs/skeleton.md; python tools/dataset_converters/'
    'skeleton_statistics.py PICKLE lists all that is wrong',
}


def check_settings(subject: Subject) -> Verdict:
    """Look for keys and arguments that nothing reads."""
    findings = check_config(subject.cfg)
    errors = [str(finding) for finding in findings if not finding.is_note]
    notes = [str(finding) for finding in findings if finding.is_note]
    if errors:
        return Verdict(
            FAIL,
            f'{len(errors)} findings',
            'correct the config',
            details=[*errors, *notes],
        )
    if notes:
        return Verdict(WARN, '; '.join(notes), 'change it, or know why not')
    return Verdict(OK, f'{subject.cfg.filename} resolves, no findings')


def check_data(subject: Subject) -> Verdict:
    """Look whether the data are there, and which classes they have."""
    verdicts = _missing_files(subject)
    if any(verdict.status == FAIL for verdict in verdicts):
        subject.data_problem = '; '.join(v.text for v in verdicts)
        return worst(verdicts, good='')
    num_classes = _num_classes(subject)
    lines, known, facts = [], None, {}
    for name, dataset in subject.datasets.items():
        counts = _class_counts(dataset)
        lines.append(_describe(name, dataset, counts, unit_of(subject.cfg)))
        facts[name] = {'size': len(dataset), 'class_counts': counts}
        if counts is None:
            continue
        if name == 'train_dataloader':
            known = np.flatnonzero(counts)
        verdicts += _class_problems(name, counts, known, num_classes)
    found = worst(verdicts, good='; '.join(line.split(':')[0] for line in lines))
    return Verdict(found.status, found.text, found.way_out, details=lines, facts=facts)


def check_leaks(subject: Subject) -> Verdict:
    """Look for samples of the training in the validation."""
    names = [n for n in LOADERS[:2] if n in subject.datasets]
    datasets = {n.removesuffix('_dataloader'): subject.datasets[n] for n in names}
    kinds = (*EYE_DATASETS, *PAIR_DATASETS, RGBPose)
    other = [d for d in datasets.values() if not isinstance(d, kinds)]
    if len(datasets) < 2 or other:
        what = type(other[0]).__name__ if other else 'no validation'
        return Verdict(OK, f'not compared: {what}')
    if all(isinstance(d, RGBPose) for d in datasets.values()):
        found = _shared_clips(datasets)
    elif all(isinstance(d, PAIR_DATASETS) for d in datasets.values()):
        found = find_in_pairs(datasets)
    else:
        found = find_quickly(datasets)
    leaks = [text for text in found if text.startswith('LEAK')]
    if leaks:
        return Verdict(
            FAIL, '; '.join(found), 'split again: docs/data.md', facts={'found': found}
        )
    if found:
        return Verdict(WARN, '; '.join(found), 'look at these rows: docs/data.md')
    return Verdict(OK, 'train and val share nothing')


def check_speed(subject: Subject) -> Verdict:
    """Time reading and training; information only."""
    cfg = subject.cfg
    batch = cfg.train_dataloader.get('batch_size') or 1
    dataset = subject.datasets['train_dataloader']
    tried = num_tried(cfg)
    indices = choose_samples(dataset, 2 * tried)[-tried:]
    start = time.perf_counter()
    dataset.__getitems__(indices)
    reading = (time.perf_counter() - start) / len(indices) * batch
    workers = max(1, cfg.train_dataloader.get('num_workers') or 0)
    told = (
        f'one process reads a batch of {batch} in {reading:.3g} s, {workers} give one '
        f'every {reading / workers:.3g} s if there are as many cores'
    )
    facts = {'seconds_to_read': reading, 'workers': workers}
    step = getattr(subject, 'seconds_per_step', None)
    if step is None:
        return Verdict(OK, f'{told}; steps not timed', facts=facts)
    step *= batch / tried
    iterations = -(-len(dataset) // batch)
    run = step * iterations * cfg.train_cfg.get('max_epochs', 1)
    details = [
        f'a step takes about {step:.3g} s on this {subject.device.type} (from steps '
        f'with {tried}); an epoch {_duration(step * iterations)}, the run '
        f'{_duration(run)}, one process, without validation'
    ]
    if reading / workers > step:
        details.append('the device will wait for the data: more num_workers')
    facts |= {'seconds_per_step': step, 'seconds_of_run': run}
    return Verdict(OK, told, details=details, facts=facts)


def _missing_files(subject: Subject) -> list[Verdict]:
    """Build all datasets; say which cannot be, and why."""
    try:
        check_action_files(subject.cfg)
    except ConfigError as error:
        first, *rest = str(error).split('\n')
        return [Verdict(FAIL, first, 'make or name them, as told below', details=rest)]
    loaders_of: dict[str, list[str]] = {}
    for name, text in subject.dataset_errors.items():
        loaders_of.setdefault(text, []).append(name)
    found = []
    for text, names in loaders_of.items():
        # a training does without
        status = WARN if names == ['test_dataloader'] else FAIL
        kind = subject.cfg[names[0]]['dataset']['type']
        way_out = HOW_TO_MAKE.get(kind, 'docs/data.md')
        found.append(Verdict(status, f'{text} ({", ".join(names)})', way_out))
    return found


def _num_classes(subject: Subject) -> int | None:
    """Classes that the head of a model for actions tells apart."""
    dataset = subject.cfg.train_dataloader['dataset']
    if not is_action_dataset(dataset):
        return None
    return (subject.cfg.model.get('head') or {}).get('num_classes')


def _class_counts(dataset: Dataset) -> list[int] | None:
    counts = getattr(dataset, 'class_counts', None)
    return None if counts is None else [int(count) for count in counts]


def _describe(name: str, dataset: Dataset, counts: list[int] | None, unit: str) -> str:
    told = f'{name.removesuffix("_dataloader")} {len(dataset):,} {unit}s'
    if counts is None:
        return told
    metainfo = getattr(dataset, 'metainfo', None) or {}
    classes = metainfo.get('classes') or range(len(counts))
    if len(counts) > SHOWN:
        used = [count for count in counts if count]
        return (
            f'{told}: {len(used)} of {len(counts)} classes, {min(used):,} to '
            f'{max(used):,} {unit}s each'
        )
    listed = ', '.join(
        f'{count:,} {cls}' for cls, count in zip(classes, counts, strict=False)
    )
    return f'{told}: {listed}'


def _class_problems(
    name: str, counts: list[int], known: np.ndarray | None, num_classes: int | None
) -> list[Verdict]:
    name = name.removesuffix('_dataloader')
    used = np.flatnonzero(counts)
    if num_classes is not None and used.max() >= num_classes:
        return [
            Verdict(
                FAIL,
                f'{name} has labels up to {used.max()}, model.head.num_classes is '
                f'{num_classes}',
                f'--cfg-options model.head.num_classes={len(counts)}',
            )
        ]
    if name == 'train':
        if len(used) < 2:
            text = f'train has one class only, of {len(counts)}'
            return [Verdict(FAIL, text, 'nothing can be learnt from it')]
        total = max(len(counts), num_classes or 0)
        if len(used) < total:
            absent = sorted({*range(total)} - {*used.tolist()})
            return [
                Verdict(
                    WARN,
                    f'{len(absent)} of {total} classes are not in train: '
                    f'{_first(absent)}',
                    'fine for a trial; else complete the data, or lower num_classes',
                )
            ]
        return []
    if known is not None and len(new := np.setdiff1d(used, known)):
        text = f'{name} has classes that train does not have: {_first(new.tolist())}'
        return [Verdict(WARN, text, 'they can only be answered wrongly')]
    return []


def _shared_clips(datasets: Mapping[str, RGBPose]) -> list[str]:
    train, val = (set(dataset.ids.tolist()) for dataset in datasets.values())
    shared = sorted(train & val)
    if not shared:
        return []
    return [f'LEAK: {len(shared):,} clips are in train and val: {_first(shared)}']


def _first(names: list) -> str:
    shown = ', '.join(map(str, names[:SHOWN]))
    return shown + (', ...' if len(names) > SHOWN else '')


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f'{seconds:.0f} s'
    if seconds < 90 * 60:
        return f'{seconds / 60:.0f} min'
    hours = seconds / 3600
    return f'{hours:.1f} h' if hours < 48 else f'{hours / 24:.1f} days'
