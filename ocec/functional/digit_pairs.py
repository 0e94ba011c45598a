"""Pairs of unequal digits: which digits, and which images of them.

Shapes: B pairs, 2 sides (left, right), S images of single digits, N blocks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor

LEFT_SMALLER, LEFT_LARGER = 0, 1
CLASS_NAMES = ('left_smaller', 'left_larger')
NUM_DIGITS = 10
DEFAULT_ADJACENCY = 0.8


@dataclass(frozen=True)
class DigitBlocks:
    """Images of single digits, dealt into blocks that each hold all ten digits.

    Args:
        image_S: (S,) int64, the images in order of block, then digit.
        start_N10: (N, 10) int64, where those of a block and digit begin in it.
        count_N10: (N, 10) int64, how many there are, >= 1.
    """

    image_S: Tensor
    start_N10: Tensor
    count_N10: Tensor

    def __len__(self) -> int:
        """Return the number of blocks N."""
        return len(self.start_N10)


def deal_blocks(digit_S: np.ndarray, *, per_block: int, seed: int) -> np.ndarray:
    """Deal images into blocks with about as many of each digit.

    Args:
        digit_S: (S,) whole numbers in [0, 9].
        per_block: images of each digit in a block, >= 1; what is left over goes to
            the first blocks.
        seed: of the order in which images are dealt, >= 0.

    Returns:
        (S,) int32, block of each image, from 0.

    Raises:
        ValueError: per_block is below 1 or above the images of the rarest digit.

    Example:
        >>> int(deal_blocks(np.arange(10).repeat(4), per_block=2, seed=0)[:4].sum())
        2
    """
    count_10 = np.bincount(digit_S, minlength=NUM_DIGITS)
    if not 1 <= per_block <= count_10.min():
        raise ValueError(
            f'per_block must be in [1, {count_10.min()}], the images of the rarest '
            f'digit ({count_10.argmin()}), got {per_block}'
        )
    num_blocks = count_10.min() // per_block
    rng = np.random.default_rng(seed)
    block_S = np.empty(len(digit_S), np.int32)
    for digit in range(NUM_DIGITS):
        image_M = rng.permutation(np.flatnonzero(digit_S == digit))
        block_S[image_M] = np.arange(len(image_M)) % num_blocks
    return block_S


def index_blocks(digit_S: np.ndarray, block_S: np.ndarray) -> DigitBlocks:
    """List the images of each block and digit.

    Args:
        digit_S: (S,) whole numbers in [0, 9].
        block_S: (S,) whole numbers >= 0; each block that occurs is one row, in
            rising order.

    Returns:
        The lists.

    Raises:
        ValueError: a block lacks a digit.
    """
    names_N, row_S = np.unique(block_S, return_inverse=True)
    cell_S = row_S * NUM_DIGITS + digit_S
    count_N10 = np.bincount(cell_S, minlength=len(names_N) * NUM_DIGITS)
    count_N10 = count_N10.reshape(-1, NUM_DIGITS)
    if not count_N10.all():
        row, digit = np.argwhere(count_N10 == 0)[0]
        raise ValueError(f'block {names_N[row]} has no image of digit {digit}')
    start_N10 = (count_N10.cumsum() - count_N10.ravel()).reshape(count_N10.shape)
    return DigitBlocks(
        image_S=torch.from_numpy(cell_S.argsort(kind='stable')),
        start_N10=torch.from_numpy(start_N10),
        count_N10=torch.from_numpy(count_N10),
    )


def draw_digits(
    label_B: Tensor,
    *,
    adjacency: float = DEFAULT_ADJACENCY,
    generator: Generator | None = None,
) -> Tensor:
    """Draw two unequal digits for each label.

    With the probability ``adjacency`` they are neighbours, each of the 9 pairs equally
    likely, else any of the 45 pairs, neighbours among them.

    Args:
        label_B: (B,) 1 where the left digit is to be larger, else 0.
        adjacency: in [0, 1].
        generator: on the CPU; by default torch's global one.

    Returns:
        (B, 2) int64 in [0, 9], left and right, never equal.

    Raises:
        ValueError: adjacency is out of range.
    """
    if not 0 <= adjacency <= 1:
        raise ValueError(f'adjacency must be in [0, 1], got {adjacency}')
    share_3B = torch.rand((3, len(label_B)), generator=generator, dtype=torch.float64)
    any_pair_P2 = torch.combinations(torch.arange(NUM_DIGITS))
    any_B = (share_3B[1] * len(any_pair_P2)).long()
    near_B = (share_3B[2] * (NUM_DIGITS - 1)).long()
    near_B2 = torch.stack((near_B, near_B + 1), 1)
    is_near_B1 = (share_3B[0] < adjacency)[:, None]
    rising_B2 = near_B2.where(is_near_B1, any_pair_P2[any_B])
    is_larger_B1 = (label_B == LEFT_LARGER)[:, None]
    return rising_B2.flip(1).where(is_larger_B1, rising_B2)


def draw_images(
    digit_B2: Tensor,
    block_B: Tensor,
    blocks: DigitBlocks,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Draw an image of each digit out of the block of its pair.

    Args:
        digit_B2: (B, 2) int64 in [0, 9].
        block_B: (B,) int64 in [0, N).
        blocks: the images.
        generator: on the CPU; by default torch's global one.

    Returns:
        (B, 2) int64, numbers of images, all of a block and digit equally likely.
    """
    share_B2 = torch.rand(digit_B2.shape, generator=generator, dtype=torch.float64)
    start_B2 = blocks.start_N10[block_B[:, None], digit_B2]
    count_B2 = blocks.count_N10[block_B[:, None], digit_B2]
    return blocks.image_S[start_B2 + (share_B2 * count_B2).long()]
