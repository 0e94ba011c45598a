"""Two streams, the pose tells the RGB stream where to look.

Shapes: N clips, C channels, K keypoints, T frames, H x W pixels.
"""

from __future__ import annotations

from collections.abc import Mapping

from mmengine.model import BaseModule
from torch import Tensor, nn

from ocec.functional.temporal import align_pose_to_rgb
from ocec.registry import MODELS

RGB, POSE = 'rgb', 'pose'
#: stream to what it takes of the inputs
INPUT_OF = {RGB: 'rgb', POSE: 'heatmap'}


@MODELS.register_module()
class EPAMNet(BaseModule):
    """A stream of RGB frames, one of pose heatmaps, and attention from pose to RGB.

    A part that is None is left out: one stream alone, or both without attention, which
    is late fusion. The parts keep their names, so that the weights of two streams
    trained alone are a start for both together.

    Args:
        rgb_path: config of the RGB stream (MODELS), a module, or None: (N, 3, T, H, W)
            to (N, C, T, h, w) features, with ``out_channels`` = C. No stride in time.
        pose_path: the same for (N, K, T, H, W) heatmaps.
        attention: config of the attention (MODELS), a module, or None: both features
            at the frames of RGB to new RGB features.

    Raises:
        ValueError: there is no stream, or attention without two of them.

    Source:
        EPAM-Net (Abdelkawy et al., arXiv:2408.05421). With the streams of
        :class:`ocec.models.backbones.xshift_net.XShiftNet`, ``PoseAttention`` and the
        head of 60 classes 2,538,717 parameters.
    """

    def __init__(
        self,
        rgb_path: dict | nn.Module | None,
        pose_path: dict | nn.Module | None,
        attention: dict | nn.Module | None = None,
    ) -> None:
        super().__init__()
        if rgb_path is None and pose_path is None:
            raise ValueError('rgb_path and pose_path are both None: no stream is left')
        if attention is not None and (rgb_path is None or pose_path is None):
            missing = 'rgb_path' if rgb_path is None else 'pose_path'
            raise ValueError(f'attention needs both streams, {missing} is None')
        self.rgb_path = _build(rgb_path)
        self.pose_path = _build(pose_path)
        self.attention = _build(attention)
        streams = {RGB: self.rgb_path, POSE: self.pose_path}
        self._streams = tuple(
            name for name, path in streams.items() if path is not None
        )
        #: channels of the features of each stream
        self.out_channels = {name: streams[name].out_channels for name in self._streams}

    def stage_modules(self) -> dict[str, list[nn.Module]]:
        """Return ``rgb.stem`` ... ``rgb.neck``, ``pose.stem`` ..., ``attention``."""
        named = {}
        for stream in self._streams:
            path = self.rgb_path if stream == RGB else self.pose_path
            stages = getattr(path, 'stage_modules', lambda path=path: {'path': [path]})
            named |= {f'{stream}.{stage}': found for stage, found in stages().items()}
        if self.attention is not None:
            named['attention'] = [self.attention]
        return named

    def forward(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the features of each stream.

        Args:
            inputs: ``rgb`` (N, 3, T, H, W) normalised frames and ``heatmap``
                (N, K, T', H', W') of any number of persons, as far as there are
                streams for them. With attention T' is a multiple of T.

        Returns:
            ``rgb`` (N, C, T, h, w) and ``pose`` (N, C', T', h', w').

        Raises:
            ValueError: what a stream takes is missing, or the sizes do not go together.
        """
        check_inputs(inputs, self._streams)
        feats = {}
        if self.rgb_path is not None:
            feats[RGB] = self.rgb_path(inputs[INPUT_OF[RGB]])
        if self.pose_path is not None:
            feats[POSE] = self.pose_path(inputs[INPUT_OF[POSE]])
        if self.attention is not None:
            guide_NCTHW = align_pose_to_rgb(feats[POSE], feats[RGB].shape[2])
            feats[RGB] = self.attention(feats[RGB], guide_NCTHW)
        return feats

    def attention_weights(self, heatmap_NKTHW: Tensor, num_rgb_frames: int) -> Tensor:
        """Return where the attention looks; it does not depend on the RGB frames.

        Args:
            heatmap_NKTHW: (N, K, T', H', W').
            num_rgb_frames: T, a divisor of T'.

        Returns:
            (N, T, h, w) in (0, 1), of the frames that the RGB stream sees.

        Raises:
            ValueError: the model has no attention, or T' is no multiple of T.
        """
        if self.attention is None:
            raise ValueError('this model has no attention')
        feat_NCTHW = align_pose_to_rgb(self.pose_path(heatmap_NKTHW), num_rgb_frames)
        return self.attention.weights(feat_NCTHW)[:, 0]


def check_inputs(inputs: Mapping[str, Tensor], streams: tuple[str, ...]) -> None:
    """Refuse inputs that lack what a stream takes.

    Args:
        inputs: name to tensor.
        streams: ``rgb``, ``pose`` or both.

    Raises:
        ValueError: something is missing, or is no batch of clips.
    """
    for stream in streams:
        name = INPUT_OF[stream]
        if name not in inputs:
            raise ValueError(
                f'the {stream} stream takes inputs[{name!r}], there is only '
                f'{", ".join(sorted(inputs)) or "nothing"}'
            )
        if inputs[name].ndim != 5:
            raise ValueError(
                f'inputs[{name!r}] must have shape (N, C, T, H, W), got '
                f'{tuple(inputs[name].shape)}'
            )


def _build(part: dict | nn.Module | None) -> nn.Module | None:
    return MODELS.build(part) if isinstance(part, dict) else part
