"""A split kept whole in memory, or on the device that trains.

Shapes: N pictures of the split, B in a batch, H x W pixels, X words of a picture.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import torch
from mmengine.device import get_device
from mmengine.logging import print_log
from torch.utils.data import get_worker_info

from ocec.datasets.image_file import ImageFile
from ocec.structures import BatchTargets

PLACES = ('memory', 'device')
# the rest is for the network, and for other splits
MAX_SHARE_OF_FREE = 0.5
# pictures that are read at once: what is read lies in memory twice
_CHUNK = 4096
# widest first
_WORDS = (torch.int64, torch.int32, torch.int16, torch.uint8)
_MEMINFO = Path('/proc/meminfo')
# what a container may take, of control groups 2 and 1
_LIMIT_FILES = (
    Path('/sys/fs/cgroup/memory.max'),
    Path('/sys/fs/cgroup/memory/memory.limit_in_bytes'),
)


class DeviceBatch(dict):
    """A batch that lies on the device: ``DataLoader(pin_memory=True)`` leaves it."""

    def pin_memory(self) -> DeviceBatch:
        """Return itself: only tensors of the host can be pinned."""
        return self


class ResidentSplit:
    """Pictures and targets of a split, gathered without reading a file.

    Args:
        path: file with the decoded pictures of all splits.
        targets: of the split; ``sample_id_B`` says which pictures are its own.
        place: ``memory``, or ``device``: that of the training, as mmengine chooses it.

    Raises:
        ValueError: the pictures take more than half of what is free there.
    """

    def __init__(self, path: Path, targets: BatchTargets, place: str) -> None:
        # opened for this only: the pages that are touched are free again after it
        images = ImageFile(path)
        self.device = torch.device(get_device() if place == 'device' else 'cpu')
        row_N = targets.sample_id_B.numpy()
        self.shape_HWC = images.shape[1:]
        shape_NHWC = (len(row_N), *self.shape_HWC)
        _check_fits(shape_NHWC, self.device, place)
        images_NHWC = torch.empty(shape_NHWC, dtype=torch.uint8, device=self.device)
        for start in range(0, len(row_N), _CHUNK):
            pixels = torch.from_numpy(images[row_N[start : start + _CHUNK]])
            images_NHWC[start : start + _CHUNK] = pixels
        # kernels gather word by word: on a CPU 1.2 million pictures of 32x64 a second
        # in place of 0.9
        picture_bytes = math.prod(self.shape_HWC)
        word = next(word for word in _WORDS if picture_bytes % word.itemsize == 0)
        self.words_NX = images_NHWC.view(len(row_N), -1).view(word)
        self.targets = targets.to(self.device)
        megabytes = images_NHWC.nbytes / 1e6
        print_log(
            f'resident={place!r}: {len(row_N):,} pictures, {megabytes:,.1f} MB, kept '
            f'on {self.device}',
            logger='current',
        )

    def batch(self, index_B: np.ndarray) -> dict:
        """Gather a batch where the pictures lie.

        Args:
            index_B: (B,) int64 in [0, N).

        Returns:
            ``inputs``: (B, 3, H, W) uint8 RGB in channels-last memory;
            ``data_samples``: :class:`ocec.structures.BatchTargets`. New memory, all
            on one device.

        Raises:
            ValueError: a worker process asks, whose tensors cannot be handed over.
        """
        if self.device.type == 'cpu':
            return self._gather(torch.from_numpy(index_B))
        if (worker := get_worker_info()) is not None:
            raise ValueError(
                f"resident='device': the pictures lie on {self.device} and cannot be "
                f'handed over by worker processes, of which there are '
                f'{worker.num_workers}; set train_dataloader.num_workers=0 (or '
                'val_dataloader, test_dataloader) and persistent_workers=False'
            )
        wanted_B = torch.from_numpy(index_B)
        if self.device.type == 'cuda':
            # from pageable memory the copy would wait for all kernels before it
            wanted_B = wanted_B.pin_memory()
        return DeviceBatch(self._gather(wanted_B.to(self.device, non_blocking=True)))

    def _gather(self, index_B: torch.Tensor) -> dict:
        words_BX = self.words_NX.index_select(0, index_B)
        images_BHWC = words_BX.view(torch.uint8).view(-1, *self.shape_HWC)
        targets = BatchTargets(
            label_B=self.targets.label_B.index_select(0, index_B),
            sample_id_B=self.targets.sample_id_B.index_select(0, index_B),
            group_id_B=self.targets.group_id_B.index_select(0, index_B),
        )
        return {'inputs': images_BHWC.permute(0, 3, 1, 2), 'data_samples': targets}


def free_bytes(device: torch.device) -> int:
    """Return how much memory can still be taken.

    Args:
        device: one of CUDA has memory of its own; others share that of the host.

    Returns:
        Bytes; on the host what the system says is available, or all that its
        container may take where that is less.
    """
    if device.type == 'cuda':
        return torch.cuda.mem_get_info(device)[0]
    limits = [
        int(text)
        for path in _LIMIT_FILES
        if path.exists() and (text := path.read_text().strip()).isdecimal()
    ]
    return min([_available_bytes(), *limits])


def _available_bytes() -> int:
    if _MEMINFO.exists():
        for line in _MEMINFO.read_text().splitlines():
            if line.startswith('MemAvailable:'):
                return int(line.split()[1]) * 1024
    # not Linux: all memory there is
    return os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE')


def _check_fits(shape_NHWC: tuple, device: torch.device, place: str) -> None:
    num, height, width, channels = shape_NHWC
    needed, free = num * height * width * channels, free_bytes(device)
    if needed > MAX_SHARE_OF_FREE * free:
        where = 'in memory' if place == 'memory' else f'on {device}'
        raise ValueError(
            f'resident={place!r}: {num:,} pictures of {height}x{width} take '
            f'{needed / 1e9:.2f} GB, more than {MAX_SHARE_OF_FREE:.0%} of the '
            f'{free / 1e9:.2f} GB that are free {where}; leave resident out, then '
            'they are read from the decoded cache'
        )
