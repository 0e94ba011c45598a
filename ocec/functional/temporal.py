"""Time in networks that see a clip as a batch of frames.

Kernels of length 1 in time need no third dimension: N clips of T frames are one batch
of F = N T images, and what crosses frames is the shift, a pooling, a convolution over
(T, H W). All views here cost nothing on frames in channels_last memory.

Shapes: N clips, T frames each, F = N * T frames, C channels, H x W cells.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def frames_of_clips(x_NCTHW: Tensor) -> Tensor:
    """Lay the frames of all clips one after the other.

    Args:
        x_NCTHW: (N, C, T, H, W).

    Returns:
        (N, T, C, H, W), a view; its first two dimensions flatten to a batch of images.
    """
    return x_NCTHW.transpose(1, 2)


def clips_of_frames(x_NTCHW: Tensor) -> Tensor:
    """Undo :func:`frames_of_clips`.

    Args:
        x_NTCHW: (N, T, C, H, W).

    Returns:
        (N, C, T, H, W), a view.
    """
    return x_NTCHW.transpose(1, 2)


def temporal_shift(x_FCHW: Tensor, num_frames: int, num_shifted: int) -> Tensor:
    """Give each frame some channels of the next frame and some of the one before.

    Channels [0, f) come from frame t + 1, [f, 2 f) from frame t - 1, the others stay.
    Beyond the ends of a clip are zeros; clips do not see each other.

    Args:
        x_FCHW: (N T, C, H, W), the frames of each clip in a row; fastest in
            channels_last memory.
        num_frames: T >= 1.
        num_shifted: f in [0, C / 2], channels that move each way.

    Returns:
        (N T, C, H, W), a new tensor in channels_last memory.

    Raises:
        ValueError: the frames are no whole clips, or there are fewer channels than are
            to be shifted.

    Source:
        Lin et al., TSM: Temporal Shift Module for Efficient Video Understanding, ICCV
        2019, arXiv:1811.08383, section 3, the bi-directional shift.

    Example:
        >>> x = torch.tensor([1.0, 2.0, 3.0]).view(3, 1, 1, 1).expand(-1, 3, -1, -1)
        >>> temporal_shift(x, num_frames=3, num_shifted=1)[:, :, 0, 0].T.tolist()
        [[2.0, 3.0, 0.0], [0.0, 1.0, 2.0], [1.0, 2.0, 3.0]]
    """
    if num_frames < 1 or x_FCHW.shape[0] % num_frames != 0:
        raise ValueError(
            f'{x_FCHW.shape[0]} frames are no clips of {num_frames} frames each'
        )
    if not 0 <= 2 * num_shifted <= x_FCHW.shape[1]:
        raise ValueError(
            f'num_shifted must be in [0, {x_FCHW.shape[1] // 2}], half the channels, '
            f'got {num_shifted}'
        )
    # channels last: parts of whole rows are copied, and so is their gradient
    x_NTHWC = x_FCHW.unflatten(0, (-1, num_frames)).permute(0, 1, 3, 4, 2)
    if x_FCHW.requires_grad and torch.is_grad_enabled():
        shifted_NTHWC = _Shift.apply(x_NTHWC, num_shifted, False)
    else:  # exporters do not know the function
        shifted_NTHWC = _shifted(x_NTHWC, num_shifted, is_backward=False)
    return shifted_NTHWC.permute(0, 1, 4, 2, 3).flatten(0, 1)


def align_pose_to_rgb(pose_NCTHW: Tensor, num_rgb_frames: int) -> Tensor:
    """Take the pose features of those frames that the RGB stream sees.

    The RGB frames are every k-th pose frame, beginning with the first: with 48 pose
    and 16 RGB frames the frames 0, 3, ... 45.

    Args:
        pose_NCTHW: (N, C, T_pose, H, W).
        num_rgb_frames: T_rgb >= 1, a divisor of T_pose.

    Returns:
        (N, C, T_rgb, H, W), a view.

    Raises:
        ValueError: T_pose is no multiple of T_rgb.
    """
    num_pose_frames = pose_NCTHW.shape[2]
    if num_rgb_frames < 1 or num_pose_frames % num_rgb_frames != 0:
        raise ValueError(
            'the number of pose frames must be a multiple of that of RGB frames, got '
            f'{num_pose_frames} and {num_rgb_frames}'
        )
    return pose_NCTHW[:, :, :: num_pose_frames // num_rgb_frames]


class _Shift(torch.autograd.Function):
    """The shift; its gradient is the shift the other way round, in one copy.

    Autograd by itself fills five maps with zeros and adds them up.
    """

    @staticmethod
    def forward(
        ctx: Any, x_NTHWC: Tensor, num_shifted: int, is_backward: bool
    ) -> Tensor:
        ctx.num_shifted, ctx.is_backward = num_shifted, is_backward
        return _shifted(x_NTHWC, num_shifted, is_backward=is_backward)

    @staticmethod
    def backward(ctx: Any, grad_NTHWC: Tensor) -> tuple[Tensor, None, None]:
        grad = _Shift.apply(grad_NTHWC, ctx.num_shifted, not ctx.is_backward)
        return grad, None, None


def _shifted(x_NTHWC: Tensor, num_shifted: int, *, is_backward: bool) -> Tensor:
    """Channels [0, f) of the next frame, [f, 2 f) of the one before; or backward."""
    first, second, rest = x_NTHWC.split(
        (num_shifted, num_shifted, x_NTHWC.shape[-1] - 2 * num_shifted), dim=-1
    )
    zeros = torch.zeros_like(first[:, :1])
    parts = [first, second]
    ahead, behind = (1, 0) if is_backward else (0, 1)
    parts[ahead] = torch.cat((parts[ahead][:, 1:], zeros), dim=1)
    parts[behind] = torch.cat((zeros, parts[behind][:, :-1]), dim=1)
    return torch.cat((*parts, rest), dim=-1)
