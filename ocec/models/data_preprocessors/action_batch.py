"""What a batch of clips must be before it goes to the device.

Shapes: N videos, S clips of each, P persons, T frames, K joints, H, W = height, width.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ocec.functional.skeleton_layouts import SkeletonLayout


def check_frames(inputs: Mapping[str, Tensor]) -> None:
    """Refuse what are no frames.

    Args:
        inputs: with ``frames``.

    Raises:
        ValueError: the shape is not (N, S, T, H, W, 3).
        TypeError: the frames are neither uint8 nor float32.
    """
    frames = inputs['frames']
    if frames.ndim != 6 or frames.shape[-1] != 3 or 0 in frames.shape:
        raise ValueError(
            'inputs.frames must have shape (N, clips, T, H, W, 3), got '
            f'{tuple(frames.shape)}'
        )
    if frames.dtype not in (torch.uint8, torch.float32):
        raise TypeError(f'inputs.frames must be uint8 or float32, got {frames.dtype}')


def check_keypoints(inputs: Mapping[str, Tensor], layout: SkeletonLayout) -> None:
    """Refuse what are no keypoints of this layout.

    Args:
        inputs: with ``keypoint``, ``score`` and ``box``.
        layout: of the joints.

    Raises:
        ValueError: something is missing, has another shape, or other joints.
    """
    missing = [name for name in ('keypoint', 'score', 'box') if name not in inputs]
    if missing:
        raise ValueError(f'inputs lack {" and ".join(missing)} to make heatmaps of')
    keypoint, score, box = inputs['keypoint'], inputs['score'], inputs['box']
    is_batch = score.ndim == 5 and keypoint.shape == (*score.shape, 2)
    if not is_batch or box.shape != (len(score), 4) or 0 in score.shape:
        raise ValueError(
            'inputs.keypoint must have shape (N, clips, P, T, K, 2), score without the '
            f'last, box (N, 4), got {tuple(keypoint.shape)}, {tuple(score.shape)} and '
            f'{tuple(box.shape)}'
        )
    if score.shape[-1] != layout.num_joints:
        raise ValueError(
            f'the keypoints have {score.shape[-1]} joints, {layout.name} has '
            f'{layout.num_joints}: set data_preprocessor.layout to another name, or to '
            'dict(num_joints=..., flip_pairs=..., limbs=...)'
        )


def check_streams_agree(inputs: Mapping[str, Tensor]) -> None:
    """Refuse frames and keypoints that are not of the same clips.

    Args:
        inputs: with ``frames`` and ``score`` of the shapes checked before.

    Raises:
        ValueError: there are not as many videos and clips of both, or the number of
            pose frames is no multiple of that of RGB frames.
    """
    frames, score = inputs['frames'], inputs['score']
    if frames.shape[:2] != score.shape[:2]:
        raise ValueError(
            'frames and keypoints must be of as many videos and clips, got '
            f'{tuple(frames.shape[:2])} and {tuple(score.shape[:2])}'
        )
    if score.shape[3] % frames.shape[2] != 0:
        raise ValueError(
            'the number of pose frames must be a multiple of that of RGB frames, got '
            f'{score.shape[3]} and {frames.shape[2]}'
        )


def check_boxes(box_N4: Tensor, sample_id_N: Tensor | None) -> None:
    """Refuse boxes that hold nothing.

    Args:
        box_N4: (N, 4) x1, y1, x2, y2 in pixels, on the CPU (elsewhere the device
            would have to be waited for).
        sample_id_N: (N,) numbers of the videos, for the message; or None.

    Raises:
        ValueError: a box has no area, or a NaN or infinite number.
    """
    is_good_N = (box_N4[:, 2:] > box_N4[:, :2]).all(1) & box_N4.isfinite().all(1)
    if not is_good_N.all():
        number = int(is_good_N.logical_not().nonzero()[0])
        name = number if sample_id_N is None else sample_id_N[number].item()
        raise ValueError(
            f'the box of video {name} is empty: {box_N4[number].tolist()} (x1, y1, x2, '
            'y2 in pixels)'
        )


def num_persons(score: Tensor) -> int:
    """Count the persons up to the last one that is seen anywhere in the batch.

    Args:
        score: (N, S, P, T, K) on the CPU; zero, or NaN, is not seen.

    Returns:
        A number in [1, P].
    """
    is_seen_P = (score > 0).movedim(2, 0).flatten(1).any(1)
    return max(1, int(is_seen_P.nonzero().max()) + 1) if is_seen_P.any() else 1
