"""Folders of spoilt digit pairs whose splits share no source digit.

Shapes: N pairs, S images of single digits.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch

from ocec.functional.digit_degradation import degradation_at, degrade_digits
from ocec.functional.digit_pairs import (
    DEFAULT_ADJACENCY,
    deal_blocks,
    draw_digits,
    draw_images,
    index_blocks,
)
from ocec.synthesis.digit_sources import DigitImages

SPLITS = ('train', 'val', 'stack', 'test')
ID_PREFIXES = {'train': 'TRN', 'val': 'VAL', 'stack': 'STK', 'test': 'TST'}
GENERATOR_VERSION = 1
"""Goes up whenever the same settings give other pixels."""

META_FILE, DIGITS_FILE = 'meta.json', 'digits.npz'
# drawn at a time: their scratch stays in the processor's cache
CHUNK_PAIRS = 256


@dataclass(frozen=True)
class PairSettings:
    """What a folder of pairs is made by.

    Args:
        counts: split -> number of pairs, even, so that labels balance exactly.
        shares: split -> share of the source digits, > 0, with a sum of 1.
        severity: see :func:`ocec.functional.digit_degradation.degradation_at`.
        adjacency: see :func:`ocec.functional.digit_pairs.draw_digits`.
        per_block: images of each digit in a block, >= 1; both digits of a pair come
            from one block, which so is an exact group for folds and bootstraps.
        seed: of all randomness, >= 0.

    Raises:
        ValueError: a count, a share or the seed is wrong; the message names it.
    """

    counts: Mapping[str, int] = field(
        default_factory=lambda: {
            'train': 50_000,
            'val': 5_000,
            'stack': 5_000,
            'test': 10_000,
        }
    )
    shares: Mapping[str, float] = field(
        default_factory=lambda: {'train': 0.6, 'val': 0.1, 'stack': 0.15, 'test': 0.15}
    )
    severity: float = 6.0
    adjacency: float = DEFAULT_ADJACENCY
    per_block: int = 2
    seed: int = 42

    def __post_init__(self) -> None:
        """Check the settings."""
        for name in ('counts', 'shares'):
            if set(getattr(self, name)) != set(SPLITS):
                raise ValueError(
                    f'{name} must name {SPLITS}, got {tuple(getattr(self, name))}'
                )
        for split, count in self.counts.items():
            if count < 2 or count % 2:
                raise ValueError(
                    f'counts: {split} must be an even number >= 2, got {count}'
                )
        shares = list(self.shares.values())
        if min(shares) <= 0 or abs(sum(shares) - 1) > 1e-6:
            raise ValueError(f'shares must be > 0 with a sum of 1, got {shares}')
        if self.seed < 0:
            raise ValueError(f'seed must be >= 0, got {self.seed}')


def split_digits(
    digit_S: np.ndarray, shares: Mapping[str, float], *, seed: int
) -> np.ndarray:
    """Divide source digits among the splits, each digit by the same shares.

    Args:
        digit_S: (S,) whole numbers in [0, 9].
        shares: split -> share, with a sum of 1.
        seed: of the order, >= 0.

    Returns:
        (S,) int8, number of the split in ``SPLITS``.
    """
    rng = np.random.default_rng(seed)
    ends = np.cumsum([shares[split] for split in SPLITS])
    split_S = np.empty(len(digit_S), np.int8)
    for digit in range(10):
        image_M = rng.permutation(np.flatnonzero(digit_S == digit))
        place_M = (np.arange(len(image_M)) + 0.5) / max(1, len(image_M))
        split_S[image_M] = np.searchsorted(ends[:-1], place_M, side='right')
    return split_S


def draw_pairs(
    x_SHW: np.ndarray,
    digit_S: np.ndarray,
    block_S: np.ndarray,
    *,
    num_pairs: int,
    settings: PairSettings,
    seed: int,
) -> dict[str, np.ndarray]:
    """Draw the pairs of one split.

    Args:
        x_SHW: (S, 28, 28) uint8, source images of this split.
        digit_S: (S,) their digits.
        block_S: (S,) their blocks, each with all ten digits.
        num_pairs: N, even.
        settings: severity and adjacency.
        seed: of this split.

    Returns:
        ``x`` (N, 28, 56) uint8, ``y`` (N,) int8, ``digit`` (N, 2) int8, ``source``
        (N, 2) int32, rows of the arguments, ``block`` (N,) int32, ``occluded`` (N, 2)
        float32.
    """
    generator = torch.Generator().manual_seed(seed)
    degradation = degradation_at(settings.severity)
    blocks, names_N = index_blocks(digit_S, block_S), np.unique(block_S)
    order = torch.randperm(num_pairs, generator=generator)
    label_N = order % 2
    # every block gets as many pairs, one more at most, of both labels
    block_N = (order // 2) % len(blocks)
    digit_N2 = draw_digits(label_N, adjacency=settings.adjacency, generator=generator)
    image_N2 = draw_images(digit_N2, block_N, blocks, generator=generator)
    x_N2HW = torch.empty((num_pairs, 2, *x_SHW.shape[1:]), dtype=torch.uint8)
    occluded_N2 = torch.empty(num_pairs, 2)
    sources = torch.from_numpy(x_SHW)
    for start in range(0, num_pairs, CHUNK_PAIRS):
        part = slice(start, start + CHUNK_PAIRS)
        clean = sources[image_N2[part].flatten()]
        spoilt, occluded = degrade_digits(clean, degradation, generator=generator)
        x_N2HW[part] = spoilt.unflatten(0, (-1, 2))
        occluded_N2[part] = occluded.unflatten(0, (-1, 2))
    # left and right side by side
    x_NHW = x_N2HW.transpose(1, 2).flatten(2)
    return {
        'x': x_NHW.numpy(),
        'y': label_N.numpy().astype(np.int8),
        'digit': digit_N2.numpy().astype(np.int8),
        'source': image_N2.numpy().astype(np.int32),
        'block': names_N[block_N.numpy()],
        'occluded': occluded_N2.numpy(),
    }


def write_pairs(
    digits: DigitImages,
    folder: Path,
    settings: PairSettings,
    *,
    log: Callable[[str], None] = print,
) -> dict:
    """Draw all splits and write them to a folder.

    The files get their names when all is drawn, ``meta.json`` last.

    ``train.npz``, ``val.npz``, ``stack.npz`` and ``test.npz`` hold what
    :func:`draw_pairs` returns, with ``source`` as rows of the digits given, and ``id``.
    ``digits.npz`` holds the digits with their split and block. ``meta.json`` holds
    settings, counts and the fingerprint of the digits.

    Args:
        digits: source images.
        folder: where to write; files of these names are replaced, others stay.
        settings: what to draw.
        log: gets a line for each split.

    Returns:
        What ``meta.json`` holds.

    Raises:
        ValueError: a split gets too few source digits for ``per_block``.
    """
    split_S = split_digits(digits.digit_S, settings.shares, seed=settings.seed)
    block_S = _number_blocks(digits.digit_S, split_S, settings)
    folder.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f'.{folder.name}.'))
    try:
        splits = {}
        for number, split in enumerate(SPLITS):
            image_M = np.flatnonzero(split_S == number)
            arrays = draw_pairs(
                digits.x_SHW[image_M],
                digits.digit_S[image_M],
                block_S[image_M],
                num_pairs=settings.counts[split],
                settings=settings,
                seed=settings.seed * len(SPLITS) + number,
            )
            arrays['source'] = image_M[arrays['source']].astype(np.int32)
            arrays['id'] = _ids(split, settings.counts[split])
            np.savez(building / f'{split}.npz', **arrays)
            splits[split] = _describe(arrays, len(image_M))
            log(f'{split:5} {_line(splits[split])}')
        np.savez(
            building / DIGITS_FILE,
            x=digits.x_SHW,
            digit=digits.digit_S,
            split=np.array(SPLITS)[split_S],
            block=block_S,
        )
        meta = describe_folder(digits, settings) | {'splits': splits}
        (building / META_FILE).write_text(json.dumps(meta, indent=2) + '\n')
        _move_into(building, folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return meta


def describe_folder(digits: DigitImages, settings: PairSettings) -> dict:
    """Return what decides on the content of a folder.

    Args:
        digits: source images.
        settings: what is drawn.

    Returns:
        The part of ``meta.json`` that is known before anything is drawn.
    """
    return {
        'generator_version': GENERATOR_VERSION,
        **asdict(settings),
        'label': '1: the left digit is larger, 0: it is smaller',
        'source': digits.source,
        'source_fingerprint': digits.fingerprint(),
        'num_source_digits': len(digits.digit_S),
    }


def _move_into(building: Path, folder: Path) -> None:
    """Give the files their place; the folder tells what it is only when all are in."""
    folder.mkdir(exist_ok=True)
    (folder / META_FILE).unlink(missing_ok=True)
    for path in sorted(building.iterdir(), key=lambda path: path.name == META_FILE):
        path.replace(folder / path.name)


def _number_blocks(digit_S, split_S, settings: PairSettings) -> np.ndarray:
    """Blocks of all splits, numbered through, so that no two splits share a number."""
    block_S, first = np.empty(len(digit_S), np.int32), 0
    for number, split in enumerate(SPLITS):
        image_M = np.flatnonzero(split_S == number)
        seed = settings.seed * len(SPLITS) + number
        try:
            block_M = deal_blocks(
                digit_S[image_M], per_block=settings.per_block, seed=seed
            )
        except ValueError as error:
            raise ValueError(
                f'{split} has {len(image_M):,} source digits: {error}'
            ) from error
        block_S[image_M] = block_M + first
        first += int(block_M.max()) + 1
    return block_S


def _ids(split: str, count: int) -> np.ndarray:
    return np.array([f'{ID_PREFIXES[split]}_{row:07d}' for row in range(count)])


def _describe(arrays: dict, num_digits: int) -> dict:
    return {
        'pairs': len(arrays['y']),
        'left_larger': int((arrays['y'] == 1).sum()),
        'source_digits': num_digits,
        'blocks': len(np.unique(arrays['block'])),
        'mean': round(float(arrays['x'].mean()), 4),
        'std': round(float(arrays['x'].std()), 4),
    }


def _line(split: dict) -> str:
    return (
        f'{split["pairs"]:,} pairs ({split["left_larger"]:,} with the larger digit '
        f'left) of {split["source_digits"]:,} digits in {split["blocks"]:,} blocks'
    )
