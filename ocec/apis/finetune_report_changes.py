"""What changed among the errors: images fixed and broken, by group, and kept wrong.

Shapes: N images of a side, S seeds of a method.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ocec.apis.finetune_report_numbers import REFERENCES
from ocec.apis.finetune_report_runs import ZERO_SHOT
from ocec.apis.finetune_report_scores import Side
from ocec.apis.sample_facts import groups_of
from ocec.functional.paired_tests import mcnemar_exact
from ocec.functional.probability import OPEN

UNKNOWN = 'unknown'


@dataclass(frozen=True)
class GroupChange:
    """What changed among the errors of one group.

    Args:
        group: its name.
        images: of it.
        errors_before: of the reference.
        errors_after: of the method.
        fixed: wrong before, right after.
        broken: right before, wrong after.
    """

    group: str
    images: int
    errors_before: int
    errors_after: int
    fixed: int
    broken: int


@dataclass(frozen=True)
class Change:
    """What changed among the errors from a reference to a method.

    Args:
        side: ``A`` or ``B``.
        method: its name.
        reference: its name.
        errors_before: images that the reference gets wrong.
        errors_after: images that the method gets wrong.
        fixed_K: (K,) places of the images that only the method gets right, those on
            which the method is surest first.
        broken_K: (K,) places of those that only the reference gets right, those on
            which the method is surest of what is wrong first.
        p_value: of McNemar's exact test, in [0, 1].
        p_by_seed: the same of each seed of the method against the reference.
        groups: what changed in each, most fixed and broken first.
    """

    side: str
    method: str
    reference: str
    errors_before: int
    errors_after: int
    fixed_K: np.ndarray
    broken_K: np.ndarray
    p_value: float
    p_by_seed: tuple[float, ...]
    groups: tuple[GroupChange, ...]


def find_changes(side: Side) -> list[Change]:
    """Compare every method with scratch and with zero-shot, image by image.

    A method of several seeds decides by :func:`vote_right`.

    Args:
        side: the data and the scores.

    Returns:
        The changes, by reference, then by method.
    """
    return [
        compare_errors(side, method, reference)
        for reference in REFERENCES
        if reference in side.scores
        for method in side.scores
        # scratch against zero-shot says the same as the other way round
        if method not in (reference, ZERO_SHOT)
    ]


def compare_errors(side: Side, method: str, reference: str) -> Change:
    """Compare the errors of two methods on the same images.

    Args:
        side: the data and the scores.
        method: its name.
        reference: name of the other.

    Returns:
        What changed.
    """
    before_N, after_N = vote_right(side, reference), vote_right(side, method)
    fixed_N, broken_N = ~before_N & after_N, before_N & ~after_N
    # the higher the mean P of the true class, the surer
    true_N = mean_true_prob(side, method)
    return Change(
        side=side.letter,
        method=method,
        reference=reference,
        errors_before=int((~before_N).sum()),
        errors_after=int((~after_N).sum()),
        fixed_K=_sorted_places(fixed_N, -true_N),
        broken_K=_sorted_places(broken_N, true_N),
        p_value=mcnemar_exact(before_N, after_N).p_value,
        p_by_seed=tuple(
            mcnemar_exact(before_N, right_N).p_value
            for right_N in right_by_seed(side, method)
        ),
        groups=tuple(_group_changes(side, before_N, after_N)),
    )


def wrong_everywhere(side: Side) -> np.ndarray:
    """Find images that every method gets wrong: their labels may be.

    Args:
        side: the data and the scores.

    Returns:
        (K,) places; those first whose label all methods together doubt most.
    """
    wrong_N = np.all([~vote_right(side, name) for name in side.scores], axis=0)
    doubt_N = np.mean([mean_true_prob(side, name) for name in side.scores], axis=0)
    return _sorted_places(wrong_N, doubt_N)


def right_by_seed(side: Side, method: str) -> np.ndarray:
    """Return (S, N) bool, whether each seed calls each image right."""
    is_open_N = side.label_N == OPEN
    return np.stack(
        [
            (found.prob_N >= found.threshold) == is_open_N
            for found in side.scores[method]
        ]
    )


def vote_right(side: Side, method: str) -> np.ndarray:
    """Return whether a method of several seeds is right.

    Args:
        side: the data and the scores.
        method: its name.

    Returns:
        (N,) bool: more than half of the seeds are right, each at its own threshold; a
        tie is decided by their mean distance from the threshold.
    """
    share_N = right_by_seed(side, method).mean(axis=0)
    beyond_N = np.mean(
        [found.prob_N - found.threshold for found in side.scores[method]], axis=0
    )
    is_mean_right_N = (beyond_N >= 0) == (side.label_N == OPEN)
    return np.where(share_N == 0.5, is_mean_right_N, share_N > 0.5)


def mean_true_prob(side: Side, method: str) -> np.ndarray:
    """Return (N,) mean probability in [0, 1] that the seeds give to the label."""
    prob_N = np.mean([found.prob_N for found in side.scores[method]], axis=0)
    return np.where(side.label_N == OPEN, prob_N, 1 - prob_N)


def _sorted_places(is_it_N: np.ndarray, key_N: np.ndarray) -> np.ndarray:
    place_K = np.flatnonzero(is_it_N)
    return place_K[np.argsort(key_N[place_K], kind='stable')]


def _group_changes(
    side: Side, before_N: np.ndarray, after_N: np.ndarray
) -> Sequence[GroupChange]:
    codes, code_N = np.unique(side.group_N, return_inverse=True)
    names = groups_of(side.dataset, codes.tolist())

    def count(is_it_N: np.ndarray) -> list[int]:
        return np.bincount(code_N[is_it_N], minlength=len(codes)).tolist()

    rows = [
        GroupChange(name or UNKNOWN, *numbers)
        for name, *numbers in zip(
            names,
            count(np.ones(len(code_N), bool)),
            count(~before_N),
            count(~after_N),
            count(~before_N & after_N),
            count(before_N & ~after_N),
            strict=True,
        )
    ]
    return sorted(rows, key=lambda row: (-row.fixed - row.broken, row.group))
