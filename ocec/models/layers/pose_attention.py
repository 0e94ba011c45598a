"""Where and when the pose says to look.

Shapes: N clips of T frames, C channels, H x W cells.
"""

import torch
from torch import Tensor, nn

from ocec.functional.temporal import clips_of_frames, frames_of_clips
from ocec.registry import MODELS


@MODELS.register_module()
class PoseAttention(nn.Module):
    """Strengthen the RGB features where and when the pose features say so.

    The maximum and the mean over the channels of the pose features go through one
    convolution per frame, which gives a weight for each cell; the means of these over
    each frame go through one convolution over time, which gives a weight for each
    frame. The features grow by the share ``cell weight * frame weight``, in (0, 1).
    The gradient of the RGB stream reaches the pose stream through it.

    Args:
        kernel_size: of the convolution over the cells, odd.
        temporal_kernel_size: of the one over the frames, odd.

    Raises:
        ValueError: a kernel size is even.

    Source:
        EPAM-Net, the nested spatial-temporal attention of its released models: the
        cells as in CBAM (Woo et al., ECCV 2018, arXiv:1807.06521, Eq. 3) with a batch
        norm of momentum 0.01, the frames as in ECA (Wang et al., CVPR 2020,
        arXiv:1910.03151); 107 parameters with kernels of 7.
    """

    def __init__(self, kernel_size: int = 7, temporal_kernel_size: int = 7) -> None:
        super().__init__()
        for size in (kernel_size, temporal_kernel_size):
            if size % 2 == 0:
                raise ValueError(f'kernel sizes must be odd, got {size}')
        self.spatial = nn.Sequential(
            nn.Conv2d(2, 1, kernel_size, padding=kernel_size // 2, bias=False),
            nn.BatchNorm2d(1, momentum=0.01),
        )
        self.temporal = nn.Conv1d(
            1,
            1,
            temporal_kernel_size,
            padding=temporal_kernel_size // 2,
            bias=False,
        )

    def weights(self, pose_NCTHW: Tensor) -> Tensor:
        """Return the share by which each cell of each frame is strengthened.

        Args:
            pose_NCTHW: (N, C, T, H, W) pose features.

        Returns:
            (N, 1, T, H, W) in (0, 1).
        """
        num_frames = pose_NCTHW.shape[2]
        summary_N2THW = torch.cat(
            (pose_NCTHW.amax(dim=1, keepdim=True), pose_NCTHW.mean(1, keepdim=True)), 1
        )
        summary_F2HW = frames_of_clips(summary_N2THW).flatten(0, 1)
        cell_F1HW = self.spatial(summary_F2HW).sigmoid()
        cell_N1THW = clips_of_frames(cell_F1HW.unflatten(0, (-1, num_frames)))
        frame_N1T = self.temporal(cell_N1THW.mean(dim=(3, 4))).sigmoid()
        return cell_N1THW * frame_N1T[..., None, None]

    def forward(self, rgb_NCTHW: Tensor, pose_NCTHW: Tensor) -> Tensor:
        """Return the strengthened RGB features.

        Args:
            rgb_NCTHW: (N, C, T, H, W) RGB features.
            pose_NCTHW: (N, C', T, H, W) pose features of the same frames and cells.

        Returns:
            (N, C, T, H, W).

        Raises:
            ValueError: the two have other frames or cells.
        """
        if rgb_NCTHW.shape[2:] != pose_NCTHW.shape[2:]:
            raise ValueError(
                'RGB and pose features must have one size (T, H, W), got '
                f'{tuple(rgb_NCTHW.shape[2:])} and {tuple(pose_NCTHW.shape[2:])}: the '
                'side of the RGB frames must be 4 times that of the heatmaps'
            )
        return rgb_NCTHW * (1 + self.weights(pose_NCTHW))
