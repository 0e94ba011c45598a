"""What the members of an ensemble say of the same rows.

Shapes: N rows, M members, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ocec.functional.classification import confusion_counts
from ocec.functional.probability import CLASS_NAMES

# in float32 a sigmoid reaches 0 and 1, whose logit is infinite
LOGIT_CLIP = 1e-6
NO_GROUP = -1


@dataclass(frozen=True)
class MemberScores:
    """The scores of one member.

    Args:
        name: of the member.
        prob_N: (N,) P(label 1) in [0, 1].
        features: name of a feature to its (N,) values, what a learned combiner sees
            of this member; by default the probability alone.
        probabilities: which of them are probabilities, so that a linear combiner takes
            their logit.
        spread_N: (N,) standard deviation of P(label 1) over passes with dropout; None
            where the member was run once.
    """

    name: str
    prob_N: np.ndarray
    features: dict[str, np.ndarray] | None = None
    probabilities: tuple[str, ...] = ()
    spread_N: np.ndarray | None = None


@dataclass(frozen=True)
class BaseScores:
    """The scores of all members on one split, row by row.

    Args:
        names: of the M members.
        prob_NM: (N, M) P(label 1) in [0, 1].
        spread_NM: (N, M) standard deviation over passes with dropout; NaN where a
            member was run once.
        feature_names: of the F features.
        feature_NF: (N, F) what learned combiners see.
        is_prob_F: (F,) bool, which features are probabilities.
        label_N: (N,) 0 or 1.
        group_N: (N,) code of what must stay together; -1 stands alone.
    """

    names: tuple[str, ...]
    prob_NM: np.ndarray
    spread_NM: np.ndarray
    feature_names: tuple[str, ...]
    feature_NF: np.ndarray
    is_prob_F: np.ndarray
    label_N: np.ndarray
    group_N: np.ndarray

    def __len__(self) -> int:
        """Return the number of rows N."""
        return len(self.label_N)

    def take(self, rows: np.ndarray) -> BaseScores:
        """Return some rows.

        Args:
            rows: indices, or (N,) bool.

        Returns:
            Their scores.
        """
        return BaseScores(
            self.names,
            self.prob_NM[rows],
            self.spread_NM[rows],
            self.feature_names,
            self.feature_NF[rows],
            self.is_prob_F,
            self.label_N[rows],
            self.group_N[rows],
        )

    @property
    def accuracy_M(self) -> np.ndarray:  # noqa: N802  a shape suffix
        """Share of right decisions of each member, (M,)."""
        return ((self.prob_NM >= 0.5) == self.label_N[:, None].astype(bool)).mean(0)


def join_members(
    members: Sequence[MemberScores], label_N: np.ndarray, group_N: np.ndarray
) -> BaseScores:
    """Put the scores of members side by side.

    Args:
        members: at least two, of the same rows in the same order.
        label_N: (N,) 0 or 1; -1 where nothing is known, for prediction only.
        group_N: (N,) whole numbers; -1 stands alone.

    Returns:
        The scores.

    Raises:
        ValueError: there are fewer than two members, two have one name, one has
            another number of rows, or a score that is no probability.

    Example:
        >>> one, zero = np.array([1.0, 0.5]), np.array([0.0, 0.5])
        >>> members = [MemberScores('a', one), MemberScores('b', zero)]
        >>> join_members(members, np.array([1, 0]), np.array([-1, -1])).prob_NM
        array([[1. , 0. ],
               [0.5, 0.5]])
    """
    names = [member.name for member in members]
    if len(names) < 2:
        raise ValueError(f'an ensemble needs two members or more, got {len(names)}')
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f'two members are called {twice[0]!r}: give each its own name')
    label_N = np.asarray(label_N, np.int64)
    columns: dict[str, np.ndarray] = {}
    is_prob = []
    for member in members:
        _check_member(member, len(label_N))
        own = member.features or {member.name: member.prob_N}
        known = member.probabilities if member.features else tuple(own)
        columns.update(own)
        is_prob += [name in known for name in own]
    unknown_N = np.full(len(label_N), np.nan)
    spreads = [unknown_N if m.spread_N is None else m.spread_N for m in members]
    return BaseScores(
        names=tuple(names),
        prob_NM=np.stack([m.prob_N for m in members], 1).astype(np.float64),
        spread_NM=np.stack(spreads, 1).astype(np.float64),
        feature_names=tuple(columns),
        feature_NF=np.stack(list(columns.values()), 1).astype(np.float64),
        is_prob_F=np.array(is_prob),
        label_N=label_N,
        group_N=np.asarray(group_N, np.int64),
    )


def check_for_fitting(scores: BaseScores) -> None:
    """Refuse scores that no combiner can learn from.

    Args:
        scores: of the rows to fit on.

    Raises:
        ValueError: a class is absent, a member gives every row one score, or two
            members give the same scores.
    """
    counts = {label: int((scores.label_N == label).sum()) for label in (0, 1)}
    if others := len(scores) - sum(counts.values()):
        raise ValueError(
            f'{others:,} of {len(scores):,} rows have no label 0 or 1: combiners are '
            'fitted and judged on labelled rows'
        )
    for label, count in counts.items():
        if count == 0:
            raise ValueError(
                f'no row has label {label} ({CLASS_NAMES[label]}, for eyes): combiners '
                f'need both classes, got {len(scores):,} rows of the other one'
            )
    for name, prob_N in zip(scores.names, scores.prob_NM.T, strict=True):
        if np.ptp(prob_N) == 0:
            raise ValueError(
                f'member {name!r} gives all {len(scores):,} rows the score '
                f'{prob_N[0]:.6g}: it has collapsed, or is no model of these data'
            )
    _check_copies(scores)


def logit(prob: np.ndarray) -> np.ndarray:
    """Return the log-odds of probabilities, finite at 0 and 1 too.

    Args:
        prob: any shape, in [0, 1]; clipped to 1e-6 from its ends.

    Returns:
        The same shape, in [-13.9, 13.9].

    Example:
        >>> logit(np.array([0.5]))
        array([0.])
    """
    prob = np.clip(np.asarray(prob, np.float64), LOGIT_CLIP, 1 - LOGIT_CLIP)
    return np.log(prob) - np.log1p(-prob)


def sigmoid(log_odds: np.ndarray) -> np.ndarray:
    """Return the probabilities of log-odds.

    Args:
        log_odds: any shape.

    Returns:
        The same shape, in [0, 1].
    """
    # tanh does not overflow where exp does
    return 0.5 * (1 + np.tanh(0.5 * np.asarray(log_odds, np.float64)))


def accuracy_of(prob_N: np.ndarray, label_N: np.ndarray) -> float:
    """Return the share of right decisions at 0.5."""
    counts = confusion_counts(prob_N, label_N)
    return (counts.tp + counts.tn) / sum(counts)


def _check_member(member: MemberScores, num_rows: int) -> None:
    """Refuse what is no probability of each row."""
    columns = {'scores': member.prob_N, **(member.features or {})}
    if member.spread_N is not None:
        columns['spread'] = member.spread_N
    for what, value_N in columns.items():
        if np.shape(value_N) != (num_rows,):
            raise ValueError(
                f'member {member.name!r}: {what} must have shape ({num_rows},), one '
                f'for each row, got {np.shape(value_N)}'
            )
        if bad := int((~np.isfinite(value_N)).sum()):
            row = int(np.flatnonzero(~np.isfinite(value_N))[0])
            raise ValueError(
                f'member {member.name!r}: {bad:,} of {num_rows:,} {what} are NaN or '
                f'infinite, the first in row {row}'
            )
    outside_N = (member.prob_N < 0) | (member.prob_N > 1)
    if outside_N.any():
        raise ValueError(
            f'member {member.name!r}: scores must be probabilities in [0, 1], got '
            f'{member.prob_N[outside_N][0]:g}'
        )


def _check_copies(scores: BaseScores) -> None:
    first_with: dict[bytes, str] = {}
    for name, prob_N in zip(scores.names, scores.prob_NM.T, strict=True):
        other = first_with.setdefault(np.ascontiguousarray(prob_N).tobytes(), name)
        if other != name:
            raise ValueError(
                f'members {other!r} and {name!r} give the same score to all '
                f'{len(scores):,} rows: they are one model under two names'
            )
