"""Split of each recording in time: its beginning for training, its end for testing.

Shapes: N rows, R rows of one recording, S splits, F frames of one recording.
"""

from collections.abc import Mapping

import numpy as np

from ocec.functional.splits import check_ratios

LEFT_OUT = ''
"""In place of a split's name: the row lies in a gap."""


def split_by_time(
    recording_N: np.ndarray,
    frame_N: np.ndarray,
    *,
    ratios: Mapping[str, float],
    gap: int = 0,
) -> np.ndarray:
    """Cut every recording in time, in the order of the ratios.

    Rows are sorted by frame; rows of one frame (both eyes of a face) stay together.
    A cut lies where the share of rows before it comes closest to the one asked for;
    among equals, the earlier one. Every recording is in several splits by design: the
    result tells how a model does later in known recordings, not with new people.

    Args:
        recording_N: (N,) recording of each row, any dtype that sorts.
        frame_N: (N,) integer time of each row within its recording.
        ratios: split name -> share > 0, in the order of time; they sum to 1.
        gap: frames left out after each cut, >= 0, because neighbours look alike: the
            next split begins ``gap`` frames later than it would.

    Returns:
        (N,) array of split names, ``''`` for rows in a gap.

    Raises:
        ValueError: a ratio or the gap is out of range, the ratios do not sum to 1, or
            the lengths differ.

    Example:
        >>> frame = np.array([3, 0, 1, 2])
        >>> split = split_by_time(
        ...     np.zeros(4), frame, ratios={'train': 0.75, 'val': 0.25})
        >>> split.tolist()
        ['val', 'train', 'train', 'train']
    """
    check_ratios(ratios)
    if gap < 0:
        raise ValueError(f'gap must be >= 0 frames, got {gap}')
    recording_N, frame_N = np.asarray(recording_N), np.asarray(frame_N)
    if len(recording_N) != len(frame_N):
        raise ValueError(
            f'recording and frame must have one length, got {len(recording_N)} '
            f'and {len(frame_N)}'
        )
    code_N = np.full(len(frame_N), -1)
    share_S = np.array(list(ratios.values()))
    order = np.lexsort((frame_N, recording_N))
    starts = np.flatnonzero(
        np.diff(np.unique(recording_N, return_inverse=True)[1][order])
    )
    for rows in np.split(order, starts + 1):
        if len(rows):
            code_N[rows] = _cut(frame_N[rows], share_S, gap)
    return np.array([*ratios, LEFT_OUT])[code_N]


def _cut(frame_R: np.ndarray, share_S: np.ndarray, gap: int) -> np.ndarray:
    """Split index of each row of a recording sorted by frame; -1 in a gap."""
    frame_F, num_rows_F = np.unique(frame_R, return_counts=True)
    before_F = np.r_[0, np.cumsum(num_rows_F)]  # rows before each possible cut
    wanted_S = np.cumsum(share_S)[:-1] * len(frame_R)
    cut_S = np.abs(before_F[:, None] - wanted_S).argmin(0)
    code_R = np.searchsorted(before_F[cut_S], np.arange(len(frame_R)), side='right')
    for cut in cut_S[(cut_S > 0) & (cut_S < len(frame_F))]:
        first = frame_F[cut]
        code_R[(frame_R >= first) & (frame_R < first + gap)] = -1
    return code_R
