"""What a dataset tells of single samples: path, group, picture.

Each fact may be missing: datasets of this toolbox and others are asked for what they
have. Shapes: K samples, C channels, H x W pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.utils.data import Dataset

from ocec.functional.probability import CLASS_NAMES

UNKNOWN_GROUP = -1
# between the two pictures of a pair
GAP, GAP_GREY = 2, 128


def class_names_of(dataset: Dataset) -> tuple[str, str]:
    """Return the name of label 0 and of label 1; closed and open if nothing is told."""
    names = (getattr(dataset, 'metainfo', None) or {}).get('classes') or ()
    return tuple(map(str, names)) if len(names) == 2 else CLASS_NAMES


def paths_of(dataset: Dataset, sample_ids: Sequence[int]) -> list[str]:
    """Return where samples come from.

    Args:
        dataset: with or without ``image_paths``.
        sample_ids: K ids of the dataset.

    Returns:
        K paths, or ``file#row`` where a picture is embedded; empty where nothing is
        told.
    """
    if not hasattr(dataset, 'image_paths'):
        return [''] * len(sample_ids)
    return dataset.image_paths(list(sample_ids))


def groups_of(dataset: Dataset, group_ids: Sequence[int]) -> list[str]:
    """Return the names of groups.

    Args:
        dataset: with or without ``table.group_names``.
        group_ids: K codes; -1 is unknown.

    Returns:
        K names; the code where the dataset has no name for it, empty where unknown.
    """
    names = getattr(getattr(dataset, 'table', None), 'group_names', ())
    return [
        '' if code == UNKNOWN_GROUP else str(names[code] if code < len(names) else code)
        for code in map(int, group_ids)
    ]


def pictures_of(dataset: Dataset, sample_ids: Sequence[int]) -> list[np.ndarray] | None:
    """Return samples as the network gets them, before normalisation.

    They come from the decoded cache, so that it does not matter whether the file
    embeds its pictures or names them.

    Args:
        dataset: with or without ``indices_of`` and ``__getitems__``.
        sample_ids: K ids of the dataset.

    Returns:
        K (H, W, 3) uint8 RGB pictures; two channels stand side by side. None where
        the samples are no pictures, or the dataset cannot be asked by id.
    """
    if not len(sample_ids):
        return []
    if not (hasattr(dataset, 'indices_of') and hasattr(dataset, '__getitems__')):
        return None
    batch = dataset.__getitems__(dataset.indices_of(sample_ids).tolist())
    # a batch may lie on the GPU, see EyeParquet(resident='device')
    inputs_KCHW = torch.as_tensor(batch['inputs']).cpu().numpy()
    is_pictures = inputs_KCHW.ndim == 4 and inputs_KCHW.shape[1] in (1, 2, 3)
    if not is_pictures or inputs_KCHW.dtype != np.uint8:
        return None
    return [_as_rgb(image_CHW) for image_CHW in inputs_KCHW]


def _as_rgb(image_CHW: np.ndarray) -> np.ndarray:
    if len(image_CHW) == 3:
        return np.ascontiguousarray(image_CHW.transpose(1, 2, 0))
    parts = list(image_CHW)
    if len(parts) == 2:
        gap = np.full((len(parts[0]), GAP), GAP_GREY, np.uint8)
        parts = [parts[0], gap, parts[1]]
    return np.repeat(np.hstack(parts)[..., None], 3, axis=2)
