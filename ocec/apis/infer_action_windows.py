"""Windows over a video, and what they say together.

Shapes: W windows, S pieces between the ends of windows, C classes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ocec.apis.errors import ConfigError

WHOLE = 'all'
NOBODY = -1
"""In place of a class: of a window without any joint."""

_SPAN = re.compile(r'(\d{1,9}(?:\.\d{1,9})?)(s?|f)')


@dataclass(frozen=True)
class Window:
    """Some frames in a row.

    Args:
        number: from 0.
        start: first frame.
        stop: frame after the last.
    """

    number: int
    start: int
    stop: int


@dataclass(frozen=True)
class Segment:
    """Frames in a row with the same answer.

    Args:
        start: first frame.
        stop: frame after the last.
        label: of the class; ``NOBODY`` where nobody was found.
        prob: of the class, the mean over its frames; NaN for nobody.
    """

    start: int
    stop: int
    label: int
    prob: float


def parse_span(text: str, fps: float, *, name: str) -> int | None:
    """Read a length of time.

    Args:
        text: seconds, as ``2.5`` or ``2.5s``, frames, as ``75f``, or ``all``.
        fps: frames per second, > 0.
        name: of the option, for the message.

    Returns:
        Frames >= 1; None for ``all``.

    Raises:
        ConfigError: it is none of these, or shorter than a frame.

    Example:
        >>> parse_span('2.5', 30.0, name='window'), parse_span('75f', 30.0, name='')
        (75, 75)
    """
    if text == WHOLE:
        return None
    match = _SPAN.fullmatch(text)
    if match is None:
        raise ConfigError(
            f'--{name} must be seconds as 2.5, or frames as 75f, got {text!r}'
        )
    value = float(match[1])
    frames = value if match[2] == 'f' else round(value * fps)
    if frames < 1 or frames != int(frames):
        raise ConfigError(f'--{name} {text}: that is no whole number of frames >= 1')
    return int(frames)


def plan_windows(num_frames: int, length: int | None, stride: int) -> list[Window]:
    """Lay windows over a video.

    The last one ends with the video, and is as long as the others. A video that is
    shorter than a window is one window.

    Args:
        num_frames: of the video, >= 1.
        length: frames of a window >= 1; None takes all.
        stride: from the start of one to that of the next, in [1, length].

    Returns:
        The windows, by their start; every frame is in one.

    Raises:
        ConfigError: the stride would leave frames out.

    Example:
        >>> [(w.start, w.stop) for w in plan_windows(10, 4, 3)]
        [(0, 4), (3, 7), (6, 10)]
    """
    if length is None or length >= num_frames:
        return [Window(0, 0, num_frames)]
    if stride > length:
        raise ConfigError(
            f'--stride of {stride} frames is longer than --window of {length}: frames '
            'between the windows would not be looked at'
        )
    starts = [*range(0, num_frames - length, stride), num_frames - length]
    return [Window(n, start, start + length) for n, start in enumerate(starts)]


def average_windows(
    windows: Sequence[Window], prob_WC: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Average what windows say of the frames that they share.

    Args:
        windows: W, by their start; every frame is in one.
        prob_WC: (W, C) probabilities; a row of NaN where nobody was found.

    Returns:
        ``(edge_S1, prob_SC)``: (S + 1,) int64 first frame of each piece, and the end;
        (S, C) float64 mean over the windows with somebody that hold it, NaN where there
        is none.

    Example:
        >>> windows = [Window(0, 0, 4), Window(1, 2, 6)]
        >>> edges, prob = average_windows(windows, np.array([[1.0, 0.0], [0.0, 1.0]]))
        >>> edges.tolist(), prob.tolist()
        ([0, 2, 4, 6], [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])
    """
    edges = {edge for window in windows for edge in (window.start, window.stop)}
    edge_S1 = np.array(sorted(edges), np.int64)
    total_SC = np.zeros((len(edge_S1) - 1, prob_WC.shape[1]))
    count_S1 = np.zeros((len(edge_S1) - 1, 1))
    for window, prob_C in zip(windows, prob_WC, strict=True):
        if not np.isnan(prob_C).any():
            pieces = slice(*np.searchsorted(edge_S1, (window.start, window.stop)))
            total_SC[pieces] += prob_C
            count_S1[pieces] += 1
    total_SC[count_S1[:, 0] == 0] = np.nan
    return edge_S1, total_SC / np.maximum(count_S1, 1)


def join_pieces(edge_S1: np.ndarray, prob_SC: np.ndarray) -> list[Segment]:
    """Join neighbouring pieces with the same most likely class.

    Args:
        edge_S1: (S + 1,) as :func:`average_windows` returns it.
        prob_SC: (S, C).

    Returns:
        Segments from the first frame to the last.
    """
    length_S = np.diff(edge_S1)
    label_S = label_of(prob_SC)
    firsts = np.flatnonzero(np.diff(label_S, prepend=label_S[0] - 1))
    segments = []
    for first, after in zip(firsts, [*firsts[1:], len(label_S)], strict=True):
        label, prob = int(label_S[first]), math.nan
        if label != NOBODY:
            weights = length_S[first:after]
            prob = float(np.average(prob_SC[first:after, label], weights=weights))
        segments.append(Segment(int(edge_S1[first]), int(edge_S1[after]), label, prob))
    return segments


def label_of(prob_SC: np.ndarray) -> np.ndarray:
    """Return the most likely class of each row.

    Args:
        prob_SC: (S, C); a row of NaN is nobody.

    Returns:
        (S,) int64, ``NOBODY`` where there is nobody.
    """
    is_nobody_S = np.isnan(prob_SC).any(axis=1)
    return np.where(is_nobody_S, NOBODY, prob_SC.argmax(axis=1))


def whole_video(edge_S1: np.ndarray, prob_SC: np.ndarray) -> np.ndarray | None:
    """Average over the frames with somebody.

    Args:
        edge_S1: (S + 1,) as :func:`average_windows` returns it.
        prob_SC: (S, C).

    Returns:
        (C,) sums to 1; None where nobody was found at all.
    """
    is_known_S = ~np.isnan(prob_SC).any(axis=1)
    if not is_known_S.any():
        return None
    weights = np.diff(edge_S1)[is_known_S]
    return np.average(prob_SC[is_known_S], axis=0, weights=weights)


def top_classes(prob_C: np.ndarray, count: int) -> list[int]:
    """Return the most likely classes.

    Args:
        prob_C: (C,).
        count: at most, >= 1.

    Returns:
        Their labels, the most likely one first; of equal ones the lower first.
    """
    return np.argsort(-prob_C, kind='stable')[:count].tolist()
