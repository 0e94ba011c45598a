"""Found closures against those known to be there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

Interval = tuple[float, float]


class ClosureMatch(NamedTuple):
    """Result of a comparison.

    Args:
        pairs: (number of the found one, number of the true one) of each match.
        precision: share of the found that match; NaN if none was found.
        recall: share of the true that are matched; NaN if there is none.
        start_error_s: mean of found start - true start; NaN without a match.
        end_error_s: the same of the ends.
    """

    pairs: list[tuple[int, int]]
    precision: float
    recall: float
    start_error_s: float
    end_error_s: float


def match_closures(
    found: Sequence[Interval], true: Sequence[Interval], *, min_overlap: float = 0.3
) -> ClosureMatch:
    """Match found closures to true ones, each to one at most.

    Args:
        found: (start, end) in seconds.
        true: (start, end) in seconds.
        min_overlap: least intersection over union of a match, in (0, 1]; pairs of
            larger overlap are matched first.

    Returns:
        The matches and what follows from them.

    Raises:
        ValueError: ``min_overlap`` is out of range.

    Example:
        >>> match_closures([(1.0, 1.2), (5.0, 5.1)], [(1.0, 1.25)])[:3]
        ([(0, 0)], 0.5, 1.0)
    """
    if not 0 < min_overlap <= 1:
        raise ValueError(f'min_overlap must be in (0, 1], got {min_overlap}')
    overlaps = [
        (_overlap(one, other), f, t)
        for f, one in enumerate(found)
        for t, other in enumerate(true)
    ]
    pairs: list[tuple[int, int]] = []
    for overlap, f, t in sorted(overlaps, key=lambda row: -row[0]):
        free = all(f != pair[0] and t != pair[1] for pair in pairs)
        if free and overlap >= min_overlap:
            pairs.append((f, t))
    starts = [found[f][0] - true[t][0] for f, t in pairs]
    ends = [found[f][1] - true[t][1] for f, t in pairs]
    return ClosureMatch(
        sorted(pairs),
        _share(len(pairs), len(found)),
        _share(len(pairs), len(true)),
        _share(sum(starts), len(pairs)),
        _share(sum(ends), len(pairs)),
    )


def _overlap(one: Interval, other: Interval) -> float:
    """Intersection over union; 0 for intervals without length."""
    shared_s = min(one[1], other[1]) - max(one[0], other[0])
    union_s = max(one[1], other[1]) - min(one[0], other[0])
    return shared_s / union_s if shared_s > 0 else 0.0


def _share(part: float, whole: int) -> float:
    return part / whole if whole else float('nan')
