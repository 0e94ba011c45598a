"""The cheap half of the check of a data set: what a training looks at before it begins.

It compares what the training and the validation really read, also when that is two
files, and the groups of both with those of the split test of these files. Shapes: N
images of all datasets, R rows of a file.
"""

from __future__ import annotations

import logging
import shlex
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from ocec.apis.check_pairs_quick import (
    PAIR_DATASETS,
    describe_pair_check,
    find_in_pairs,
)
from ocec.datasets.eye_parquet import EyeParquet
from ocec.datasets.eye_table import NO_GROUP, SPLITS
from ocec.datasets.mixed_eyes import MixedEyes
from ocec.functional.leak_check import codes_in_several_parts, codes_of_digests

EYE_DATASETS = (EyeParquet, MixedEyes)
CHOICES = ('auto', 'always', 'never')
# hashing as many crops of 32 x 64 takes about ten seconds of one core, once
MAX_AUTO_IMAGES = 1_000_000
SHOWN = 3


class DatasetCheckHook(Hook):
    """Checks the data of a run before its first epoch, and warns in its log.

    Args:
        when: ``auto``: unless there are more than ``MAX_AUTO_IMAGES`` images;
            ``always``; ``never``.

    Raises:
        ValueError: ``when`` is another word.
    """

    priority = 'VERY_LOW'

    def __init__(self, when: str = 'auto') -> None:
        if when not in CHOICES:
            raise ValueError(f'data_check must be one of {CHOICES}, got {when!r}')
        self.when = when

    def before_train(self, runner: Runner) -> None:
        """Check once, in the first process.

        Args:
            runner: of the run.
        """
        if self.when == 'never' or runner.rank != 0:
            return
        loaders = {'train': runner.train_dataloader}
        if runner.val_loop is not None:
            loaders['val'] = runner.val_dataloader
        datasets = {name: loader.dataset for name, loader in loaders.items()}
        is_pairs = all(isinstance(d, PAIR_DATASETS) for d in datasets.values())
        for name, dataset in datasets.items():
            if not is_pairs and not isinstance(dataset, EYE_DATASETS):
                _log(f'data check left out: {name} reads a {type(dataset).__name__}')
                return
        num_images = sum(map(len, datasets.values()))
        if self.when == 'auto' and num_images > MAX_AUTO_IMAGES:
            _log(
                f'data check left out: {num_images:,} images are more than '
                f'{MAX_AUTO_IMAGES:,}; ask for it with --data-check always'
            )
            return
        (_report_pairs if is_pairs else _report)(datasets)


def find_quickly(datasets: Mapping[str, EyeParquet]) -> list[str]:
    """Look for groups and pictures in two datasets, and for contradicting labels.

    Of rows of the split test that no dataset reads, only the groups are compared.

    Args:
        datasets: name -> dataset of a run.

    Returns:
        A text for each thing that is wrong.
    """
    sizes = [len(dataset) for dataset in datasets.values()]
    part_N = np.repeat(np.arange(len(datasets), dtype=np.int8), sizes)
    label_N = np.concatenate([dataset.labels for dataset in datasets.values()])
    named = ' and '.join(datasets)
    found = []
    group_N, names = _groups(list(datasets.values()))
    if len(shared := codes_in_several_parts(group_N, part_N)):
        shown = _first([names[code] for code in shared])
        found.append(
            f'LEAK: {len(shared):,} groups are in {named} ({shown}): the metrics will '
            'be too good'
        )
    used = {names[code] for code in np.unique(group_N[group_N != NO_GROUP])}
    if tested := sorted(used & _groups_of_test(list(datasets.values()))):
        found.append(
            f'LEAK: {len(tested):,} groups of {named} are also in the split test '
            f'({_first(tested)}): the metrics of test will be too good'
        )
    digests = [dataset.pixel_digests() for dataset in datasets.values()]
    if all(digest is not None for digest in digests):
        digest_N2 = np.concatenate(digests)
        picture_N = codes_of_digests(digest_N2, digest_N2.any(axis=1))
        if len(shared := codes_in_several_parts(picture_N, part_N)):
            found.append(
                f'LEAK: {len(shared):,} pictures are in {named}, pixel for pixel: the '
                'metrics will be too good'
            )
        if len(both := codes_in_several_parts(picture_N, label_N)):
            found.append(
                f'{len(both):,} pictures are labelled open in one row and closed in '
                'another'
            )
    tables = {dataset.table.files: dataset.table for dataset in datasets.values()}
    problems = [bad.problem for table in tables.values() for _, bad in table.bad_rows]
    if disagreeing := sum(problem.endswith('disagree') for problem in problems):
        found.append(f'class_id and label of {disagreeing:,} rows disagree')
    return found


def _groups(datasets: Sequence[EyeParquet]) -> tuple[np.ndarray, list[str]]:
    """Codes of the groups of all images, the same for one name in two files."""
    names = sorted({name for d in datasets for name in d.table.group_names})
    code_of = {name: code for code, name in enumerate(names)}
    codes = []
    for dataset in datasets:
        # the last entry serves NO_GROUP, which is -1
        own = [*(code_of[name] for name in dataset.table.group_names), NO_GROUP]
        codes.append(np.array(own)[dataset.table.group_N[dataset.rows]])
    return np.concatenate(codes), names


def _groups_of_test(datasets: Sequence[EyeParquet]) -> set[str]:
    """Names of the groups in rows of the split test that no dataset reads.

    Where the datasets split by ratios, such rows have whole groups of their own.
    """
    group_R_of: dict[Path, np.ndarray] = {}
    for dataset in datasets:
        table = dataset.table
        names = np.array([*table.group_names, ''], object)
        is_left_N = (table.split_N == SPLITS.index('test')) & (table.label_N >= 0)
        is_left_N[dataset.rows] = False
        group_N = np.where(is_left_N, table.group_N, NO_GROUP)
        pieces = np.split(group_N, table.first_row_F[1:-1])
        for file, code_R in zip(table.files, pieces, strict=True):
            # what one dataset reads is not left, though another does not read it
            name_R = group_R_of.setdefault(file.resolve(), names[code_R])
            name_R[code_R == NO_GROUP] = ''
    return {name for name_R in group_R_of.values() for name in name_R} - {''}


def _first(names: Sequence[str]) -> str:
    return ', '.join(names[:SHOWN]) + (', ...' if len(names) > SHOWN else '')


def _report(datasets: Mapping[str, EyeParquet]) -> None:
    start = time.perf_counter()
    found = find_quickly(datasets)
    seconds = time.perf_counter() - start
    files = {str(file) for dataset in datasets.values() for file in dataset.table.files}
    num_images = sum(map(len, datasets.values()))
    if not found:
        named = ' and '.join(datasets)
        _log(
            f'data check: {num_images:,} images of {named} share no group and no '
            'picture, none of their groups is in the split test, and no label '
            f'contradicts another ({seconds:.1f} s)'
        )
        return
    for text in found:
        _log(f'data check: {text}', logging.WARNING)
    _log(
        'data check: see more with: python tools/misc/check_dataset.py '
        f'{shlex.join(sorted(files))} --html data_check.html',
        logging.WARNING,
    )


def _report_pairs(datasets: Mapping) -> None:
    found = find_in_pairs(datasets)
    for text in found:
        _log(f'data check: {text}', logging.WARNING)
    if not found:
        _log(f'data check: {describe_pair_check(datasets)}')


def _log(message: str, level: int = logging.INFO) -> None:
    print_log(message, logger='current', level=level)
