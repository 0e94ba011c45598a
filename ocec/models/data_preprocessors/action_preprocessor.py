"""From uint8 frames and keypoints to what action networks eat.

Shapes: N videos, S clips of each, P persons, T frames, K joints, L limbs, G = N S
clips, H, W = height, width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ocec.functional.clip_crop import resize_clips
from ocec.functional.color_planes import host_to_device
from ocec.functional.heatmap import HeatmapMemory, skeleton_heatmaps
from ocec.functional.keypoints import (
    blank_missing,
    flip_points,
    map_points,
    part_of_box,
)
from ocec.functional.skeleton_layouts import custom_layout, skeleton_layout
from ocec.models.data_preprocessors.action_batch import (
    check_boxes,
    check_frames,
    check_keypoints,
    check_streams_agree,
    num_persons,
)
from ocec.models.data_preprocessors.clip_color_jitter import ClipColorJitter
from ocec.models.data_preprocessors.clip_geometry import (
    ClipGeometry,
    RandomClipGeometry,
    Size,
)
from ocec.models.data_preprocessors.image_preprocessor import ImagePreprocessor
from ocec.registry import MODELS

IMAGENET_MEAN, IMAGENET_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
#: pixels in which crops are drawn where there are no frames
POSE_GRID = (256, 256)


@MODELS.register_module()
class ActionPreprocessor(ImagePreprocessor):
    """Device, crop, mirror, colours (training only), normalisation, heatmaps.

    Frames and heatmaps of a clip get the same crop and are mirrored together, left and
    right joints change places. The draws come from torch's CPU generator: a seed
    gives the same on every device. Joints at (0, 0), and those with a NaN, were not
    found and are not drawn.

    Args:
        mean: of each channel (R, G, B), in pixel values [0, 255].
        std: of each channel, in pixel values, > 0.
        layout: of the joints: ``coco17``, ``coco18``, ``nturgbd25``, or
            ``dict(num_joints=14, flip_pairs=[(1, 2)], limbs=[(0, 1)])``.
        frame_size: (height, width) of the RGB frames; None leaves them as they come,
            and crops get the size of the whole frame.
        heatmap_size: (height, width) of the heatmaps.
        test_frame_size: the same outside of training; None is ``frame_size``.
        test_heatmap_size: the same outside of training; None is ``heatmap_size``.
        sigma: width of the Gaussians in pixels of the heatmap, > 0.
        with_kp: heatmaps of the joints, K channels.
        with_limb: heatmaps of the limbs, L channels after those of the joints.
        use_score: joints are as high as their score; else 1 where they were found.
        flip_prob: probability that a clip is mirrored in training, in [0, 1].
        random_crop: ``dict(area_range=(0.56, 1.0), aspect_range=(0.75, 1.333))``, or
            parts of it, to crop in training; None for none.
        color_jitter: arguments of :class:`ClipColorJitter` in training, as
            ``dict(brightness=0.2, contrast=0.2)``; what is not named is not changed.
        flip_test: outside of training, add the mirror image of each clip as a clip.
        reuse_memory: draw heatmaps into the same memory again and again. They are
            valid until the next batch then, and may not be written to.
        channels_last: hand out views of (..., T, H, W, C) memory, which convolutions
            on frames are faster on.
        non_blocking: copy to the device while the host goes on; needs pinned memory.

    Raises:
        ValueError: a setting is out of range, or there are no limbs to draw.
    """

    def __init__(
        self,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        *,
        layout: str | Mapping = 'coco17',
        frame_size: Size | None = None,
        heatmap_size: Size = (56, 56),
        test_frame_size: Size | None = None,
        test_heatmap_size: Size | None = None,
        sigma: float = 0.6,
        with_kp: bool = True,
        with_limb: bool = False,
        use_score: bool = True,
        flip_prob: float = 0.5,
        random_crop: Mapping | None = None,
        color_jitter: Mapping | None = None,
        flip_test: bool = False,
        reuse_memory: bool = False,
        channels_last: bool = True,
        non_blocking: bool = True,
    ) -> None:
        super().__init__(
            [float(level) for level in mean],
            [float(level) for level in std],
            channels_last=channels_last,
            non_blocking=non_blocking,
        )
        if not sigma > 0:
            raise ValueError(f'sigma must be > 0, got {sigma}')
        self.layout = (
            skeleton_layout(layout)
            if isinstance(layout, str)
            else custom_layout(**layout)
        )
        self.limbs = self.layout.limbs if with_limb else ()
        if with_limb and not self.limbs:
            raise ValueError(f'with_limb: {self.layout.name} has no limbs')
        self.frame_sizes = _sizes(frame_size, test_frame_size, 'frame_size')
        self.heatmap_sizes = _sizes(heatmap_size, test_heatmap_size, 'heatmap_size')
        self.sigma = sigma
        self.with_kp = with_kp
        self.use_score = use_score
        self.geometry = RandomClipGeometry(flip_prob, random_crop)
        self.color_jitter = (
            None if color_jitter is None else ClipColorJitter(**color_jitter)
        )
        self.flip_test = flip_test
        self.memory = HeatmapMemory() if reuse_memory else None

    def forward(self, data: dict, training: bool = False) -> dict:
        """Prepare a batch.

        Args:
            data: ``inputs`` with ``frames`` (N, S, T, H, W, 3) uint8, and ``keypoint``
                (N, S, P, T', K, 2) and ``box`` (N, 4) x1, y1, x2, y2, both in pixels
                of the original frame, and ``score`` (N, S, P, T', K), or only one of
                the two; ``data_samples``, a struct of arrays or None. The frames are
                the content of the box. T' is a multiple of T.
            training: whether to augment.

        Returns:
            ``inputs`` with ``rgb`` (N, 3, T, H, W) normalised float32 and ``heatmap``
            (N, K + L, T', H', W') float32, or (N, S, ...) with several clips, and
            ``data_samples``, on the device.

        Raises:
            ValueError: the inputs do not go together, have other joints than the
                layout, or a box is empty.
            TypeError: the frames are neither uint8 nor float32.
        """
        inputs, targets = data['inputs'], data.get('data_samples')
        has_frames = 'frames' in inputs
        has_maps = (self.with_kp or self.limbs) and 'keypoint' in inputs
        self._check(inputs, targets, has_frames=has_frames, has_maps=has_maps)
        lead = inputs['frames' if has_frames else 'score'].shape[:2]
        grid = tuple(inputs['frames'].shape[3:5]) if has_frames else POSE_GRID
        geometry = self.geometry.draw(lead.numel(), grid) if training else None
        out = {}
        if has_frames:
            out['rgb'] = self._rgb(inputs['frames'], geometry)
        if has_maps:
            out['heatmap'] = self._heatmaps(inputs, geometry)
        if not training and self.flip_test:
            out = {name: self._with_mirrored(name, x) for name, x in out.items()}
        if targets is not None:
            targets = targets.to(self.device, non_blocking=self._non_blocking)
        return {
            'inputs': {name: self._shaped(x, lead[0]) for name, x in out.items()},
            'data_samples': targets,
        }

    def _check(
        self, inputs: Mapping[str, Tensor], targets, *, has_frames: bool, has_maps: bool
    ) -> None:
        if not has_frames and not has_maps:
            raise ValueError(
                'inputs hold neither frames nor keypoints to make heatmaps of, only '
                f'{", ".join(sorted(inputs)) or "nothing"}'
            )
        if has_frames:
            check_frames(inputs)
        if has_maps:
            check_keypoints(inputs, self.layout)
            if not inputs['box'].is_cuda:
                check_boxes(inputs['box'], getattr(targets, 'sample_id_B', None))
        if has_frames and has_maps:
            check_streams_agree(inputs)

    def _rgb(self, frames: Tensor, geometry: ClipGeometry | None) -> Tensor:
        """Normalised frames, (G, T, H, W, 3)."""
        frames = frames.to(self.device, non_blocking=self._non_blocking)
        clip_GTHW3 = frames.flatten(0, 1)
        size = self.frame_sizes[geometry is not None] or tuple(clip_GTHW3.shape[2:4])
        crops = {}
        if geometry is not None:
            crops = {'crop_N4': geometry.crop_G4, 'is_flipped_N': geometry.is_flipped_G}
        clip_GTHW3 = resize_clips(clip_GTHW3, size, **crops)
        if geometry is not None and self.color_jitter is not None:
            clip_GTHW3 = self.color_jitter(clip_GTHW3)
        # a row of pixels at once, as for images
        rows_GTHX = clip_GTHW3.view(*clip_GTHW3.shape[:3], -1)
        rows_GTHX.sub_(self.mean.flatten().repeat(size[1]))
        rows_GTHX.div_(self.std.flatten().repeat(size[1]))
        return clip_GTHW3

    def _heatmaps(
        self, inputs: Mapping[str, Tensor], geometry: ClipGeometry | None
    ) -> Tensor:
        """Heatmaps, (G, T, H, W, K + L)."""
        keypoint, score = inputs['keypoint'], inputs['score']
        if not score.is_cuda:
            # persons that nobody sees cost as much as others, from here on
            count = num_persons(score)
            keypoint, score = keypoint[:, :, :count], score[:, :, :count]
        keypoint, score, box_N4 = (
            x.to(self.device, non_blocking=self._non_blocking)
            for x in (keypoint, score, inputs['box'])
        )
        point_GPTK2, score_GPTK = blank_missing(
            keypoint.flatten(0, 1).float(), score.flatten(0, 1).float()
        )
        if not self.use_score:
            score_GPTK = (score_GPTK > 0).float()
        box_G4 = box_N4.float().repeat_interleave(score.shape[1], dim=0)
        size = self.heatmap_sizes[geometry is not None]
        if geometry is not None and geometry.crop_G4 is not None:
            shares_G4 = host_to_device(geometry.shares(), box_G4.device)
            box_G4 = part_of_box(box_G4, shares_G4)
        point_GPTK2 = map_points(point_GPTK2, box_G4, size)
        if geometry is not None:
            point_GPTK2, score_GPTK = flip_points(
                point_GPTK2,
                score_GPTK,
                host_to_device(geometry.is_flipped_G, box_G4.device),
                flip_order=self.layout.flip_order,
                width=size[1],
            )
        heatmap_GCTHW = skeleton_heatmaps(
            point_GPTK2,
            score_GPTK,
            size,
            sigma=self.sigma,
            with_kp=self.with_kp,
            limbs=self.limbs,
            memory=self.memory,
        )
        return heatmap_GCTHW.permute(0, 2, 3, 4, 1)

    def _with_mirrored(self, name: str, clip_GTHWC: Tensor) -> Tensor:
        """Every clip, followed by its mirror image."""
        mirrored_GTHWC = clip_GTHWC.flip(3)
        if name == 'heatmap':
            order = self.layout.flip_order if self.with_kp else []
            if self.limbs:
                first = len(order)
                order += [first + limb for limb in self.layout.limb_flip_order]
            mirrored_GTHWC = mirrored_GTHWC[..., order]
        return torch.stack((clip_GTHWC, mirrored_GTHWC), 1).flatten(0, 1)

    def _shaped(self, clip_GTHWC: Tensor, num_videos: int) -> Tensor:
        """As networks want it: (N, C, T, H, W), or (N, S, C, T, H, W)."""
        clip_GCTHW = clip_GTHWC.permute(0, 4, 1, 2, 3)
        if self.memory_format is not torch.channels_last:
            clip_GCTHW = clip_GCTHW.contiguous()
        if len(clip_GCTHW) == num_videos:
            return clip_GCTHW
        return clip_GCTHW.unflatten(0, (num_videos, -1))


def _sizes(size: Size | None, test_size: Size | None, name: str) -> tuple:
    """Size outside of training, size in training."""
    sizes = []
    for key, value in ((f'test_{name}', test_size or size), (name, size)):
        if value is not None and (
            isinstance(value, int) or len(value) != 2 or min(value) < 1
        ):
            raise ValueError(
                f'{key} must be (height, width) in pixels, both >= 1, got {value}'
            )
        sizes.append(None if value is None else tuple(value))
    return tuple(sizes)
