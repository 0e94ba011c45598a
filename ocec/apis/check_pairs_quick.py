"""What a training on pairs of digits looks at before it begins.

Shapes: N pairs of all datasets.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ocec.datasets.pair_file import read_source_rows
from ocec.datasets.pair_npz import SPLITS, PairNpz
from ocec.datasets.pair_stream import PairStream
from ocec.functional.leak_check import codes_in_several_parts, codes_of_digests

PAIR_DATASETS = (PairNpz, PairStream)
SHOWN = 3


def find_in_pairs(datasets: Mapping[str, PairNpz | PairStream]) -> list[str]:
    """Look for source digits and pairs in two splits, and for contradicting labels.

    Source digits are compared where they are known and come from one collection; also
    with the other splits that lie in the folder of a dataset.

    Args:
        datasets: name -> dataset of a run.

    Returns:
        A text for each thing that is wrong.
    """
    return [*_shared_sources(datasets), *_shared_pairs(datasets)]


def describe_pair_check(datasets: Mapping[str, PairNpz | PairStream]) -> str:
    """Say what was compared, for a log in which nothing was found.

    Args:
        datasets: name -> dataset of a run.

    Returns:
        The text.
    """
    named = ' and '.join(datasets)
    known = {dataset.source_fingerprint for dataset in datasets.values()}
    if None in known or len(known) > 1:
        return (
            f'no pair is in {named} twice with the same pixels; their source digits '
            'are not known, or not of one collection, and were not compared'
        )
    return (
        f'{named} share no source digit and no pair, and no label contradicts another'
    )


def _shared_sources(datasets) -> list[str]:
    places: list[tuple[str, str | None, np.ndarray]] = [
        (name, dataset.source_fingerprint, dataset.source_digits())
        for name, dataset in datasets.items()
    ]
    used = {dataset.split for dataset in datasets.values()}
    for folder, fingerprint in {
        (dataset.table.file.parent, dataset.source_fingerprint)
        for dataset in datasets.values()
        if isinstance(dataset, PairNpz) and dataset.meta
    }:
        for split in SPLITS:
            if split not in used and (file := folder / f'{split}.npz').is_file():
                places.append((f'split {split}', fingerprint, read_source_rows(file)))
    found = []
    for number, (name, fingerprint, rows) in enumerate(places):
        for other, other_fingerprint, other_rows in places[number + 1 :]:
            if fingerprint is None or fingerprint != other_fingerprint:
                continue
            # the remaining splits are none of this run's business among themselves
            if name.startswith('split '):
                continue
            shared = np.intersect1d(rows, other_rows)
            if len(shared):
                found.append(
                    f'LEAK: {len(shared):,} source digits are in {name} and {other} '
                    f'({_first(shared)}): the metrics will be too good'
                )
    return found


def _shared_pairs(datasets) -> list[str]:
    hashed = {
        name: dataset
        for name, dataset in datasets.items()
        if isinstance(dataset, PairNpz)
    }
    if not hashed:
        return []
    sizes = [len(dataset) for dataset in hashed.values()]
    part_N = np.repeat(np.arange(len(hashed), dtype=np.int8), sizes)
    label_N = np.concatenate([dataset.labels for dataset in hashed.values()])
    digest_N2 = np.concatenate([d.pixel_digests() for d in hashed.values()])
    pair_N = codes_of_digests(digest_N2, digest_N2.any(axis=1))
    found = []
    if len(shared := codes_in_several_parts(pair_N, part_N)):
        found.append(
            f'LEAK: {len(shared):,} pairs are in {" and ".join(hashed)}, pixel for '
            'pixel: the metrics will be too good'
        )
    if len(both := codes_in_several_parts(pair_N, label_N)):
        found.append(
            f'{len(both):,} pairs have one label in one row and the other in another'
        )
    return found


def _first(rows: np.ndarray) -> str:
    shown = ', '.join(map(str, rows[:SHOWN].tolist()))
    return shown + (', ...' if len(rows) > SHOWN else '')
