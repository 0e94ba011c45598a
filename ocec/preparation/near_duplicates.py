"""Rows that show nearly the same as a row of another part, such as another split.

Two steps: the hashes name candidates, the thumbnails confirm them (why two, with the
measured rates: ``ocec/functional/perceptual_hash.py``). Shapes: N rows, P pairs.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from ocec.functional.perceptual_hash import (
    MAX_SAME,
    NEAR_CORRELATION,
    NEAR_DISTANCE,
    correlate,
    dhash,
    iter_near_pairs,
)

# candidates that are confirmed at once: 2 x 288 bytes as float32 each, 230 MB
PAIRS_PER_CHUNK = 100_000
NO_ROW = -1
THINNED_OUT = (
    f'Of more than {MAX_SAME} different pictures of one split with one hash only '
    f'{MAX_SAME} were compared: the true numbers are larger'
)


@dataclass(frozen=True)
class NearDuplicates:
    """What a search found.

    Args:
        partner_N: (N,) int64, the row of another part that is most like this one; -1
            where none is near.
        correlation_N: (N,) float32, how like, in [0, 1]; 0 where none is near.
        mirrored_N: (N,) bool, whether the partner is like its mirror image.
        num_pairs: confirmed pairs; of rows of one part with equal pixels, one counts.
        notes: what the search left out.
    """

    partner_N: np.ndarray
    correlation_N: np.ndarray
    mirrored_N: np.ndarray
    num_pairs: int
    notes: tuple[str, ...]


def find_near_duplicates(
    facts_N: np.ndarray,
    thumb_NHW: np.ndarray,
    part_N: np.ndarray,
    *,
    max_distance: int = NEAR_DISTANCE,
    min_correlation: float = NEAR_CORRELATION,
    progress: Callable[[range], Iterable[int]] = iter,
) -> NearDuplicates:
    """Find for each row the most similar row of another part, mirrored or not.

    Args:
        facts_N: (N,) of ``check_pictures.PICTURE_DTYPE``.
        thumb_NHW: (N, 12, 24) uint8 thumbnails; may be memory-mapped.
        part_N: (N,) split or file of each row; rows with a negative one are left out.
        max_distance: bits in which the hashes of candidates may differ, in [0, 63].
        min_correlation: of the thumbnails of a confirmed pair, in (0, 1].
        progress: wraps the loop over the bands of the hash.

    Returns:
        The partners.

    Raises:
        ValueError: an argument is out of range.
    """
    if not 0 < min_correlation <= 1:
        raise ValueError(f'min_correlation must be in (0, 1], got {min_correlation}')
    row_M, member_N = _one_of_equal(facts_N, part_N)
    # rows M as they are, then the mirrored pictures of all but the largest part
    source_X, num_plain = _with_mirrored(part_N[row_M]), len(row_M)
    row_X = row_M[source_X]
    hash_X = facts_N['hash'][row_X]
    hash_X[num_plain:] = dhash(thumb_NHW[row_X[num_plain:], :, ::-1])
    best = _Best(num_plain)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        pieces = iter_near_pairs(
            hash_X, max_distance, part_N=part_N[row_X], progress=progress
        )
        for pairs_P2 in _joined(pieces, PAIRS_PER_CHUNK):
            # the smaller number is first; of two mirrored ones the plain pair counts
            pairs_P2 = pairs_P2[pairs_P2[:, 0] < num_plain]
            mirrored_P = pairs_P2[:, 1] >= num_plain
            left_PHW, right_PHW = (thumb_NHW[row_X[rows_P]] for rows_P in pairs_P2.T)
            right_PHW[mirrored_P] = right_PHW[mirrored_P, :, ::-1]
            correlation_P = correlate(left_PHW, right_PHW)
            near_P = correlation_P >= min_correlation
            best.update(
                source_X[pairs_P2[near_P]], correlation_P[near_P], mirrored_P[near_P]
            )
    # the search counts mirrored pictures too; the user has rows
    notes = (THINNED_OUT,) if caught else ()
    return _of_all_rows(best, row_M, member_N, notes)


def pairs_to_show(near: NearDuplicates, num: int) -> np.ndarray:
    """Choose pairs evenly from the most similar to the least.

    Args:
        near: a search.
        num: pairs wanted, >= 1.

    Returns:
        (P, 2) int64 with P <= num; each pair once, the most similar first.
    """
    row_K = np.flatnonzero(near.partner_N >= 0)
    pairs_K2 = np.sort(np.stack([row_K, near.partner_N[row_K]], axis=1), axis=1)
    _, first_P = np.unique(pairs_K2, axis=0, return_index=True)
    order_P = np.argsort(-near.correlation_N[row_K[first_P]], kind='stable')
    chosen = np.linspace(0, len(order_P) - 1, min(num, len(order_P))).round()
    return pairs_K2[first_P[order_P[chosen.astype(np.int64)]]]


class _Best:
    """The most similar partner of each row so far."""

    def __init__(self, num_rows: int) -> None:
        self.partner_M = np.full(num_rows, NO_ROW)
        self.correlation_M = np.zeros(num_rows, np.float32)
        self.mirrored_M = np.zeros(num_rows, bool)
        self.num_pairs = 0

    def update(self, pairs_P2, correlation_P, mirrored_P) -> None:
        self.num_pairs += len(pairs_P2)
        # the last assignment to a row counts: sorted, that is the most similar
        order_P = np.argsort(correlation_P, kind='stable')
        pairs_P2, correlation_P = pairs_P2[order_P], correlation_P[order_P]
        mirrored_P = mirrored_P[order_P]
        for row_P, partner_P in (pairs_P2.T, pairs_P2.T[::-1]):
            better_P = correlation_P > self.correlation_M[row_P]
            self.partner_M[row_P[better_P]] = partner_P[better_P]
            self.correlation_M[row_P[better_P]] = correlation_P[better_P]
            self.mirrored_M[row_P[better_P]] = mirrored_P[better_P]


def _one_of_equal(facts_N, part_N) -> tuple[np.ndarray, np.ndarray]:
    """Rows that stand for all with their pixels and part, and whom each row has."""
    row_K = np.flatnonzero((facts_N['height'] > 0) & (part_N >= 0))
    key_K = np.zeros(len(row_K), [('digest', np.uint64, 2), ('part', np.int64)])
    key_K['digest'], key_K['part'] = facts_N['digest'][row_K], part_N[row_K]
    _, first_M, member_K = np.unique(
        key_K.view('V24'), return_index=True, return_inverse=True
    )
    member_N = np.full(len(facts_N), NO_ROW)
    member_N[row_K] = member_K
    return row_K[first_M], member_N


def _with_mirrored(part_M: np.ndarray) -> np.ndarray:
    """Numbers of all rows, and again of those outside the largest part."""
    parts, count = np.unique(part_M, return_counts=True)
    if len(parts) < 2:
        return np.arange(len(part_M))
    again = np.flatnonzero(part_M != parts[np.argmax(count)])
    return np.concatenate([np.arange(len(part_M)), again])


def _of_all_rows(best: _Best, row_M, member_N, notes) -> NearDuplicates:
    """Give each row what was found for the one that stands for it."""
    found_N = member_N >= 0
    found_N[found_N] = best.partner_M[member_N[found_N]] >= 0
    member_K = member_N[found_N]
    partner_N = np.full(len(member_N), NO_ROW)
    correlation_N = np.zeros(len(member_N), np.float32)
    mirrored_N = np.zeros(len(member_N), bool)
    partner_N[found_N] = row_M[best.partner_M[member_K]]
    correlation_N[found_N] = best.correlation_M[member_K]
    mirrored_N[found_N] = best.mirrored_M[member_K]
    return NearDuplicates(partner_N, correlation_N, mirrored_N, best.num_pairs, notes)


def _joined(pieces: Iterable[np.ndarray], num: int) -> Iterable[np.ndarray]:
    """Join small pieces into chunks of about ``num`` pairs."""
    waiting, count = [], 0
    for piece in pieces:
        waiting.append(piece)
        count += len(piece)
        if count >= num:
            yield np.concatenate(waiting)
            waiting, count = [], 0
    if waiting:
        yield np.concatenate(waiting)
