"""Clips of actions as a network gets them, turned back into what can be looked at.

Shapes: N videos, S clips of each, G = N S clips, P persons, T frames, K joints, C
channels, H x W pixels, h x w cells.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import torch

from ocec.apis.infer_action_model import FUSED
from ocec.datasets.rgb_pose import RGBPose
from ocec.datasets.video_reader import read_frames
from ocec.functional.clip_sampling import fixed_clips
from ocec.functional.keypoints import (
    blank_missing,
    flip_points,
    map_points,
    part_of_box,
)
from ocec.models.data_preprocessors.action_preprocessor import ActionPreprocessor
from ocec.models.data_preprocessors.clip_geometry import ClipGeometry

BLACK_SIDE = 224
"""Height of the canvas of skeletons without pictures, in pixels."""


@dataclass(frozen=True, eq=False)
class ShownClip:
    """One clip, ready to be drawn.

    Args:
        name: of the video.
        label: true class.
        frames_THWC: (T, H, W, 3) uint8 RGB; black where there are no pictures.
        keypoint_TPK2: (T, P, K, 2) x and y in pixels of these frames.
        score_TPK: (T, P, K), 0 where a joint is missing.
        captions: T short texts.
        facts: what was done with the clip, a few words each.
        heat_Thw: (T, h, w) in [0, 1], maximum over the channels of the heatmaps; None
            where there are none.
        attention_Thw: (T, h, w) in (0, 1); None where the model has none.
        prob_C: (C,) of each class; None without a checkpoint.
        box: (4,) x1, y1, x2, y2 that clips are cropped to, in pixels of these frames;
            None where they are cropped already.
    """

    name: str
    label: int
    frames_THWC: np.ndarray
    keypoint_TPK2: np.ndarray
    score_TPK: np.ndarray
    captions: list[str]
    facts: list[str] = field(default_factory=list)
    heat_Thw: np.ndarray | None = None
    attention_Thw: np.ndarray | None = None
    prob_C: np.ndarray | None = None
    box: np.ndarray | None = None


class _Recorder:
    """Draws as a preprocessor's geometry does, and remembers what."""

    def __init__(self, geometry) -> None:
        self._geometry = geometry
        self.drawn: ClipGeometry | None = None

    def draw(self, num_clips: int, grid: tuple[int, int]) -> ClipGeometry:
        self.drawn = self._geometry.draw(num_clips, grid)
        return self.drawn


@torch.inference_mode()
def delivered_clip(
    dataset: RGBPose,
    index: int,
    preprocessor: ActionPreprocessor,
    *,
    training: bool,
    network: torch.nn.Module | None = None,
) -> ShownClip:
    """Show what the network gets: sampled, cropped, mirrored, with changed colours.

    Args:
        dataset: the clips.
        index: number of the video in it.
        preprocessor: makes batches of the device out of those of the dataset.
        training: whether to augment.
        network: an ``ActionRecognizer`` in evaluation mode; None for no answer.

    Returns:
        The first clip of the video.
    """
    batch = dataset[index]
    inputs, before = batch['inputs'], preprocessor.geometry
    preprocessor.geometry = recorder = _Recorder(before)
    try:
        made = preprocessor({'inputs': inputs, 'data_samples': None}, training)
    finally:
        preprocessor.geometry = before
    made = made['inputs']
    first = {name: _first_clip(x) for name, x in made.items()}
    frames_THWC = _pictures(first, inputs, preprocessor)
    stride = inputs['score'].shape[3] // len(frames_THWC)
    keypoint_TPK2, score_TPK = _skeletons(
        inputs, preprocessor, recorder.drawn, frames_THWC.shape[1:3]
    )
    heat_Thw = None
    if 'heatmap' in first:
        heat_Thw = first['heatmap'].amax(0)[::stride].cpu().numpy()
    prob_C, attention_Thw = None, None
    if network is not None:
        prob_C = network(made, mode='tensor')[FUSED].softmax(dim=1)[0].cpu().numpy()
        attention_Thw = _attention(network, made, len(frames_THWC))
    return ShownClip(
        name=str(dataset.ids[index]),
        label=int(dataset.labels[index]),
        frames_THWC=frames_THWC,
        keypoint_TPK2=keypoint_TPK2[::stride],
        score_TPK=score_TPK[::stride],
        captions=[
            f'pose frame {t * stride}/{len(score_TPK)}' for t in range(len(frames_THWC))
        ],
        facts=_facts(recorder.drawn, made),
        heat_Thw=heat_Thw,
        attention_Thw=attention_Thw,
        prob_C=prob_C,
    )


@torch.inference_mode()
def raw_clip(
    dataset: RGBPose,
    index: int,
    preprocessor: ActionPreprocessor,
    *,
    network: torch.nn.Module | None = None,
) -> ShownClip:
    """Show what the files hold: whole frames, all persons, and the box of the crops.

    Args:
        dataset: the clips.
        index: number of the video in it.
        preprocessor: for the answer of the network.
        network: an ``ActionRecognizer`` in evaluation mode; None for no answer.

    Returns:
        Frames spread over the video, as many as the network gets pictures.
    """
    row, batch = int(dataset.rows[index]), dataset[index]
    keypoint_PFK2, score_PFK = dataset.table.skeletons(row)
    count = dataset.reader.num_rgb_frames
    sampled_T = np.unique(fixed_clips(score_PFK.shape[1], count, 1))
    frame_hw = dataset.table.frame_hw_N2[row].tolist()
    box = batch['inputs']['box'][0].numpy()
    frames_THWC = _whole_frames(dataset, row, sampled_T, frame_hw)
    # videos of persons alone show the box, others the whole frame
    is_crop = dataset.rgb is not None and dataset.rgb.layout == 'crops'
    shown = box if is_crop else np.array([0, 0, *frame_hw[::-1]], np.float32)
    size = frames_THWC.shape[1:3]
    keypoint_TPK2 = keypoint_PFK2[:, sampled_T].swapaxes(0, 1).astype(np.float32)
    score_TPK = score_PFK[:, sampled_T].swapaxes(0, 1).astype(np.float32)
    keypoint_TPK2, score_TPK = _placed(keypoint_TPK2, score_TPK, shown, size)
    prob_C = None
    if network is not None:
        data = {'inputs': batch['inputs'], 'data_samples': None}
        made = preprocessor(data, False)['inputs']
        prob_C = network(made, mode='tensor')[FUSED].softmax(dim=1)[0].cpu().numpy()
    corners_22 = torch.from_numpy(box.reshape(1, 2, 2).astype(np.float32))
    placed = map_points(corners_22, torch.from_numpy(shown)[None].float(), size)
    return ShownClip(
        name=str(dataset.ids[index]),
        label=int(dataset.labels[index]),
        frames_THWC=frames_THWC,
        keypoint_TPK2=keypoint_TPK2,
        score_TPK=score_TPK,
        captions=[f'frame {t}' for t in sampled_T.tolist()],
        facts=['as in the files', f'{score_PFK.shape[1]} frames'],
        prob_C=prob_C,
        box=None if is_crop else placed.flatten().numpy(),
    )


def _first_clip(x: torch.Tensor) -> torch.Tensor:
    """(C, T, H, W) of the first clip of the first video."""
    return x[0, 0] if x.ndim == 6 else x[0]


def _pictures(first: dict, inputs: dict, preprocessor: ActionPreprocessor):
    """What was normalised, back in [0, 255]; black without pictures."""
    if 'rgb' not in first:
        num_frames, (height, width) = (
            inputs['score'].shape[3],
            first['heatmap'].shape[2:],
        )
        factor = max(1, round(BLACK_SIDE / height))
        size = (height * factor, width * factor, 3)
        return np.zeros((num_frames, *size), np.uint8)
    mean_C111 = preprocessor.mean.view(-1, 1, 1, 1)
    std_C111 = preprocessor.std.view(-1, 1, 1, 1)
    level_CTHW = first['rgb'] * std_C111 + mean_C111
    level_CTHW = level_CTHW.round().clamp(0, 255).byte()
    return level_CTHW.permute(1, 2, 3, 0).contiguous().cpu().numpy()


def _skeletons(
    inputs: dict,
    preprocessor: ActionPreprocessor,
    geometry: ClipGeometry | None,
    size: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray]:
    """Joints of the first clip in pixels of a picture: (T, P, K, 2) and (T, P, K)."""
    keypoint_1PTK2, score_1PTK = blank_missing(
        inputs['keypoint'][:1, 0].float(), inputs['score'][:1, 0].float()
    )
    box_14 = inputs['box'][:1].float()
    if geometry is not None and geometry.crop_G4 is not None:
        box_14 = part_of_box(box_14, geometry.shares()[:1])
    keypoint_1PTK2 = map_points(keypoint_1PTK2, box_14, tuple(size))
    if geometry is not None:
        keypoint_1PTK2, score_1PTK = flip_points(
            keypoint_1PTK2,
            score_1PTK,
            geometry.is_flipped_G[:1],
            flip_order=preprocessor.layout.flip_order,
            width=size[1],
        )
    return (
        keypoint_1PTK2[0].transpose(0, 1).numpy(),
        score_1PTK[0].transpose(0, 1).numpy(),
    )


def _attention(
    network: torch.nn.Module, made: dict, num_frames: int
) -> np.ndarray | None:
    backbone = network.backbone
    if getattr(backbone, 'attention', None) is None:
        return None
    heatmap_1CTHW = _first_clip(made['heatmap'])[None]
    return backbone.attention_weights(heatmap_1CTHW, num_frames)[0].cpu().numpy()


def _facts(geometry: ClipGeometry | None, made: dict) -> list[str]:
    facts = []
    if geometry is not None:
        if geometry.is_flipped_G[0]:
            facts.append('mirrored')
        if geometry.crop_G4 is not None:
            left, top, right, bottom = geometry.shares()[0].tolist()
            facts.append(f'crop {right - left:.0%} x {bottom - top:.0%}')
    shape = next(iter(made.values())).shape
    if len(shape) == 6:
        facts.append(f'the first of {shape[1]} clips')
    return facts


def _whole_frames(
    dataset: RGBPose, row: int, sampled_T: np.ndarray, frame_hw: list[int]
) -> np.ndarray:
    rgb = dataset.rgb
    if rgb is None:
        height, width = frame_hw
        size = (BLACK_SIDE, max(1, round(width * BLACK_SIDE / height)), 3)
        return np.zeros((len(sampled_T), *size), np.uint8)
    path = rgb.root / str(rgb.path_N[row])
    frames = []
    for image_HWC in read_frames(path, sampled_T.tolist(), backend=rgb.backend):
        # a large frame is drawn small anyway
        share = min(1.0, 2 * BLACK_SIDE / image_HWC.shape[0])
        size = [max(1, round(side * share)) for side in image_HWC.shape[1::-1]]
        frames.append(cv2.resize(image_HWC, size, interpolation=cv2.INTER_AREA))
    return np.stack(frames)


def _placed(
    keypoint_TPK2: np.ndarray,
    score_TPK: np.ndarray,
    shown: np.ndarray,
    size: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray]:
    keypoint, score = blank_missing(
        torch.from_numpy(keypoint_TPK2), torch.from_numpy(score_TPK)
    )
    box_T4 = torch.from_numpy(shown).float().expand(len(keypoint), 4)
    return map_points(keypoint, box_T4, tuple(size)).numpy(), score.numpy()
