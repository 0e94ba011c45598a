"""Which frames of a video a clip is made of.

Shapes: F frames of the video, T frames of a clip, M clips.
"""

from __future__ import annotations

import numpy as np

FIXED_SEED = 255
"""Of the clips of tests, as in mmaction2, whose clips these are."""


def sample_clip(
    num_frames: int, clip_length: int, random: np.random.RandomState
) -> np.ndarray:
    """Draw frames spread evenly over a video.

    A video of fewer frames than the clip starts anywhere and is repeated; one of less
    than twice as many leaves out frames drawn at random; else one frame is drawn from
    each of T parts of equal length.

    Args:
        num_frames: F >= 1.
        clip_length: T >= 1.
        random: the generator to draw from; no other is touched.

    Returns:
        (T,) int64 in [0, F), rising unless the video is repeated.

    Raises:
        ValueError: there is no frame, or none is asked for.

    Source:
        Duan et al., Revisiting Skeleton-based Action Recognition, CVPR 2022,
        arXiv:2104.13586, section 3.2, uniform sampling.

    Example:
        >>> sample_clip(3, 6, np.random.RandomState(0)).tolist()
        [0, 1, 2, 0, 1, 2]
    """
    _check(num_frames, clip_length)
    start = random.randint(num_frames) if num_frames < clip_length else 0
    return _spread(num_frames, clip_length, start, random)


def fixed_clips(num_frames: int, clip_length: int, num_clips: int) -> np.ndarray:
    """Return the clips of a test: the same every time, whatever was drawn before.

    Args:
        num_frames: F >= 1.
        clip_length: T >= 1.
        num_clips: M >= 1; those of a short video start at different frames.

    Returns:
        (M, T) int64 in [0, F).

    Raises:
        ValueError: there is no frame, or none is asked for.

    Source:
        As :func:`sample_clip`.

    Example:
        >>> fixed_clips(4, 6, 2).tolist()
        [[0, 1, 2, 3, 0, 1], [2, 3, 0, 1, 2, 3]]
    """
    _check(num_frames, clip_length)
    if num_clips < 1:
        raise ValueError(f'num_clips must be >= 1, got {num_clips}')
    # its stream never changes, that of Generator may
    random = np.random.RandomState(FIXED_SEED)
    clips = []
    for clip in range(num_clips):
        start = clip if num_frames < num_clips else clip * num_frames // num_clips
        clips.append(_spread(num_frames, clip_length, start, random))
    return np.stack(clips)


def _spread(
    num_frames: int, clip_length: int, start: int, random: np.random.RandomState
) -> np.ndarray:
    if num_frames < clip_length:
        return np.arange(start, start + clip_length) % num_frames
    if num_frames < 2 * clip_length:
        # before which frames of the clip one of the video is left out
        gaps = np.zeros(clip_length + 1, np.int64)
        num_left_out = num_frames - clip_length
        gaps[random.choice(clip_length + 1, num_left_out, replace=False)] = 1
        return np.arange(clip_length) + gaps.cumsum()[:-1]
    bounds = np.arange(clip_length + 1) * num_frames // clip_length
    return bounds[:-1] + random.randint(np.diff(bounds))


def _check(num_frames: int, clip_length: int) -> None:
    if num_frames < 1 or clip_length < 1:
        raise ValueError(
            'num_frames and clip_length must be >= 1, got '
            f'{num_frames} and {clip_length}'
        )
