"""The real images of an export: what calibrates it and what judges it.

Shapes: N images of H x W pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np
import pyarrow as pa
import torch
from mmengine.model import BaseModel
from torch.utils.data import DataLoader, Dataset, Subset

from ocec.apis.errors import ConfigError
from ocec.datasets.eye_table import EyeTable
from ocec.datasets.picture_decode import decode_picture
from ocec.datasets.picture_file import read_encoded, stream_encoded

BATCH_SIZE = 256
ROWS_PER_READ = 256


@dataclass(frozen=True)
class ExportImages:
    """Images with their labels and what the trained model says of them.

    Args:
        pixels_NCHW: (N, 3, H, W) uint8 RGB of the network's size.
        label_N: (N,) int64, 1 open, 0 closed, -1 not known.
        torch_prob_N: (N,) float32 P(open) of the trained model, computed as
            ``tools/test.py`` does.
        split: they are of.
        fingerprint: of the whole split; None where the data set tells none.
        pictures: (h, w, 3) uint8 RGB at their own sizes, for an export that resizes.
    """

    pixels_NCHW: np.ndarray
    label_N: np.ndarray
    torch_prob_N: np.ndarray
    split: str
    fingerprint: dict | None
    pictures: list[np.ndarray] = field(default_factory=list)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.label_N)

    def spread(self, count: int) -> np.ndarray:
        """Return the numbers of some images, spread evenly over all.

        Args:
            count: at most so many, >= 1.

        Returns:
            Rising numbers in [0, N).
        """
        return spread(len(self), count)


def collect_images(
    model: BaseModel,
    loader: DataLoader,
    *,
    split: str,
    max_images: int,
    with_pictures: bool = False,
) -> ExportImages:
    """Score images of a loader and keep them.

    Args:
        model: in evaluation mode, with its weights.
        loader: of the split.
        split: its name.
        max_images: keep so many, spread evenly over the split; 0 keeps all.
        with_pictures: also read the pictures at their own sizes.

    Returns:
        The images.

    Raises:
        ConfigError: the pictures of these data cannot be read at their own sizes.
    """
    dataset = loader.dataset
    chosen = spread(len(dataset), max_images or len(dataset))
    batches = DataLoader(
        Subset(dataset, chosen.tolist()), BATCH_SIZE, collate_fn=loader.collate_fn
    )
    columns = {'pixels': [], 'label': [], 'id': [], 'prob': []}
    with torch.inference_mode():
        for batch in batches:
            [scores] = model.test_step(batch)
            columns['pixels'].append(batch['inputs'].numpy())
            columns['label'].append(scores.label_B.cpu().numpy())
            columns['id'].append(scores.sample_id_B.cpu().numpy())
            columns['prob'].append(scores.prob_B.cpu().float().numpy())
    arrays = {name: np.concatenate(parts) for name, parts in columns.items()}
    describe = getattr(dataset, 'fingerprint', None)
    return ExportImages(
        pixels_NCHW=np.ascontiguousarray(arrays['pixels']),
        label_N=arrays['label'],
        torch_prob_N=arrays['prob'],
        split=split,
        fingerprint=_without_folders(describe()) if describe else None,
        pictures=_read_pictures(dataset, arrays['id']) if with_pictures else [],
    )


def spread(total: int, count: int) -> np.ndarray:
    """Choose some of a row of things, evenly.

    Args:
        total: things there are, >= 1.
        count: wanted, >= 1.

    Returns:
        Rising numbers in [0, total), ``min(count, total)`` of them.

    Example:
        >>> spread(10, 3)
        array([1, 5, 8])
    """
    count = min(count, total)
    return ((np.arange(count) + 0.5) * total / count).astype(np.int64)


def _read_pictures(dataset: Dataset, rows_N: np.ndarray) -> list[np.ndarray]:
    table = getattr(dataset, 'table', None)
    if not isinstance(table, EyeTable):
        raise ConfigError(
            f'{type(dataset).__name__} does not give its pictures at their own sizes, '
            'which --input raw is checked with: choose --input resized'
        )
    found = dict(_decoded(table, rows_N))
    return [found[row] for row in rows_N.tolist()]


def _decoded(table: EyeTable, rows_N: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield row and picture; only what is wanted is decoded."""
    sorted_N = np.sort(rows_N)
    for first_row, batch, file in stream_encoded(table, ROWS_PER_READ):
        low, high = np.searchsorted(sorted_N, [first_row, first_row + batch.num_rows])
        rows = sorted_N[low:high]
        wanted = batch.take(pa.array(rows - first_row))
        # outside pictures were allowed or not when the data set was opened
        encoded = read_encoded(wanted, file, allow_outside=True)
        for row, content in zip(rows.tolist(), encoded, strict=True):
            picture = decode_picture(content)
            yield row, cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def _without_folders(fingerprint: dict) -> dict:
    """Name files without their folders: an exported file goes to other people."""
    files = [
        {**entry, 'file': entry['file'].rsplit('/', 1)[-1]}
        for entry in fingerprint.get('files', [])
    ]
    return {**fingerprint, 'files': files} if files else fingerprint
