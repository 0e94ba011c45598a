"""The comparison model. Shapes: N clips, C channels, T frames, H x W pixels."""

from collections.abc import Mapping, Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from ocec.functional.temporal import clips_of_frames, frames_of_clips
from ocec.models.backbones.block_plan import check_positive
from ocec.models.backbones.epam_net import INPUT_OF, POSE, RGB, check_inputs
from ocec.models.backbones.weight_init import init_ocec_weights
from ocec.models.layers.clip_resnet import EXPANSION, ClipResNet
from ocec.models.layers.temporal_conv import TemporalConv2d, TemporalDeconv2d
from ocec.registry import MODELS

STREAMS = (RGB, POSE)
LATERAL_KERNEL = 7
# the channels that pose gets are a sixteenth of those of RGB
POSE_SHARE = 16
# before the last two stages of each stream the streams look at each other
NUM_LATERALS = 2
RGB_DEPTHS, POSE_DEPTHS = (3, 4, 6, 3), (4, 6, 3)


@MODELS.register_module()
class RGBPoseConv3D(BaseModule):
    """A slow RGB and a fast pose ResNet-50 that exchange features twice.

    Its convolutions in space and those in time are 2D ones, equal to the 3D original,
    so that it runs in channels_last memory like every other network here.

    Args:
        streams: ``rgb``, ``pose`` or both; one alone has no lateral connections and is
            the SlowOnly network of that stream.
        num_keypoints: channels of the heatmaps.
        rgb_channels: channels of the stem of the RGB stream.
        pose_channels: channels of the stem of the pose stream.
        speed_ratio: pose frames per RGB frame, >= 1.
        with_cp: in training, compute the inside of the blocks again in the backward
            pass instead of keeping it: less memory, more time.

    Raises:
        ValueError: an argument is out of range.

    Source:
        Duan et al., Revisiting Skeleton-based Action Recognition, CVPR 2022,
        arXiv:2104.13586, section 3.3, with MMAction2's settings for NTU RGB+D. With a
        head of 60 classes 36,147,928 parameters; RGB alone 31,757,436, pose alone
        2,024,860.
    """

    def __init__(
        self,
        streams: Sequence[str] = STREAMS,
        *,
        num_keypoints: int = 17,
        rgb_channels: int = 64,
        pose_channels: int = 32,
        speed_ratio: int = 4,
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        check_positive(num_keypoints=num_keypoints, speed_ratio=speed_ratio)
        if not streams or len(set(streams)) < len(streams) or set(streams) - {*STREAMS}:
            raise ValueError(
                f'streams must be one or both of {STREAMS}, got {tuple(streams)}'
            )
        self._streams = tuple(name for name in STREAMS if name in streams)
        self.speed_ratio = speed_ratio
        is_joined = len(self._streams) == len(STREAMS)
        # channels of the maps that are exchanged
        rgb_maps = [rgb_channels * EXPANSION * 2**i for i in (1, 2)]
        pose_maps = [pose_channels * EXPANSION * 2**i for i in (0, 1)]
        to_rgb = pose_maps if is_joined else [0] * NUM_LATERALS
        to_pose = [c // POSE_SHARE if is_joined else 0 for c in rgb_maps]
        self.rgb_path = self.pose_path = None
        if RGB in self._streams:
            self.rgb_path = ClipResNet(
                3,
                RGB_DEPTHS,
                base_channels=rgb_channels,
                stem_stride=2,
                strides=(1, 2, 2, 2),
                temporal=(False, False, True, True),
                lateral_channels=(0, 0, *to_rgb),
                with_cp=with_cp,
            )
        if POSE in self._streams:
            self.pose_path = ClipResNet(
                num_keypoints,
                POSE_DEPTHS,
                base_channels=pose_channels,
                stem_stride=1,
                strides=(2, 2, 2),
                temporal=(False, True, True),
                lateral_channels=(0, *to_pose),
                with_cp=with_cp,
            )
        self.pose_to_rgb = self.rgb_to_pose = None
        if is_joined:
            self.pose_to_rgb = nn.ModuleList(
                TemporalConv2d(c, c, LATERAL_KERNEL, stride=speed_ratio)
                for c in pose_maps
            )
            self.rgb_to_pose = nn.ModuleList(
                _Upsample(c, c // POSE_SHARE, speed_ratio) for c in rgb_maps
            )
        paths = {RGB: self.rgb_path, POSE: self.pose_path}
        #: channels of the features of each stream
        self.out_channels = {name: paths[name].out_channels for name in self._streams}

    def init_weights(self) -> None:
        """Kaiming-normal convolutions (fan out); batch norms start as identity."""
        init_ocec_weights(self)

    def forward(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the features of each stream.

        Args:
            inputs: ``rgb`` (N, 3, T, H, W) normalised frames and ``heatmap``
                (N, K, T', H / 4, W / 4), as far as there are streams for them. Both
                together need T' = speed_ratio * T.

        Returns:
            ``rgb`` (N, C, T, h, w) and ``pose`` (N, C', T', h, w).

        Raises:
            ValueError: what a stream takes is missing, or the sizes do not go together.
        """
        check_inputs(inputs, self._streams)
        if self.pose_to_rgb is not None:
            return self._run_both(inputs[INPUT_OF[RGB]], inputs[INPUT_OF[POSE]])
        [stream] = self._streams
        path = self.rgb_path if stream == RGB else self.pose_path
        x_NTCHW = path.run_stem(frames_of_clips(inputs[INPUT_OF[stream]]))
        for index in range(len(path.stages)):
            x_NTCHW = path.run_stage(index, x_NTCHW)
        return {stream: clips_of_frames(x_NTCHW)}

    def _run_both(self, rgb_NCTHW: Tensor, pose_NCTHW: Tensor) -> dict[str, Tensor]:
        if pose_NCTHW.shape[2] != self.speed_ratio * rgb_NCTHW.shape[2]:
            raise ValueError(
                f'there must be {self.speed_ratio} pose frames per RGB frame, got '
                f'{pose_NCTHW.shape[2]} and {rgb_NCTHW.shape[2]}'
            )
        rgb = self.rgb_path.run_stem(frames_of_clips(rgb_NCTHW))
        pose = self.pose_path.run_stem(frames_of_clips(pose_NCTHW))
        rgb = self.rgb_path.run_stage(1, self.rgb_path.run_stage(0, rgb))
        pose = self.pose_path.run_stage(0, pose)
        _check_cells(rgb, pose)
        for index in range(NUM_LATERALS):
            to_rgb, to_pose = (
                self.pose_to_rgb[index](pose),
                self.rgb_to_pose[index](rgb),
            )
            rgb = self.rgb_path.run_stage(2 + index, torch.cat((rgb, to_rgb), dim=2))
            pose = self.pose_path.run_stage(1 + index, torch.cat((pose, to_pose), 2))
        return {RGB: clips_of_frames(rgb), POSE: clips_of_frames(pose)}


class _Upsample(nn.Module):
    """From slow to fast: a transposed convolution in time, batch norm, ReLU."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.deconv = TemporalDeconv2d(
            in_channels, out_channels, LATERAL_KERNEL, stride=stride
        )
        self.norm = nn.BatchNorm2d(out_channels)
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x_NTCHW: Tensor) -> Tensor:
        x_NTCHW = self.deconv(x_NTCHW)
        out_FCHW = self.activation(self.norm(x_NTCHW.flatten(0, 1)))
        return out_FCHW.unflatten(0, (-1, x_NTCHW.shape[1]))


def _check_cells(rgb_NTCHW: Tensor, pose_NTCHW: Tensor) -> None:
    if rgb_NTCHW.shape[3:] != pose_NTCHW.shape[3:]:
        raise ValueError(
            'RGB and pose features must have one size (H, W), got '
            f'{tuple(rgb_NTCHW.shape[3:])} and {tuple(pose_NTCHW.shape[3:])}: the side '
            'of the RGB frames must be 4 times that of the heatmaps'
        )
