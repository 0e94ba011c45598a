"""Lists of samples worth a look, as CSV and as pictures side by side.

Shapes: K samples of a list, H x W pixels.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from torch.utils.data import Dataset

from ocec.apis.sample_facts import class_names_of, groups_of, paths_of, pictures_of
from ocec.functional.probability import CLOSED, OPEN
from ocec.preparation.contact_sheet import Tile, draw_contact_sheet
from ocec.visualization.sample_lists import SampleList

COLUMNS = ('sample_id', 'path', 'group', 'label', 'prob')


def write_list(
    samples: SampleList, scores: dict[str, np.ndarray], dataset: Dataset, path: Path
) -> None:
    """Write a list as CSV, one line per sample, in its order.

    Columns are sample_id, path, group, label, prob (of label 1) and the value that the
    list is sorted by. Path and group are empty where the dataset does not tell them.

    Args:
        samples: the list.
        scores: what it was made from, with ``sample_id_B`` and ``group_id_B``.
        dataset: what the ids are of.
        path: of the CSV.
    """
    index_K = samples.index_K
    names = class_names_of(dataset)
    ids = scores['sample_id_B'][index_K].tolist()
    rows = zip(
        ids,
        paths_of(dataset, ids),
        groups_of(dataset, scores['group_id_B'][index_K]),
        [names[label] for label in scores['label_B'][index_K].tolist()],
        scores['prob_B'][index_K].tolist(),
        samples.value_K.tolist(),
        strict=True,
    )
    with open(path, 'w', newline='', encoding='utf-8') as stream:
        writer = csv.writer(stream)
        writer.writerow([*COLUMNS, samples.value_name])
        for *facts, prob, value in rows:
            writer.writerow([*facts, f'{prob:.6f}', f'{value:.6g}'])


def draw_list(
    samples: SampleList, scores: dict[str, np.ndarray], dataset: Dataset, *, num: int
) -> np.ndarray | None:
    """Draw the first samples of a list, those of label 0 in one frame, then the others.

    Args:
        samples: the list.
        scores: what it was made from.
        dataset: what the ids are of.
        num: samples of each label, >= 0.

    Returns:
        (H, W, 3) uint8 RGB; None for an empty list, or when the dataset shows no
        pictures.
    """
    labels_K = scores['label_B'][samples.index_K]
    places_of = [np.flatnonzero(labels_K == code)[:num] for code in (CLOSED, OPEN)]
    index_K = samples.index_K[np.concatenate(places_of)]
    pictures = pictures_of(dataset, scores['sample_id_B'][index_K].tolist())
    if not pictures:
        return None
    names = class_names_of(dataset)
    groups = groups_of(dataset, scores['group_id_B'][index_K])
    tiles = []
    for picture, index, group in zip(pictures, index_K, groups, strict=True):
        name, prob = names[scores['label_B'][index]], scores['prob_B'][index]
        lines = f'is {name}, P {prob:.3f}', f'#{scores["sample_id_B"][index]} {group}'
        tiles.append(Tile(picture, lines))
    first = len(places_of[0])
    return draw_contact_sheet([part for part in (tiles[:first], tiles[first:]) if part])
