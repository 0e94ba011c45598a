"""What must not happen between splits, labels and groups, as plain arrays.

Shapes: N rows.
"""

from __future__ import annotations

import numpy as np


def codes_in_several_parts(code_N: np.ndarray, part_N: np.ndarray) -> np.ndarray:
    """Codes that occur in more than one part.

    With groups as codes and splits as parts these are the leaking groups; with
    pictures as codes, the leaking duplicates; with pictures and labels, contradictions.

    Args:
        code_N: (N,) whole numbers; negative ones stand for nothing known.
        part_N: (N,) whole numbers; negative ones likewise.

    Returns:
        (K,) the codes, sorted.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> codes_in_several_parts(np.array([7, 7, 8, 8]), np.array([0, 1, 1, 1]))
        array([7])
    """
    if code_N.shape != part_N.shape:
        raise ValueError(
            f'code and part must have one shape, got {code_N.shape} and {part_N.shape}'
        )
    known_N = (code_N >= 0) & (part_N >= 0)
    code_M, part_M = code_N[known_N], part_N[known_N]
    order_M = np.lexsort((part_M, code_M))
    code_M, part_M = code_M[order_M], part_M[order_M]
    same_code = code_M[1:] == code_M[:-1]
    return np.unique(code_M[1:][same_code & (part_M[1:] != part_M[:-1])])


def codes_of_digests(digest_N2: np.ndarray, usable_N: np.ndarray) -> np.ndarray:
    """Number the distinct digests.

    Args:
        digest_N2: (N, 2) uint64, 128 bits of each row.
        usable_N: (N,) bool; other rows get no code.

    Returns:
        (N,) int64, equal where the digests are; -1 where a row is not usable.
    """
    code_N = np.full(len(digest_N2), -1, np.int64)
    # one 16-byte item per row: unique() over axis 1 would be ten times slower
    digest_N = np.ascontiguousarray(digest_N2).view('V16')[:, 0]
    _, code_N[usable_N] = np.unique(digest_N[usable_N], return_inverse=True)
    return code_N
