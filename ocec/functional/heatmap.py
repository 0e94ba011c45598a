"""Skeletons as heatmaps: a blob at each joint, a ridge along each limb.

A Gaussian of a point is the product of one along x and one along y, and it is cut off
at three sigma: of 56 x 56 pixels no more than 5 x 5 are computed and written. The
memory is that of frames in channels_last, which networks on frames read without a
copy. A batch of 8 clips of 48 frames is 82 MB, and getting these from the system takes
longer than drawing: :class:`HeatmapMemory` keeps them.

Shapes: N clips, P persons, K joints, L limbs, T frames, H x W pixels, C = K + L, J
joints that are drawn, D pixels of a window, axis 2 = (x, y).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ocec.functional.color_planes import host_to_device
from ocec.functional.heatmap_windows import Patch, limb_patches, point_patch

#: joints with a lower score are not drawn
MIN_SCORE = 1e-4
#: of all pixels; if more of them were drawn, wiping the whole memory is faster
MAX_WIPED_SHARE = 1 / 40


class HeatmapMemory:
    """Memory of heatmaps that is used again and again.

    What was drawn is wiped where it was drawn: the heatmaps are valid until the next
    ones are made, and may be read but not written to.
    """

    def __init__(self) -> None:
        self._map: Tensor | None = None
        self._drawn: list[Tensor] = []

    def blank(self, shape: tuple[int, ...], device: torch.device) -> Tensor:
        """Return zeros.

        Args:
            shape: of the tensor.
            device: where it is to lie.

        Returns:
            Contiguous float32; the same memory as before where shape and device are
            the same.
        """
        is_usable = self._map is not None and self._map.device == device
        if is_usable and self._map.shape == shape:
            self._wipe()
        else:
            self._map = _zeros(shape, device)
        self._drawn = []
        return self._map

    def _wipe(self) -> None:
        num_drawn = sum(map(len, self._drawn))
        if num_drawn > MAX_WIPED_SHARE * self._map.numel():
            self._map.zero_()
            return
        for index in self._drawn:
            # not with a number for all, which takes three times as long
            zeros = torch.zeros(index.shape, device=index.device)
            self._map.view(-1).scatter_(0, index, zeros)

    def draw(self, patches: Sequence[Patch], *, is_blank: bool) -> None:
        """Write values where they are larger than what is there.

        Args:
            patches: flat index and value of pixels, no index twice.
            is_blank: there is nothing below them yet. Values need not be compared
                then, which takes two thirds of the time.
        """
        map_X = self._map.view(-1)
        for index, value in patches:
            self._drawn.append(index.flatten())
            if is_blank:
                map_X.scatter_(0, self._drawn[-1], value.flatten())
            else:
                map_X.scatter_reduce_(0, self._drawn[-1], value.flatten(), 'amax')


@torch.no_grad()
def skeleton_heatmaps(
    keypoint_NPTK2: Tensor,
    score_NPTK: Tensor,
    size: tuple[int, int],
    *,
    sigma: float = 0.6,
    with_kp: bool = True,
    limbs: Sequence[tuple[int, int]] = (),
    memory: HeatmapMemory | None = None,
) -> Tensor:
    """Draw joints and limbs of every frame; of several persons the larger value.

    A joint at (u, v) with score s is ``s exp(-((x - u)^2 + (y - v)^2) / (2 sigma^2))``
    at the pixels x in [trunc(u - 3 sigma), trunc(u + 3 sigma)], y likewise; the
    centres of pixels are whole numbers. A limb takes the distance to the line between
    its ends, the window around both, and the lower score of the two. If its ends are
    less than a pixel apart, it is its first joint.

    Args:
        keypoint_NPTK2: (N, P, T, K, 2) x and y of the joints in pixels of the map.
        score_NPTK: (N, P, T, K), about 0 to 1. Joints below 1e-4, or with a number
            that is not finite, are not drawn.
        size: (H, W) of the map in pixels.
        sigma: width of the Gaussian in pixels, > 0.
        with_kp: draw the joints, as the first K channels.
        limbs: the two joints of each limb, drawn as the last L channels.
        memory: to draw into; None takes new memory.

    Returns:
        (N, C, T, H, W) float32, a view of (N, T, H, W, C) memory: frames in
        channels_last.

    Raises:
        ValueError: the shapes do not go together, sigma is not positive, a limb is not
            of these joints, or there is nothing to draw.

    Source:
        Duan et al., Revisiting Skeleton-based Action Recognition, CVPR 2022,
        arXiv:2104.13586, 3.2, with the windows of ``GeneratePoseTarget`` in mmaction2
        1.2.

    Example:
        >>> joint = torch.tensor([1.0, 0.0]).view(1, 1, 1, 1, 2)
        >>> maps = skeleton_heatmaps(joint, torch.ones(1, 1, 1, 1), (1, 3), sigma=0.5)
        >>> [f'{level:.4f}' for level in maps.flatten().tolist()]
        ['0.1353', '1.0000', '0.1353']
    """
    _check(keypoint_NPTK2, score_NPTK, size, sigma)
    N, P, T, K = score_NPTK.shape
    _check_channels(K, limbs, with_kp=with_kp)
    memory = HeatmapMemory() if memory is None else memory
    num_joint_maps = K if with_kp else 0
    shape = (N, T, *size, num_joint_maps + len(limbs))
    map_NTHWC = memory.blank(shape, keypoint_NPTK2.device)
    pixel_NTC = _first_pixels(shape, map_NTHWC.device)
    keypoint_NPTK2, score_NPTK = _drawable(keypoint_NPTK2, score_NPTK)
    canvas = {'size': size, 'num_channels': shape[-1], 'sigma': sigma}
    ends = host_to_device(torch.tensor(limbs).long(), map_NTHWC.device)
    # person by person: one has each joint and limb once, so its patches never overlap
    for person in range(P):
        keypoint_NTK2, score_NTK = keypoint_NPTK2[:, person], score_NPTK[:, person]
        if with_kp:
            chosen = _chosen(score_NTK)
            point_J2 = keypoint_NTK2.reshape(-1, 2)[chosen]
            pixel_J = pixel_NTC[..., :K].flatten()[chosen]
            score_J = score_NTK.flatten()[chosen]
            patch = point_patch(point_J2, score_J, pixel_J, **canvas)
            memory.draw([patch], is_blank=person == 0)
        if limbs:
            end_J22 = keypoint_NTK2[..., ends, :].reshape(-1, 2, 2)
            score_J2 = score_NTK[..., ends].reshape(-1, 2)
            pixel_J = pixel_NTC[..., num_joint_maps:].flatten()
            patches = limb_patches(end_J22, score_J2, pixel_J, **canvas)
            memory.draw(patches, is_blank=person == 0)
    return map_NTHWC.permute(0, 4, 1, 2, 3)


def _zeros(shape: tuple[int, ...], device: torch.device) -> Tensor:
    if device.type != 'cpu':
        return torch.zeros(shape, device=device)
    # numpy asks the system for pages of 2 MB where it can: 82 MB of new memory, first
    # written, then read, take 10 ms instead of 42 on one core of an EPYC
    return torch.from_numpy(np.zeros(shape, np.float32))


def _drawable(keypoint_NPTK2: Tensor, score_NPTK: Tensor) -> tuple[Tensor, Tensor]:
    """Give joints that are not to be drawn the score 0 and finite places."""
    is_finite_NPTK2 = keypoint_NPTK2.isfinite()
    is_drawn_NPTK = is_finite_NPTK2.all(-1) & score_NPTK.isfinite()
    is_drawn_NPTK &= score_NPTK >= MIN_SCORE
    score_NPTK = score_NPTK.float().where(is_drawn_NPTK, 0.0)
    return keypoint_NPTK2.float().where(is_finite_NPTK2, 0.0), score_NPTK


def _chosen(score_NTK: Tensor) -> Tensor | slice:
    """Which joints to compute: on a GPU all, as the host does not know the number."""
    if score_NTK.is_cuda:
        return slice(None)
    return score_NTK.flatten().nonzero().flatten()


def _first_pixels(shape: tuple[int, ...], device: torch.device) -> Tensor:
    """Flat index of the first pixel of each map in the memory, (N, T, C)."""
    N, T, H, W, C = shape
    frame_NT = torch.arange(N * T, device=device).view(N, T) * (H * W * C)
    return frame_NT[..., None] + torch.arange(C, device=device)


def _check(
    keypoint_NPTK2: Tensor, score_NPTK: Tensor, size: tuple[int, int], sigma: float
) -> None:
    if score_NPTK.ndim != 4 or keypoint_NPTK2.shape != (*score_NPTK.shape, 2):
        raise ValueError(
            'keypoints must have shape (N, P, T, K, 2) and scores (N, P, T, K), got '
            f'{tuple(keypoint_NPTK2.shape)} and {tuple(score_NPTK.shape)}'
        )
    if len(size) != 2 or min(size) < 1:
        raise ValueError(f'size must be (H, W) in pixels, both >= 1, got {size}')
    if not sigma > 0:
        raise ValueError(f'sigma must be > 0, got {sigma}')


def _check_channels(
    num_joints: int, limbs: Sequence[tuple[int, int]], *, with_kp: bool
) -> None:
    if not with_kp and not limbs:
        raise ValueError('there is nothing to draw: with_kp is False, limbs is empty')
    for limb in limbs:
        if len(limb) != 2 or not set(limb) <= set(range(num_joints)):
            raise ValueError(
                f'limbs must be two joints of {num_joints} each, counted from 0, got '
                f'{limb}'
            )
