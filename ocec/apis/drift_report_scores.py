"""What a checkpoint says of the rows of a data set, labelled or not.

Shapes: N rows, B of a batch, H x W pixels, D features, K statistics.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from torch import nn

from ocec.apis.check_dataset_scan import read_pictures
from ocec.apis.errors import ConfigError
from ocec.apis.progress import track
from ocec.datasets.cache import footer_sha256, open_decoded_cache
from ocec.datasets.eye_parquet import parse_image_size
from ocec.datasets.eye_table import (
    NO_GROUP,
    SPLITS,
    EyeTable,
    find_parquet_files,
    read_eye_table,
)
from ocec.datasets.image_file import ImageFile
from ocec.functional.picture_statistics import measure_pixels
from ocec.functional.probability import CLOSED
from ocec.structures import BatchTargets

BATCH_SIZE = 256
NO_LABEL = -1


@dataclass(frozen=True)
class ScoredRows:
    """Rows of a data set with what the model says of them.

    Args:
        name: what the set is called in a report.
        table: all rows of its files.
        num_rows: rows of the split.
        row_N: (N,) the rows scored, ascending.
        prob_N: (N,) float32 P(open) in [0, 1].
        label_N: (N,) int8, 1 open, 0 closed, -1 unknown.
        group_N: (N,) int32 code into the group names of the table; -1 unknown.
        embedding_ND: (N, D) float32; None where the model tells none.
        pixel_NK: (N, 10) float32 of :func:`measure_pixels`, at the model's size.
        num_unreadable: rows whose picture could not be read.
    """

    name: str
    table: EyeTable
    num_rows: int
    row_N: np.ndarray
    prob_N: np.ndarray
    label_N: np.ndarray
    group_N: np.ndarray
    embedding_ND: np.ndarray | None
    pixel_NK: np.ndarray
    num_unreadable: int = 0

    @property
    def has_labels(self) -> bool:
        """Whether any row has a label."""
        return bool((self.label_N != NO_LABEL).any())

    @property
    def has_groups(self) -> bool:
        """Whether any row tells its group."""
        return bool((self.group_N != NO_GROUP).any())

    def take(self, index: np.ndarray) -> ScoredRows:
        """Return some of the rows.

        Args:
            index: (M,) places, or (N,) bool.

        Returns:
            The same set with these rows only.
        """
        embedding_ND = self.embedding_ND
        return replace(
            self,
            row_N=self.row_N[index],
            prob_N=self.prob_N[index],
            label_N=self.label_N[index],
            group_N=self.group_N[index],
            embedding_ND=None if embedding_ND is None else embedding_ND[index],
            pixel_NK=self.pixel_NK[index],
        )

    def labelled(self) -> ScoredRows:
        """Return the rows that have a label."""
        return self.take(self.label_N != NO_LABEL)

    def fingerprint(self) -> dict:
        """Return what identifies the files, as ``EyeParquet.fingerprint`` does."""
        files = [{'footer_sha256': footer_sha256(file)} for file in self.table.files]
        return {'files': files}


def score_rows(
    model: nn.Module,
    cfg: Config,
    data: str | Path | Sequence[str],
    split: str | None,
    *,
    max_rows: int,
    seed: int = 0,
    allow_outside: bool = False,
) -> ScoredRows:
    """Score the rows of a split, those without a label too.

    Args:
        model: classifier of eyes, with its weights.
        cfg: its config, of which ``test_dataloader.dataset`` tells the image size.
        data: parquet file, folder or pattern.
        split: ``train``, ``val`` or ``test`` of the column ``split``; None: all rows.
        max_rows: of more rows a random choice is scored, >= 1.
        seed: of that choice.
        allow_outside: also read pictures outside the folder of their parquet file.

    Returns:
        Rows with finite scores, in the order of the files.

    Raises:
        ConfigError: the config prepares pictures in a way of its own.
        FileNotFoundError: a file is not there.
        ValueError: a file is damaged, the split is empty, or no score is finite.
    """
    dataset = cfg.test_dataloader.dataset
    if dataset.get('pipeline') is not None:
        raise ConfigError(
            'the config prepares its pictures with a pipeline, which is not run here'
        )
    table = read_eye_table(find_parquet_files(data))
    chosen = rows = rows_of_split(table, split)
    if len(rows) > max_rows:
        rng = np.random.default_rng(seed)
        chosen = np.sort(rng.choice(rows, max_rows, replace=False))
    cache = open_decoded_cache(
        table,
        parse_image_size(dataset['image_size']),
        interpolation=dataset.get('interpolation', 'bilinear'),
        allow_outside=allow_outside,
        log=lambda text: None,
    )
    read = chosen[~np.isin(chosen, [row for row, _ in cache.bad_rows])]
    if not len(read):
        raise ValueError(f'{data}: no picture can be read, as {cache.bad_rows[0][1]}')
    prob_N, embedding_ND, pixel_NK = _run(
        model, ImageFile(cache.folder / 'images.npy'), read, f'scoring {data}'
    )
    part = ScoredRows(
        name=f'{data}' + (f' [{split}]' if split else ''),
        table=table,
        num_rows=len(rows),
        row_N=read,
        prob_N=prob_N,
        label_N=table.label_N[read],
        group_N=table.group_N[read],
        embedding_ND=embedding_ND,
        pixel_NK=pixel_NK,
        num_unreadable=len(chosen) - len(read),
    )
    fine_N = np.isfinite(prob_N)
    if embedding_ND is not None:
        fine_N &= np.isfinite(embedding_ND).all(axis=1)
    if not fine_N.any():
        raise ValueError('no row has a finite score: the weights are broken')
    return part if fine_N.all() else part.take(fine_N)


def rows_of_split(table: EyeTable, split: str | None) -> np.ndarray:
    """Return which rows are of a split.

    Args:
        table: the rows.
        split: ``train``, ``val`` or ``test``; None takes all rows.

    Returns:
        (N,) int64 ascending numbers of rows, N >= 1.

    Raises:
        ValueError: there is none; the message counts those of the other splits.
    """
    if split is None:
        rows = np.arange(len(table))
    else:
        rows = np.flatnonzero(table.split_N == SPLITS.index(split))
    if not len(rows):
        counts = {n: int((table.split_N == c).sum()) for c, n in enumerate(SPLITS)}
        what = 'row' if split is None else f'row in split "{split}"'
        raise ValueError(
            f'{table.files[0]}: no {what}; rows by split: {counts}. Choose another '
            'with --split-a or --split-b; "all" takes every row'
        )
    return rows


def read_crops(
    part: ScoredRows, index_K: np.ndarray, *, allow_outside: bool = False
) -> list[np.ndarray | None]:
    """Read pictures of rows at native size.

    Args:
        part: the scored rows.
        index_K: (K,) places among them.
        allow_outside: also read pictures outside the folder of their parquet file.

    Returns:
        K (h, w, 3) uint8 RGB pictures; None where one cannot be read.
    """
    rows = part.row_N[index_K].tolist()
    found = read_pictures(part.table, rows, allow_outside=allow_outside)
    return [found.get(row) for row in rows]


def _run(model: nn.Module, images: ImageFile, row_N: np.ndarray, what: str):
    """Return (N,) P(open), (N, D) embeddings or None, (N, 10) statistics of pixels."""
    probs, embeddings, pixels = [], [], []
    starts = range(0, len(row_N), BATCH_SIZE)
    model.eval()
    for start in track(starts, total=len(starts), what=what):
        row_B = row_N[start : start + BATCH_SIZE]
        image_BHWC = np.asarray(images[row_B])
        pixels.append(measure_pixels(image_BHWC))
        # a loss is computed too, which needs a label, and is not used
        label_B = torch.full((len(row_B),), CLOSED)
        batch = {
            'inputs': torch.from_numpy(image_BHWC).permute(0, 3, 1, 2),
            'data_samples': BatchTargets(label_B, torch.from_numpy(row_B), label_B),
        }
        with torch.no_grad():
            [scores] = model.test_step(batch)
        probs.append(scores.prob_B.float().cpu().numpy())
        if scores.embedding_BD is not None:
            embeddings.append(scores.embedding_BD.float().cpu().numpy())
    embedding_ND = np.concatenate(embeddings) if embeddings else None
    return np.concatenate(probs), embedding_ND, np.concatenate(pixels)
